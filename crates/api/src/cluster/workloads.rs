//! `GET /api/workloads`: what runs on the engine and in Kubernetes, what exactly that is, and what of it is on record from before the
//! policy.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use wharfinger_cluster::WorkloadRow;

use super::{Admin, ClusterApi};
use crate::error::ApiError;

#[derive(Serialize)]
pub(super) struct Listed {
    workloads: Vec<WorkloadRow>,
    /// Why some of what runs is not in the list; empty when all of it is.
    unseen: Vec<String>,
}

pub(super) async fn list(State(api): State<ClusterApi>, _admin: Admin) -> Result<Json<Listed>, ApiError> {
    let (workloads, unseen) = api.cluster.workloads().await?;
    Ok(Json(Listed { workloads, unseen }))
}
