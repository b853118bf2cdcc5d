//! Users and organizations themselves.

use std::net::IpAddr;

use serde_json::json;
use wharfinger_identity::{Account, AccountId, Role};
use wharfinger_storage::accounts::{AccountChange, AccountFilter, Page};

use super::rows::{AccountRow, Listed, one_more};
use super::{Directory, DirectoryError, Lost, Result, administrators_only, line, not_like_an_id};
use crate::accounts::Accounts;
use crate::principal::{Principal, Via};
use crate::secret::Secret;

/// What an administrator says of a new account.
#[derive(Debug, Default)]
pub struct NewAccount {
    pub name: String,
    pub password: Option<Secret>,
    pub full_name: String,
    pub is_org: bool,
    pub is_admin: bool,
    pub is_active: Option<bool>,
    pub role: Option<Role>,
}

/// What is to change of an account; `None` leaves a field as it is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AccountChanges {
    pub full_name: Option<String>,
    pub is_admin: Option<bool>,
    pub is_active: Option<bool>,
    pub role: Option<Role>,
}

impl Directory {
    pub async fn create_account(&self, actor: &Principal, new: NewAccount) -> Result<AccountRow> {
        administrators_only(actor, "make accounts")?;
        let name = new.name.parse().map_err(|error: wharfinger_identity::NameError| DirectoryError::Invalid {
            field: "name",
            message: error.to_string(),
        })?;
        not_like_an_id(&new.name)?;
        line("fullName", &new.full_name)?;
        let invalid = |field, message: &str| DirectoryError::Invalid { field, message: message.to_owned() };
        let (password, role) = if new.is_org {
            if new.is_admin || new.role.is_some() || new.password.is_some() || new.is_active == Some(false) {
                return Err(invalid(
                    "isOrg",
                    "an organization has no password, no role, and is neither inactive nor an administrator",
                ));
            }
            (None, Role::None)
        } else {
            let password = new.password.ok_or_else(|| invalid("password", "a user needs a password"))?;
            let role = match new.role {
                Some(role) => role,
                None => self.policy.default_new_user_role().await?,
            };
            (Some(self.accounts.hash_new(&password).await?), role)
        };
        let account = Account {
            id: AccountId::generate(),
            name,
            full_name: new.full_name,
            is_org: new.is_org,
            is_admin: new.is_admin,
            is_active: new.is_active.unwrap_or(true),
            role,
        };
        if self.store().account_named(&account.name).await?.is_some() {
            return Err(DirectoryError::Conflict(format!("an account `{}` is there already", account.name)));
        }
        let detail = json!({ "id": account.id, "isOrg": account.is_org, "isAdmin": account.is_admin, "role": account.role });
        self.act(actor, "account.create", account.name.as_str(), detail, async {
            Ok(self.store().create_account(&account, password.as_deref(), self.accounts.now()).await?)
        })
        .await?;
        self.row(account).await
    }

    pub async fn account(&self, actor: &Principal, name_or_id: &str) -> Result<AccountRow> {
        let account = self.readable(actor, name_or_id).await?;
        self.row(account).await
    }

    /// Everybody, for administrators; others see themselves and their organizations.
    pub async fn accounts(&self, actor: &Principal, filter: AccountFilter, page: &Page) -> Result<Listed<AccountRow>> {
        self.find_accounts(actor, filter, "", page).await
    }

    /// Of those that [`Directory::accounts`] lists, the ones whose name or full name holds `find`.
    pub async fn find_accounts(
        &self,
        actor: &Principal,
        filter: AccountFilter,
        find: &str,
        page: &Page,
    ) -> Result<Listed<AccountRow>> {
        let found = if actor.account.is_admin {
            self.store().accounts(filter, find, &one_more(page)).await?
        } else {
            let mut own = vec![actor.account.clone()];
            own.extend(self.store().memberships(&actor.account.id).await?.into_iter().map(|membership| membership.org));
            own.retain(|account| admits(filter, account) && holds(account, find) && account.name.as_str() >= page.start.as_str());
            own.sort_by(|one, other| one.name.cmp(&other.name));
            own
        };
        let listed = Listed::cut(found, page, |account| account.name.to_string());
        let mut rows = Vec::with_capacity(listed.rows.len());
        for account in listed.rows {
            rows.push(self.row(account).await?);
        }
        Ok(Listed { rows, next: listed.next })
    }

    /// Users change their full name, organization admins their organization's; the rest is the administrators'.
    pub async fn update_account(
        &self,
        actor: &Principal,
        name_or_id: &str,
        changes: AccountChanges,
    ) -> Result<(AccountRow, Lost)> {
        let account = self.readable(actor, name_or_id).await?;
        if changes.is_admin.is_some() || changes.is_active.is_some() || changes.role.is_some() {
            administrators_only(actor, "change isAdmin, isActive and role")?;
            if account.is_org {
                let message = "an organization has no role, and is neither inactive nor an administrator".to_owned();
                return Err(DirectoryError::Invalid { field: "isOrg", message });
            }
        } else if account.is_org {
            self.administered_org(actor, account.id.as_str()).await?;
        }
        if let Some(full_name) = &changes.full_name {
            line("fullName", full_name)?;
        }
        let shut_out = changes.is_active == Some(false);
        let lost = if shut_out && account.is_active { self.signatures_of(&account).await? } else { Lost::default() };
        let detail = json!({
            "id": account.id, "fullName": changes.full_name, "isAdmin": changes.is_admin,
            "isActive": changes.is_active, "role": changes.role, "tagsLosingASigner": lost.tags,
        });
        let change = AccountChange {
            full_name: changes.full_name,
            is_admin: changes.is_admin,
            is_active: changes.is_active,
            role: changes.role,
        };
        let updated = self
            .act(actor, "account.update", account.name.as_str(), detail, async {
                let updated = self.store().update_account(&account.id, &change).await?;
                updated.ok_or_else(|| DirectoryError::NoSuch { what: "account", name: account.name.to_string() })
            })
            .await?;
        // What is open was opened by the rights of before; who changes their own still gets the answer.
        let other_rights = updated.role != account.role || (account.is_admin && !updated.is_admin);
        if shut_out || (other_rights && account.id != actor.account.id) {
            self.cut.close_account(&account.id);
        }
        Ok((self.row(updated).await?, lost))
    }

    pub async fn delete_account(&self, actor: &Principal, name_or_id: &str) -> Result<Lost> {
        administrators_only(actor, "delete accounts")?;
        let account = self.readable(actor, name_or_id).await?;
        if self.policy.teams().await?.users.contains(&account.id) {
            return Err(DirectoryError::Conflict(format!(
                "a rule of the signing policy names the user `{}`; take them out of the policy first",
                account.name
            )));
        }
        if account.is_org {
            let named = self.policy.teams().await?.teams;
            let teams = self.store().teams(&account.id, &Page::everything()).await?;
            if let Some(team) = teams.iter().find(|team| named.contains(&team.id)) {
                return Err(DirectoryError::Conflict(format!(
                    "the signing policy names the team `{}/{}`; take it out of the policy first",
                    account.name, team.name
                )));
            }
        }
        let lost = self.signatures_of(&account).await?;
        let detail = json!({ "id": account.id, "isOrg": account.is_org, "tagsLosingASigner": lost.tags });
        self.act(actor, "account.delete", account.name.as_str(), detail, async {
            let gone = self.store().delete_account(&account.id).await?;
            gone.then_some(()).ok_or_else(|| DirectoryError::NoSuch { what: "account", name: account.name.to_string() })
        })
        .await?;
        self.cut.close_account(&account.id);
        Ok(lost)
    }

    /// A user's own with the old one; another's by an administrator. Every other session of that user ends.
    pub async fn change_password(
        &self,
        actor: &Principal,
        name_or_id: &str,
        old: Option<&Secret>,
        new: &Secret,
        from: IpAddr,
    ) -> Result<()> {
        let account = self.readable(actor, name_or_id).await?;
        if account.is_org {
            return Err(DirectoryError::Invalid { field: "name", message: "an organization has no password".to_owned() });
        }
        let own = account.id == actor.account.id;
        if own {
            let needed =
                || DirectoryError::Invalid { field: "oldPassword", message: "the present password is needed".to_owned() };
            let old = old.ok_or_else(needed)?;
            self.accounts.check_password(account.name.as_str(), old, from).await.map_err(DirectoryError::OldPassword)?;
        } else {
            administrators_only(actor, "change another's password")?;
        }
        // Before it is recorded: what nobody may choose is not tried.
        Accounts::admits(new)?;
        let keep = match &actor.via {
            Via::Session(id) | Via::Cookie(id) if own => Some(id.as_str()),
            _ => None,
        };
        self.act(actor, "account.password", account.name.as_str(), json!({ "id": account.id }), async {
            Ok(self.accounts.set_password(&account, new, keep).await?)
        })
        .await?;
        if !own {
            // An administrator who sets another's password shuts somebody out, who may be connected.
            self.cut.close_account(&account.id);
        }
        Ok(())
    }

    /// What ends with an account.
    async fn signatures_of(&self, account: &Account) -> Result<Lost> {
        let keys = self.store().keys_of(&account.id, &Page::everything()).await?;
        Ok(self.losses(&keys).await)
    }
}

/// As [`wharfinger_storage::accounts::Accounts::accounts`] looks.
fn holds(account: &Account, find: &str) -> bool {
    let find = find.to_ascii_lowercase();
    [account.name.as_str(), &account.full_name].iter().any(|text| text.to_ascii_lowercase().contains(&find))
}

fn admits(filter: AccountFilter, account: &Account) -> bool {
    match filter {
        AccountFilter::All => true,
        AccountFilter::Users => !account.is_org,
        AccountFilter::Orgs => account.is_org,
        AccountFilter::Admins => !account.is_org && account.is_admin,
        AccountFilter::NonAdmins => !account.is_org && !account.is_admin,
        AccountFilter::ActiveUsers => !account.is_org && account.is_active,
        AccountFilter::InactiveUsers => !account.is_org && !account.is_active,
    }
}
