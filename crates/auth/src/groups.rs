//! The groups that somebody's certificate names, for a Kubernetes API server that takes our CA for its clients'.

use wharfinger_identity::Account;
use wharfinger_storage::StorageError;

use crate::accounts::Accounts;

/// What an administrator's certificate names. No team can be called so: names hold no `:`, which is also why none is one of
/// Kubernetes' own (`system:masters`).
const ADMINISTRATORS: &str = "wharfinger:admin";

/// Each team of the account as `organization/team`; of an administrator, [`ADMINISTRATORS`] too. As they are now.
pub(crate) async fn groups(accounts: &Accounts, account: &Account) -> Result<Vec<String>, StorageError> {
    let directory = accounts.directory();
    let mut groups = Vec::new();
    if account.is_admin {
        groups.push(ADMINISTRATORS.to_owned());
    }
    for team in directory.teams_of(&account.id).await? {
        if let Some(org) = directory.account(&team.org).await? {
            groups.push(format!("{}/{}", org.name, team.name));
        }
    }
    Ok(groups)
}
