//! The ports of `storage`, kept in SQL. Embedded `SQLite`: one writer connection, a pool of readers, write-ahead log, every
//! commit synced to disk before it is acknowledged.
//!
//! One file per domain beside the port of the same name; SQL is kept to what `SQLite` and `PostgreSQL` both understand.

mod accounts;
mod audit;
mod collections;
mod memory;
mod migrations;
mod repositories;
mod secrets;
mod sessions;
mod settings;

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, Transaction};
use wharfinger_storage::{Result, StorageError};

/// An open database. Cheap to clone; every clone is the same database.
#[derive(Clone, Debug)]
pub struct Sql {
    writer: SqlitePool,
    reader: SqlitePool,
}

impl Sql {
    /// Opens (and if need be makes) the `SQLite` database at `path` and brings its tables up to date.
    pub async fn open(path: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(5));
        let writer = SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await.map_err(failed)?;
        migrations::run(&writer).await?;
        let reader = SqlitePoolOptions::new().max_connections(8).connect_with(options.read_only(true)).await.map_err(failed)?;
        Ok(Self { writer, reader })
    }

    /// A write transaction. `BEGIN IMMEDIATE`: a plain `BEGIN` that reads before it writes fails under contention.
    async fn write(&self) -> Result<Transaction<'static, Sqlite>> {
        self.writer.begin_with("BEGIN IMMEDIATE").await.map_err(failed)
    }

    fn read(&self) -> &SqlitePool {
        &self.reader
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<()> {
        sqlx::query("SELECT 1").execute(self.read()).await.map_err(failed).map(drop)
    }

    /// Waits for running statements and closes the files.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }
}

/// The one mapping from the driver's errors to the port's.
fn failed(error: sqlx::Error) -> StorageError {
    match &error {
        sqlx::Error::Database(database) if database.is_unique_violation() => {
            StorageError::Conflict("it is there already".to_owned())
        }
        _ => StorageError::unavailable(error),
    }
}
