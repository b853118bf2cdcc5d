//! `storage::accounts` in SQL. Accounts themselves here; organizations, teams and keys in the files beside.

mod keys;
mod orgs;
mod teams;

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, Sqlite, Transaction};
use time::OffsetDateTime;
use wharfinger_identity::{Account, AccountId, AccountName, PublicKeyId, Team, TeamId, TeamName};
use wharfinger_storage::accounts::{
    AccountChange, AccountFilter, Accounts, Counts, KeyOwnerRecord, Member, Membership, Page, PublicKeyChange, PublicKeyRecord,
    TeamChange,
};
use wharfinger_storage::{Result, StorageError};

use crate::{Sql, failed};

/// Ends a change of the directory, and counts it in the transaction of the change.
async fn commit(sql: &Sql, mut transaction: Transaction<'static, Sqlite>) -> Result<()> {
    let count = "UPDATE directory SET revision = revision + 1 WHERE id = 1";
    sqlx::query(count).execute(&mut *transaction).await.map_err(failed)?;
    sql.directory.commit(transaction).await
}

fn damaged(what: &str, error: &dyn std::fmt::Display) -> StorageError {
    StorageError::Damaged(format!("{what}: {error}"))
}

/// Reads the columns `id, name, full_name, is_org, is_admin, is_active, role`.
fn account(row: &SqliteRow) -> Result<Account> {
    let text = |column: &str| row.try_get::<String, _>(column).map_err(failed);
    let flag = |column: &str| row.try_get::<bool, _>(column).map_err(failed);
    Ok(Account {
        id: AccountId::stored(text("id")?),
        name: text("name")?.parse().map_err(|error| damaged("an account's name", &error))?,
        full_name: text("full_name")?,
        is_org: flag("is_org")?,
        is_admin: flag("is_admin")?,
        is_active: flag("is_active")?,
        role: text("role")?.parse().map_err(|error| damaged("an account's role", &error))?,
    })
}

/// An installation without an administrator who can log in could only be helped from the machine itself.
async fn an_admin_is_left(transaction: &mut Transaction<'static, Sqlite>) -> Result<()> {
    let sql = "SELECT COUNT(*) FROM accounts WHERE is_admin = TRUE AND is_active = TRUE AND is_org = FALSE";
    let left: i64 = sqlx::query_scalar(sql).fetch_one(&mut **transaction).await.map_err(failed)?;
    if left == 0 {
        return Err(StorageError::Conflict(
            "no active administrator would be left; make another user an administrator first".into(),
        ));
    }
    Ok(())
}

const FIND: &str = "SELECT id, name, full_name, is_org, is_admin, is_active, role FROM accounts WHERE id = $1";

async fn create_account(sql: &Sql, account: &Account, password: Option<&str>, now: OffsetDateTime) -> Result<()> {
    let mut transaction = sql.write().await?;
    let insert = "INSERT INTO accounts (id, name, full_name, is_org, is_admin, is_active, role, password, created_at)
                  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    sqlx::query(insert)
        .bind(account.id.as_str())
        .bind(account.name.as_str())
        .bind(&account.full_name)
        .bind(account.is_org)
        .bind(account.is_admin)
        .bind(account.is_active)
        .bind(account.role.as_str())
        .bind(password)
        .bind(now.unix_timestamp())
        .execute(&mut *transaction)
        .await
        .map_err(|error| match failed(error) {
            StorageError::Conflict(_) => StorageError::Conflict(format!("an account `{}` is there already", account.name)),
            other => other,
        })?;
    commit(sql, transaction).await
}

async fn list(sql: &Sql, filter: AccountFilter, find: &str, page: &Page) -> Result<Vec<Account>> {
    // Whether it is an organization, an administrator, active: as the filter asks.
    let (is_org, is_admin, is_active) = match filter {
        AccountFilter::All => (None, None, None),
        AccountFilter::Users => (Some(false), None, None),
        AccountFilter::Orgs => (Some(true), None, None),
        AccountFilter::Admins => (Some(false), Some(true), None),
        AccountFilter::NonAdmins => (Some(false), Some(false), None),
        AccountFilter::ActiveUsers => (Some(false), None, Some(true)),
        AccountFilter::InactiveUsers => (Some(false), None, Some(false)),
    };
    let statement = "SELECT id, name, full_name, is_org, is_admin, is_active, role FROM accounts
         WHERE name >= $1 AND ($3 IS NULL OR is_org = $3) AND ($4 IS NULL OR is_admin = $4) AND ($5 IS NULL OR is_active = $5)
           AND ($6 = '' OR instr(lower(name), $6) > 0 OR instr(lower(full_name), $6) > 0)
         ORDER BY name LIMIT $2";
    let rows = sqlx::query(statement)
        .bind(&page.start)
        .bind(i64::from(page.limit))
        .bind(is_org)
        .bind(is_admin)
        .bind(is_active)
        .bind(find.to_ascii_lowercase());
    rows.fetch_all(sql.read()).await.map_err(failed)?.iter().map(account).collect()
}

async fn update_account(sql: &Sql, id: &AccountId, change: &AccountChange) -> Result<Option<Account>> {
    let mut transaction = sql.write().await?;
    let update = "UPDATE accounts SET full_name = COALESCE($2, full_name), is_admin = COALESCE($3, is_admin),
                  is_active = COALESCE($4, is_active), role = COALESCE($5, role) WHERE id = $1";
    let changed = sqlx::query(update)
        .bind(id.as_str())
        .bind(change.full_name.as_deref())
        .bind(change.is_admin)
        .bind(change.is_active)
        .bind(change.role.map(wharfinger_identity::Role::as_str))
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    if changed.rows_affected() == 0 {
        return Ok(None);
    }
    if change.is_admin == Some(false) || change.is_active == Some(false) {
        an_admin_is_left(&mut transaction).await?;
    }
    if change.is_active == Some(false) {
        for statement in ["DELETE FROM sessions WHERE account_id = $1", "DELETE FROM refresh_tokens WHERE account_id = $1"] {
            sqlx::query(statement).bind(id.as_str()).execute(&mut *transaction).await.map_err(failed)?;
        }
    }
    let row = sqlx::query(FIND).bind(id.as_str()).fetch_one(&mut *transaction).await.map_err(failed)?;
    let account = account(&row)?;
    commit(sql, transaction).await?;
    Ok(Some(account))
}

async fn delete_account(sql: &Sql, id: &AccountId) -> Result<bool> {
    let mut transaction = sql.write().await?;
    // Access to a namespace is granted by its name, and whoever gets the name next has granted nothing.
    sqlx::query("DELETE FROM namespace_team_access WHERE namespace = (SELECT name FROM accounts WHERE id = $1)")
        .bind(id.as_str())
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    let deleted =
        sqlx::query("DELETE FROM accounts WHERE id = $1").bind(id.as_str()).execute(&mut *transaction).await.map_err(failed)?;
    if deleted.rows_affected() == 0 {
        return Ok(false);
    }
    an_admin_is_left(&mut transaction).await?;
    commit(sql, transaction).await?;
    Ok(true)
}

#[async_trait]
impl Accounts for Sql {
    async fn revision(&self) -> Result<u64> {
        let select = "SELECT revision FROM directory WHERE id = 1";
        let stored = async { sqlx::query_scalar(select).fetch_one(self.read()).await.map_err(failed) };
        let revision = self.directory.read(stored).await?;
        u64::try_from(revision).map_err(|error| damaged("the directory's revision", &error))
    }

    async fn create_account(&self, account: &Account, password: Option<&str>, now: OffsetDateTime) -> Result<()> {
        create_account(self, account, password, now).await
    }

    async fn account(&self, id: &AccountId) -> Result<Option<Account>> {
        let row = sqlx::query(FIND).bind(id.as_str()).fetch_optional(self.read()).await.map_err(failed)?;
        row.as_ref().map(account).transpose()
    }

    async fn account_named(&self, name: &AccountName) -> Result<Option<Account>> {
        let find = "SELECT id, name, full_name, is_org, is_admin, is_active, role FROM accounts WHERE name = $1";
        let row = sqlx::query(find).bind(name.as_str()).fetch_optional(self.read()).await.map_err(failed)?;
        row.as_ref().map(account).transpose()
    }

    async fn accounts(&self, filter: AccountFilter, find: &str, page: &Page) -> Result<Vec<Account>> {
        list(self, filter, find, page).await
    }

    async fn counts(&self, id: &AccountId) -> Result<Counts> {
        let count = "SELECT (SELECT COUNT(*) FROM members WHERE org_id = $1), (SELECT COUNT(*) FROM teams WHERE org_id = $1)";
        let (members, teams): (i64, i64) =
            sqlx::query_as(count).bind(id.as_str()).fetch_one(self.read()).await.map_err(failed)?;
        Ok(Counts { members: members.unsigned_abs(), teams: teams.unsigned_abs() })
    }

    async fn update_account(&self, id: &AccountId, change: &AccountChange) -> Result<Option<Account>> {
        update_account(self, id, change).await
    }

    async fn delete_account(&self, id: &AccountId) -> Result<bool> {
        delete_account(self, id).await
    }

    async fn password(&self, id: &AccountId) -> Result<Option<String>> {
        let found: Option<(Option<String>,)> = sqlx::query_as("SELECT password FROM accounts WHERE id = $1")
            .bind(id.as_str())
            .fetch_optional(self.read())
            .await
            .map_err(failed)?;
        Ok(found.and_then(|(password,)| password))
    }

    async fn set_password(&self, id: &AccountId, password: &str) -> Result<bool> {
        let mut transaction = self.write().await?;
        let set = sqlx::query("UPDATE accounts SET password = $2 WHERE id = $1 AND is_org = FALSE")
            .bind(id.as_str())
            .bind(password)
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        if set.rows_affected() == 0 {
            return Ok(false);
        }
        commit(self, transaction).await?;
        Ok(true)
    }

    async fn put_member(&self, org: &AccountId, user: &AccountId, is_admin: bool) -> Result<()> {
        orgs::put_member(self, org, user, is_admin).await
    }

    async fn remove_member(&self, org: &AccountId, user: &AccountId) -> Result<bool> {
        orgs::remove_member(self, org, user).await
    }

    async fn members(&self, org: &AccountId, page: &Page) -> Result<Vec<Member>> {
        orgs::members(self, org, page).await
    }

    async fn member(&self, org: &AccountId, user: &AccountId) -> Result<Option<Member>> {
        orgs::member(self, org, user).await
    }

    async fn memberships(&self, user: &AccountId) -> Result<Vec<Membership>> {
        orgs::memberships(self, user).await
    }

    async fn create_team(&self, team: &Team) -> Result<()> {
        teams::create(self, team).await
    }

    async fn team(&self, id: &TeamId) -> Result<Option<Team>> {
        teams::find(self, id).await
    }

    async fn team_named(&self, org: &AccountId, name: &TeamName) -> Result<Option<Team>> {
        teams::named(self, org, name).await
    }

    async fn teams(&self, org: &AccountId, page: &Page) -> Result<Vec<Team>> {
        teams::list(self, org, page).await
    }

    async fn teams_called(&self, name: &TeamName) -> Result<Vec<Team>> {
        teams::called(self, name).await
    }

    async fn update_team(&self, id: &TeamId, change: &TeamChange) -> Result<Option<Team>> {
        teams::update(self, id, change).await
    }

    async fn delete_team(&self, id: &TeamId) -> Result<bool> {
        teams::delete(self, id).await
    }

    async fn put_team_member(&self, team: &TeamId, user: &AccountId) -> Result<()> {
        teams::put_member(self, team, user).await
    }

    async fn remove_team_member(&self, team: &TeamId, user: &AccountId) -> Result<bool> {
        teams::remove_member(self, team, user).await
    }

    async fn team_members(&self, team: &TeamId, page: &Page) -> Result<Vec<Account>> {
        teams::members(self, team, page).await
    }

    async fn team_member_count(&self, team: &TeamId) -> Result<u64> {
        teams::member_count(self, team).await
    }

    async fn teams_of(&self, user: &AccountId) -> Result<Vec<Team>> {
        teams::of(self, user).await
    }

    async fn add_key(&self, key: &PublicKeyRecord) -> Result<()> {
        keys::add(self, key).await
    }

    async fn key(&self, id: &PublicKeyId) -> Result<Option<PublicKeyRecord>> {
        keys::find(self, id).await
    }

    async fn keys_of(&self, account: &AccountId, page: &Page) -> Result<Vec<PublicKeyRecord>> {
        keys::of(self, account, page).await
    }

    async fn update_key(&self, id: &PublicKeyId, change: &PublicKeyChange) -> Result<Option<PublicKeyRecord>> {
        keys::update(self, id, change).await
    }

    async fn delete_key(&self, id: &PublicKeyId) -> Result<bool> {
        keys::delete(self, id).await
    }

    async fn owner_of(&self, spki: &[u8]) -> Result<Option<KeyOwnerRecord>> {
        keys::owner_of(self, spki).await
    }
}
