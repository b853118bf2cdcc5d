//! Names of teams and users in a policy, resolved to ids when they are written: a later one of the same name is another.

use wharfinger_identity::{Account, AccountId, AccountName, TeamId, TeamName};
use wharfinger_policy::{NamedUser, RequiredTeam};
use wharfinger_storage::StorageError;
use wharfinger_storage::accounts::{Accounts, Page};

#[derive(Debug, thiserror::Error)]
pub enum TeamError {
    #[error("there is no team `{0}`: write organization/team, as GET /accounts/<organization>/teams lists them")]
    Unknown(String),
    #[error("`{0}` is the name of teams in several organizations: write organization/team")]
    Ambiguous(String),
    #[error("the team `{0}` has no active member: nobody could sign for it, and everything would be refused. Add a member first")]
    Empty(String),
    #[error("there is no user `{0}`: write a name as GET /accounts/?filter=users lists them")]
    UnknownUser(String),
    #[error("the user `{0}` is not active: they could not sign for it. Activate them first")]
    InactiveUser(String),
    #[error("could not look up the name")]
    Storage(#[from] StorageError),
}

/// Resolves each of `written` (an id, `organization/team`, or a team's name where only one has it); twice the same counts once.
pub(crate) async fn resolve(directory: &dyn Accounts, written: &[String]) -> Result<Vec<RequiredTeam>, TeamError> {
    let mut teams: Vec<RequiredTeam> = Vec::new();
    for text in written {
        let team = one(directory, text).await?;
        let members = directory.team_members(&team.id, &Page::everything()).await?;
        if !members.iter().any(|member| member.is_active) {
            return Err(TeamError::Empty(team.name));
        }
        if !teams.iter().any(|known| known.id == team.id) {
            teams.push(team);
        }
    }
    Ok(teams)
}

/// Resolves each of `written` (a user's name or id) to somebody who can sign now; twice the same counts once.
pub(crate) async fn resolve_users(directory: &dyn Accounts, written: &[String]) -> Result<Vec<NamedUser>, TeamError> {
    let mut users: Vec<NamedUser> = Vec::new();
    for text in written {
        let account = user(directory, text).await?;
        if !account.is_active {
            return Err(TeamError::InactiveUser(account.name.to_string()));
        }
        if !users.iter().any(|known| known.id == account.id) {
            users.push(NamedUser { id: account.id, name: account.name.to_string() });
        }
    }
    Ok(users)
}

/// The user of that name or id.
pub(crate) async fn user(directory: &dyn Accounts, text: &str) -> Result<Account, TeamError> {
    let found = match directory.account(&AccountId::stored(text)).await? {
        Some(account) => Some(account),
        None => match text.parse::<AccountName>() {
            Ok(name) => directory.account_named(&name).await?,
            Err(_) => None,
        },
    };
    found.filter(|account| !account.is_org).ok_or_else(|| TeamError::UnknownUser(text.chars().take(200).collect()))
}

async fn one(directory: &dyn Accounts, text: &str) -> Result<RequiredTeam, TeamError> {
    let unknown = || TeamError::Unknown(text.chars().take(200).collect());
    let team = if let Some((org, team)) = text.split_once('/') {
        let (Ok(org), Ok(team)) = (org.parse::<AccountName>(), team.parse::<TeamName>()) else {
            return Err(unknown());
        };
        let org = directory.account_named(&org).await?.filter(|org| org.is_org).ok_or_else(unknown)?;
        directory.team_named(&org.id, &team).await?.ok_or_else(unknown)?
    } else if let Some(team) = directory.team(&TeamId::stored(text)).await? {
        team
    } else {
        let name: TeamName = text.parse().map_err(|_| unknown())?;
        let mut called = directory.teams_called(&name).await?;
        let team = called.pop().ok_or_else(unknown)?;
        if !called.is_empty() {
            return Err(TeamError::Ambiguous(text.to_owned()));
        }
        team
    };
    let org = directory.account(&team.org).await?.ok_or_else(unknown)?;
    Ok(RequiredTeam { id: team.id, name: format!("{}/{}", org.name, team.name) })
}
