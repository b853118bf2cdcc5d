//! Client bundles: a new key, its certificate, and what shells and the docker CLI need to use them.

mod archive;
mod kube;
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
use self::scripts::Env;
use crate::accounts::Accounts;
use crate::ca::{CaError, CertificateAuthority};
use crate::groups::groups;
use crate::hooks::Kubernetes;
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
    #[error("you are in {of} teams, and a certificate names at most {MOST_GROUPS}: leave some, or use another account")]
    Groups { of: usize },
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
/// With longest names, 45 KiB: TLS takes a certificate of 64.
const MOST_GROUPS: usize = 300;

pub struct Bundles {
    accounts: Arc<Accounts>,
    ca: Arc<CertificateAuthority>,
    audit: Arc<dyn Audit>,
    kubernetes: Arc<dyn Kubernetes>,
    settings: BundleSettings,
}

impl Bundles {
    pub fn new(
        accounts: Arc<Accounts>,
        ca: Arc<CertificateAuthority>,
        audit: Arc<dyn Audit>,
        kubernetes: Arc<dyn Kubernetes>,
        settings: BundleSettings,
    ) -> Self {
        Self { accounts, ca, audit, kubernetes, settings }
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
        let groups = groups(&self.accounts, account).await?;
        if groups.len() > MOST_GROUPS {
            return Err(BundleError::Groups { of: groups.len() });
        }
        let kubernetes = self.kubernetes.api_server().await?;
        let key = PrivateKey::generate_p256();
        let certificate = self.ca.issue_client(account, &groups, key.public_key(), self.settings.lifetime)?;
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
        let meta = scripts::context(user, &docker, kubernetes.as_ref());
        let mut context = vec![
            Entry::readable("meta.json", &meta),
            Entry::readable("tls/docker/ca.pem", ca),
            Entry::readable("tls/docker/cert.pem", cert),
            Entry::private("tls/docker/key.pem", private),
        ];
        if let Some(server) = &kubernetes {
            if !server.ca_bundle.trim().is_empty() {
                context.push(Entry::readable("tls/kubernetes/ca.pem", &server.ca_bundle));
            }
            context.push(Entry::readable("tls/kubernetes/cert.pem", cert));
            context.push(Entry::private("tls/kubernetes/key.pem", private));
        }
        let context = archive(&context, record.created)?;
        let env = Env { user, instance: self.ca.instance_id(), docker: &docker, kubernetes: kubernetes.is_some() };
        let (sh, ps1, cmd, cert_pub) = (env.sh(), env.ps1(), env.cmd(), key.public_key().to_pem());
        let kube =
            kubernetes.as_ref().map(|server| kube::kubeconfig(&scripts::context_name(user, &docker), server, cert, private));
        let mut files = vec![
            Entry::readable("ca.pem", ca),
            Entry::readable("cert.pem", cert),
            Entry::private("key.pem", private),
            Entry::readable("cert.pub", &cert_pub),
            Entry::readable("env.sh", &sh),
            Entry::readable("env.ps1", &ps1),
            Entry::readable("env.cmd", &cmd),
            Entry::archive("ucp-docker-bundle.zip", &context),
        ];
        files.extend(kube.as_ref().map(|kube| Entry::private("kube.yml", kube)));
        let zip = archive(&files, record.created)?;
        let detail = json!({
            "actor_id": account.id, "key": record.id, "key_id": key.public_key().canonical_id().to_string(), "label": record.label,
            // What an API server goes by until the certificate ends.
            "groups": groups,
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
