//! A cluster's own settings and decisions over HTTP, by UCP's paths.

mod audit;
mod configuration;
mod decisions;
mod foreseen;
mod registries;
mod repair;
mod workloads;

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRef, FromRequestParts};
use axum::routing::{delete, get, post};
use http::StatusCode;
use http::request::Parts;
use wharfinger_auth::{Accounts, Granted, Need, authorize};
use wharfinger_cluster::{Cluster, ClusterError, TeamError};
use wharfinger_gate::{Gate, Workload};
use wharfinger_identity::AccountId;
use wharfinger_storage::audit::Audit;

use crate::caller::Caller;
use crate::error::ApiError;
use crate::routes::with_bounded_bodies;

/// A configuration with a few hundred CA bundles; more is no configuration.
const LONGEST_BODY: usize = 4 * 1024 * 1024;

/// What these handlers stand on; the binary hands it in.
#[derive(Clone)]
pub struct ClusterApi {
    pub accounts: Arc<Accounts>,
    pub cluster: Arc<Cluster>,
    pub gate: Arc<Gate>,
    pub audit: Arc<dyn Audit>,
}

pub fn cluster_routes(api: ClusterApi) -> Router {
    let table = Router::new()
        .route("/api/ucp/config-toml", get(configuration::read_file).put(configuration::replace_file))
        .route("/api/config/trust", get(configuration::read_trust).put(configuration::replace_trust))
        .route(&format!("/api/config/{}", registries::PREFIX), get(registries::list).post(registries::add))
        .route("/api/config/{key}", delete(registries::remove))
        .route("/api/trust/repin", post(repair::repin))
        .route("/api/trust/explain", post(decisions::explain))
        .route("/api/trust/diff", post(foreseen::diff))
        .route("/api/workloads", get(workloads::list))
        .route("/api/dct/resolveimage", post(decisions::resolve))
        .route("/api/audit", get(audit::list));
    with_bounded_bodies(table, LONGEST_BODY).with_state(api)
}

impl FromRef<ClusterApi> for Arc<Accounts> {
    fn from_ref(api: &ClusterApi) -> Self {
        api.accounts.clone()
    }
}

/// A caller who administers the cluster.
struct Admin(Granted);

impl Admin {
    fn name(&self) -> &str {
        self.0.principal().account.name.as_str()
    }

    /// An image this administrator asks about.
    fn question(&self, image: &str) -> Workload {
        Workload { is_admin: true, ..Workload::question(image, self.0.principal().account.id.clone(), self.name()) }
    }
}

impl FromRequestParts<ClusterApi> for Admin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &ClusterApi) -> Result<Self, ApiError> {
        granted(parts, api, Need::Admin).await.map(Self)
    }
}

/// A caller who may deploy here.
struct Operator(Granted);

impl Operator {
    fn id(&self) -> AccountId {
        self.0.principal().account.id.clone()
    }

    fn name(&self) -> &str {
        self.0.principal().account.name.as_str()
    }

    /// An image this caller asks about.
    fn question(&self, image: &str) -> Workload {
        Workload { is_admin: self.0.principal().account.is_admin, ..Workload::question(image, self.id(), self.name()) }
    }
}

impl FromRequestParts<ClusterApi> for Operator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &ClusterApi) -> Result<Self, ApiError> {
        granted(parts, api, Need::Operate).await.map(Self)
    }
}

async fn granted(parts: &mut Parts, api: &ClusterApi, need: Need) -> Result<Granted, ApiError> {
    let Caller(principal) = Caller::from_request_parts(parts, api).await?;
    Ok(authorize(principal, need)?)
}

impl From<ClusterError> for ApiError {
    fn from(error: ClusterError) -> Self {
        let message = error.to_string();
        let bad = |code, message| Self::new(StatusCode::BAD_REQUEST, code, message);
        match error {
            ClusterError::Configuration(_) | ClusterError::KubernetesCa(_) => bad("INVALID_CONFIGURATION", message),
            ClusterError::Host(_) => bad("INVALID_HOST", message),
            ClusterError::Team(TeamError::Storage(error)) | ClusterError::Storage(error) => error.into(),
            ClusterError::Team(_) | ClusterError::Named { .. } => bad("INVALID_TEAM", message),
            ClusterError::NotAdded { .. } => bad("REGISTRY_NOT_ADDED", message),
            ClusterError::HalfCredentials(_) => bad("INVALID_CREDENTIALS", message),
            ClusterError::NotRegistered(_) => Self::new(StatusCode::NOT_FOUND, "NOT_REGISTERED", message),
            ClusterError::NoReason | ClusterError::NotARepository(_) => bad("INVALID_REQUEST", message),
            ClusterError::NothingPinned(_) => Self::new(StatusCode::NOT_FOUND, "NOT_PINNED", message),
            ClusterError::Engine(_) => Self::new(StatusCode::SERVICE_UNAVAILABLE, "ENGINE_SILENT", message),
            ClusterError::Changed => Self::new(StatusCode::PRECONDITION_FAILED, "CHANGED", message),
            ClusterError::Damaged | ClusterError::NoMemory => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "DAMAGED", message),
        }
    }
}
