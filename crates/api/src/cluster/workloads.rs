//! `GET /api/workloads`: what the engine runs, what exactly that is, and what of it is on record from before the policy.

use axum::Json;
use axum::extract::State;
use wharfinger_cluster::WorkloadRow;

use super::{Admin, ClusterApi};
use crate::error::ApiError;

pub(super) async fn list(State(api): State<ClusterApi>, _admin: Admin) -> Result<Json<Vec<WorkloadRow>>, ApiError> {
    Ok(Json(api.cluster.workloads().await?))
}
