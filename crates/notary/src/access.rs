//! May they? Asked of the room that knows; here is only the question.

use async_trait::async_trait;
use wharfinger_auth::{AccessError, Action, RegistryAccess};
use wharfinger_oci::Repository;
use wharfinger_storage::StorageError;

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

/// Decides by the token *and* by what the account may do now.
#[async_trait]
pub trait Authorize: Send + Sync {
    /// `name` is the repository as the client wrote it, for the challenge.
    async fn repository(&self, bearer: Option<&str>, repository: &Repository, name: &str, need: Need) -> Result<(), Denied>;

    /// Everything of everyone: the global changefeed.
    async fn catalog(&self, bearer: Option<&str>) -> Result<(), Denied>;
}

#[async_trait]
impl Authorize for RegistryAccess {
    async fn repository(&self, bearer: Option<&str>, repository: &Repository, name: &str, need: Need) -> Result<(), Denied> {
        let action = match need {
            Need::Pull => Action::Pull,
            // Push includes pull, in the scope and in the right.
            Need::PushPull => Action::Push,
            Need::All => Action::All,
        };
        self.authorize(bearer, repository, name, action).await.map(drop).map_err(denied)
    }

    async fn catalog(&self, bearer: Option<&str>) -> Result<(), Denied> {
        RegistryAccess::catalog(self, bearer).await.map(drop).map_err(denied)
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
