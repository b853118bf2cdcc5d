//! What the door stands on; the binary hands it in.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use axum::extract::Request;
use axum::response::Response;
use futures_util::future::BoxFuture;
use time::OffsetDateTime;
use wharfinger_auth::{Accounts, Clock, RegistryAccess};
use wharfinger_identity::AccountName;
use wharfinger_oci::{Digest, Repository};
use wharfinger_storage::StorageError;
use wharfinger_storage::blobs::Blobs;
use wharfinger_storage::repositories::{Content, Repositories, RepositoryRecord, Visibility};

/// Answers every request whose path has a `_trust` segment.
pub type TrustDoor = Arc<dyn Fn(Request) -> BoxFuture<'static, Response> + Send + Sync>;

/// Tells which tags of a repository are in its trust data, and which digest was signed for each.
#[async_trait]
pub trait SignedTags: Send + Sync {
    async fn released(&self, repository: &Repository) -> Result<BTreeMap<String, Digest>, StorageError>;

    /// Removes what is left of the trust data of a repository that goes: whoever has the name next begins with nothing.
    async fn forget(&self, repository: &Repository) -> Result<(), StorageError>;
}

/// One registry.
pub struct Registry {
    pub repositories: Arc<dyn Repositories>,
    pub content: Arc<dyn Content>,
    pub blobs: Arc<dyn Blobs>,
    pub access: Arc<RegistryAccess>,
    pub accounts: Arc<Accounts>,
    pub signed: Arc<dyn SignedTags>,
    pub trust: TrustDoor,
    /// The CA of the certificate that is served, PEM.
    pub ca_pem: Arc<dyn Fn() -> String + Send + Sync>,
    pub clock: Clock,
}

impl Registry {
    /// The record of a repository that is made now in its namespace.
    pub(crate) async fn new_record(&self, name: &Repository, now: OffsetDateTime) -> Result<RepositoryRecord, StorageError> {
        let owner = match name.namespace().parse::<AccountName>() {
            Ok(namespace) => self.accounts.find_named(&namespace).await?.map(|account| account.id),
            Err(_) => None,
        };
        Ok(RepositoryRecord {
            name: name.clone(),
            owner,
            visibility: Visibility::Private,
            short_description: String::new(),
            long_description: String::new(),
            immutable_tags: false,
            created_at: now,
            updated_at: now,
        })
    }
}
