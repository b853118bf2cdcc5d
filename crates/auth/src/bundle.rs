//! Client bundles: a new key, its certificate, and what shells and the docker CLI need to use them.

mod archive;
mod scripts;

use std::fmt;
use std::sync::Arc;

use serde_json::json;
use wharfinger_identity::PublicKeyId;
use wharfinger_keys::PrivateKey;
use wharfinger_storage::StorageError;
use wharfinger_storage::accounts::PublicKeyRecord;
use wharfinger_storage::audit::{Act, Audit};

use self::archive::{Entry, archive};
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
    #[error("a client bundle is handed out in a session that began with a password, not by certificate; log in at /auth/login")]
    NotAPasswordSession,
    #[error("a label is one line of at most {0} characters")]
    Label(usize),
    #[error("could not issue the certificate")]
    Certificate(#[from] CaError),
    #[error("could not write the zip")]
    Zip(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("could not keep the new key")]
    Storage(#[from] StorageError),
}

/// A bundle that was just made. Its private key is in the zip and nowhere else.
pub struct Bundle {
    pub zip: Vec<u8>,
    pub file_name: String,
    pub key: PublicKeyId,
}

impl fmt::Debug for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bundle").field("file_name", &self.file_name).field("key", &self.key).finish_non_exhaustive()
    }
}

pub(crate) const LONGEST_LABEL: usize = 200;

pub struct Bundles {
    accounts: Arc<Accounts>,
    ca: Arc<CertificateAuthority>,
    audit: Arc<dyn Audit>,
    settings: BundleSettings,
}

impl Bundles {
    pub fn new(accounts: Arc<Accounts>, ca: Arc<CertificateAuthority>, audit: Arc<dyn Audit>, settings: BundleSettings) -> Self {
        Self { accounts, ca, audit, settings }
    }

    /// A new bundle for the caller: each holds a new key, which is a new row of the account's public keys.
    pub async fn make(&self, caller: &Principal, label: &str) -> Result<Bundle, BundleError> {
        if !caller.via.is_password_session() {
            return Err(BundleError::NotAPasswordSession);
        }
        let label = if label.is_empty() { "Generated on download" } else { label };
        if label.chars().count() > LONGEST_LABEL || label.chars().any(char::is_control) {
            return Err(BundleError::Label(LONGEST_LABEL));
        }
        let account = &caller.account;
        let key = PrivateKey::generate_p256();
        let certificate = self.ca.issue_client(account, key.public_key(), self.settings.lifetime)?;
        let key_pem = key.to_pkcs8_pem();
        let record = PublicKeyRecord {
            id: PublicKeyId::generate(),
            account: account.id.clone(),
            spki: key.public_key().spki_der().to_vec(),
            label: label.to_owned(),
            certificates: vec![certificate.clone()],
            login: true,
            created: self.accounts.now(),
        };
        let docker = scripts::docker_host(&self.settings.public_host);
        let user = account.name.as_str();
        let (ca, cert, private) = (self.settings.served_ca_pem.as_str(), certificate.as_str(), key_pem.as_str());
        let context = archive(
            &[
                Entry::readable("meta.json", &scripts::context(user, &docker)),
                Entry::readable("tls/docker/ca.pem", ca),
                Entry::readable("tls/docker/cert.pem", cert),
                Entry::private("tls/docker/key.pem", private),
            ],
            record.created,
        )?;
        let zip = archive(
            &[
                Entry::readable("ca.pem", ca),
                Entry::readable("cert.pem", cert),
                Entry::private("key.pem", private),
                Entry::readable("cert.pub", &key.public_key().to_pem()),
                Entry::readable("env.sh", &scripts::sh(user, self.ca.instance_id(), &docker)),
                Entry::readable("env.ps1", &scripts::ps1(user, &docker)),
                Entry::readable("env.cmd", &scripts::cmd(user, &docker)),
                Entry::archive("ucp-docker-bundle.zip", &context),
            ],
            record.created,
        )?;
        let detail = json!({
            "actor_id": account.id, "key": record.id, "key_id": key.public_key().canonical_id().to_string(), "label": record.label,
        });
        let act = Act {
            at: record.created,
            actor: user.to_owned(),
            action: "key.issue".to_owned(),
            object: user.to_owned(),
            outcome: "done".to_owned(),
            detail: detail.to_string(),
        };
        // Only now: a bundle that could not be written leaves no key behind. Recorded first: a key that cannot be is not made.
        self.audit.append(&act).await?;
        self.accounts.directory().add_key(&record).await?;
        Ok(Bundle { zip, file_name: format!("ucp-bundle-{user}.zip"), key: record.id })
    }
}
