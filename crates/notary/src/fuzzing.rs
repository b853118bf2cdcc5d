//! Doors for whoever throws bytes at this room's readers. Only with the feature `fuzzing`, which the product is built without.

use axum::body::Body;
use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderValue, Method, header};

use crate::{Limits, feed::Query, routes::route, upload};

/// The body of a publish: how many roles it brings.
pub fn upload(content_type: &str, body: &[u8]) -> Option<usize> {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_str(content_type).ok()?);
    // All of the body is there at once.
    let read = upload::read(&headers, Body::from(body.to_vec()), Limits::default()).now_or_never();
    read.expect("nothing is waited for").ok().map(|files| files.len())
}

/// A path, by every method.
pub fn path(text: &str) {
    for method in [Method::GET, Method::POST, Method::DELETE] {
        let _ = format!("{:?}", route(&method, text));
    }
}

/// The query of a changefeed.
pub fn feed(query: &str) {
    let _ = Query::parse(query);
}
