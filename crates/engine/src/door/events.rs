//! What happens at the engine, for those who reach only what is theirs: the events of their containers, as they come.

use std::sync::Arc;

use axum::{body::Body, response::Response};
use bytes::Bytes;
use futures_util::stream;
use http::header;
use http_body_util::BodyExt as _;
use wharfinger_auth::Principal;

use super::{Authenticate, Engine, Permitted, answer};
use crate::{
    cleared::Cleared,
    error::Refusal,
    json::{Json, read},
    owner,
};

/// An event longer than this ends the stream: its labels are as long as somebody made them.
const LONGEST: usize = 1024 * 1024;

struct Events {
    body: Body,
    /// What came of the event that has not ended yet.
    rest: Vec<u8>,
    accounts: Arc<dyn Authenticate>,
    principal: Principal,
}

impl Engine {
    pub(super) async fn events(&self, permitted: Permitted) -> Result<Response, Refusal> {
        let Permitted { call, version, granted, peer, mut parts, .. } = permitted;
        parts.headers.remove(header::ACCEPT_ENCODING);
        let cleared = Cleared::untouched(&granted, &call, version, parts.uri.query(), parts.headers, Body::empty())?;
        let said = self.upstream.send(cleared).await?;
        if !said.status().is_success() {
            return Ok(answer::stream(said, &peer));
        }
        let (mut head, body) = answer::stream(said, &peer).into_parts();
        head.headers.remove(header::CONTENT_LENGTH);
        let (accounts, principal) = (Arc::clone(&self.accounts), granted.principal().clone());
        let events = Events { body, rest: Vec::new(), accounts, principal };
        Ok(Response::from_parts(head, Body::from_stream(stream::unfold(events, Events::next))))
    }
}

impl Events {
    /// The next piece with something of theirs in it.
    async fn next(mut self) -> Option<(Result<Bytes, axum::Error>, Self)> {
        loop {
            match self.body.frame().await? {
                Ok(frame) => {
                    let Ok(data) = frame.into_data() else { continue };
                    self.rest.extend_from_slice(&data);
                }
                Err(error) => return Some((Err(error), self)),
            }
            let end = self.rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
            let lines: Vec<u8> = self.rest.drain(..end).collect();
            if self.rest.len() > LONGEST {
                return None;
            }
            let theirs = theirs(&*self.accounts, &self.principal, &lines).await;
            if !theirs.is_empty() {
                return Some((Ok(theirs.into()), self));
            }
        }
    }
}

/// Teams may change while the stream is open: each time, it is asked anew who is in them.
async fn theirs(accounts: &dyn Authenticate, principal: &Principal, lines: &[u8]) -> Vec<u8> {
    let Ok(circle) = accounts.circle(principal).await else { return Vec::new() };
    let events = lines.split_inclusive(|byte| *byte == b'\n');
    events.filter(|event| read(event).is_ok_and(|event| circle.owns(owner_of(&event)))).flatten().copied().collect()
}

/// Only containers bring their own labels along: the labels in an image's event are whatever its maker wrote.
fn owner_of(event: &Json) -> Option<&str> {
    let container = event.get("Type").and_then(Json::text) == Some("container");
    event.get("Actor").filter(|_| container)?.get("Attributes")?.get(owner::LABEL)?.text()
}
