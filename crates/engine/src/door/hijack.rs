//! Calls that become a stream: attach, exec, the sessions of builds.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio_util::io::ReaderStream;
use wharfinger_gate::Decide;

use super::{Engine, Permitted, answer, whole_body};
use crate::{
    cleared::Cleared,
    error::Refusal,
    headers::{towards_caller, wanted_upgrade},
    upstream::{EngineDown, Tunnel, Until, clamp},
};

/// How often an open stream of builds asks whether it may go on.
const WATCHED: Duration = Duration::from_secs(1);
/// Output of a container comes in pieces; few large ones cost less.
const PIECE: usize = 64 * 1024;

impl Engine {
    pub(super) async fn hijack(&self, permitted: Permitted, stop: Until) -> Result<Response, Refusal> {
        let Permitted { call, version, granted, peer, mut parts, body, .. } = permitted;
        let wanted = wanted_upgrade(&parts.headers);
        let caller = parts.extensions.remove::<hyper::upgrade::OnUpgrade>().filter(|_| wanted.is_some());
        let protocol = wanted.unwrap_or_else(|| HeaderValue::from_static("tcp"));
        // `exec/start` has a short body, the others none.
        let body = Body::from(whole_body(body).await?);
        let cleared = Cleared::untouched(&granted, &call, version, parts.uri.query(), parts.headers, body)?;
        let mut answer = self.upstream.send_hijack(cleared, protocol).await?;
        if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Ok(answer::stream(answer, &peer));
        }
        let engine = hyper::upgrade::on(&mut answer);
        if let Some(caller) = caller {
            let response = switching(answer.headers());
            Tunnel { caller, engine, peer, until: stop }.open();
            return Ok(response);
        }
        // A caller that did not ask for an upgrade, or came by HTTP/2, gets the output as a body and has no input.
        let engine = engine.await.map_err(|error| EngineDown::Broken(error.into()))?;
        let (ending, cancelled) = (peer.live().ending().clone(), peer.cancelled().clone());
        let output = ReaderStream::with_capacity(TokioIo::new(engine), PIECE);
        let until = async move {
            tokio::select! {
                () = ending.cancelled() => {}
                () = cancelled.cancelled() => {}
                () = stop => {}
            }
        };
        let body = Body::from_stream(futures_util::StreamExt::take_until(output, Box::pin(until)));
        let mut headers = towards_caller(answer.headers().clone());
        clamp(&mut headers);
        Ok((StatusCode::OK, headers, body).into_response())
    }
}

/// Any number of builds can begin in a stream that was opened for them: it ends when they would be refused.
pub(super) async fn builds_end(gate: Arc<dyn Decide>) {
    loop {
        tokio::time::sleep(WATCHED).await;
        let enforcing = gate.enforcing().await.unwrap_or(true);
        if enforcing && !gate.builds_allowed().await.unwrap_or(false) {
            return;
        }
    }
}

/// The engine's own words, but for those of its connection.
fn switching(said: &HeaderMap) -> Response {
    let mut headers = towards_caller(said.clone());
    headers.remove(header::CONTENT_LENGTH);
    clamp(&mut headers);
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    if let Some(protocol) = said.get(header::UPGRADE) {
        headers.insert(header::UPGRADE, protocol.clone());
    }
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}
