//! The record of decisions and changes.

use async_trait::async_trait;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use time::OffsetDateTime;
use wharfinger_storage::audit::{Act, Audit, Recorded};
use wharfinger_storage::{Result, StorageError};

use crate::{Sql, failed};

#[async_trait]
impl Audit for Sql {
    async fn append(&self, act: &Act) -> Result<i64> {
        let mut tx = self.write().await?;
        let nanos = i64::try_from(act.at.unix_timestamp_nanos()).map_err(StorageError::unavailable)?;
        let (id,): (i64,) = sqlx::query_as(
            "INSERT INTO audit (at, actor, action, object, outcome, detail) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
        )
        .bind(nanos)
        .bind(&act.actor)
        .bind(&act.action)
        .bind(&act.object)
        .bind(&act.outcome)
        .bind(&act.detail)
        .fetch_one(&mut *tx)
        .await
        .map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        Ok(id)
    }

    async fn newest(&self, before: Option<i64>, limit: u32) -> Result<Vec<Recorded>> {
        let rows = sqlx::query(
            "SELECT id, at, actor, action, object, outcome, detail FROM audit WHERE id < $1 ORDER BY id DESC LIMIT $2",
        )
        .bind(before.unwrap_or(i64::MAX))
        .bind(i64::from(limit))
        .fetch_all(self.read())
        .await
        .map_err(failed)?;
        rows.iter().map(recorded).collect()
    }
}

fn recorded(row: &SqliteRow) -> Result<Recorded> {
    let at: i64 = row.try_get("at").map_err(failed)?;
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at))
        .map_err(|_| StorageError::Damaged("the time of an audit entry".to_owned()))?;
    Ok(Recorded {
        id: row.try_get("id").map_err(failed)?,
        act: Act {
            at,
            actor: row.try_get("actor").map_err(failed)?,
            action: row.try_get("action").map_err(failed)?,
            object: row.try_get("object").map_err(failed)?,
            outcome: row.try_get("outcome").map_err(failed)?,
            detail: row.try_get("detail").map_err(failed)?,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_recorded_is_read_back_newest_first() {
        let folder = tempfile::tempdir().unwrap();
        let sql = Sql::open(&folder.path().join("db")).await.unwrap();
        let act = |object: &str| Act {
            at: OffsetDateTime::UNIX_EPOCH,
            actor: "ann".to_owned(),
            action: "deploy".to_owned(),
            object: object.to_owned(),
            outcome: "deny".to_owned(),
            detail: "{}".to_owned(),
        };
        let first = sql.append(&act("one")).await.unwrap();
        let second = sql.append(&act("two")).await.unwrap();
        let all = sql.newest(None, 10).await.unwrap();
        assert_eq!(all.iter().map(|entry| entry.id).collect::<Vec<_>>(), [second, first]);
        assert_eq!(sql.newest(Some(second), 10).await.unwrap(), [Recorded { id: first, act: act("one") }]);
    }
}
