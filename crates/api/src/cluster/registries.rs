//! `/api/config/trustedregistry_`: the registries this cluster trusts, by UCP's names. Adding one answers nothing when it went well.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;
use wharfinger_cluster::NewRegistration;

use super::{Admin, ClusterApi};
use crate::error::{ApiError, json_body};

pub(super) const PREFIX: &str = "trustedregistry_";

pub(super) async fn add(State(api): State<ClusterApi>, admin: Admin, body: Bytes) -> Result<StatusCode, ApiError> {
    let new: NewRegistration = json_body(&body)?;
    api.cluster.register(admin.name(), new).await?;
    Ok(StatusCode::OK)
}

pub(super) async fn list(State(api): State<ClusterApi>, _admin: Admin) -> Result<Response, ApiError> {
    let registrations = api.cluster.registrations().await?;
    let shown = registrations.iter().map(|registration| {
        json!({
            "hostAddress": registration.host_address,
            "caBundle": registration.ca_bundle,
            "serviceID": registration.service_id,
            "notaryURL": registration.notary_url,
            "notaryCABundle": registration.notary_ca_bundle,
            "tokenRealm": registration.token_realm,
            "pinnedRoots": registration.pinned_roots,
            "readUsername": registration.read_username,
        })
    });
    Ok(Json(shown.collect::<Vec<_>>()).into_response())
}

/// `DELETE /api/config/trustedregistry_<host>`; the path's tail is a key's prefix and the host.
pub(super) async fn remove(State(api): State<ClusterApi>, admin: Admin, Path(key): Path<String>) -> Result<StatusCode, ApiError> {
    let host = key.strip_prefix(PREFIX).filter(|host| !host.is_empty());
    let host =
        host.ok_or_else(|| ApiError::new(StatusCode::NOT_FOUND, "NOT_FOUND", "write DELETE /api/config/trustedregistry_<host>"))?;
    api.cluster.deregister(admin.name(), host).await?;
    Ok(StatusCode::NO_CONTENT)
}
