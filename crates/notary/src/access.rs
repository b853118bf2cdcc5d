//! May they? Asked of the room that knows; here is only the question.

use async_trait::async_trait;
use sha2::Digest as _;
use time::OffsetDateTime;
use wharfinger_auth::{AccessError, Action, FeedGranted, RegistryAccess, RepositoryGranted};
use wharfinger_identity::Account;
use wharfinger_oci::Repository;
use wharfinger_storage::StorageError;
use wharfinger_storage::collections::Publisher;

/// What a request needs to be allowed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Need {
    Pull,
    PushPull,
    /// Rotating server keys and deleting.
    All,
}

#[derive(Debug, thiserror::Error)]
pub enum Denied {
    /// `needed`: kind, name and action of each right that is missing.
    #[error("authentication required")]
    Challenge { www_authenticate: String, needed: Vec<(String, String, String)> },
    #[error("could not look up the permission")]
    Storage(#[from] StorageError),
}

/// What was granted. Kept by the caller only to hand it back.
#[derive(Clone, Debug)]
pub struct Grant {
    granted: Option<RepositoryGranted>,
    anonymous: bool,
}

impl Grant {
    /// For implementations that know no accounts.
    pub fn to_anyone() -> Self {
        Self { granted: None, anonymous: true }
    }

    /// The id of the account it was granted to, if to one.
    pub(crate) fn account(&self) -> Option<&str> {
        self.granted.as_ref().and_then(RepositoryGranted::account).map(|account| account.id.as_str())
    }

    /// Who publishes or deletes with it, as a collection's past keeps them.
    pub(crate) fn publisher(&self) -> Option<Publisher> {
        self.granted.as_ref().and_then(RepositoryGranted::account).map(publisher)
    }

    /// Whether just anyone would have been granted it. If not, no cache may share the answer.
    pub fn is_public(&self) -> bool {
        self.anonymous
    }
}

pub(crate) fn publisher(account: &Account) -> Publisher {
    Publisher { id: account.id.clone(), name: account.name.to_string() }
}

/// Decides by the token *and* by what the account may do now.
#[async_trait]
pub trait Authorize: Send + Sync {
    /// `name` is the repository as the client wrote it, for the challenge.
    async fn repository(&self, bearer: Option<&str>, repository: &Repository, name: &str, need: Need) -> Result<Grant, Denied>;

    /// Makes the repository that [`Need::PushPull`] was granted for, if it is not there.
    async fn make_room(&self, grant: &Grant, now: OffsetDateTime) -> Result<(), StorageError>;

    /// Records what `grant` is about to be used for: `action` on the collection `object`. What cannot be recorded is not done.
    async fn record(&self, grant: &Grant, action: &str, object: &str) -> Result<(), StorageError>;

    /// Who follows the global changefeed with this token.
    async fn follower<'a>(&'a self, bearer: Option<&str>) -> Result<Box<dyn Follower + 'a>, Denied>;
}

/// Somebody who follows the global changefeed.
#[async_trait]
pub trait Follower: Send + Sync {
    /// Whether the changes of `repository` are for them, now.
    async fn follows(&self, repository: &Repository) -> Result<bool, StorageError>;

    /// Differs from what it was before as soon as they may have lost the right to read something: no line of the feed says so.
    async fn rights(&self) -> Result<String, StorageError>;
}

/// What [`Follower::rights`] says of those from whom nothing is kept.
pub const EVERYTHING: &str = "everything";

struct WithToken<'a> {
    access: &'a RegistryAccess,
    granted: FeedGranted,
}

#[async_trait]
impl Follower for WithToken<'_> {
    async fn follows(&self, repository: &Repository) -> Result<bool, StorageError> {
        self.access.follows(&self.granted, repository).await
    }

    async fn rights(&self) -> Result<String, StorageError> {
        if self.granted.everything() {
            return Ok(EVERYTHING.to_owned());
        }
        // Hashed: how much is going on in the directory is nobody's business.
        let revision = format!("{:?}", self.access.readers_revision(&self.granted).await?);
        Ok(hex::encode(sha2::Sha256::digest(revision)).get(..16).unwrap_or_default().to_owned())
    }
}

#[async_trait]
impl Authorize for RegistryAccess {
    async fn repository(&self, bearer: Option<&str>, repository: &Repository, name: &str, need: Need) -> Result<Grant, Denied> {
        let action = match need {
            Need::Pull => Action::Pull,
            // Push includes pull, in the scope and in the right.
            Need::PushPull => Action::Push,
            Need::All => Action::All,
        };
        if need == Need::Pull && self.is_mirror(bearer) {
            return Ok(Grant { granted: None, anonymous: false });
        }
        let granted = self.authorize(bearer, repository, name, action).await.map_err(denied)?;
        Ok(Grant { anonymous: granted.account().is_none(), granted: Some(granted) })
    }

    async fn make_room(&self, grant: &Grant, now: OffsetDateTime) -> Result<(), StorageError> {
        match &grant.granted {
            Some(granted) => RegistryAccess::make_room(self, granted, now).await,
            None => Ok(()),
        }
    }

    async fn record(&self, grant: &Grant, action: &str, object: &str) -> Result<(), StorageError> {
        let actor = grant.granted.as_ref().and_then(RepositoryGranted::account);
        RegistryAccess::record(self, actor, action, object, serde_json::json!({})).await
    }

    async fn follower<'a>(&'a self, bearer: Option<&str>) -> Result<Box<dyn Follower + 'a>, Denied> {
        let granted = self.feed(bearer).await.map_err(denied)?;
        Ok(Box::new(WithToken { access: self, granted }))
    }
}

fn denied(error: AccessError) -> Denied {
    match error {
        AccessError::Storage(error) => Denied::Storage(error),
        AccessError::Challenge(challenge) => Denied::Challenge {
            www_authenticate: challenge.www_authenticate(),
            needed: challenge
                .needed
                .iter()
                .flat_map(|access| access.actions.iter().map(|action| (access.typ.clone(), access.name.clone(), action.clone())))
                .collect(),
        },
    }
}
