//! Members of organizations.

use serde_json::json;
use wharfinger_identity::{Account, AccountId, Team};
use wharfinger_storage::accounts::Page;

use super::rows::{Listed, MemberRow, one_more, user_row};
use super::{Directory, DirectoryError, Result, shown};
use crate::principal::Principal;

/// How somebody is a member; `None` leaves it, and a new member is none of the admins.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MemberChange {
    pub is_admin: Option<bool>,
}

impl Directory {
    pub async fn members(&self, actor: &Principal, org: &str, page: &Page) -> Result<Listed<MemberRow>> {
        let org = self.readable_org(actor, org).await?;
        let members = self.store().members(&org.id, &one_more(page)).await?;
        Ok(Listed::cut(members, page, |member| member.account.name.to_string())
            .map(|member| MemberRow { is_admin: member.is_admin, member: user_row(member.account) }))
    }

    pub async fn member(&self, actor: &Principal, org: &str, user: &str) -> Result<MemberRow> {
        let org = self.readable_org(actor, org).await?;
        let no_such = || DirectoryError::NoSuch { what: "member", name: format!("{}/{}", org.name, shown(user)) };
        let user = self.find(user).await?.ok_or_else(no_such)?;
        let member = self.store().member(&org.id, &user.id).await?.ok_or_else(no_such)?;
        Ok(MemberRow { is_admin: member.is_admin, member: user_row(member.account) })
    }

    pub async fn put_member(&self, actor: &Principal, org: &str, user: &str, change: MemberChange) -> Result<MemberRow> {
        let org = self.administered_org(actor, org).await?;
        let user = self.user(user).await?;
        let before = self.store().member(&org.id, &user.id).await?;
        let is_admin = change.is_admin.unwrap_or_else(|| before.is_some_and(|member| member.is_admin));
        let detail = json!({ "id": user.id, "isAdmin": is_admin });
        self.act(actor, "member.put", &format!("{}/{}", org.name, user.name), detail, async {
            Ok(self.store().put_member(&org.id, &user.id, is_admin).await?)
        })
        .await?;
        Ok(MemberRow { member: user_row(user), is_admin })
    }

    /// Takes the user out of the organization's teams as well.
    pub async fn remove_member(&self, actor: &Principal, org: &str, user: &str) -> Result<()> {
        let org = self.administered_org(actor, org).await?;
        let no_such = || DirectoryError::NoSuch { what: "member", name: format!("{}/{}", org.name, shown(user)) };
        let user = self.find(user).await?.ok_or_else(no_such)?;
        let teams = self.teams_within(&org.id, &user.id).await?;
        self.may_change_members(actor, &teams).await?;
        if self.store().member(&org.id, &user.id).await?.is_none() {
            return Err(no_such());
        }
        let teams: Vec<_> = teams.iter().map(|team| team.name.as_str()).collect();
        let detail = json!({ "id": user.id, "teams": teams });
        self.act(actor, "member.remove", &format!("{}/{}", org.name, user.name), detail, async {
            self.store().remove_member(&org.id, &user.id).await?.then_some(()).ok_or_else(no_such)
        })
        .await
    }

    async fn teams_within(&self, org: &AccountId, user: &AccountId) -> Result<Vec<Team>> {
        let teams = self.store().teams_of(user).await?;
        Ok(teams.into_iter().filter(|team| team.org == *org).collect())
    }

    /// A user of that name or id, who may become a member of something.
    pub(super) async fn user(&self, name_or_id: &str) -> Result<Account> {
        let no_such = || DirectoryError::NoSuch { what: "account", name: shown(name_or_id) };
        let account = self.find(name_or_id).await?.ok_or_else(no_such)?;
        if account.is_org {
            let message = "an organization cannot be a member of another".to_owned();
            return Err(DirectoryError::Invalid { field: "member", message });
        }
        Ok(account)
    }
}
