//! What the gate must be told: whose key it is, and how a registry that shares our accounts lets them in.

use async_trait::async_trait;
use wharfinger_identity::AccountId;
use wharfinger_keys::PublicKey;
use wharfinger_oci::{Host, Repository};
use wharfinger_policy::Owner;

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

    /// A short-lived bearer token with which `account` may pull `repository`; `None` if it may not or is not there.
    /// `name` is what the token is for, as the client will ask: with or without host.
    async fn pull_token(&self, account: &AccountId, repository: &Repository, name: &str) -> Option<String>;

    /// A short-lived bearer token with which this process itself reads all trust data there and follows its changes.
    async fn mirror_token(&self) -> Option<String>;
}
