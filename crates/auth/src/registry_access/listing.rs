//! Which repositories somebody finds.

use wharfinger_identity::Account;
use wharfinger_storage::StorageError;
use wharfinger_storage::repositories::{Reader, RepositoryRecord};

use super::permission::{Permission, Teams};
use super::{Action, RegistryAccess};

impl RegistryAccess {
    /// A page of at most `limit` repositories that an account (`None`: anybody) may read and whose name holds `words`, in order of name,
    /// after the name `after`; and the name after which the next page begins, when there may be one.
    pub async fn search(
        &self,
        account: Option<&Account>,
        words: &str,
        after: Option<&str>,
        limit: u32,
    ) -> Result<(Vec<RepositoryRecord>, Option<String>), StorageError> {
        let reader = self.reader(account).await?;
        let found = self.repositories.readable(&reader, words, after, limit).await?;
        let next = (found.len() == limit as usize).then(|| found.last().map(|last| last.name.to_string())).flatten();
        // The search is quick, the rule decides.
        let (teams, mut readable) = (Teams::default(), Vec::with_capacity(found.len()));
        for record in found {
            let asked = (account, &teams);
            let permission =
                Permission::judge(&self.accounts, &*self.repositories, asked, &record.name, Some(record.clone())).await?;
            if permission.allows(Action::Pull) {
                readable.push(record);
            }
        }
        Ok((readable, next))
    }

    async fn reader(&self, account: Option<&Account>) -> Result<Reader, StorageError> {
        let Some(account) = account.filter(|account| account.is_active && !account.is_org) else {
            return Ok(Reader::Of { owners: Vec::new(), teams: Vec::new() });
        };
        if account.is_admin {
            return Ok(Reader::OfEverything);
        }
        let directory = self.accounts.directory();
        let administered = directory.memberships(&account.id).await?.into_iter().filter(|membership| membership.is_admin);
        let owners = std::iter::once(account.id.clone()).chain(administered.map(|membership| membership.org.id)).collect();
        let teams = directory.teams_of(&account.id).await?.into_iter().map(|team| team.id).collect();
        Ok(Reader::Of { owners, teams })
    }
}
