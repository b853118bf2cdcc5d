//! What `storage` promises of accounts, sessions and secrets, kept by SQL.

mod accounts;
mod keys;
mod secrets;
mod sessions;

use time::OffsetDateTime;
use time::macros::datetime;
use wharfinger_identity::{Account, AccountId, Role, Team, TeamId};
use wharfinger_storage::accounts::Accounts;
use wharfinger_storage_sql::Sql;

pub const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

pub struct Store {
    pub sql: Sql,
    pub folder: tempfile::TempDir,
}

pub async fn store() -> Store {
    let folder = tempfile::tempdir().unwrap();
    let sql = Sql::open(&folder.path().join("db")).await.unwrap();
    Store { sql, folder }
}

pub fn user(name: &str) -> Account {
    Account {
        id: AccountId::generate(),
        name: name.parse().unwrap(),
        full_name: String::new(),
        is_org: false,
        is_admin: false,
        is_active: true,
        role: Role::RestrictedControl,
    }
}

pub fn org(name: &str) -> Account {
    Account { is_org: true, role: Role::None, ..user(name) }
}

pub fn admin(name: &str) -> Account {
    Account { is_admin: true, ..user(name) }
}

pub async fn made(sql: &Sql, account: Account) -> Account {
    sql.create_account(&account, Some("phc"), NOW).await.unwrap();
    account
}

pub async fn team(sql: &Sql, org: &Account, name: &str) -> Team {
    let team = Team { id: TeamId::generate(), org: org.id.clone(), name: name.parse().unwrap(), description: String::new() };
    sql.create_team(&team).await.unwrap();
    team
}
