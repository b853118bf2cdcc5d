//! `GET|PUT /api/ucp/config-toml` and `GET|PUT /api/config/trust`: the configuration as a file, and its trust section as JSON.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;
use wharfinger_cluster::Change;
use wharfinger_policy::TrustDocument;

use super::{Admin, ClusterApi};
use crate::error::{ApiError, json_body};

pub(super) async fn read_file(State(api): State<ClusterApi>, _admin: Admin) -> Result<Response, ApiError> {
    let current = api.cluster.current().await?;
    let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    Ok((etag(current.revision), kind, current.configuration.write()).into_response())
}

pub(super) async fn replace_file(
    State(api): State<ClusterApi>,
    admin: Admin,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let change = api.cluster.replace_file(admin.name(), text(&body)?, expected(&headers)?).await?;
    Ok(changed("the configuration was replaced", &change))
}

/// The text of a configuration file.
pub(super) fn text(body: &[u8]) -> Result<&str, ApiError> {
    std::str::from_utf8(body).map_err(|_| ApiError::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST", "the file is not UTF-8 text"))
}

pub(super) async fn read_trust(State(api): State<ClusterApi>, _admin: Admin) -> Result<Response, ApiError> {
    let current = api.cluster.current().await?;
    Ok((etag(current.revision), Json(TrustDocument::from(&current.configuration.trust))).into_response())
}

pub(super) async fn replace_trust(
    State(api): State<ClusterApi>,
    admin: Admin,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let document: TrustDocument = json_body(&body)?;
    let change = api.cluster.replace_trust(admin.name(), document, expected(&headers)?).await?;
    Ok(changed("the policy was replaced", &change))
}

fn changed(what: &str, change: &Change) -> Response {
    let mut message = what.to_owned();
    if !change.without_effect.is_empty() {
        message = format!("{message}; kept without effect here: {}", change.without_effect.join(", "));
    }
    for note in &change.notes {
        message = format!("{message}; {note}");
    }
    (etag(change.revision), Json(json!({ "message": message }))).into_response()
}

fn etag(revision: i64) -> [(header::HeaderName, HeaderValue); 1] {
    let value = HeaderValue::from_str(&format!("\"{revision}\"")).unwrap_or(HeaderValue::from_static("\"0\""));
    [(header::ETAG, value)]
}

/// The revision of `If-Match`; none when the header is absent or `*`.
fn expected(headers: &HeaderMap) -> Result<Option<i64>, ApiError> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let revision = text.trim_matches('"').parse();
    revision
        .map(Some)
        .map_err(|_| ApiError::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST", "If-Match: give the ETag of the version you read"))
}
