//! The certificates an instance serves: kept sealed, made anew in time.

use std::mem;

use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use wharfinger_keys::SealKey;
use wharfinger_storage::secrets::Secrets;
use zeroize::{Zeroize as _, Zeroizing};

use super::{CaError, CertificateAuthority, Issued};

const LIFETIME: Duration = Duration::days(90);
const RENEWED_BEFORE: Duration = Duration::days(30);

/// What is sealed.
#[derive(Serialize, Deserialize)]
struct Kept {
    hosts: Vec<String>,
    chain: String,
    key: String,
    not_after: i64,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

impl CertificateAuthority {
    /// A new server certificate, 90 days, for hosts given as `host`, `host:port`, or an IP address.
    pub fn issue_server(&self, hosts: &[String]) -> Result<Issued, CaError> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(CaError::make)?;
        let (leaf, not_after) = self.issue_leaf(hosts, &key, LIFETIME)?;
        Ok(Issued { chain_pem: format!("{leaf}{}", self.ca_pem), key_pem: Zeroizing::new(key.serialize_pem()), not_after })
    }

    /// The server certificate kept under `name`, made anew when `hosts` changed or less than 30 days remain.
    pub async fn server_certificate(
        &self,
        secrets: &dyn Secrets,
        seal: &SealKey,
        name: &str,
        hosts: &[String],
    ) -> Result<Issued, CaError> {
        let name = format!("tls/{name}");
        if let Some(sealed) = secrets.secret(&name).await?
            && let Some(issued) = self.still_good(seal, &name, &sealed, hosts)
        {
            return Ok(issued);
        }
        let issued = self.issue_server(hosts)?;
        let kept = Kept {
            hosts: hosts.to_vec(),
            chain: issued.chain_pem.clone(),
            key: issued.key_pem.as_str().to_owned(),
            not_after: issued.not_after.unix_timestamp(),
        };
        let plain = Zeroizing::new(serde_json::to_vec(&kept).map_err(CaError::make)?);
        secrets.replace(&name, &seal.seal(&name, &plain)).await?;
        Ok(issued)
    }

    /// What cannot be read is made anew: it is only a certificate of ours.
    fn still_good(&self, seal: &SealKey, name: &str, sealed: &[u8], hosts: &[String]) -> Option<Issued> {
        let plain = seal.open(name, sealed).ok()?;
        let mut kept: Kept = serde_json::from_slice(&plain).ok()?;
        let not_after = OffsetDateTime::from_unix_timestamp(kept.not_after).ok()?;
        let good = kept.hosts == hosts && kept.chain.ends_with(&self.ca_pem) && not_after - self.clock.now() > RENEWED_BEFORE;
        good.then(|| Issued {
            chain_pem: mem::take(&mut kept.chain),
            key_pem: Zeroizing::new(mem::take(&mut kept.key)),
            not_after,
        })
    }
}
