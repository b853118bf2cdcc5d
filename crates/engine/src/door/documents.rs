//! Calls that say whose something is or what it reaches: read, judged, written anew.

use axum::response::Response;

use super::{Engine, Permitted, answer, own::Own, whole_body};
use crate::{
    call::{Document as Kind, Kind as Thing},
    cleared::Cleared,
    document::Document,
    error::Refusal,
    json::Json,
    limits::{self, Beyond},
    owner,
    references::{self, Visit},
};

impl Engine {
    pub(super) async fn document(&self, kind: Kind, permitted: Permitted) -> Result<Response, Refusal> {
        let Permitted { call, version, granted, peer, parts, body, own } = permitted;
        let mut document = Document::parse(kind, parts.uri.query(), &whole_body(body).await?)?;
        let caller = granted.principal().account.id.as_str();
        let name = call.name.as_deref().unwrap_or_default();
        if kind == Kind::ContainerStart && document.query.some("checkpoint-dir").is_some() && self.gate.enforcing().await? {
            return Err(Refusal::Checkpoint);
        }
        if let Some(own) = &own {
            self.limited(kind, &mut document, own, caller).await?;
        }
        if let Some(body) = &mut document.body {
            match kind {
                Kind::VolumeCreate | Kind::NetworkCreate | Kind::SecretCreate | Kind::ConfigCreate => {
                    owner::write(body, Some(caller))?;
                }
                Kind::SecretUpdate => self.keep_owner(Thing::Secret, name, body).await?,
                Kind::ConfigUpdate => self.keep_owner(Thing::Config, name, body).await?,
                _ => {}
            }
        }
        let cleared = Cleared::written(&granted, &call, version, parts.headers, document)?;
        Ok(answer::stream(self.upstream.send(cleared).await?, &peer))
    }

    /// A change leaves the owner as it is, whatever the client sends or leaves out.
    async fn keep_owner(&self, kind: Thing, name: &str, body: &mut Json) -> Result<(), Refusal> {
        let found = self.upstream.find(kind, name).await?;
        Ok(owner::write(body, found.as_ref().and_then(|found| owner::of(kind, found)))?)
    }

    /// What somebody may send who reaches only what is theirs.
    async fn limited(&self, kind: Kind, document: &mut Document, own: &Own, caller: &str) -> Result<(), Refusal> {
        let Document { query, body } = document;
        let nothing = &mut Json::Null;
        let body = body.as_mut().unwrap_or(nothing);
        match kind {
            Kind::VolumeCreate => {
                limits::volume(body)?;
                self.free(Thing::Volume, named(body), own).await?;
            }
            Kind::NetworkCreate => {
                limits::network(body)?;
                self.free(Thing::Network, named(body), own).await?;
                // Two of a name make both unreachable by it.
                body.set("CheckDuplicate", Json::Bool(true));
            }
            Kind::SecretCreate => {
                limits::secret(body)?;
                self.free(Thing::Secret, named(body), own).await?;
            }
            Kind::ConfigCreate => {
                limits::secret(body)?;
                self.free(Thing::Config, named(body), own).await?;
            }
            Kind::SecretUpdate | Kind::ConfigUpdate => limits::secret(body)?,
            Kind::ContainerRename => self.free(Thing::Container, query.get("name").unwrap_or_default(), own).await?,
            Kind::NetworkConnect | Kind::NetworkDisconnect => {
                if let Some(endpoint) = body.get("EndpointConfig") {
                    limits::endpoint(endpoint)?;
                }
                self.own_names(body, own, caller, references::connected).await?;
            }
            Kind::ContainerStart => {
                for key in ["checkpoint", "checkpoint-dir"] {
                    if query.some(key).is_some() {
                        return Err(Beyond::Key(key.to_owned()).into());
                    }
                }
            }
            Kind::ContainerUpdate => limits::resources(body)?,
            Kind::ExecCreate => limits::exec(body)?,
            Kind::Commit => {
                // Names of images are everybody's: whoever gives one decides what others run by it.
                for key in ["repo", "tag"] {
                    if query.some(key).is_some() {
                        return Err(Beyond::Key(key.to_owned()).into());
                    }
                }
                let id = own.found.as_ref().and_then(|found| found.get("Id")?.text()).unwrap_or_default();
                query.set("container", id.to_owned());
            }
        }
        Ok(())
    }

    /// Whether a new name means nothing of somebody else's. What is called like the beginning of another's id would get what is
    /// meant for that one; and a volume that is there already, the engine would answer as if it was new.
    pub(super) async fn free(&self, kind: Thing, name: &str, own: &Own) -> Result<(), Refusal> {
        match self.upstream.find(kind, name.trim_start_matches('/')).await? {
            Some(found) if !own.circle.owns(owner::of(kind, &found)) => {
                Err(Refusal::Taken { kind: kind.word(), name: name.chars().take(200).collect() })
            }
            _ => Ok(()),
        }
    }

    /// Has every name in a request be of something of theirs, and puts its id in the place.
    pub(super) async fn own_names(
        &self,
        body: &mut Json,
        own: &Own,
        caller: &str,
        each: fn(&mut Json, Visit<'_>),
    ) -> Result<(), Refusal> {
        let mut named = Vec::new();
        each(body, &mut |kind, name| {
            named.push((kind, name.to_owned()));
            None
        });
        let ids = self.own_references(own, caller, &named).await?;
        let mut ids = ids.into_iter();
        each(body, &mut |_, _| ids.next());
        Ok(())
    }
}

/// The name something is to have.
pub(super) fn named(body: &Json) -> &str {
    body.get("Name").and_then(Json::text).unwrap_or_default()
}
