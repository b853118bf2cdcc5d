//! Repositories made and removed, by those whose right to do so is asked here: recorded first, then done.

use async_trait::async_trait;
use serde_json::json;
use std::collections::BTreeMap;
use time::OffsetDateTime;
use wharfinger_identity::{Account, AccountName};
use wharfinger_oci::{Digest, ReferenceError, Repository};
use wharfinger_storage::StorageError;
use wharfinger_storage::repositories::{Content, RepositoryChange, RepositoryRecord, TagDeletion, TagRecord, Visibility};

use super::{Action, RegistryAccess};

/// The trust data of the repositories, as whoever removes one has to know it.
#[async_trait]
pub trait RepositoryTrust: Send + Sync {
    /// The tags that are signed, with the digest that each stands for.
    async fn released(&self, repository: &Repository) -> Result<BTreeMap<String, Digest>, StorageError>;

    /// Removes all of a repository's trust data: whoever has the name next begins with nothing.
    async fn forget(&self, repository: &Repository, by: Option<&Account>) -> Result<(), StorageError>;
}

/// Why a repository was not made.
#[derive(Debug, thiserror::Error)]
pub enum MakingError {
    #[error(transparent)]
    Name(#[from] ReferenceError),
    #[error("this needs the right to make repositories in this namespace")]
    NotAllowed,
    #[error("there is no account `{0}`")]
    NoAccount(String),
    #[error("there is a repository `{0}` already")]
    Exists(Repository),
    #[error("the repository could not be made")]
    Storage(#[from] StorageError),
}

/// Why a repository or a tag is still there.
#[derive(Debug, thiserror::Error)]
pub enum RemovalError {
    /// Of a repository all of them, of a tag itself.
    #[error("{} signed: remove that from the trust data first (docker trust revoke)", signed(.0))]
    Signed(Vec<String>),
    #[error("it is not there any more")]
    Absent,
    #[error("it was pushed meanwhile: look at it again")]
    Moved,
    #[error("it could not be removed")]
    Storage(#[from] StorageError),
}

fn signed(tags: &[String]) -> String {
    match tags {
        [tag] => format!("`{tag}` is"),
        tags => format!("{} tags are", tags.len()),
    }
}

impl RegistryAccess {
    /// Makes `namespace/name`, private and with mutable tags unless `wanted` says otherwise.
    pub async fn make(
        &self,
        actor: &Account,
        (namespace, name): (&str, &str),
        wanted: RepositoryChange,
        now: OffsetDateTime,
    ) -> Result<RepositoryRecord, MakingError> {
        let name: Repository = format!("{namespace}/{name}").parse()?;
        let owner: AccountName = namespace.parse().map_err(|_| MakingError::NoAccount(namespace.to_owned()))?;
        if !self.permits(Some(actor), &name, Action::Push).await? {
            return Err(MakingError::NotAllowed);
        }
        let owner = self.accounts.find_named(&owner).await?.ok_or_else(|| MakingError::NoAccount(namespace.to_owned()))?;
        let record = RepositoryRecord {
            name,
            owner: Some(owner.id),
            visibility: wanted.visibility.unwrap_or(Visibility::Private),
            short_description: wanted.short_description.unwrap_or_default(),
            long_description: wanted.long_description.unwrap_or_default(),
            immutable_tags: wanted.immutable_tags.unwrap_or_default(),
            created_at: now,
            updated_at: now,
        };
        if self.repositories.find(&record.name).await?.is_some() {
            return Err(MakingError::Exists(record.name));
        }
        let detail = json!({ "visibility": record.visibility, "immutable_tags": record.immutable_tags });
        self.record(Some(actor), "repository.create", record.name.as_str(), detail).await?;
        if self.repositories.create(&record).await? { Ok(record) } else { Err(MakingError::Exists(record.name)) }
    }

    /// The namespaces in which somebody may make repositories, their own first. Administrators may in every one.
    pub async fn namespaces(&self, account: &Account) -> Result<Vec<String>, StorageError> {
        let directory = self.accounts.directory();
        let administered = directory.memberships(&account.id).await?.into_iter().filter(|membership| membership.is_admin);
        let mut others: Vec<String> = administered.map(|membership| membership.org.name.to_string()).collect();
        let teams: Vec<_> = directory.teams_of(&account.id).await?.into_iter().map(|team| team.id).collect();
        others.extend(self.repositories.administered_namespaces(&teams).await?);
        others.retain(|name| *name != account.name.as_str());
        others.sort();
        others.dedup();
        Ok(std::iter::once(account.name.to_string()).chain(others).collect())
    }

    /// Removes a repository with all that is in it, but never one with signed tags. Whether `actor` may was asked before.
    pub async fn remove(
        &self,
        actor: Option<&Account>,
        name: &Repository,
        trust: &dyn RepositoryTrust,
    ) -> Result<(), RemovalError> {
        let signed: Vec<String> = trust.released(name).await?.into_keys().collect();
        if !signed.is_empty() {
            return Err(RemovalError::Signed(signed));
        }
        self.record(actor, "repository.delete", name.as_str(), json!({})).await?;
        trust.forget(name, actor).await?;
        if self.repositories.delete(name).await? { Ok(()) } else { Err(RemovalError::Absent) }
    }

    /// Removes all trust data of a repository, so that nothing in it is signed any more. Whether `actor` may was asked before.
    pub async fn forget_trust(
        &self,
        actor: Option<&Account>,
        name: &Repository,
        trust: &dyn RepositoryTrust,
    ) -> Result<(), StorageError> {
        self.record(actor, "trust.delete", &format!("{}/{name}", self.public_host), json!({})).await?;
        trust.forget(name, actor).await
    }

    /// Removes a tag that is not signed; its manifest stays. Whether `actor` may was asked before.
    pub async fn remove_tag(
        &self,
        actor: Option<&Account>,
        name: &Repository,
        tag: &TagRecord,
        (content, trust): (&dyn Content, &dyn RepositoryTrust),
    ) -> Result<(), RemovalError> {
        if trust.released(name).await?.contains_key(tag.name.as_str()) {
            return Err(RemovalError::Signed(vec![tag.name.to_string()]));
        }
        self.record(actor, "tag.delete", &format!("{name}:{}", tag.name), json!({ "digest": tag.digest })).await?;
        match content.delete_tag(name, &tag.name, &tag.digest).await? {
            TagDeletion::Removed => Ok(()),
            TagDeletion::Absent => Err(RemovalError::Absent),
            TagDeletion::Moved(_) => Err(RemovalError::Moved),
        }
    }
}
