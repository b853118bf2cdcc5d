//! What the door stands on; the binary hands it in.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use futures_util::future::BoxFuture;
use wharfinger_auth::{Accounts, Clock, RegistryAccess, RepositoryTrust};
use wharfinger_storage::blobs::Blobs;
use wharfinger_storage::repositories::{Content, Repositories};

/// Answers every request whose path has a `_trust` segment.
pub type TrustDoor = Arc<dyn Fn(Request) -> BoxFuture<'static, Response> + Send + Sync>;

/// One registry.
pub struct Registry {
    pub repositories: Arc<dyn Repositories>,
    pub content: Arc<dyn Content>,
    pub blobs: Arc<dyn Blobs>,
    pub access: Arc<RegistryAccess>,
    pub accounts: Arc<Accounts>,
    pub signed: Arc<dyn RepositoryTrust>,
    pub trust: TrustDoor,
    /// The CA of the certificate that is served, PEM.
    pub ca_pem: Arc<dyn Fn() -> String + Send + Sync>,
    pub clock: Clock,
}
