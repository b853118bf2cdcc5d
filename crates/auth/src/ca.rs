//! The instance's own certificate authority, sealed in storage: it vouches for the instance's servers and for its users' bundles.

mod issue;
mod server;
mod subject;

use std::fmt;
use std::mem;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{Issuer, KeyPair, PKCS_ECDSA_P256_SHA256};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;
use wharfinger_keys::SealKey;
use wharfinger_storage::StorageError;
use wharfinger_storage::secrets::Secrets;
use zeroize::{Zeroize as _, Zeroizing};

use crate::clock::Clock;

const SECRET: &str = "ca";
const LIFETIME: Duration = Duration::days(3650);

/// A server certificate with its key.
pub struct Issued {
    /// The certificate, then the CA's.
    pub chain_pem: String,
    /// PKCS#8.
    pub key_pem: Zeroizing<String>,
    pub not_after: OffsetDateTime,
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issued").field("not_after", &self.not_after).finish_non_exhaustive()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum CaError {
    #[error("`{0}` cannot stand in a certificate: it is neither a DNS name nor an IP address")]
    Host(String),
    #[error("could not make a certificate")]
    Make(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("`{0}` cannot be unsealed: the seal key is not the one it was sealed with (see --seal-key-file), or it was altered")]
    Sealed(&'static str),
    #[error("could not keep the certificate authority")]
    Storage(#[from] StorageError),
}

impl CaError {
    pub(crate) fn make(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Make(source.into())
    }
}

/// What is sealed.
#[derive(Serialize, Deserialize)]
struct Kept {
    instance: String,
    certificate: String,
    /// PKCS#8 DER, base64.
    key: String,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

/// The CA: P-256, 10 years.
pub struct CertificateAuthority {
    instance: String,
    ca_pem: String,
    not_after: OffsetDateTime,
    issuer: Issuer<'static, KeyPair>,
    clock: Clock,
}

impl fmt::Debug for CertificateAuthority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CertificateAuthority").field("instance", &self.instance).finish_non_exhaustive()
    }
}

impl CertificateAuthority {
    /// Opens the instance's CA, or makes it the first time.
    pub async fn open(secrets: &dyn Secrets, seal: &SealKey, clock: Clock) -> Result<Self, CaError> {
        let sealed = match secrets.secret(SECRET).await? {
            Some(sealed) => sealed,
            None => secrets.keep_first(SECRET, &seal.seal(SECRET, &make(clock.now())?)).await?,
        };
        let plain = seal.open(SECRET, &sealed).map_err(|_| CaError::Sealed(SECRET))?;
        let mut kept: Kept = serde_json::from_slice(&plain).map_err(CaError::make)?;
        let der = Zeroizing::new(STANDARD.decode(kept.key.as_bytes()).map_err(CaError::make)?);
        let key =
            KeyPair::from_pkcs8_der_and_sign_algo(&der.as_slice().into(), &PKCS_ECDSA_P256_SHA256).map_err(CaError::make)?;
        let issuer = Issuer::from_ca_cert_pem(&kept.certificate, key).map_err(CaError::make)?;
        Ok(Self {
            not_after: issue::end_of(&kept.certificate)?,
            instance: mem::take(&mut kept.instance),
            ca_pem: mem::take(&mut kept.certificate),
            issuer,
            clock,
        })
    }

    /// The CA's certificate, PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Names this instance for good: part of its CA's name and of cookie names.
    pub fn instance_id(&self) -> &str {
        &self.instance
    }
}

/// A new CA as it is sealed.
fn make(now: OffsetDateTime) -> Result<Zeroizing<Vec<u8>>, CaError> {
    let instance = Uuid::new_v4().to_string();
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(CaError::make)?;
    let certificate = issue::authority(&instance, &key, now, LIFETIME)?;
    let kept = Kept { instance, certificate, key: STANDARD.encode(key.serialized_der()) };
    serde_json::to_vec(&kept).map(Zeroizing::new).map_err(CaError::make)
}
