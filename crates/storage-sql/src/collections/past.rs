//! What was done to a collection: the lines of its changefeed, each with the files that were stored with it.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use wharfinger_identity::AccountId;
use wharfinger_storage::Result;
use wharfinger_storage::collections::{Done, Past, PastFile, Publisher};

use super::time;
use crate::{Sql, failed};

pub(super) async fn read(sql: &Sql, gun: &str, before: Option<i64>, limit: u32) -> Result<Vec<Past>> {
    // A line without such files is the server's own, or about what was deleted since.
    let lines = "SELECT id, at, version, publisher, publisher_id FROM collection_changes c
         WHERE gun = $1 AND id < $2 AND (version IS NULL OR EXISTS (
             SELECT 1 FROM collection_files f
             WHERE f.gun = c.gun AND f.stored_at = c.at AND f.role NOT IN ('snapshot', 'timestamp')))
         ORDER BY id DESC LIMIT $3";
    let lines = sqlx::query(lines)
        .bind(gun)
        .bind(before.unwrap_or(i64::MAX))
        .bind(i64::from(limit))
        .fetch_all(sql.read())
        .await
        .map_err(failed)?;
    let mut past = Vec::with_capacity(lines.len());
    for line in &lines {
        let at: i64 = line.try_get("at").map_err(failed)?;
        let done = match line.try_get::<Option<i64>, _>("version").map_err(failed)? {
            Some(_) => Done::Published(files(sql, gun, at).await?),
            None => Done::Deleted,
        };
        past.push(Past { id: line.try_get("id").map_err(failed)?, at: time(at)?, by: publisher(line)?, done });
    }
    Ok(past)
}

async fn files(sql: &Sql, gun: &str, at: i64) -> Result<Vec<PastFile>> {
    let files = "SELECT role, version, sha256, (
             SELECT b.sha256 FROM collection_files b
             WHERE b.gun = f.gun AND b.role = f.role AND b.version < f.version ORDER BY b.version DESC LIMIT 1) AS before
         FROM collection_files f WHERE gun = $1 AND stored_at = $2 AND role NOT IN ('snapshot', 'timestamp') ORDER BY role";
    let rows = sqlx::query(files).bind(gun).bind(at).fetch_all(sql.read()).await.map_err(failed)?;
    let file = |row: &SqliteRow| {
        Ok(PastFile {
            role: row.try_get("role").map_err(failed)?,
            version: row.try_get("version").map_err(failed)?,
            sha256: row.try_get("sha256").map_err(failed)?,
            before: row.try_get("before").map_err(failed)?,
        })
    };
    rows.iter().map(file).collect()
}

fn publisher(line: &SqliteRow) -> Result<Option<Publisher>> {
    let id: Option<String> = line.try_get("publisher_id").map_err(failed)?;
    let name: Option<String> = line.try_get("publisher").map_err(failed)?;
    Ok(id.zip(name).map(|(id, name)| Publisher { id: AccountId::stored(id), name }))
}
