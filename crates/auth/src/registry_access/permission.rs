//! The rule itself: whose repository, whose team, how much.

use tokio::sync::OnceCell;
use wharfinger_identity::{Account, AccountName, Team};
use wharfinger_oci::Repository;
use wharfinger_storage::StorageError;
use wharfinger_storage::repositories::{AccessLevel, Repositories, RepositoryRecord, Visibility};

use super::Action;
use crate::accounts::Accounts;

/// The teams of an account, read once for all that is asked about it.
pub(super) type Teams = OnceCell<Vec<Team>>;

/// What somebody may do with a repository at this moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Permission {
    level: Option<AccessLevel>,
    exists: bool,
}

impl Permission {
    pub(super) fn allows(self, action: Action) -> bool {
        let enough = match action {
            Action::Pull => AccessLevel::ReadOnly,
            // The first push makes the repository: for those who administer the place it is made in.
            Action::Push if !self.exists => AccessLevel::Admin,
            Action::Push => AccessLevel::ReadWrite,
            Action::Delete | Action::All => AccessLevel::Admin,
        };
        self.level.is_some_and(|level| level >= enough)
    }

    pub(super) fn exists(self) -> bool {
        self.exists
    }

    pub(super) async fn find(
        accounts: &Accounts,
        repositories: &dyn Repositories,
        account: Option<&Account>,
        repository: &Repository,
    ) -> Result<Self, StorageError> {
        let record = repositories.find(repository).await?;
        Self::judge(accounts, repositories, (account, &Teams::default()), repository, record).await
    }

    /// As [`Permission::find`], of a repository that was just read, by somebody who is asked about for many.
    pub(super) async fn judge(
        accounts: &Accounts,
        repositories: &dyn Repositories,
        (account, teams): (Option<&Account>, &Teams),
        repository: &Repository,
        record: Option<RepositoryRecord>,
    ) -> Result<Self, StorageError> {
        let exists = record.is_some();
        let public = record.as_ref().is_some_and(|record| record.visibility == Visibility::Public);
        let anyone = public.then_some(AccessLevel::ReadOnly);
        let Some(account) = account.filter(|account| account.is_active && !account.is_org) else {
            return Ok(Self { level: anyone, exists });
        };
        if account.is_admin {
            return Ok(Self { level: Some(AccessLevel::Admin), exists });
        }
        let directory = accounts.directory();
        // A repository belongs to the account that had the name when it was made, not to whoever has the name now.
        let owner = match record {
            Some(record) => match record.owner {
                Some(owner) => directory.account(&owner).await?,
                None => None,
            },
            None => match repository.namespace().parse::<AccountName>() {
                // `app` alone is in nobody's namespace.
                Ok(name) if repository.as_str().contains('/') => directory.account_named(&name).await?,
                _ => None,
            },
        };
        if let Some(owner) = owner {
            let own = owner.id == account.id;
            let administers = owner.is_org
                && owner.is_active
                && directory.member(&owner.id, &account.id).await?.is_some_and(|member| member.is_admin);
            if own || administers {
                return Ok(Self { level: Some(AccessLevel::Admin), exists });
            }
        }
        let granted = repositories.team_access(repository).await?;
        let mut level = anyone;
        if !granted.is_empty() {
            let teams = teams.get_or_try_init(|| directory.teams_of(&account.id)).await?;
            let mine = granted.iter().filter(|(team, _)| teams.iter().any(|own| own.id == *team));
            level = level.max(mine.map(|(_, level)| *level).max());
        }
        Ok(Self { level, exists })
    }
}
