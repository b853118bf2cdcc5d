//! `storage::sessions` in SQL.

use async_trait::async_trait;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use time::OffsetDateTime;
use wharfinger_identity::AccountId;
use wharfinger_storage::sessions::{RefreshRecord, SessionRecord, Sessions, TokenHash};
use wharfinger_storage::{Result, StorageError};

use crate::{Sql, failed};

fn moment(row: &SqliteRow, column: &str) -> Result<OffsetDateTime> {
    let seconds: i64 = row.try_get(column).map_err(failed)?;
    OffsetDateTime::from_unix_timestamp(seconds).map_err(|error| StorageError::Damaged(format!("a session's {column}: {error}")))
}

#[async_trait]
impl Sessions for Sql {
    async fn open(&self, session: &SessionRecord, limit: u32) -> Result<()> {
        let mut transaction = self.write().await?;
        sqlx::query("INSERT INTO sessions (id, account_id, token_hash, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)")
            .bind(&session.id)
            .bind(session.account.as_str())
            .bind(session.token.0.as_slice())
            .bind(session.created.unix_timestamp())
            .bind(session.expires.unix_timestamp())
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        let evict = "DELETE FROM sessions WHERE account_id = $1 AND id NOT IN
                     (SELECT id FROM sessions WHERE account_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2)";
        sqlx::query(evict)
            .bind(session.account.as_str())
            .bind(i64::from(limit))
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }

    async fn session(&self, token: &TokenHash) -> Result<Option<SessionRecord>> {
        let row = sqlx::query("SELECT id, account_id, created_at, expires_at FROM sessions WHERE token_hash = $1")
            .bind(token.0.as_slice())
            .fetch_optional(self.read())
            .await
            .map_err(failed)?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(SessionRecord {
            id: row.try_get("id").map_err(failed)?,
            account: AccountId::stored(row.try_get::<String, _>("account_id").map_err(failed)?),
            token: *token,
            created: moment(&row, "created_at")?,
            expires: moment(&row, "expires_at")?,
        }))
    }

    async fn renew(&self, id: &str, expires: OffsetDateTime) -> Result<()> {
        let mut transaction = self.write().await?;
        sqlx::query("UPDATE sessions SET expires_at = $2 WHERE id = $1 AND expires_at < $2")
            .bind(id)
            .bind(expires.unix_timestamp())
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }

    async fn close(&self, id: &str) -> Result<bool> {
        let mut transaction = self.write().await?;
        let closed =
            sqlx::query("DELETE FROM sessions WHERE id = $1").bind(id).execute(&mut *transaction).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(closed.rows_affected() > 0)
    }

    async fn close_all(&self, account: &AccountId, keep: Option<&str>) -> Result<()> {
        let mut transaction = self.write().await?;
        sqlx::query("DELETE FROM sessions WHERE account_id = $1 AND id <> $2")
            .bind(account.as_str())
            .bind(keep.unwrap_or_default())
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        sqlx::query("DELETE FROM refresh_tokens WHERE account_id = $1")
            .bind(account.as_str())
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }

    async fn add_refresh(&self, refresh: &RefreshRecord, limit: u32) -> Result<()> {
        let mut transaction = self.write().await?;
        let insert = "INSERT INTO refresh_tokens (token_hash, account_id, service, created_at, expires_at)
                      VALUES ($1, $2, $3, $4, $5)";
        sqlx::query(insert)
            .bind(refresh.token.0.as_slice())
            .bind(refresh.account.as_str())
            .bind(&refresh.service)
            .bind(refresh.created.unix_timestamp())
            .bind(refresh.expires.unix_timestamp())
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        let evict = "DELETE FROM refresh_tokens WHERE account_id = $1 AND token_hash NOT IN
                     (SELECT token_hash FROM refresh_tokens WHERE account_id = $1
                      ORDER BY created_at DESC, expires_at DESC, token_hash LIMIT $2) AND token_hash <> $3";
        sqlx::query(evict)
            .bind(refresh.account.as_str())
            .bind(i64::from(limit))
            .bind(refresh.token.0.as_slice())
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }

    async fn refresh(&self, token: &TokenHash) -> Result<Option<RefreshRecord>> {
        let row = sqlx::query("SELECT account_id, service, created_at, expires_at FROM refresh_tokens WHERE token_hash = $1")
            .bind(token.0.as_slice())
            .fetch_optional(self.read())
            .await
            .map_err(failed)?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(RefreshRecord {
            token: *token,
            account: AccountId::stored(row.try_get::<String, _>("account_id").map_err(failed)?),
            service: row.try_get("service").map_err(failed)?,
            created: moment(&row, "created_at")?,
            expires: moment(&row, "expires_at")?,
        }))
    }

    async fn sweep(&self, now: OffsetDateTime) -> Result<()> {
        let mut transaction = self.write().await?;
        for statement in ["DELETE FROM sessions WHERE expires_at <= $1", "DELETE FROM refresh_tokens WHERE expires_at <= $1"] {
            sqlx::query(statement).bind(now.unix_timestamp()).execute(&mut *transaction).await.map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)
    }
}
