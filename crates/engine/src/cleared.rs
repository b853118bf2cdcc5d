//! What may be sent to the engine.
//!
//! ```compile_fail
//! let request = wharfinger_engine::Cleared(http::Request::new(axum::body::Body::empty()));
//! ```

use axum::body::Body;
use http::{HeaderMap, HeaderValue, Request, header};
use wharfinger_auth::Granted;

use crate::{
    call::{ApiVersion, Call, Carries, encode},
    document::Document,
    headers::towards_engine,
    image::Pinned,
};

/// A request that is cleared for the engine: somebody may make it, and if it names images, they are pinned.
pub(crate) struct Cleared(Request<Body>);

/// A call that can only be cleared with its images pinned, or whose parts make no request.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("this call cannot be forwarded")]
pub struct NotCleared;

impl Cleared {
    /// A call without images, as it came, by its canonical path.
    pub(crate) fn untouched(
        _granted: &Granted,
        call: &Call,
        version: ApiVersion,
        query: Option<&str>,
        headers: HeaderMap,
        body: Body,
    ) -> Result<Self, NotCleared> {
        if matches!(call.carries, Carries::Image(_) | Carries::Document(_)) {
            return Err(NotCleared);
        }
        let query = query.map(|query| format!("?{query}")).unwrap_or_default();
        Self::new(call, &format!("{}{query}", call.path(version)), headers, body)
    }

    /// A call that was read in full, written anew.
    pub(crate) fn written(
        _granted: &Granted,
        call: &Call,
        version: ApiVersion,
        mut headers: HeaderMap,
        document: Document,
    ) -> Result<Self, NotCleared> {
        let (query, body) = document.written();
        let query = if query.is_empty() { query } else { format!("?{query}") };
        headers.remove(header::CONTENT_TYPE);
        headers.remove(header::CONTENT_ENCODING);
        if body.is_some() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        Self::new(call, &format!("{}{query}", call.path(version)), headers, body.unwrap_or_default())
    }

    /// A call with images, written anew.
    pub(crate) fn pinned(
        _granted: &Granted,
        call: &Call,
        version: ApiVersion,
        headers: HeaderMap,
        pinned: Pinned,
    ) -> Result<Self, NotCleared> {
        let Pinned { segments, query, content_type, body } = pinned;
        let query = if query.is_empty() { query } else { format!("?{query}") };
        let mut headers = headers;
        headers.remove(header::CONTENT_TYPE);
        headers.remove(header::CONTENT_ENCODING);
        if let Some(content_type) = content_type {
            headers.insert(header::CONTENT_TYPE, content_type);
        }
        Self::new(call, &format!("{}{query}", encode(&segments, version)), headers, body)
    }

    fn new(call: &Call, path_and_query: &str, headers: HeaderMap, body: Body) -> Result<Self, NotCleared> {
        let request = Request::builder().method(call.method.clone()).uri(format!("http://docker{path_and_query}"));
        let mut request = request.body(body).map_err(|_| NotCleared)?;
        *request.headers_mut() = towards_engine(headers);
        Ok(Self(request))
    }

    pub(crate) fn into_request(self) -> Request<Body> {
        self.0
    }
}
