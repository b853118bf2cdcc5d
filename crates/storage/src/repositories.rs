//! Which repositories there are, who but their owner may use them ([`Repositories`]), and what is in them ([`Content`]).

mod content;

use async_trait::async_trait;
use time::OffsetDateTime;
use wharfinger_identity::{AccountId, AccountName, TeamId};
use wharfinger_oci::Repository;

pub use content::{
    BlobLink, Content, ManifestDeletion, ManifestPut, ManifestRecord, ManifestSelector, NewManifest, TagDeletion, TagRecord,
    Unlinking, Upload,
};

use crate::Result;

/// Who may pull without being granted anything.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    Public,
    Private,
}

impl Visibility {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
        }
    }

    /// `public` or `private`; whatever else is `None`.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Public, Self::Private].into_iter().find(|visibility| visibility.as_str() == text)
    }
}

/// What a team may do, by DTR's names; each level includes the ones before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccessLevel {
    ReadOnly,
    ReadWrite,
    Admin,
}

impl AccessLevel {
    pub const ALL: [Self; 3] = [Self::ReadOnly, Self::ReadWrite, Self::Admin];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReadOnly => "read-only",
            Self::ReadWrite => "read-write",
            Self::Admin => "admin",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == text)
    }
}

/// What a team's access was granted on.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Scope {
    /// One existing repository; the grant ends with it.
    Repository(Repository),
    /// Every repository of an account, also those to come (`admin` here may make new ones).
    Namespace(AccountName),
}

/// A repository, without what is in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RepositoryRecord {
    /// `namespace/name`; the owner's name is `name.namespace()`.
    pub name: Repository,
    /// The account that had the namespace's name when the repository was made, if there was one. An account
    /// that is given the same name later owns nothing here.
    pub owner: Option<AccountId>,
    pub visibility: Visibility,
    pub short_description: String,
    pub long_description: String,
    /// A tag, once pushed, keeps its digest.
    pub immutable_tags: bool,
    pub created_at: OffsetDateTime,
    pub updated_at: OffsetDateTime,
}

/// A change of a repository; `None` keeps what is there.
#[derive(Clone, Default, Debug)]
pub struct RepositoryChange {
    pub visibility: Option<Visibility>,
    pub short_description: Option<String>,
    pub long_description: Option<String>,
    pub immutable_tags: Option<bool>,
}

/// For whom repositories are searched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reader {
    /// Somebody who may read all of them.
    OfEverything,
    /// Somebody who may read what is public, what belongs to these accounts, and what these teams may.
    Of { owners: Vec<AccountId>, teams: Vec<TeamId> },
}

/// The directory of repositories and the access granted to teams.
#[async_trait]
pub trait Repositories: Send + Sync {
    /// Makes a repository. `false`: one of this name was there and is unchanged.
    async fn create(&self, record: &RepositoryRecord) -> Result<bool>;

    async fn find(&self, name: &Repository) -> Result<Option<RepositoryRecord>>;

    /// Up to `limit` repositories in order of name, after the name `after`; those of one namespace when one is given.
    async fn list(&self, namespace: Option<&str>, after: Option<&str>, limit: u32) -> Result<Vec<RepositoryRecord>>;

    /// Up to `limit` repositories that are for `reader` and whose name holds `words`, in order of name, after the name `after`.
    async fn readable(&self, reader: &Reader, words: &str, after: Option<&str>, limit: u32) -> Result<Vec<RepositoryRecord>>;

    /// The repository after the change; `None` when there is none of this name.
    async fn change(&self, name: &Repository, change: &RepositoryChange, now: OffsetDateTime)
    -> Result<Option<RepositoryRecord>>;

    /// Removes a repository with all tags, manifests, links, uploads and grants. `false`: there was none.
    async fn delete(&self, name: &Repository) -> Result<bool>;

    /// Every team that has access to `name`, by a grant on the repository or on its namespace (then a team can stand
    /// here twice, and the higher level counts). The repository need not exist yet.
    async fn team_access(&self, name: &Repository) -> Result<Vec<(TeamId, AccessLevel)>>;

    /// The grants made on exactly this scope.
    async fn grants(&self, scope: &Scope) -> Result<Vec<(TeamId, AccessLevel)>>;

    /// The namespaces in which one of these teams may make repositories.
    async fn administered_namespaces(&self, teams: &[TeamId]) -> Result<Vec<String>>;

    /// Gives a team access, in place of what it had on this scope. `false`: the repository does not exist.
    async fn grant(&self, scope: &Scope, team: &TeamId, level: AccessLevel) -> Result<bool>;

    /// `false`: the team had no access on this scope.
    async fn revoke(&self, scope: &Scope, team: &TeamId) -> Result<bool>;

    /// Grows whenever a change here may have taken the right to read something from somebody.
    async fn revision(&self) -> Result<u64>;
}
