//! `/v2/`: the OCI distribution specification 1.1, and what the Docker clients make of it.

mod blobs;
mod call;
mod catalog;
mod error;
mod incoming;
pub(crate) mod manifest;
mod manifests;
pub(crate) mod path;
mod ping;
mod push;
pub(crate) mod range;
mod referrers;
mod tags;
mod uploads;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};

pub(crate) use self::manifest::parse as parse_manifest;

use self::call::Call;
use self::error::Refusal;
use self::path::Endpoint;
use crate::registry::Registry;

const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
const UPLOAD_UUID: HeaderName = HeaderName::from_static("docker-upload-uuid");

/// Every request under `/v2`.
pub(crate) async fn handle(State(registry): State<Arc<Registry>>, request: Request) -> Response {
    let endpoint = path::parse(request.uri().path());
    if matches!(endpoint, Endpoint::Trust) {
        return (registry.trust)(request).await;
    }
    let mut response = answer(&registry, endpoint, request).await.unwrap_or_else(Refusal::into_response);
    response.headers_mut().insert(API_VERSION, HeaderValue::from_static("registry/2.0"));
    response
}

async fn answer(registry: &Registry, endpoint: Endpoint, request: Request) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let call = Call::new(registry, parts);
    let method = call.method.clone();
    match (endpoint, method) {
        (Endpoint::Ping, Method::GET | Method::HEAD) => ping::ping(call).await,
        (Endpoint::Catalog, Method::GET) => catalog::list(call).await,
        (Endpoint::Tags(name), Method::GET) => tags::list(call, name).await,
        (Endpoint::Referrers(name, digest), Method::GET) => referrers::list(call, name, digest).await,
        (Endpoint::Blob(name, digest), Method::GET | Method::HEAD) => blobs::get(call, name, digest).await,
        (Endpoint::Blob(name, digest), Method::DELETE) => blobs::delete(call, name, digest).await,
        (Endpoint::Uploads(name), Method::POST) => uploads::begin(call, body, name).await,
        (Endpoint::Upload(name, id), Method::GET) => uploads::status(call, name, id).await,
        (Endpoint::Upload(name, id), Method::PATCH) => uploads::append(call, body, name, id).await,
        (Endpoint::Upload(name, id), Method::PUT) => uploads::finish(call, body, name, id).await,
        (Endpoint::Upload(name, id), Method::DELETE) => uploads::cancel(call, name, id).await,
        (Endpoint::Manifest(name, reference), Method::GET | Method::HEAD) => manifests::get(call, name, reference).await,
        (Endpoint::Manifest(name, reference), Method::PUT) => manifests::put(call, body, name, reference).await,
        (Endpoint::Manifest(name, reference), Method::DELETE) => manifests::delete(call, name, reference).await,
        (Endpoint::Malformed(refusal), _) => Err(refusal),
        (Endpoint::Unknown, _) => Ok(StatusCode::NOT_FOUND.into_response()),
        (_, method) => Err(Refusal::Unsupported(format!("{method} is not an operation here"))),
    }
}
