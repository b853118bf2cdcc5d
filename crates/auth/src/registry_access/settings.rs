//! Who may read and write a repository, changed by those whose right to do so was asked before: recorded first, then done.

use serde_json::json;
use time::OffsetDateTime;
use wharfinger_identity::{Account, AccountName, Team, TeamId};
use wharfinger_oci::Repository;
use wharfinger_storage::StorageError;
use wharfinger_storage::repositories::{AccessLevel, RepositoryChange, RepositoryRecord, Scope};

use super::RegistryAccess;

/// A team, and its name as `org/team`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NamedTeam {
    pub name: String,
    pub team: Team,
}

impl RegistryAccess {
    /// Changes what `before` says; `None` when it is gone meanwhile.
    pub async fn change(
        &self,
        actor: Option<&Account>,
        before: &RepositoryRecord,
        change: &RepositoryChange,
        now: OffsetDateTime,
    ) -> Result<Option<RepositoryRecord>, StorageError> {
        let detail = json!({
            "from": { "visibility": before.visibility, "immutable_tags": before.immutable_tags },
            "to": { "visibility": change.visibility, "immutable_tags": change.immutable_tags },
            "described": change.short_description.is_some() || change.long_description.is_some(),
        });
        self.record(actor, "repository.update", before.name.as_str(), detail).await?;
        self.repositories.change(&before.name, change, now).await
    }

    /// A team by `org/team`, by its name alone in an organization's namespace, or by its id.
    pub async fn team_named(&self, namespace: &str, text: &str) -> Result<Option<NamedTeam>, StorageError> {
        let directory = self.accounts.directory();
        let (org, name) = text.split_once('/').unwrap_or((namespace, text));
        let org = match org.parse::<AccountName>() {
            Ok(org) => self.accounts.find_named(&org).await?.filter(|org| org.is_org),
            Err(_) => None,
        };
        if let (Some(org), Ok(name)) = (org, name.parse())
            && let Some(team) = directory.team_named(&org.id, &name).await?
        {
            return Ok(Some(NamedTeam { name: format!("{}/{}", org.name, team.name), team }));
        }
        self.team(&TeamId::stored(text)).await
    }

    async fn team(&self, id: &TeamId) -> Result<Option<NamedTeam>, StorageError> {
        let Some(team) = self.accounts.directory().team(id).await? else { return Ok(None) };
        let org = self.accounts.find(&team.org).await?;
        Ok(org.map(|org| NamedTeam { name: format!("{}/{}", org.name, team.name), team }))
    }

    /// The teams that were given access on exactly this scope. A team that is gone grants nothing any more.
    pub async fn granted_teams(&self, scope: &Scope) -> Result<Vec<(NamedTeam, AccessLevel)>, StorageError> {
        let mut teams = Vec::new();
        for (id, level) in self.repositories.grants(scope).await? {
            if let Some(team) = self.team(&id).await? {
                teams.push((team, level));
            }
        }
        Ok(teams)
    }

    /// Gives a team access, in place of what it had on this scope. `false`: the repository is gone.
    pub async fn grant(
        &self,
        actor: Option<&Account>,
        scope: &Scope,
        team: &NamedTeam,
        level: AccessLevel,
    ) -> Result<bool, StorageError> {
        let detail = json!({ "team": team.name, "team_id": team.team.id, "level": level });
        self.record(actor, "access.grant", &object(scope), detail).await?;
        self.repositories.grant(scope, &team.team.id, level).await
    }

    /// Takes a team's access on this scope away. `false`: it had none.
    pub async fn revoke(&self, actor: Option<&Account>, scope: &Scope, team: &NamedTeam) -> Result<bool, StorageError> {
        let had = self.repositories.grants(scope).await?.into_iter().find(|(id, _)| *id == team.team.id);
        let Some((_, level)) = had else { return Ok(false) };
        let detail = json!({ "team": team.name, "team_id": team.team.id, "level": level });
        self.record(actor, "access.revoke", &object(scope), detail).await?;
        self.repositories.revoke(scope, &team.team.id).await
    }

    /// A repository as it is now.
    pub async fn repository(&self, name: &Repository) -> Result<Option<RepositoryRecord>, StorageError> {
        self.repositories.find(name).await
    }
}

/// What the record calls it.
fn object(scope: &Scope) -> String {
    match scope {
        Scope::Repository(name) => name.to_string(),
        Scope::Namespace(name) => format!("{name}/*"),
    }
}
