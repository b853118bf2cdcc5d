//! Teams and their members.

use serde_json::json;
use wharfinger_identity::{Account, NameError, Team, TeamId};
use wharfinger_storage::accounts::{Page, TeamChange};

use super::rows::{Listed, MemberRow, TeamRow, one_more, user_row};
use super::{Directory, DirectoryError, Result, line, not_like_an_id, shown};
use crate::principal::Principal;

#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NewTeam {
    pub name: String,
    pub description: String,
}

/// What is to change of a team; `None` leaves a field as it is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TeamChanges {
    pub name: Option<String>,
    pub description: Option<String>,
}

fn team_name(name: &str) -> Result<wharfinger_identity::TeamName> {
    not_like_an_id(name)?;
    name.parse().map_err(|error: NameError| DirectoryError::Invalid { field: "name", message: error.to_string() })
}

impl Directory {
    pub async fn teams(&self, actor: &Principal, org: &str, page: &Page) -> Result<Listed<TeamRow>> {
        let org = self.readable_org(actor, org).await?;
        let teams = self.store().teams(&org.id, &one_more(page)).await?;
        let listed = Listed::cut(teams, page, |team| team.name.to_string());
        let mut rows = Vec::with_capacity(listed.rows.len());
        for team in listed.rows {
            rows.push(self.team_row(team).await?);
        }
        Ok(Listed { rows, next: listed.next })
    }

    pub async fn team_of(&self, actor: &Principal, org: &str, team: &str) -> Result<TeamRow> {
        let org = self.readable_org(actor, org).await?;
        let team = self.team(&org, team).await?;
        self.team_row(team).await
    }

    pub async fn create_team(&self, actor: &Principal, org: &str, new: NewTeam) -> Result<TeamRow> {
        let org = self.administered_org(actor, org).await?;
        line("description", &new.description)?;
        let team =
            Team { id: TeamId::generate(), org: org.id.clone(), name: team_name(&new.name)?, description: new.description };
        self.act(actor, "team.create", &full_name(&org, &team), json!({ "id": team.id }), async {
            Ok(self.store().create_team(&team).await?)
        })
        .await?;
        self.team_row(team).await
    }

    pub async fn update_team(&self, actor: &Principal, org: &str, team: &str, changes: TeamChanges) -> Result<TeamRow> {
        let org = self.administered_org(actor, org).await?;
        let team = self.team(&org, team).await?;
        let name = match &changes.name {
            Some(name) => {
                // The policy shows the name; who reads it has to find the same people behind it.
                self.may_change_members(actor, std::slice::from_ref(&team)).await?;
                Some(team_name(name)?)
            }
            None => None,
        };
        if let Some(description) = &changes.description {
            line("description", description)?;
        }
        let change = TeamChange { name, description: changes.description.clone() };
        let no_such = || DirectoryError::NoSuch { what: "team", name: full_name(&org, &team) };
        let detail = json!({ "id": team.id, "name": changes.name, "description": changes.description });
        let updated = self
            .act(actor, "team.update", &full_name(&org, &team), detail, async {
                self.store().update_team(&team.id, &change).await?.ok_or_else(no_such)
            })
            .await?;
        self.team_row(updated).await
    }

    pub async fn delete_team(&self, actor: &Principal, org: &str, team: &str) -> Result<()> {
        let org = self.administered_org(actor, org).await?;
        let team = self.team(&org, team).await?;
        if self.policy.teams().await?.teams.contains(&team.id) {
            return Err(DirectoryError::Conflict(format!(
                "the signing policy names the team `{}`; take it out of the policy first",
                full_name(&org, &team)
            )));
        }
        self.act(actor, "team.delete", &full_name(&org, &team), json!({ "id": team.id }), async {
            let gone = self.store().delete_team(&team.id).await?;
            gone.then_some(()).ok_or_else(|| DirectoryError::NoSuch { what: "team", name: full_name(&org, &team) })
        })
        .await
    }

    pub async fn team_members(&self, actor: &Principal, org: &str, team: &str, page: &Page) -> Result<Listed<MemberRow>> {
        let org = self.readable_org(actor, org).await?;
        let team = self.team(&org, team).await?;
        let members = self.store().team_members(&team.id, &one_more(page)).await?;
        Ok(Listed::cut(members, page, |member| member.name.to_string())
            .map(|member| MemberRow { member: user_row(member), is_admin: false }))
    }

    /// Adds the user to the team, and to the organization if they are not in it.
    pub async fn put_team_member(&self, actor: &Principal, org: &str, team: &str, user: &str) -> Result<MemberRow> {
        let org = self.administered_org(actor, org).await?;
        let team = self.team(&org, team).await?;
        let user = self.user(user).await?;
        self.may_change_members(actor, std::slice::from_ref(&team)).await?;
        let detail = json!({ "id": user.id, "team": team.id });
        self.act(actor, "team.member.put", &format!("{}/{}", full_name(&org, &team), user.name), detail, async {
            Ok(self.store().put_team_member(&team.id, &user.id).await?)
        })
        .await?;
        Ok(MemberRow { member: user_row(user), is_admin: false })
    }

    pub async fn remove_team_member(&self, actor: &Principal, org: &str, team: &str, user: &str) -> Result<()> {
        let org = self.administered_org(actor, org).await?;
        let team = self.team(&org, team).await?;
        let no_such = || DirectoryError::NoSuch { what: "member", name: format!("{}/{}", full_name(&org, &team), shown(user)) };
        let user = self.find(user).await?.ok_or_else(no_such)?;
        self.may_change_members(actor, std::slice::from_ref(&team)).await?;
        if !self.store().teams_of(&user.id).await?.iter().any(|known| known.id == team.id) {
            return Err(no_such());
        }
        let detail = json!({ "id": user.id, "team": team.id });
        self.act(actor, "team.member.remove", &format!("{}/{}", full_name(&org, &team), user.name), detail, async {
            self.store().remove_team_member(&team.id, &user.id).await?.then_some(()).ok_or_else(no_such)
        })
        .await
    }
}

fn full_name(org: &Account, team: &Team) -> String {
    format!("{}/{}", org.name, team.name)
}
