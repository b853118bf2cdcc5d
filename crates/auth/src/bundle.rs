//! Client bundles: a new key, its certificate, and what shells and the docker CLI need to use them.

use std::sync::Arc;

use wharfinger_storage::StorageError;

use crate::accounts::Accounts;
use crate::ca::{CaError, CertificateAuthority};
use crate::principal::Principal;

/// What stands in every bundle.
#[derive(Clone, Debug)]
pub struct BundleSettings {
    /// The cluster's public `host[:port]`.
    pub public_host: String,
    /// The CA of the certificate the cluster serves, PEM.
    pub served_ca_pem: String,
    pub lifetime: time::Duration,
}

#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    #[error("a client bundle is handed out in a session that began with a password; log in at /auth/login")]
    NotAPasswordSession,
    #[error("could not issue the certificate")]
    Certificate(#[from] CaError),
    #[error("could not write the zip")]
    Zip(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("could not keep the new key")]
    Storage(#[from] StorageError),
}

pub struct Bundles {
    accounts: Arc<Accounts>,
    ca: Arc<CertificateAuthority>,
    settings: BundleSettings,
}

impl Bundles {
    pub fn new(accounts: Arc<Accounts>, ca: Arc<CertificateAuthority>, settings: BundleSettings) -> Self {
        Self { accounts, ca, settings }
    }

    /// A new bundle (zip) for the caller: each holds a new key, which is a new row of the account's public keys.
    pub async fn make(&self, _caller: &Principal, _label: &str) -> Result<Vec<u8>, BundleError> {
        let _ = (&self.accounts, &self.ca, &self.settings);
        unimplemented!()
    }
}
