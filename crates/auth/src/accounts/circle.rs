//! Whose workloads are as good as one's own.

use std::collections::BTreeSet;

use wharfinger_identity::AccountId;
use wharfinger_storage::StorageError;
use wharfinger_storage::accounts::Page;

use super::Accounts;

/// An account and everybody with whom it shares a team.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Circle(BTreeSet<AccountId>);

impl Circle {
    pub fn of(account: AccountId, mates: impl IntoIterator<Item = AccountId>) -> Self {
        Self(mates.into_iter().chain([account]).collect())
    }

    /// Whether what carries this owner's id is theirs. What carries none is nobody's.
    pub fn owns(&self, owner: Option<&str>) -> bool {
        owner.is_some_and(|owner| self.0.contains(&AccountId::stored(owner)))
    }
}

impl Accounts {
    /// As the teams are at this moment.
    pub async fn circle(&self, account: &AccountId) -> Result<Circle, StorageError> {
        let mut mates = Vec::new();
        for team in self.directory.teams_of(account).await? {
            mates.extend(self.directory.team_members(&team.id, &Page::everything()).await?.into_iter().map(|mate| mate.id));
        }
        Ok(Circle::of(account.clone(), mates))
    }
}
