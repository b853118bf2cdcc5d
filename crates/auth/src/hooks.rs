//! What other rooms lend to this one: the binary hands the implementations in.

use async_trait::async_trait;
use wharfinger_identity::{AccountId, PublicKeyId, TeamId};
use wharfinger_storage::StorageError;
use wharfinger_storage::accounts::PublicKeyRecord;

/// The teams the cluster's signing policy names: to change such a team is to change the policy.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PolicyTeams {
    pub teams: Vec<TeamId>,
    /// Whether organization admins may change the members of those teams all the same.
    pub delegate_membership: bool,
}

#[async_trait]
pub trait PolicyNames: Send + Sync {
    async fn teams(&self) -> Result<PolicyTeams, StorageError>;
}

/// Closes the open connections and tunnels of somebody who was just shut out.
pub trait Cut: Send + Sync {
    fn close_account(&self, account: &AccountId);
    fn close_key(&self, key: &PublicKeyId);
}

/// Tells which tags count a signer less without these keys.
#[async_trait]
pub trait SignedTags: Send + Sync {
    async fn signed_by(&self, keys: &[PublicKeyRecord]) -> Result<Vec<String>, StorageError>;
}

/// A change of the directory, for the audit trail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuditEntry {
    /// The account that did it; `None` for the machine's operator.
    pub actor: Option<(AccountId, String)>,
    /// Such as `account.create`.
    pub action: &'static str,
    /// What it was done to, such as `acme/qa` or a user's name.
    pub object: String,
    pub detail: String,
}

#[async_trait]
pub trait AuditTrail: Send + Sync {
    async fn record(&self, entry: AuditEntry) -> Result<(), StorageError>;
}
