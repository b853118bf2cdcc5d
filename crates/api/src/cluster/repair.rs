//! `POST /api/trust/repin`: the next root of a repository is trusted at first use. For admins, recorded with the reason.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;

use super::{Admin, ClusterApi};
use crate::error::{ApiError, json_body};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Repin {
    gun: String,
    reason: String,
}

pub(super) async fn repin(State(api): State<ClusterApi>, admin: Admin, body: Bytes) -> Result<StatusCode, ApiError> {
    let Repin { gun, reason } = json_body(&body)?;
    api.cluster.repin(admin.name(), &gun, &reason).await?;
    Ok(StatusCode::NO_CONTENT)
}
