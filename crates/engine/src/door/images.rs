//! Calls that name images: read, decide, write anew, forward.

use axum::{body::Body, response::Response};
use http::HeaderValue;
use wharfinger_gate::Purpose;

use super::{Engine, Permitted, answer, documents::named, own::Own, pulled, whole_body};
use crate::{
    call::{ImageCall, Kind},
    cleared::Cleared,
    error::Refusal,
    image::{ContainerCreate, Decided, Distribution, Pinned, Pull, Service, TagAfterwards},
    json::Json,
    limits::{self, Beyond},
    references,
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
        let Permitted { call, granted, parts, own, .. } = permitted;
        let (query, name) = (parts.uri.query(), call.name.as_deref().unwrap_or_default());
        let caller = granted.principal().account.id.as_str();
        let mut afterwards = None;
        let (pinned, decided, images) = match kind {
            ImageCall::ContainerCreate => {
                let mut create = ContainerCreate::parse(query, &whole_body(body).await?)?;
                create.owned_by(caller)?;
                if let Some(own) = own {
                    limits::container(create.body())?;
                    self.free(Kind::Container, create.name(), own).await?;
                }
                let decided = self.decide(granted, &create.images(), Purpose::Create, auth).await?;
                if let Some(own) = own {
                    self.own_names(create.body_mut(), own, caller, references::container).await?;
                }
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
                if own.is_some() && pull.is_import() {
                    // Names of images are everybody's: whoever gives one decides what others run by it.
                    return Err(Beyond::Key("fromSrc".to_owned()).into());
                }
                pull.check(self.gate.enforcing().await?)?;
                let images = pull.images();
                let decided = self.decide(granted, &images, Purpose::Pull, auth).await?;
                let (pinned, tag) = pull.pin(&decided, body)?;
                afterwards = tag;
                (pinned, decided, images)
            }
            ImageCall::ServiceCreate => {
                let mut service = Service::create(query, &whole_body(body).await?)?;
                service.owned_by(Some(caller))?;
                if let Some(own) = own {
                    limits::service(service.body(), own.nodes)?;
                    self.free(Kind::Service, named(service.body()), own).await?;
                }
                let images = service.images();
                let decided = self.decide(granted, &images, Purpose::Service, auth).await?;
                if let Some(own) = own {
                    self.own_service(service.body_mut(), own, caller).await?;
                }
                (service.pin(&decided)?, decided, images)
            }
            ImageCall::ServiceUpdate => {
                let mut service = Service::update(query, name, &whole_body(body).await?)?;
                let now = self.upstream.service(name).await?;
                service.owned_by(now.as_ref().and_then(|now| now.owner.as_deref()))?;
                if let Some(mut now) = now {
                    if let Some(image) = now.by_name_alone() {
                        now.ran = self.before.ran(&now.id, image).await.map_err(Refusal::Record)?;
                    }
                    service.running(now);
                }
                if let Some(own) = own {
                    limits::service(service.body(), own.nodes)?;
                    if let Some(previous) = service.rolls_back_to(own.found.as_ref()) {
                        limits::service(previous, own.nodes)?;
                    }
                }
                let images = service.images();
                let decided = self.decide(granted, &images, Purpose::Service, auth).await.map_err(|refusal| match refusal {
                    Refusal::Denied(denial) if service.keeps_by_name_alone() => Refusal::NotOnRecord(denial),
                    other => other,
                })?;
                if let Some(own) = own {
                    self.own_service(service.body_mut(), own, caller).await?;
                }
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

    /// What a service of somebody's own names. On other machines of the swarm nobody here sees whose a volume is.
    async fn own_service(&self, spec: &mut Json, own: &Own, caller: &str) -> Result<(), Refusal> {
        let mut volume = None;
        references::service(spec, &mut |kind, name| {
            if kind == Kind::Volume {
                volume.get_or_insert(name.to_owned());
            }
            None
        });
        if let Some(volume) = volume
            && self.upstream.nodes().await? > 1
        {
            return Err(Refusal::Elsewhere(volume));
        }
        self.own_names(spec, own, caller, references::service).await
    }
}
