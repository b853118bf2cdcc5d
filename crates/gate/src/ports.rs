//! What the gate must be told: whose key it is, and how a registry that shares our accounts lets them in.

use async_trait::async_trait;
use wharfinger_identity::AccountId;
use wharfinger_keys::PublicKey;
use wharfinger_oci::{Host, Reference, Repository};
use wharfinger_policy::Owner;
use wharfinger_trust::Credentials;

#[derive(Debug, thiserror::Error)]
#[error("the directory of accounts did not answer")]
pub struct DirectoryError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// The cluster's accounts, teams and keys.
#[async_trait]
pub trait Directory: Send + Sync {
    /// Grows with every change of an account, team, membership or key.
    async fn revision(&self) -> Result<i64, DirectoryError>;

    /// The account `key` belongs to, with the teams it is in now.
    async fn owner(&self, key: &PublicKey) -> Result<Option<Owner>, DirectoryError>;
}

/// The registry that shares this cluster's accounts: there the caller's own right to read is enough.
#[async_trait]
pub trait LocalRegistry: Send + Sync {
    fn host(&self) -> &Host;

    /// A short-lived bearer token with which `account` (none: nobody in particular) may pull `repository`; `None` if it may not
    /// or is not there. `name` is what the token is for, as the client will ask: with or without host.
    async fn pull_token(&self, account: Option<&AccountId>, repository: &Repository, name: &str) -> Option<String>;

    /// A short-lived bearer token with which this process itself reads all trust data there and follows its changes.
    async fn mirror_token(&self) -> Option<String>;
}

/// The credentials that came with a request were there, and could not be read.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct PresentedError(pub String);

/// Credentials that came with a request. They are asked for only where a registry has to be asked.
#[async_trait]
pub trait Presented: Send + Sync {
    /// Those that are for `reference`'s registry.
    async fn for_image(&self, reference: &Reference) -> Result<Vec<Credentials>, PresentedError>;
}

/// For the registry of every image of the workload.
#[async_trait]
impl Presented for Vec<Credentials> {
    async fn for_image(&self, _: &Reference) -> Result<Vec<Credentials>, PresentedError> {
        Ok(self.clone())
    }
}
