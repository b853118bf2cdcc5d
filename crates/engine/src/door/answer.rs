//! The engine's answers on their way to the caller.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::{body::Body, response::Response};
use bytes::Bytes;
use http::header;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Frame, Incoming, SizeHint};
use wharfinger_transport::Peer;

use crate::{
    call::ApiVersion,
    headers::towards_caller,
    upstream::{EngineDown, Until, clamp},
};

/// The longest description of versions that is read.
const LONGEST_VERSION: usize = 1024 * 1024;

/// An answer whose body streams; if it has no end of its own (`logs -f`, `events`), it ends with the process.
pub(super) fn stream(answer: http::Response<Incoming>, peer: &Peer) -> Response {
    stream_until(answer, peer, Box::pin(std::future::pending()))
}

/// As [`stream`], and no longer than `until`.
pub(super) fn stream_until(answer: http::Response<Incoming>, peer: &Peer, until: Until) -> Response {
    let (mut parts, body) = answer.into_parts();
    parts.headers = towards_caller(parts.headers);
    clamp(&mut parts.headers);
    let ending = peer.live().ending().clone().cancelled_owned();
    let ending = Box::pin(async move {
        tokio::select! {
            () = ending => {}
            () = until => {}
        }
    });
    Response::from_parts(parts, Body::new(UntilEnding { body, ending }))
}

/// A short answer.
pub(super) fn whole(answer: http::Response<Incoming>) -> Response {
    let (mut parts, body) = answer.into_parts();
    parts.headers = towards_caller(parts.headers);
    clamp(&mut parts.headers);
    Response::from_parts(parts, Body::new(body))
}

/// `GET /version`: what it says of the API's version is what this door advertises.
pub(super) async fn clamp_version(answer: http::Response<Incoming>) -> Result<Response, EngineDown> {
    if !answer.status().is_success() {
        return Ok(whole(answer));
    }
    let (mut parts, body) = answer.into_parts();
    let body = Limited::new(body, LONGEST_VERSION).collect().await.map_err(EngineDown::Broken)?.to_bytes();
    let mut said: serde_json::Value = serde_json::from_slice(&body).map_err(|_| EngineDown::Unreadable)?;
    lower(said.get_mut("ApiVersion"));
    for component in said.get_mut("Components").and_then(|list| list.as_array_mut()).into_iter().flatten() {
        if component.get("Name").and_then(|name| name.as_str()) == Some("Engine") {
            lower(component.get_mut("Details").and_then(|details| details.get_mut("ApiVersion")));
        }
    }
    parts.headers = towards_caller(parts.headers);
    parts.headers.remove(header::CONTENT_LENGTH);
    clamp(&mut parts.headers);
    Ok(Response::from_parts(parts, Body::from(said.to_string())))
}

fn lower(place: Option<&mut serde_json::Value>) {
    let Some(place) = place else { return };
    let newer = place.as_str().and_then(|text| text.parse::<ApiVersion>().ok()).is_none_or(|said| said > ApiVersion::NEWEST);
    if newer {
        *place = ApiVersion::NEWEST.to_string().into();
    }
}

struct UntilEnding {
    body: Incoming,
    ending: Until,
}

impl hyper::body::Body for UntilEnding {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.ending.as_mut().poll(context).is_ready() {
            // Not a clean end: half an archive must not look like a whole one.
            return Poll::Ready(Some(Err("the cluster is shutting down, or may not show this any longer".into())));
        }
        Pin::new(&mut self.body).poll_frame(context).map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
