//! What comes after a pull: the tag that was asked for.
//!
//! The engine was told to pull a digest, so it has the image without a tag. Its progress streams on; at its end, if no
//! error was among it, the tag is set, and then the answer ends.

use std::sync::Arc;

use axum::{body::Body, response::Response};
use bytes::Bytes;
use futures_util::stream;
use http::header;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use super::{Engine, answer};
use crate::image::TagAfterwards;

/// A line of progress longer than this is not looked into, and counts as an error.
const LONGEST_LINE: usize = 256 * 1024;

struct Pulling {
    engine: Arc<Engine>,
    body: Body,
    tag: TagAfterwards,
    progress: Progress,
    ended: bool,
}

/// Looks for an error in a stream of JSON lines.
#[derive(Default)]
struct Progress {
    line: Vec<u8>,
    failed: bool,
}

pub(super) fn tag_at_end(engine: Arc<Engine>, answer: http::Response<Incoming>, tag: TagAfterwards) -> Response {
    let (mut parts, body) = answer::whole(answer).into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    let pulling = Pulling { engine, body, tag, progress: Progress::default(), ended: false };
    Response::from_parts(parts, Body::from_stream(stream::unfold(pulling, Pulling::next)))
}

impl Pulling {
    async fn next(mut self) -> Option<(Result<Bytes, axum::Error>, Self)> {
        if self.ended {
            return None;
        }
        loop {
            match self.body.frame().await {
                Some(Ok(frame)) => {
                    let Ok(data) = frame.into_data() else { continue };
                    self.progress.read(&data);
                    return Some((Ok(data), self));
                }
                Some(Err(error)) => {
                    self.ended = true;
                    return Some((Err(error), self));
                }
                None => break,
            }
        }
        self.ended = true;
        if self.progress.failed() {
            return None;
        }
        let line = set_tag(&self.engine, &self.tag).await;
        Some((Ok(Bytes::from(format!("{line}\r\n"))), self))
    }
}

async fn set_tag(engine: &Engine, wanted: &TagAfterwards) -> serde_json::Value {
    let TagAfterwards { source, repository, tag } = wanted;
    match engine.upstream.tag(wanted).await {
        Ok(()) => serde_json::json!({ "status": format!("Tagging {source} as {repository}:{tag}") }),
        Err(error) => {
            tracing::warn!(%error, source, "a pulled image could not be tagged");
            let message = format!("{source} was pulled, but could not be tagged {repository}:{tag}: {error}");
            serde_json::json!({ "errorDetail": { "message": message }, "error": message })
        }
    }
}

impl Progress {
    fn read(&mut self, data: &[u8]) {
        let mut lines = data.split(|byte| *byte == b'\n').peekable();
        while let Some(part) = lines.next() {
            if self.line.len() + part.len() > LONGEST_LINE {
                self.failed = true;
                return;
            }
            self.line.extend_from_slice(part);
            if lines.peek().is_some() {
                self.look();
            }
        }
    }

    fn look(&mut self) {
        let line = std::mem::take(&mut self.line);
        if line.iter().all(u8::is_ascii_whitespace) {
            return;
        }
        let said: Option<serde_json::Map<String, serde_json::Value>> = serde_json::from_slice(&line).ok();
        // What cannot be read is not a success.
        self.failed |= said.is_none_or(|said| said.contains_key("error") || said.contains_key("errorDetail"));
    }

    fn failed(&mut self) -> bool {
        self.look();
        self.failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(pieces: &[&str]) -> bool {
        let mut progress = Progress::default();
        for piece in pieces {
            progress.read(piece.as_bytes());
        }
        progress.failed()
    }

    #[test]
    fn an_error_is_found_wherever_the_stream_is_cut() {
        assert!(!failed(&["{\"status\":\"Pulling\"}\r\n", "{\"status\":\"Done\"}\r\n"]));
        assert!(!failed(&["{\"sta", "tus\":\"Pulling\"}\r", "\n{\"status\":\"error\"}"]));
        assert!(failed(&["{\"status\":\"Pulling\"}\r\n{\"errorDetail\":{\"message\":\"x\"},\"err", "or\":\"x\"}\r\n"]));
        assert!(failed(&["{\"error\":\"x\"}"]));
        assert!(failed(&["{\"status\":"]));
        assert!(failed(&["not json\n"]));
    }
}
