//! The record of what ran before the policy.

use async_trait::async_trait;
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use time::OffsetDateTime;
use wharfinger_storage::workloads::{Census, RanBefore, WorkloadKind, Workloads};
use wharfinger_storage::{Result, StorageError};

use crate::{Sql, failed};

#[async_trait]
impl Workloads for Sql {
    async fn forget(&self) -> Result<()> {
        let mut tx = self.write().await?;
        for statement in ["DELETE FROM census", "DELETE FROM workloads"] {
            sqlx::query(statement).execute(&mut *tx).await.map_err(failed)?;
        }
        tx.commit().await.map_err(failed)
    }

    async fn take(&self, census: &Census) -> Result<bool> {
        let taken = i64::try_from(census.taken.unix_timestamp_nanos()).map_err(StorageError::unavailable)?;
        let mut tx = self.write().await?;
        let insert = "INSERT INTO census (id, taken) VALUES (1, $1) ON CONFLICT DO NOTHING";
        if sqlx::query(insert).bind(taken).execute(&mut *tx).await.map_err(failed)?.rows_affected() == 0 {
            return Ok(false);
        }
        for workload in &census.workloads {
            let insert = "INSERT INTO workloads (kind, id, name, image, pinned) VALUES ($1, $2, $3, $4, $5)";
            sqlx::query(insert)
                .bind(workload.kind.as_str())
                .bind(&workload.id)
                .bind(&workload.name)
                .bind(&workload.image)
                .bind(&workload.pinned)
                .execute(&mut *tx)
                .await
                .map_err(failed)?;
        }
        tx.commit().await.map_err(failed)?;
        Ok(true)
    }

    async fn census(&self) -> Result<Option<Census>> {
        let select = "SELECT taken FROM census WHERE id = 1";
        let Some(row) = sqlx::query(select).fetch_optional(self.read()).await.map_err(failed)? else { return Ok(None) };
        let nanos: i64 = row.try_get("taken").map_err(failed)?;
        let taken = OffsetDateTime::from_unix_timestamp_nanos(i128::from(nanos))
            .map_err(|_| StorageError::Damaged("the time of the record of workloads".to_owned()))?;
        let select = "SELECT kind, id, name, image, pinned FROM workloads ORDER BY kind, name, id";
        let rows = sqlx::query(select).fetch_all(self.read()).await.map_err(failed)?;
        Ok(Some(Census { taken, workloads: rows.iter().map(workload).collect::<Result<_>>()? }))
    }

    async fn ran(&self, id: &str, image: &str) -> Result<Option<String>> {
        let select = "SELECT pinned FROM workloads WHERE kind = 'service' AND id = $1 AND image = $2";
        let row = sqlx::query(select).bind(id).bind(image).fetch_optional(self.read()).await.map_err(failed)?;
        row.map_or(Ok(None), |row| row.try_get("pinned").map_err(failed))
    }
}

fn workload(row: &SqliteRow) -> Result<RanBefore> {
    let text = |column: &str| row.try_get::<String, _>(column).map_err(failed);
    let kind = match text("kind")?.as_str() {
        "container" => WorkloadKind::Container,
        "service" => WorkloadKind::Service,
        other => return Err(StorageError::Damaged(format!("a workload of kind `{other}`"))),
    };
    let pinned = row.try_get("pinned").map_err(failed)?;
    Ok(RanBefore { kind, id: text("id")?, name: text("name")?, image: text("image")?, pinned })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(image: &str, pinned: Option<&str>) -> RanBefore {
        RanBefore {
            kind: WorkloadKind::Service,
            id: "s1".to_owned(),
            name: "web".to_owned(),
            image: image.to_owned(),
            pinned: pinned.map(str::to_owned),
        }
    }

    fn census(workloads: &[RanBefore]) -> Census {
        Census { taken: OffsetDateTime::UNIX_EPOCH, workloads: workloads.to_vec() }
    }

    #[tokio::test]
    async fn a_record_stands_until_it_is_forgotten_and_survives_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let sql = Sql::open(&folder.path().join("db")).await.unwrap();
        assert_eq!(sql.census().await.unwrap(), None);
        let container = RanBefore { kind: WorkloadKind::Container, ..service("dtr.test/qa/app:1", None) };
        let first = census(&[container, service("dtr.test/qa/app:1", Some("dtr.test/qa/app:1@sha256:aa"))]);
        assert!(sql.take(&first).await.unwrap());
        assert!(!sql.take(&census(&[])).await.unwrap(), "what came later did not run before");
        sql.close().await;
        let sql = Sql::open(&folder.path().join("db")).await.unwrap();
        assert_eq!(sql.census().await.unwrap(), Some(first));
        assert_eq!(sql.ran("s1", "dtr.test/qa/app:1").await.unwrap().as_deref(), Some("dtr.test/qa/app:1@sha256:aa"));
        assert_eq!(sql.ran("s1", "dtr.test/qa/app:2").await.unwrap(), None);
        assert_eq!(sql.ran("s2", "dtr.test/qa/app:1").await.unwrap(), None);
        sql.forget().await.unwrap();
        assert_eq!((sql.census().await.unwrap(), sql.ran("s1", "dtr.test/qa/app:1").await.unwrap()), (None, None));
        assert!(sql.take(&census(&[service("dtr.test/qa/app:1", None)])).await.unwrap());
        assert_eq!(sql.ran("s1", "dtr.test/qa/app:1").await.unwrap(), None, "it ran, and nobody knows what");
    }
}
