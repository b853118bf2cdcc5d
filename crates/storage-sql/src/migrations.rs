//! The tables, in the order they came to be. A migration that has landed is never edited; the next one changes it.

use std::borrow::Cow;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, SqlSafeStr, SqlitePool};
use wharfinger_storage::{Result, StorageError};

const ALL: [(i64, &str, &str); 12] = [
    (1, "accounts", include_str!("migrations/0001_accounts.sql")),
    (2, "sessions", include_str!("migrations/0002_sessions.sql")),
    (3, "secrets", include_str!("migrations/0003_secrets.sql")),
    (4, "repositories", include_str!("migrations/0004_repositories.sql")),
    (5, "collections", include_str!("migrations/0005_collections.sql")),
    (6, "settings", include_str!("migrations/0006_settings.sql")),
    (7, "audit", include_str!("migrations/0007_audit.sql")),
    (8, "memory", include_str!("migrations/0008_memory.sql")),
    (9, "mirror", include_str!("migrations/0009_mirror.sql")),
    (10, "workloads", include_str!("migrations/0010_workloads.sql")),
    (11, "readers", include_str!("migrations/0011_readers.sql")),
    (12, "console", include_str!("migrations/0012_console.sql")),
];

pub(crate) async fn run(writer: &SqlitePool) -> Result<()> {
    let migration = |(version, name, sql): (i64, &'static str, &'static str)| {
        Migration::new(version, Cow::Borrowed(name), MigrationType::Simple, AssertSqlSafe(sql).into_sql_str(), false)
    };
    Migrator::with_migrations(ALL.into_iter().map(migration).collect()).run(writer).await.map_err(StorageError::unavailable)
}
