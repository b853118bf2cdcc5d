//! What other rooms lend to this one: the binary hands the implementations in.

use async_trait::async_trait;
use wharfinger_identity::{AccountId, PublicKeyId, Role, TeamId};
use wharfinger_storage::StorageError;
use wharfinger_storage::accounts::PublicKeyRecord;

/// The teams and users the cluster's signing policy names: to change such a team is to change the policy.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PolicyTeams {
    pub teams: Vec<TeamId>,
    pub users: Vec<AccountId>,
    /// Whether organization admins may change the members of those teams all the same.
    pub delegate_membership: bool,
}

/// What the configuration says about the directory. A registry that stands alone has none: [`NoPolicy`].
#[async_trait]
pub trait PolicyNames: Send + Sync {
    async fn teams(&self) -> Result<PolicyTeams, StorageError>;

    /// The role of a user who is made without one.
    async fn default_new_user_role(&self) -> Result<Role, StorageError> {
        Ok(Role::RestrictedControl)
    }
}

pub struct NoPolicy;

#[async_trait]
impl PolicyNames for NoPolicy {
    async fn teams(&self) -> Result<PolicyTeams, StorageError> {
        Ok(PolicyTeams::default())
    }
}

/// An API server of Kubernetes that bundles lead to, too.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApiServer {
    /// `https://host[:port]`.
    pub server: String,
    /// PEM; empty means the system's roots.
    pub ca_bundle: String,
}

/// What the configuration says about Kubernetes when a bundle is made.
#[async_trait]
pub trait Kubernetes: Send + Sync {
    async fn api_server(&self) -> Result<Option<ApiServer>, StorageError>;
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
