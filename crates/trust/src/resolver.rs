//! One call per decision.

use std::sync::Arc;

use time::OffsetDateTime;
use wharfinger_oci::Host;
use wharfinger_storage::memory::TrustMemory;
use wharfinger_tuf::{Collection, Gun, Pins};

use crate::{Credentials, TrustError};

pub type Clock = Arc<dyn Fn() -> OffsetDateTime + Send + Sync>;

/// A trusted registry, as far as reading trust data needs to know it.
#[derive(Clone, Debug)]
pub struct Registration {
    pub host: Host,
    /// PEM; none means the system's roots.
    pub ca_bundle: Option<String>,
    /// Root keys given beforehand; empty means trust at first use.
    pub pins: Pins,
}

/// Resolves GUNs. One per process.
pub struct Resolver {
    memory: Arc<dyn TrustMemory>,
    clock: Clock,
}

impl Resolver {
    pub fn new(memory: Arc<dyn TrustMemory>, clock: Clock) -> Self {
        Self { memory, clock }
    }

    /// The trust data of `gun` as it stands now. `credentials` are tried in order, then remembered ones, then none.
    pub async fn resolve(
        &self,
        registration: &Registration,
        gun: &Gun,
        credentials: &[Credentials],
    ) -> Result<Arc<Collection>, TrustError> {
        let _ = (&self.memory, &self.clock, registration, gun, credentials);
        unimplemented!()
    }
}
