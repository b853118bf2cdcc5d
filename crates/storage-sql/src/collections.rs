//! Signed collections in SQL. One transaction holds a publication together: base, versions, signed bytes, files, head.

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, Sqlite, Transaction};
use time::OffsetDateTime;
use wharfinger_storage::collections::{
    Change, Collections, Head, Past, Publication, Published, Publisher, ServerKey, StoredFile, Window,
};
use wharfinger_storage::{Result, StorageError};

use crate::{Sql, failed};

#[cfg(test)]
mod tests;

mod past;

type Tx = Transaction<'static, Sqlite>;

const TIMESTAMP: &str = "timestamp";
const ROOT: &str = "root";

#[async_trait]
impl Collections for Sql {
    async fn head(&self, gun: &str) -> Result<Option<Head>> {
        let found = sqlx::query("SELECT timestamp_sha256, snapshot_sha256, resign_at FROM collection_heads WHERE gun = $1")
            .bind(gun)
            .fetch_optional(self.read())
            .await
            .map_err(failed)?;
        found.map(|row| head(&row)).transpose()
    }

    async fn by_hash(&self, gun: &str, role: &str, sha256: &str) -> Result<Option<StoredFile>> {
        let found = sqlx::query(
            "SELECT role, version, sha256, bytes, stored_at FROM collection_files
             WHERE gun = $1 AND role = $2 AND sha256 = $3 ORDER BY version DESC LIMIT 1",
        )
        .bind(gun)
        .bind(role)
        .bind(sha256)
        .fetch_optional(self.read())
        .await
        .map_err(failed)?;
        found.map(|row| file(&row)).transpose()
    }

    async fn by_version(&self, gun: &str, role: &str, version: i64) -> Result<Option<StoredFile>> {
        let found = sqlx::query(
            "SELECT role, version, sha256, bytes, stored_at FROM collection_files
             WHERE gun = $1 AND role = $2 AND version = $3",
        )
        .bind(gun)
        .bind(role)
        .bind(version)
        .fetch_optional(self.read())
        .await
        .map_err(failed)?;
        found.map(|row| file(&row)).transpose()
    }

    async fn by_time(&self, gun: &str, role: &str, at: OffsetDateTime) -> Result<Option<StoredFile>> {
        let found = sqlx::query(
            "SELECT role, version, sha256, bytes, stored_at FROM collection_files
             WHERE gun = $1 AND role = $2 AND stored_at <= $3 ORDER BY version DESC LIMIT 1",
        )
        .bind(gun)
        .bind(role)
        .bind(nanos(at)?)
        .fetch_optional(self.read())
        .await
        .map_err(failed)?;
        found.map(|row| file(&row)).transpose()
    }

    async fn past(&self, gun: &str, before: Option<i64>, limit: u32) -> Result<Vec<Past>> {
        past::read(self, gun, before, limit).await
    }

    async fn publish(&self, publication: &Publication) -> Result<Published> {
        let mut tx = self.write().await?;
        if let Some(refused) = refusal(&mut tx, publication).await? {
            return Ok(refused);
        }
        add_files(&mut tx, publication).await?;
        let Head { timestamp_sha256, snapshot_sha256, resign_at } = &publication.head;
        sqlx::query(
            "INSERT INTO collection_heads (gun, timestamp_sha256, snapshot_sha256, resign_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (gun) DO UPDATE SET timestamp_sha256 = $2, snapshot_sha256 = $3, resign_at = $4",
        )
        .bind(&publication.gun)
        .bind(timestamp_sha256)
        .bind(snapshot_sha256)
        .bind(nanos(*resign_at)?)
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        for key_id in &publication.used_keys {
            sqlx::query("UPDATE collection_keys SET pending = 0 WHERE gun = $1 AND key_id = $2")
                .bind(&publication.gun)
                .bind(key_id)
                .execute(&mut *tx)
                .await
                .map_err(failed)?;
        }
        tx.commit().await.map_err(failed)?;
        Ok(Published::Stored)
    }

    async fn delete(&self, gun: &str, by: Option<&Publisher>, at: OffsetDateTime) -> Result<bool> {
        let mut tx = self.write().await?;
        let files = sqlx::query("DELETE FROM collection_files WHERE gun = $1").bind(gun).execute(&mut *tx).await;
        if files.map_err(failed)?.rows_affected() == 0 {
            return Ok(false);
        }
        sqlx::query("DELETE FROM collection_heads WHERE gun = $1").bind(gun).execute(&mut *tx).await.map_err(failed)?;
        sqlx::query("UPDATE collection_signed SET spent = 1 WHERE gun = $1").bind(gun).execute(&mut *tx).await.map_err(failed)?;
        note(&mut tx, (gun, at), None, by).await?;
        tx.commit().await.map_err(failed)?;
        Ok(true)
    }

    async fn due(&self, now: OffsetDateTime, after: Option<&str>, limit: u32) -> Result<Vec<String>> {
        sqlx::query("SELECT gun FROM collection_heads WHERE resign_at <= $1 AND gun > $2 ORDER BY gun LIMIT $3")
            .bind(nanos(now)?)
            .bind(after.unwrap_or_default())
            .bind(i64::from(limit))
            .fetch_all(self.read())
            .await
            .map_err(failed)?
            .iter()
            .map(|row| row.try_get("gun").map_err(failed))
            .collect()
    }

    async fn server_keys(&self, gun: &str, role: &str) -> Result<Vec<ServerKey>> {
        sqlx::query(
            "SELECT key_id, gun, role, public, sealed_private, created_at FROM collection_keys
             WHERE gun = $1 AND role = $2 ORDER BY created_at DESC, key_id",
        )
        .bind(gun)
        .bind(role)
        .fetch_all(self.read())
        .await
        .map_err(failed)?
        .iter()
        .map(server_key)
        .collect()
    }

    async fn pending_key(&self, candidate: &ServerKey) -> Result<ServerKey> {
        let mut tx = self.write().await?;
        let there = sqlx::query(
            "SELECT key_id, gun, role, public, sealed_private, created_at FROM collection_keys
             WHERE gun = $1 AND role = $2 AND pending = 1",
        )
        .bind(&candidate.gun)
        .bind(&candidate.role)
        .fetch_optional(&mut *tx)
        .await
        .map_err(failed)?;
        if let Some(row) = there {
            return server_key(&row);
        }
        sqlx::query(
            "INSERT INTO collection_keys (key_id, gun, role, public, sealed_private, pending, created_at)
             VALUES ($1, $2, $3, $4, $5, 1, $6)",
        )
        .bind(&candidate.key_id)
        .bind(&candidate.gun)
        .bind(&candidate.role)
        .bind(&candidate.public)
        .bind(&candidate.sealed_private)
        .bind(nanos(candidate.created_at)?)
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        Ok(candidate.clone())
    }

    async fn changes(&self, gun: Option<&str>, window: Window, limit: u32) -> Result<Vec<Change>> {
        let (sql, id) = match window {
            Window::After(id) => (
                "SELECT id, at, gun, version, sha256 FROM collection_changes
                 WHERE id > $1 AND ($2 IS NULL OR gun = $2) ORDER BY id ASC LIMIT $3",
                id,
            ),
            Window::Before(id) => (
                "SELECT id, at, gun, version, sha256 FROM collection_changes
                 WHERE id < $1 AND ($2 IS NULL OR gun = $2) ORDER BY id DESC LIMIT $3",
                id.unwrap_or(i64::MAX),
            ),
        };
        let rows = sqlx::query(sql).bind(id).bind(gun).bind(i64::from(limit)).fetch_all(self.read()).await.map_err(failed)?;
        let mut changes = rows.iter().map(change).collect::<Result<Vec<_>>>()?;
        changes.sort_by_key(|change| change.id);
        Ok(changes)
    }
}

/// Why the publication cannot be stored, asked inside its transaction.
async fn refusal(tx: &mut Tx, publication: &Publication) -> Result<Option<Published>> {
    let gun = &publication.gun;
    let newest: Option<String> = sqlx::query_scalar("SELECT timestamp_sha256 FROM collection_heads WHERE gun = $1")
        .bind(gun)
        .fetch_optional(&mut **tx)
        .await
        .map_err(failed)?;
    // What the client sent is judged first: a race it lost is final, a moved base only means to look again.
    for file in &publication.files {
        let Some(signed) = &file.signed_sha256 else { continue };
        let newest: Option<i64> = sqlx::query_scalar("SELECT MAX(version) FROM collection_files WHERE gun = $1 AND role = $2")
            .bind(gun)
            .bind(&file.role)
            .fetch_one(&mut **tx)
            .await
            .map_err(failed)?;
        if newest.is_some_and(|newest| file.version <= newest) {
            return Ok(Some(Published::OldVersion { role: file.role.clone() }));
        }
        let known_as = sqlx::query("SELECT gun, role, spent FROM collection_signed WHERE signed_sha256 = $1")
            .bind(signed)
            .fetch_all(&mut **tx)
            .await
            .map_err(failed)?
            .iter()
            .map(|row| Ok((row.try_get("gun")?, row.try_get("role")?, row.try_get("spent")?)))
            .collect::<std::result::Result<Vec<(String, String, i64)>, _>>()
            .map_err(failed)?;
        // A root says nothing about tags, and a publisher who begins anew with the root they have sends the same one.
        let own = known_as.iter().find(|(known, role, _)| known == gun && *role == file.role);
        let again = own.is_some_and(|(.., spent)| *spent == 0 || file.role == ROOT);
        if !known_as.is_empty() && !again {
            let known_as = known_as.into_iter().map(|(gun, role, _)| (gun, role)).collect();
            return Ok(Some(Published::Replayed { role: file.role.clone(), known_as }));
        }
    }
    Ok((newest != publication.based_on).then_some(Published::Moved))
}

async fn add_files(tx: &mut Tx, publication: &Publication) -> Result<()> {
    let Publication { gun, at, .. } = publication;
    for file in &publication.files {
        sqlx::query(
            "INSERT INTO collection_files (gun, role, version, sha256, bytes, stored_at) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(gun)
        .bind(&file.role)
        .bind(file.version)
        .bind(&file.sha256)
        .bind(&file.bytes)
        .bind(nanos(*at)?)
        .execute(&mut **tx)
        .await
        .map_err(failed)?;
        if let Some(signed) = &file.signed_sha256 {
            sqlx::query("INSERT INTO collection_signed (signed_sha256, gun, role) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
                .bind(signed)
                .bind(gun)
                .bind(&file.role)
                .execute(&mut **tx)
                .await
                .map_err(failed)?;
        }
        // The feed has one line per new timestamp.
        if file.role == TIMESTAMP {
            note(tx, (gun, *at), Some((file.version, &file.sha256)), publication.by.as_ref()).await?;
        }
    }
    Ok(())
}

/// A line of the changefeed: the new timestamp, or that all of it was deleted.
async fn note(
    tx: &mut Tx,
    (gun, at): (&str, OffsetDateTime),
    timestamp: Option<(i64, &str)>,
    by: Option<&Publisher>,
) -> Result<()> {
    let insert =
        "INSERT INTO collection_changes (at, gun, version, sha256, publisher, publisher_id) VALUES ($1, $2, $3, $4, $5, $6)";
    sqlx::query(insert)
        .bind(nanos(at)?)
        .bind(gun)
        .bind(timestamp.map(|(version, _)| version))
        .bind(timestamp.map(|(_, sha256)| sha256))
        .bind(by.map(|by| by.name.as_str()))
        .bind(by.map(|by| by.id.as_str()))
        .execute(&mut **tx)
        .await
        .map_err(failed)
        .map(drop)
}

fn nanos(time: OffsetDateTime) -> Result<i64> {
    i64::try_from(time.unix_timestamp_nanos()).map_err(StorageError::unavailable)
}

fn time(nanos: i64) -> Result<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp_nanos(nanos.into()).map_err(|error| StorageError::Damaged(error.to_string()))
}

fn head(row: &SqliteRow) -> Result<Head> {
    Ok(Head {
        timestamp_sha256: row.try_get("timestamp_sha256").map_err(failed)?,
        snapshot_sha256: row.try_get("snapshot_sha256").map_err(failed)?,
        resign_at: time(row.try_get("resign_at").map_err(failed)?)?,
    })
}

fn file(row: &SqliteRow) -> Result<StoredFile> {
    Ok(StoredFile {
        role: row.try_get("role").map_err(failed)?,
        version: row.try_get("version").map_err(failed)?,
        sha256: row.try_get("sha256").map_err(failed)?,
        bytes: row.try_get("bytes").map_err(failed)?,
        stored_at: time(row.try_get("stored_at").map_err(failed)?)?,
    })
}

fn server_key(row: &SqliteRow) -> Result<ServerKey> {
    Ok(ServerKey {
        gun: row.try_get("gun").map_err(failed)?,
        role: row.try_get("role").map_err(failed)?,
        key_id: row.try_get("key_id").map_err(failed)?,
        public: row.try_get("public").map_err(failed)?,
        sealed_private: row.try_get("sealed_private").map_err(failed)?,
        created_at: time(row.try_get("created_at").map_err(failed)?)?,
    })
}

fn change(row: &SqliteRow) -> Result<Change> {
    let version: Option<i64> = row.try_get("version").map_err(failed)?;
    let sha256: Option<String> = row.try_get("sha256").map_err(failed)?;
    Ok(Change {
        id: row.try_get("id").map_err(failed)?,
        at: time(row.try_get("at").map_err(failed)?)?,
        gun: row.try_get("gun").map_err(failed)?,
        timestamp: version.zip(sha256),
    })
}
