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
mod revision;
mod secrets;
mod sessions;
mod settings;
mod workloads;

use std::fs::{File, Permissions};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Sqlite, Transaction};
use wharfinger_storage::{Result, StorageError};

use revision::Revision;

/// An open database. Cheap to clone; every clone is the same database.
#[derive(Clone, Debug)]
pub struct Sql {
    writer: SqlitePool,
    reader: SqlitePool,
    /// How often accounts, teams, members and keys have changed.
    directory: Arc<Revision>,
    /// How often the configuration has been replaced.
    settings: Arc<Revision>,
    /// Acts that wait to be recorded.
    acts: Arc<audit::Queue>,
}

impl Sql {
    /// Opens (and if need be makes) the `SQLite` database at `path` and brings its tables up to date.
    pub async fn open(path: &Path) -> Result<Self> {
        private(path).map_err(StorageError::unavailable)?;
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
        let (directory, settings, acts) = (Arc::default(), Arc::default(), Arc::default());
        Ok(Self { writer, reader, directory, settings, acts })
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

    /// Waits until what was written here is in force in every other process on this database: they may go on for that long with
    /// what they know.
    pub async fn seen_by_others(&self) {
        tokio::time::sleep(revision::FRESH).await;
    }

    /// Waits for running statements and closes the files.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }
}

/// The database's file is its owner's alone: it holds password hashes and what the private repositories' people say. `SQLite`
/// gives the mode of the file to its log and index.
fn private(path: &Path) -> std::io::Result<()> {
    let with = |suffix| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    File::options().create(true).truncate(false).write(true).mode(0o600).open(path)?;
    for file in [path.to_owned(), with("-wal"), with("-shm")] {
        match std::fs::set_permissions(file, Permissions::from_mode(0o600)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nobody_else_on_the_machine_reads_the_database() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("db");
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        let sql = Sql::open(&path).await.unwrap();
        sql.ping().await.unwrap();
        let mut files = 0;
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let entry = entry.unwrap();
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.file_name());
            files += 1;
        }
        assert_eq!(files, 3, "the database, its log and its index");
    }
}
