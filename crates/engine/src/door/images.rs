//! Calls that name images: read, decide, write anew, forward.

use axum::{body::Body, response::Response};
use http::HeaderValue;
use wharfinger_gate::Purpose;

use super::{Engine, Permitted, answer, pulled, whole_body};
use crate::{
    call::ImageCall,
    cleared::Cleared,
    error::Refusal,
    image::{ContainerCreate, Decided, Distribution, Pinned, Pull, Service, TagAfterwards},
    registry_auth::{RegistryAuth, X_REGISTRY_AUTH},
};
use std::sync::Arc;

/// A call read, decided and written anew.
struct Ready {
    pinned: Pinned,
    decided: Decided,
    afterwards: Option<TagAfterwards>,
}

impl Engine {
    pub(super) async fn image_call(self: Arc<Self>, kind: ImageCall, mut permitted: Permitted) -> Result<Response, Refusal> {
        let auth = RegistryAuth::read(&permitted.parts.headers);
        let body = std::mem::take(&mut permitted.body);
        let ready = self.ready(kind, &mut permitted, body, &auth).await?;
        self.still_stands(&ready.decided).await?;
        let Permitted { call, version, granted, peer, parts, .. } = permitted;
        let cleared = Cleared::pinned(&granted, &call, version, parts.headers, ready.pinned)?;
        let answer = self.upstream.send(cleared).await?;
        match ready.afterwards {
            Some(tag) if answer.status().is_success() => Ok(pulled::tag_at_end(self, answer, tag)),
            _ => Ok(answer::stream(answer, &peer)),
        }
    }

    async fn ready(&self, kind: ImageCall, permitted: &mut Permitted, body: Body, auth: &RegistryAuth) -> Result<Ready, Refusal> {
        let Permitted { call, granted, parts, .. } = permitted;
        let (query, name) = (parts.uri.query(), call.name.as_deref().unwrap_or_default());
        let mut afterwards = None;
        let (pinned, decided, images) = match kind {
            ImageCall::ContainerCreate => {
                let mut create = ContainerCreate::parse(query, &whole_body(body).await?)?;
                let decided = self.decide(granted, &create.images(), Purpose::Create, auth).await?;
                (create.pin(&decided)?, decided, Vec::new())
            }
            ImageCall::Distribution => {
                let distribution = Distribution::parse(query, name)?;
                let images = distribution.images();
                let decided = self.decide(granted, &images, Purpose::Inspect, auth).await?;
                (distribution.pin(&decided)?, decided, images)
            }
            ImageCall::Pull => {
                let pull = Pull::parse(query)?;
                pull.check(self.gate.enforcing().await?)?;
                let images = pull.images();
                let decided = self.decide(granted, &images, Purpose::Pull, auth).await?;
                let (pinned, tag) = pull.pin(&decided, body)?;
                afterwards = tag;
                (pinned, decided, images)
            }
            ImageCall::ServiceCreate => {
                let mut service = Service::create(query, &whole_body(body).await?)?;
                let images = service.images();
                let decided = self.decide(granted, &images, Purpose::Service, auth).await?;
                (service.pin(&decided)?, decided, images)
            }
            ImageCall::ServiceUpdate => {
                let mut service = Service::update(query, name, &whole_body(body).await?)?;
                if let Some(now) = self.upstream.service(name).await? {
                    service.running(now);
                }
                let images = service.images();
                let decided = self.decide(granted, &images, Purpose::Service, auth).await?;
                (service.pin(&decided)?, decided, images)
            }
        };
        if auth.is_empty() {
            parts.headers.remove(X_REGISTRY_AUTH);
            if let Some(image) = images.first()
                && let Some(lent) = self.lent_auth(granted, image).await
                && let Ok(value) = HeaderValue::try_from(lent)
            {
                parts.headers.insert(X_REGISTRY_AUTH, value);
            }
        }
        Ok(Ready { pinned, decided, afterwards })
    }
}
