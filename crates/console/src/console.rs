//! What the pages stand on; the binary hands it in.

use std::sync::Arc;

use wharfinger_auth::{Accounts, Bundles, Directory};
use wharfinger_cluster::Cluster;
use wharfinger_gate::Gate;
use wharfinger_storage::audit::Audit;
use wharfinger_trust::Resolver;

use crate::engine::EngineDoor;

/// One cluster's console.
#[derive(Clone)]
pub struct Console {
    pub accounts: Arc<Accounts>,
    pub directory: Arc<Directory>,
    pub bundles: Arc<Bundles>,
    pub cluster: Arc<Cluster>,
    pub gate: Arc<Gate>,
    /// Tells which registries are followed.
    pub resolver: Arc<Resolver>,
    pub audit: Arc<dyn Audit>,
    /// What visitors deploy goes through it.
    pub engine: Arc<dyn EngineDoor>,
    /// The cluster's public `host[:port]`, as its title.
    pub host: String,
}
