//! For those who reach only what is theirs: whose is it, and is it within the limits?

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use http::{Method, header};
use wharfinger_auth::{Circle, Granted, Reach};

use super::{Engine, Permitted};
use crate::{
    call::{Carries, Document, Kind},
    error::Refusal,
    json::Json,
    limits, owner,
    query::Query,
    upstream::Until,
};

/// What a caller reaches who does not reach everything.
pub(super) struct Own {
    pub(super) circle: Circle,
    /// The machines, too.
    pub(super) nodes: bool,
    /// What the call is about, as the engine describes it.
    pub(super) found: Option<Json>,
    /// The team-mate whose it is.
    pub(super) mate: Option<String>,
}

/// How often an open stream of a team-mate's asks whether it may go on.
const WATCHED: Duration = Duration::from_secs(1);

impl Engine {
    pub(super) async fn own(&self, granted: &Granted) -> Result<Option<Own>, Refusal> {
        let Reach::Own { nodes } = granted.reach() else { return Ok(None) };
        let circle = self.accounts.circle(granted.principal()).await?;
        Ok(Some(Own { circle, nodes, found: None, mate: None }))
    }

    /// Ends when what the caller has open is not a team-mate's any more.
    pub(super) fn no_mates(&self, permitted: &Permitted) -> Until {
        let Some(mate) = permitted.own.as_ref().and_then(|own| own.mate.clone()) else {
            return Box::pin(std::future::pending());
        };
        let (accounts, principal) = (Arc::clone(&self.accounts), permitted.granted.principal().clone());
        Box::pin(async move {
            while accounts.circle(&principal).await.is_ok_and(|circle| circle.owns(Some(&mate))) {
                tokio::time::sleep(WATCHED).await;
            }
        })
    }

    /// Looks up what the call names and has it name that by its id, so that another thing that gets the name meanwhile is not
    /// meant. `within`: what is there, too, has to be within the limits. A network that everybody may see is answered here.
    pub(super) async fn only_own(
        &self,
        permitted: &mut Permitted,
        kind: Kind,
        within: bool,
    ) -> Result<Option<Response>, Refusal> {
        let name = match permitted.call.carries {
            Carries::Document(Document::Commit) => committed(permitted.parts.uri.query()),
            _ => permitted.call.name.clone().unwrap_or_default(),
        };
        let Some(own) = &mut permitted.own else { return Ok(None) };
        let caller = permitted.granted.principal().account.id.as_str();
        let not_theirs = || Refusal::NotTheirs { kind: kind.word(), name: name.chars().take(200).collect() };
        let found = self.upstream.find(kind, &name).await?.ok_or_else(not_theirs)?;
        if kind == Kind::Exec {
            let container = found.get("ContainerID").and_then(Json::text).unwrap_or_default();
            let container = self.upstream.find(Kind::Container, container).await?.ok_or_else(not_theirs)?;
            let owner = owner::of(Kind::Container, &container);
            if !own.circle.owns(owner) {
                return Err(not_theirs());
            }
            own.mate = owner.filter(|owner| *owner != caller).map(ToOwned::to_owned);
            if within {
                self.within_limits(&container).await?;
                let process = found.get("ProcessConfig").unwrap_or(&Json::Null);
                limits::exec_as_it_is(process)?;
            }
        } else if !own.circle.owns(owner::of(kind, &found)) {
            let shown = found.get("Name").and_then(Json::text).unwrap_or_default();
            match permitted.call.method {
                Method::GET if kind == Kind::Network && is_shown(shown) => return Ok(Some(described(found))),
                Method::POST if kind == Kind::Network && limits::is_predefined(shown) => {}
                _ => return Err(not_theirs()),
            }
        } else if within && kind == Kind::Container {
            self.within_limits(&found).await?;
        }
        if let Some(owner) = owner::of(kind, &found).filter(|owner| *owner != caller) {
            own.mate = Some(owner.to_owned());
        }
        // Volumes have a name and no id.
        let id = found.get("Id").or_else(|| found.get("ID")).and_then(Json::text);
        let id = if kind == Kind::Volume { Some(name.as_str()) } else { id };
        let id = id.filter(|id| !id.is_empty()).ok_or_else(not_theirs)?;
        permitted.call.rename(id);
        own.found = Some(found);
        // Nothing else of theirs has a body; what could be read as a form is not sent.
        if permitted.call.carries == Carries::Nothing && permitted.call.method != Method::PUT {
            permitted.body = Body::empty();
            permitted.parts.headers.remove(header::CONTENT_TYPE);
        }
        Ok(None)
    }

    /// A container that exists, and what is mounted in it.
    async fn within_limits(&self, container: &Json) -> Result<(), Refusal> {
        for volume in limits::as_it_is(container)? {
            // A volume that has gone reaches nothing.
            if let Some(volume) = self.upstream.find(Kind::Volume, &volume).await? {
                limits::volume_as_it_is(&volume)?;
            }
        }
        Ok(())
    }

    /// Looks up everything a request names beside its images: it has to be theirs. Answers the id of each. A volume that is not
    /// there yet is made now, so that it is theirs as well and nobody else's.
    pub(super) async fn own_references(&self, own: &Own, owner: &str, named: &[(Kind, String)]) -> Result<Vec<String>, Refusal> {
        let mut ids = Vec::new();
        for (kind, name) in named {
            let others = || Refusal::NamesOthers { kind: kind.word(), name: name.chars().take(200).collect() };
            let found = match (self.upstream.find(*kind, name).await?, kind) {
                (Some(found), _) => found,
                (None, Kind::Volume) => self.upstream.make_volume(name, owner).await?,
                (None, _) => return Err(others()),
            };
            if !own.circle.owns(owner::of(*kind, &found)) {
                return Err(others());
            }
            match kind {
                Kind::Volume => limits::volume_as_it_is(&found)?,
                Kind::Container => self.within_limits(&found).await?,
                _ => {}
            }
            let id = found.get("Id").or_else(|| found.get("ID")).and_then(Json::text);
            ids.push(id.unwrap_or(name).to_owned());
        }
        Ok(ids)
    }
}

fn committed(query: Option<&str>) -> String {
    let known = ["container", "repo", "tag", "comment", "author", "pause"];
    let query = Query::parse(query, &known, &["changes"]).unwrap_or_default();
    query.get("container").unwrap_or_default().to_owned()
}

/// The networks an engine and its swarm have by themselves.
pub(super) fn is_shown(network: &str) -> bool {
    matches!(network, "bridge" | "host" | "none" | "ingress" | "docker_gwbridge")
}

/// A network that is everybody's, without those who are on it.
pub(super) fn without_members(network: &mut Json) {
    for members in ["Containers", "Services", "Peers"] {
        if network.get(members).is_some() {
            network.set(members, Json::Object(Vec::new()));
        }
    }
}

fn described(mut network: Json) -> Response {
    without_members(&mut network);
    ([(header::CONTENT_TYPE, "application/json")], network.to_string()).into_response()
}
