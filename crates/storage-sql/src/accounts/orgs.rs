//! Who is in which organization.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use wharfinger_identity::AccountId;
use wharfinger_storage::Result;
use wharfinger_storage::accounts::{Member, Membership, Page};

use super::{account, commit};
use crate::{Sql, failed};

fn member_row(row: &SqliteRow) -> Result<Member> {
    Ok(Member { account: account(row)?, is_admin: row.try_get("org_admin").map_err(failed)? })
}

pub(super) async fn put_member(sql: &Sql, org: &AccountId, user: &AccountId, is_admin: bool) -> Result<()> {
    let mut transaction = sql.write().await?;
    // Only a user may be in an organization: the names of both come from a path somebody typed.
    let put = "INSERT INTO members (org_id, user_id, is_admin)
               SELECT o.id, u.id, $3 FROM accounts o, accounts u
               WHERE o.id = $1 AND o.is_org = TRUE AND u.id = $2 AND u.is_org = FALSE
               ON CONFLICT (org_id, user_id) DO UPDATE SET is_admin = excluded.is_admin";
    sqlx::query(put).bind(org.as_str()).bind(user.as_str()).bind(is_admin).execute(&mut *transaction).await.map_err(failed)?;
    commit(sql, transaction).await
}

pub(super) async fn remove_member(sql: &Sql, org: &AccountId, user: &AccountId) -> Result<bool> {
    let mut transaction = sql.write().await?;
    let removed = sqlx::query("DELETE FROM members WHERE org_id = $1 AND user_id = $2")
        .bind(org.as_str())
        .bind(user.as_str())
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    if removed.rows_affected() == 0 {
        return Ok(false);
    }
    let leave = "DELETE FROM team_members WHERE user_id = $2 AND team_id IN (SELECT id FROM teams WHERE org_id = $1)";
    sqlx::query(leave).bind(org.as_str()).bind(user.as_str()).execute(&mut *transaction).await.map_err(failed)?;
    commit(sql, transaction).await?;
    Ok(true)
}

pub(super) async fn members(sql: &Sql, org: &AccountId, page: &Page) -> Result<Vec<Member>> {
    let list = "SELECT a.id, a.name, a.full_name, a.is_org, a.is_admin, a.is_active, a.role, m.is_admin AS org_admin
                FROM members m JOIN accounts a ON a.id = m.user_id
                WHERE m.org_id = $1 AND a.name >= $2 ORDER BY a.name LIMIT $3";
    let rows = sqlx::query(list)
        .bind(org.as_str())
        .bind(&page.start)
        .bind(i64::from(page.limit))
        .fetch_all(sql.read())
        .await
        .map_err(failed)?;
    rows.iter().map(member_row).collect()
}

pub(super) async fn member(sql: &Sql, org: &AccountId, user: &AccountId) -> Result<Option<Member>> {
    let find = "SELECT a.id, a.name, a.full_name, a.is_org, a.is_admin, a.is_active, a.role, m.is_admin AS org_admin
                FROM members m JOIN accounts a ON a.id = m.user_id WHERE m.org_id = $1 AND m.user_id = $2";
    let row = sqlx::query(find).bind(org.as_str()).bind(user.as_str()).fetch_optional(sql.read()).await.map_err(failed)?;
    row.as_ref().map(member_row).transpose()
}

pub(super) async fn memberships(sql: &Sql, user: &AccountId) -> Result<Vec<Membership>> {
    let list = "SELECT a.id, a.name, a.full_name, a.is_org, a.is_admin, a.is_active, a.role, m.is_admin AS org_admin
                FROM members m JOIN accounts a ON a.id = m.org_id WHERE m.user_id = $1 ORDER BY a.name";
    let rows = sqlx::query(list).bind(user.as_str()).fetch_all(sql.read()).await.map_err(failed)?;
    rows.iter().map(|row| Ok(Membership { org: account(row)?, is_admin: row.try_get("org_admin").map_err(failed)? })).collect()
}
