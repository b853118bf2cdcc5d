//! One request under `/v2`, without its body.

use axum::body::Body;
use axum::extract::Query;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use serde::de::DeserializeOwned;
use wharfinger_auth::{Action, RepositoryGranted};
use wharfinger_oci::Repository;
use wharfinger_transport::Peer;

use super::error::Refusal;
use crate::registry::Registry;

pub(crate) struct Call<'a> {
    pub(crate) registry: &'a Registry,
    pub(crate) method: Method,
    pub(crate) headers: HeaderMap,
    uri: Uri,
    peer: Option<Peer>,
}

impl<'a> Call<'a> {
    pub(crate) fn new(registry: &'a Registry, parts: Parts) -> Self {
        let peer = parts.extensions.get::<Peer>().cloned();
        Self { registry, method: parts.method, headers: parts.headers, uri: parts.uri, peer }
    }

    /// The token of `Authorization: Bearer …`.
    pub(crate) fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.header(&header::AUTHORIZATION)?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    }

    pub(crate) fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn query<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        let refused = |error| Refusal::Unsupported(format!("the query could not be read: {error}"));
        Query::try_from_uri(&self.uri).map(|Query(query)| query).map_err(refused)
    }

    pub(crate) async fn authorize(&self, name: &Repository, action: Action) -> Result<RepositoryGranted, Refusal> {
        let granted = self.registry.access.authorize(self.bearer(), name, name.as_str(), action).await?;
        if let (Some(peer), Some(account)) = (&self.peer, granted.account()) {
            peer.counts_as(account.id.as_str())?;
        }
        Ok(granted)
    }

    /// As [`Self::authorize`], for what can only be done where a repository is.
    pub(crate) async fn authorize_existing(&self, name: &Repository, action: Action) -> Result<RepositoryGranted, Refusal> {
        let granted = self.authorize(name, action).await?;
        if granted.exists() { Ok(granted) } else { Err(Refusal::NameUnknown(name.clone())) }
    }
}

/// A response with headers made from text of ours; what cannot be a header value is left out.
pub(crate) fn respond<const N: usize>(status: StatusCode, headers: [(HeaderName, String); N], body: Body) -> Response {
    let mut response = (status, body).into_response();
    let own = response.headers_mut();
    own.remove(header::CONTENT_TYPE);
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::try_from(value) {
            own.insert(name, value);
        }
    }
    response
}
