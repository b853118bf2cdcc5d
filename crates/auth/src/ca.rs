//! The instance's own certificate authority.

use crate::pending::{PrivateKey, PublicKey, SealKey};
use wharfinger_identity::Account;
use wharfinger_storage::StorageError;
use wharfinger_storage::secrets::Secrets;
use zeroize::Zeroizing;

use crate::clock::Clock;

/// A server certificate with its key.
pub struct Issued {
    /// The certificate, then the CA's.
    pub chain_pem: String,
    /// PKCS#8.
    pub key_pem: Zeroizing<String>,
    pub not_after: time::OffsetDateTime,
}

#[derive(Debug, thiserror::Error)]
pub enum CaError {
    #[error("`{0}` cannot stand in a certificate: it is neither a DNS name nor an IP address")]
    Host(String),
    #[error("could not make a certificate")]
    Make(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the certificate authority cannot be opened: this is not the seal key it was sealed with")]
    Sealed,
    #[error("could not keep the certificate authority")]
    Storage(#[from] StorageError),
}

/// The CA: P-256, 10 years, sealed in storage.
pub struct CertificateAuthority {
    instance: String,
    ca_pem: String,
}

impl CertificateAuthority {
    /// Opens the instance's CA, or makes it the first time.
    pub async fn open(_secrets: &dyn Secrets, _seal: &SealKey, _clock: Clock) -> Result<Self, CaError> {
        unimplemented!()
    }

    /// The CA's certificate, PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Names this instance for good: `O=` of client certificates, part of cookie names.
    pub fn instance_id(&self) -> &str {
        &self.instance
    }

    /// A new server certificate, 90 days, for hosts given as `host`, `host:port`, or an IP address.
    pub fn issue_server(&self, _hosts: &[String]) -> Result<Issued, CaError> {
        unimplemented!()
    }

    /// The server certificate kept under `name`, made anew when `hosts` changed or less than 30 days remain.
    pub async fn server_certificate(
        &self,
        _secrets: &dyn Secrets,
        _seal: &SealKey,
        _name: &str,
        _hosts: &[String],
    ) -> Result<Issued, CaError> {
        unimplemented!()
    }

    /// A client certificate (PEM) of `lifetime` for somebody's key.
    pub fn issue_client(&self, _account: &Account, _key: &PublicKey, _lifetime: time::Duration) -> Result<String, CaError> {
        let _ = PrivateKey::generate_p256;
        unimplemented!()
    }
}
