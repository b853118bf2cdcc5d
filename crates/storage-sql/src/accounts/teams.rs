//! Teams and who is in them.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use wharfinger_identity::{Account, AccountId, Team, TeamId, TeamName};
use wharfinger_storage::accounts::{Page, TeamChange};
use wharfinger_storage::{Result, StorageError};

use super::{account, commit, damaged};
use crate::{Sql, failed};

fn team(row: &SqliteRow) -> Result<Team> {
    let text = |column: &str| row.try_get::<String, _>(column).map_err(failed);
    Ok(Team {
        id: TeamId::stored(text("id")?),
        org: AccountId::stored(text("org_id")?),
        name: text("name")?.parse().map_err(|error| damaged("a team's name", &error))?,
        description: text("description")?,
    })
}

fn name_taken(error: sqlx::Error) -> StorageError {
    match failed(error) {
        StorageError::Conflict(_) => StorageError::Conflict("the organization has a team of that name already".into()),
        other => other,
    }
}

pub(super) async fn create(sql: &Sql, team: &Team) -> Result<()> {
    let mut transaction = sql.write().await?;
    sqlx::query("INSERT INTO teams (id, org_id, name, description) VALUES ($1, $2, $3, $4)")
        .bind(team.id.as_str())
        .bind(team.org.as_str())
        .bind(team.name.as_str())
        .bind(&team.description)
        .execute(&mut *transaction)
        .await
        .map_err(name_taken)?;
    commit(sql, transaction).await
}

pub(super) async fn find(sql: &Sql, id: &TeamId) -> Result<Option<Team>> {
    let row = sqlx::query("SELECT id, org_id, name, description FROM teams WHERE id = $1")
        .bind(id.as_str())
        .fetch_optional(sql.read())
        .await
        .map_err(failed)?;
    row.as_ref().map(team).transpose()
}

pub(super) async fn named(sql: &Sql, org: &AccountId, name: &TeamName) -> Result<Option<Team>> {
    let row = sqlx::query("SELECT id, org_id, name, description FROM teams WHERE org_id = $1 AND name = $2")
        .bind(org.as_str())
        .bind(name.as_str())
        .fetch_optional(sql.read())
        .await
        .map_err(failed)?;
    row.as_ref().map(team).transpose()
}

pub(super) async fn list(sql: &Sql, org: &AccountId, page: &Page) -> Result<Vec<Team>> {
    let list = "SELECT id, org_id, name, description FROM teams WHERE org_id = $1 AND name >= $2 ORDER BY name LIMIT $3";
    let rows = sqlx::query(list)
        .bind(org.as_str())
        .bind(&page.start)
        .bind(i64::from(page.limit))
        .fetch_all(sql.read())
        .await
        .map_err(failed)?;
    rows.iter().map(team).collect()
}

pub(super) async fn called(sql: &Sql, name: &TeamName) -> Result<Vec<Team>> {
    let rows = sqlx::query("SELECT id, org_id, name, description FROM teams WHERE name = $1 ORDER BY id")
        .bind(name.as_str())
        .fetch_all(sql.read())
        .await
        .map_err(failed)?;
    rows.iter().map(team).collect()
}

pub(super) async fn update(sql: &Sql, id: &TeamId, change: &TeamChange) -> Result<Option<Team>> {
    let mut transaction = sql.write().await?;
    let update = "UPDATE teams SET name = COALESCE($2, name), description = COALESCE($3, description) WHERE id = $1
                  RETURNING id, org_id, name, description";
    let row = sqlx::query(update)
        .bind(id.as_str())
        .bind(change.name.as_ref().map(TeamName::as_str))
        .bind(change.description.as_deref())
        .fetch_optional(&mut *transaction)
        .await
        .map_err(name_taken)?;
    let Some(row) = row else { return Ok(None) };
    let team = team(&row)?;
    commit(sql, transaction).await?;
    Ok(Some(team))
}

pub(super) async fn delete(sql: &Sql, id: &TeamId) -> Result<bool> {
    let mut transaction = sql.write().await?;
    let deleted =
        sqlx::query("DELETE FROM teams WHERE id = $1").bind(id.as_str()).execute(&mut *transaction).await.map_err(failed)?;
    if deleted.rows_affected() == 0 {
        return Ok(false);
    }
    commit(sql, transaction).await?;
    Ok(true)
}

pub(super) async fn put_member(sql: &Sql, team: &TeamId, user: &AccountId) -> Result<()> {
    let mut transaction = sql.write().await?;
    let statements = [
        "INSERT INTO members (org_id, user_id, is_admin)
         SELECT t.org_id, u.id, FALSE FROM teams t, accounts u WHERE t.id = $1 AND u.id = $2 AND u.is_org = FALSE
         ON CONFLICT (org_id, user_id) DO NOTHING",
        "INSERT INTO team_members (team_id, user_id)
         SELECT t.id, u.id FROM teams t, accounts u WHERE t.id = $1 AND u.id = $2 AND u.is_org = FALSE
         ON CONFLICT (team_id, user_id) DO NOTHING",
    ];
    for statement in statements {
        sqlx::query(statement).bind(team.as_str()).bind(user.as_str()).execute(&mut *transaction).await.map_err(failed)?;
    }
    commit(sql, transaction).await
}

pub(super) async fn remove_member(sql: &Sql, team: &TeamId, user: &AccountId) -> Result<bool> {
    let mut transaction = sql.write().await?;
    let removed = sqlx::query("DELETE FROM team_members WHERE team_id = $1 AND user_id = $2")
        .bind(team.as_str())
        .bind(user.as_str())
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    if removed.rows_affected() == 0 {
        return Ok(false);
    }
    commit(sql, transaction).await?;
    Ok(true)
}

pub(super) async fn members(sql: &Sql, team: &TeamId, page: &Page) -> Result<Vec<Account>> {
    let list = "SELECT a.id, a.name, a.full_name, a.is_org, a.is_admin, a.is_active, a.role
                FROM team_members m JOIN accounts a ON a.id = m.user_id
                WHERE m.team_id = $1 AND a.name >= $2 ORDER BY a.name LIMIT $3";
    let rows = sqlx::query(list)
        .bind(team.as_str())
        .bind(&page.start)
        .bind(i64::from(page.limit))
        .fetch_all(sql.read())
        .await
        .map_err(failed)?;
    rows.iter().map(account).collect()
}

pub(super) async fn member_count(sql: &Sql, team: &TeamId) -> Result<u64> {
    let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM team_members WHERE team_id = $1")
        .bind(team.as_str())
        .fetch_one(sql.read())
        .await
        .map_err(failed)?;
    Ok(count.unsigned_abs())
}

pub(super) async fn of(sql: &Sql, user: &AccountId) -> Result<Vec<Team>> {
    let list = "SELECT t.id, t.org_id, t.name, t.description FROM team_members m JOIN teams t ON t.id = m.team_id
                WHERE m.user_id = $1 ORDER BY t.id";
    let rows = sqlx::query(list).bind(user.as_str()).fetch_all(sql.read()).await.map_err(failed)?;
    rows.iter().map(team).collect()
}
