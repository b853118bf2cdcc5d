//! `storage::secrets` in SQL.

use async_trait::async_trait;
use wharfinger_storage::Result;
use wharfinger_storage::secrets::Secrets;

use crate::{Sql, failed};

#[async_trait]
impl Secrets for Sql {
    async fn secret(&self, name: &str) -> Result<Option<Vec<u8>>> {
        sqlx::query_scalar("SELECT sealed FROM secrets WHERE name = $1")
            .bind(name)
            .fetch_optional(self.read())
            .await
            .map_err(failed)
    }

    async fn keep_first(&self, name: &str, sealed: &[u8]) -> Result<Vec<u8>> {
        let mut transaction = self.write().await?;
        sqlx::query("INSERT INTO secrets (name, sealed) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")
            .bind(name)
            .bind(sealed)
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        let kept = sqlx::query_scalar("SELECT sealed FROM secrets WHERE name = $1")
            .bind(name)
            .fetch_one(&mut *transaction)
            .await
            .map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(kept)
    }

    async fn replace(&self, name: &str, sealed: &[u8]) -> Result<()> {
        let mut transaction = self.write().await?;
        let replace = "INSERT INTO secrets (name, sealed) VALUES ($1, $2)
                       ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed";
        sqlx::query(replace).bind(name).bind(sealed).execute(&mut *transaction).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }

    async fn forget(&self, name: &str) -> Result<bool> {
        let mut transaction = self.write().await?;
        let gone =
            sqlx::query("DELETE FROM secrets WHERE name = $1").bind(name).execute(&mut *transaction).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(gone.rows_affected() > 0)
    }
}
