//! Public keys: whose they are.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use time::OffsetDateTime;
use wharfinger_identity::{AccountId, PublicKeyId, TeamId};
use wharfinger_storage::accounts::{KeyOwnerRecord, Page, PublicKeyChange, PublicKeyRecord};
use wharfinger_storage::{Result, StorageError};

use super::{FIND, account, commit, damaged};
use crate::{Sql, failed};

fn key(row: &SqliteRow) -> Result<PublicKeyRecord> {
    let text = |column: &str| row.try_get::<String, _>(column).map_err(failed);
    let created: i64 = row.try_get("created_at").map_err(failed)?;
    Ok(PublicKeyRecord {
        id: PublicKeyId::stored(text("id")?),
        account: AccountId::stored(text("account_id")?),
        spki: row.try_get("spki").map_err(failed)?,
        label: text("label")?,
        certificates: serde_json::from_str(&text("certificates")?).map_err(|error| damaged("a key's certificates", &error))?,
        login: row.try_get("login").map_err(failed)?,
        created: OffsetDateTime::from_unix_timestamp(created).map_err(|error| damaged("a key's date", &error))?,
    })
}

pub(super) async fn add(sql: &Sql, key: &PublicKeyRecord) -> Result<()> {
    let certificates = serde_json::to_string(&key.certificates).map_err(StorageError::unavailable)?;
    let mut transaction = sql.write().await?;
    let insert = "INSERT INTO public_keys (id, account_id, spki, label, certificates, login, created_at)
                  VALUES ($1, $2, $3, $4, $5, $6, $7)";
    sqlx::query(insert)
        .bind(key.id.as_str())
        .bind(key.account.as_str())
        .bind(&key.spki)
        .bind(&key.label)
        .bind(certificates)
        .bind(key.login)
        .bind(key.created.unix_timestamp())
        .execute(&mut *transaction)
        .await
        .map_err(|error| match failed(error) {
            StorageError::Conflict(_) => StorageError::Conflict("this public key belongs to an account already".into()),
            other => other,
        })?;
    commit(sql, transaction).await
}

pub(super) async fn find(sql: &Sql, id: &PublicKeyId) -> Result<Option<PublicKeyRecord>> {
    let find = "SELECT id, account_id, spki, label, certificates, login, created_at FROM public_keys WHERE id = $1";
    let row = sqlx::query(find).bind(id.as_str()).fetch_optional(sql.read()).await.map_err(failed)?;
    row.as_ref().map(key).transpose()
}

pub(super) async fn of(sql: &Sql, account: &AccountId, page: &Page) -> Result<Vec<PublicKeyRecord>> {
    let list = "SELECT id, account_id, spki, label, certificates, login, created_at FROM public_keys
                WHERE account_id = $1 AND id >= $2 ORDER BY id LIMIT $3";
    let rows = sqlx::query(list)
        .bind(account.as_str())
        .bind(&page.start)
        .bind(i64::from(page.limit))
        .fetch_all(sql.read())
        .await
        .map_err(failed)?;
    rows.iter().map(key).collect()
}

pub(super) async fn update(sql: &Sql, id: &PublicKeyId, change: &PublicKeyChange) -> Result<Option<PublicKeyRecord>> {
    let mut transaction = sql.write().await?;
    let update = "UPDATE public_keys SET label = COALESCE($2, label), login = COALESCE($3, login) WHERE id = $1
                  RETURNING id, account_id, spki, label, certificates, login, created_at";
    let row = sqlx::query(update)
        .bind(id.as_str())
        .bind(change.label.as_deref())
        .bind(change.login)
        .fetch_optional(&mut *transaction)
        .await
        .map_err(failed)?;
    let Some(row) = row else { return Ok(None) };
    let changed = key(&row)?;
    commit(sql, transaction).await?;
    Ok(Some(changed))
}

pub(super) async fn delete(sql: &Sql, id: &PublicKeyId) -> Result<bool> {
    let mut transaction = sql.write().await?;
    let deleted = sqlx::query("DELETE FROM public_keys WHERE id = $1")
        .bind(id.as_str())
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    if deleted.rows_affected() == 0 {
        return Ok(false);
    }
    commit(sql, transaction).await?;
    Ok(true)
}

pub(super) async fn owner_of(sql: &Sql, spki: &[u8]) -> Result<Option<KeyOwnerRecord>> {
    // One read transaction, so that key, account and teams are of one moment.
    let mut transaction = sql.read().begin().await.map_err(failed)?;
    let find = "SELECT id, account_id, spki, label, certificates, login, created_at FROM public_keys WHERE spki = $1";
    let Some(row) = sqlx::query(find).bind(spki).fetch_optional(&mut *transaction).await.map_err(failed)? else {
        return Ok(None);
    };
    let key = key(&row)?;
    let row = sqlx::query(FIND).bind(key.account.as_str()).fetch_one(&mut *transaction).await.map_err(failed)?;
    let account = account(&row)?;
    let teams: Vec<String> = sqlx::query_scalar("SELECT team_id FROM team_members WHERE user_id = $1 ORDER BY team_id")
        .bind(key.account.as_str())
        .fetch_all(&mut *transaction)
        .await
        .map_err(failed)?;
    Ok(Some(KeyOwnerRecord { key, account, teams: teams.into_iter().map(TeamId::stored).collect() }))
}
