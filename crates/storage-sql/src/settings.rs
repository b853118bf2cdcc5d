//! The cluster's configuration document.

use async_trait::async_trait;
use wharfinger_storage::settings::{Settings, StoredSettings};
use wharfinger_storage::{Result, StorageError};

use crate::{Sql, failed};

#[async_trait]
impl Settings for Sql {
    async fn revision(&self) -> Result<i64> {
        let select = "SELECT revision FROM settings WHERE id = 1";
        let stored = async { sqlx::query_scalar(select).fetch_one(self.read()).await.map_err(failed) };
        self.settings.read(stored).await
    }

    async fn load(&self) -> Result<StoredSettings> {
        let (revision, document) = sqlx::query_as("SELECT revision, document FROM settings WHERE id = 1")
            .fetch_one(self.read())
            .await
            .map_err(failed)?;
        Ok(StoredSettings { revision, document })
    }

    async fn replace(&self, expected: i64, document: &str) -> Result<i64> {
        let mut tx = self.write().await?;
        let replaced = sqlx::query("UPDATE settings SET revision = revision + 1, document = $1 WHERE id = 1 AND revision = $2")
            .bind(document)
            .bind(expected)
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
        if replaced.rows_affected() != 1 {
            return Err(StorageError::Conflict("the configuration was changed meanwhile".to_owned()));
        }
        self.settings.commit(tx).await?;
        Ok(expected + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_configuration_survives_and_a_stale_writer_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let sql = Sql::open(&folder.path().join("db")).await.unwrap();
        assert_eq!(sql.load().await.unwrap(), StoredSettings { revision: 0, document: String::new() });
        assert_eq!(sql.replace(0, "a").await.unwrap(), 1);
        assert!(matches!(sql.replace(0, "b").await, Err(StorageError::Conflict(_))));
        sql.close().await;
        let again = Sql::open(&folder.path().join("db")).await.unwrap();
        assert_eq!(again.load().await.unwrap(), StoredSettings { revision: 1, document: "a".to_owned() });
    }
}
