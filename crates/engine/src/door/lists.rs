//! Lists, for those who reach only what is theirs: the engine's answer without the rest.

use axum::{body::Body, response::Response};
use http::header;
use http_body_util::{BodyExt as _, Limited};

use super::{Engine, Permitted, answer, own};
use crate::{
    call::Kind,
    cleared::Cleared,
    error::Refusal,
    headers::towards_caller,
    json::{Json, read},
    owner,
    upstream::{EngineDown, clamp},
};

/// The longest list that is read: some ten thousand containers.
const LONGEST: usize = 64 * 1024 * 1024;

impl Engine {
    pub(super) async fn filtered(&self, permitted: Permitted, kind: Kind) -> Result<Response, Refusal> {
        let Permitted { call, version, granted, peer, mut parts, own, .. } = permitted;
        let own = own.ok_or(Refusal::NoPeer)?;
        let (query, newest) = match kind {
            Kind::Container => newest_of_all(parts.uri.query()),
            _ => (parts.uri.query().map(ToOwned::to_owned), None),
        };
        parts.headers.remove(header::ACCEPT_ENCODING);
        let cleared = Cleared::untouched(&granted, &call, version, query.as_deref(), parts.headers, Body::empty())?;
        let said = self.upstream.send(cleared).await?;
        if !said.status().is_success() {
            return Ok(answer::stream(said, &peer));
        }
        let (mut head, body) = said.into_parts();
        let body = Limited::new(body, LONGEST).collect().await.map_err(EngineDown::Broken)?.to_bytes();
        let mut list = read(&body).map_err(|_| EngineDown::Unreadable)?;
        let rows = match kind {
            Kind::Volume => list.get_mut("Volumes"),
            _ => Some(&mut list),
        };
        if let Some(Json::List(rows)) = rows {
            rows.retain_mut(|row| match kind {
                Kind::Node => {
                    *row = hardly_shown(row);
                    true
                }
                Kind::Network if own::is_shown(row.get("Name").and_then(Json::text).unwrap_or_default()) => {
                    own::without_members(row);
                    true
                }
                _ => own.circle.owns(owner::of(kind, row)),
            });
            rows.truncate(newest.unwrap_or(usize::MAX));
        } else if !list.is_null() && kind != Kind::Volume {
            return Err(EngineDown::Unreadable.into());
        }
        head.headers = towards_caller(head.headers);
        head.headers.remove(header::CONTENT_LENGTH);
        clamp(&mut head.headers);
        Ok(Response::from_parts(head, Body::from(list.to_string())))
    }
}

/// `docker ps -n 3` means three of one's own: so all are asked for, and counted here.
fn newest_of_all(query: Option<&str>) -> (Option<String>, Option<usize>) {
    let pairs: Vec<&str> = query.unwrap_or_default().split('&').collect();
    let newest = pairs.iter().find_map(|pair| pair.strip_prefix("limit=")?.parse::<usize>().ok()).filter(|newest| *newest > 0);
    if newest.is_none() {
        return (query.map(ToOwned::to_owned), None);
    }
    let others = pairs.into_iter().filter(|pair| !pair.starts_with("limit=") && !pair.starts_with("all="));
    (Some(others.chain(["all=1"]).collect::<Vec<_>>().join("&")), newest)
}

/// The stock client waits for a service by the machines that are up. More of them is for those who place workloads.
fn hardly_shown(node: &Json) -> Json {
    let part = |of: Option<&Json>, keys: &[&str]| {
        let kept = keys.iter().filter_map(|key| Some(((*key).to_owned(), of?.get(key)?.clone())));
        Json::Object(kept.collect())
    };
    let mut shown = part(Some(node), &["ID"]);
    shown.set("Spec", part(node.get("Spec"), &["Availability"]));
    shown.set("Status", part(node.get("Status"), &["State"]));
    shown
}
