//! Counters of the database that every decision asks for, told from memory as long as nothing can have moved them.
//!
//! A change through this [`Sql`](crate::Sql) is seen by whoever asks after it was acknowledged. One by another process (an
//! operator's command on the same file, beside the server) is seen after at most [`FRESH`].

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sqlx::{Sqlite, Transaction};
use tokio::time::Instant;
use wharfinger_storage::Result;

use crate::failed;

/// What other processes write is in force two seconds later; this leaves the rest of them to whoever acts on it.
pub(crate) const FRESH: Duration = Duration::from_millis(200);

/// One counter, moved in the transactions of the changes it counts.
#[derive(Debug, Default)]
pub(crate) struct Revision {
    /// How many transactions have moved it through here, as far as they have ended.
    ended: AtomicU64,
    kept: Mutex<Option<Kept>>,
}

#[derive(Clone, Copy, Debug)]
struct Kept {
    value: i64,
    /// What `ended` was before it was read, and when that was.
    ended: u64,
    asked: Instant,
}

impl Revision {
    /// The counter; `stored` reads it from the database if need be.
    pub(crate) async fn read(&self, stored: impl Future<Output = Result<i64>>) -> Result<i64> {
        // Before the database is asked: what a change overtakes meanwhile may be the old value, and does not pass for a new one.
        let ended = self.ended.load(Ordering::SeqCst);
        let asked = Instant::now();
        let kept = *self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = kept.filter(|kept| kept.ended == ended && asked.duration_since(kept.asked) < FRESH) {
            return Ok(kept.value);
        }
        let value = stored.await?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.is_none_or(|kept| kept.asked <= asked) {
            *kept = Some(Kept { value, ended, asked });
        }
        Ok(value)
    }

    /// Commits a transaction that has moved the counter. Whatever comes of it, the next reader asks the database.
    pub(crate) async fn commit(&self, transaction: Transaction<'static, Sqlite>) -> Result<()> {
        let _ended = Ended(&self.ended);
        transaction.commit().await.map_err(failed)
    }
}

/// Counts on its way out, so that a failure or a caller who went away counts as well. (The transaction of the latter may still
/// be on its way to the disk, unacknowledged: then it is seen like another process's.)
struct Ended<'a>(&'a AtomicU64);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use wharfinger_storage::StorageError;
    use wharfinger_storage::settings::Settings as _;

    use super::*;
    use crate::Sql;

    async fn open(folder: &tempfile::TempDir) -> Sql {
        Sql::open(&folder.path().join("db")).await.unwrap()
    }

    async fn known(revision: &Revision) -> Option<i64> {
        revision.read(async { Err(StorageError::unavailable("the database was asked")) }).await.ok()
    }

    #[tokio::test]
    async fn what_was_read_is_told_again_without_the_database_for_a_while() {
        tokio::time::pause();
        let revision = Revision::default();
        assert_eq!(revision.read(async { Ok(7) }).await.unwrap(), 7);
        tokio::time::advance(FRESH / 2).await;
        assert_eq!(known(&revision).await, Some(7));
        tokio::time::advance(FRESH / 2).await;
        assert_eq!(known(&revision).await, None, "another process may have moved it");
        assert_eq!(revision.read(async { Ok(8) }).await.unwrap(), 8);
    }

    #[tokio::test]
    async fn a_change_through_here_is_seen_by_the_next_reader() {
        let folder = tempfile::tempdir().unwrap();
        let sql = open(&folder).await;
        for expected in 0..50 {
            assert_eq!(sql.revision().await.unwrap(), expected);
            sql.clone().replace(expected, "{}").await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_change_by_another_process_is_seen_in_time() {
        let folder = tempfile::tempdir().unwrap();
        let (sql, other) = (open(&folder).await, open(&folder).await);
        assert_eq!(sql.revision().await.unwrap(), 0);
        other.replace(0, "{}").await.unwrap();
        let seen = async {
            while sql.revision().await.unwrap() == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(2), seen).await.expect("it was not seen within two seconds");
    }

    #[tokio::test]
    async fn a_transaction_that_fails_leaves_nothing_wrong_behind() {
        let folder = tempfile::tempdir().unwrap();
        let sql = open(&folder).await;
        assert_eq!(sql.revision().await.unwrap(), 0);
        let mut moved = sql.write().await.unwrap();
        sqlx::query("UPDATE settings SET revision = 9 WHERE id = 1").execute(&mut *moved).await.unwrap();
        // A check that waits for the commit, and fails it.
        for statement in [
            "PRAGMA defer_foreign_keys = ON",
            "INSERT INTO members (org_id, user_id, is_admin) VALUES ('nobody', 'nobody', FALSE)",
        ] {
            sqlx::query(statement).execute(&mut *moved).await.unwrap();
        }
        sql.settings.commit(moved).await.unwrap_err();
        assert_eq!(known(&sql.settings).await, None, "the next reader asks the database");
        assert_eq!(sql.revision().await.unwrap(), 0);
    }

    #[tokio::test]
    async fn a_reader_that_a_change_overtakes_keeps_nothing_old() {
        let folder = tempfile::tempdir().unwrap();
        let sql = open(&folder).await;
        let overtaken = async {
            let old = sqlx::query_scalar("SELECT revision FROM settings").fetch_one(sql.read()).await.unwrap();
            sql.replace(0, "{}").await.unwrap();
            Ok(old)
        };
        assert_eq!(sql.settings.read(overtaken).await.unwrap(), 0, "it had asked before the change");
        assert_eq!(sql.revision().await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_reader_that_a_later_one_overtakes_does_not_replace_what_that_one_read() {
        tokio::time::pause();
        let revision = Revision::default();
        let slow = async {
            tokio::time::advance(Duration::from_millis(10)).await;
            revision.read(async { Ok(2) }).await
        };
        assert_eq!(revision.read(async { slow.await.map(|_| 1) }).await.unwrap(), 1);
        assert_eq!(known(&revision).await, Some(2));
    }
}
