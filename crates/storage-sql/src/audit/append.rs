//! Recording: acts that come at once share one transaction, and so one wait for the disk.
//!
//! Whoever finds nobody writing starts a writer, which takes all that waits, commits it, and goes on until nothing waits: an act
//! alone waits for nobody. The writer is a task of its own, so that a caller who goes away takes no other's act along.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sqlx::{QueryBuilder, Sqlite, Transaction};
use tokio::sync::oneshot;
use wharfinger_storage::audit::{Act, Link};
use wharfinger_storage::{Result, StorageError};

use super::{HEAD, head};
use crate::{Sql, failed};

/// Rows of one statement: few enough that each number of them stays prepared.
const ROWS: usize = 32;
/// Acts of one transaction: the first of them waits for the last.
const BATCH: usize = 8 * ROWS;

/// An act that waits, and who waits for it.
#[derive(Debug)]
struct Waiting {
    act: Act,
    /// When it happened, in nanoseconds of Unix time.
    at: i64,
    told: oneshot::Sender<Result<i64>>,
}

/// Acts in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Queue(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    waiting: Vec<Waiting>,
    writing: bool,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True when nobody is writing, and the caller has to.
    fn push(&self, waiting: Waiting) -> bool {
        let mut state = self.state();
        state.waiting.push(waiting);
        !std::mem::replace(&mut state.writing, true)
    }
}

/// The right to write, until nothing waits any more.
struct Turn {
    queue: Arc<Queue>,
    /// Given back: it may be somebody else's already.
    over: bool,
}

impl Turn {
    /// The next acts; none: nothing waits, and somebody else may write from now on.
    fn next(&mut self) -> Vec<Waiting> {
        let mut state = self.queue.state();
        let many = state.waiting.len().min(BATCH);
        let batch: Vec<_> = state.waiting.drain(..many).collect();
        self.over = batch.is_empty();
        state.writing = !self.over;
        batch
    }
}

impl Drop for Turn {
    /// A writer that ends before its time (its runtime does) leaves nobody waiting for ever.
    fn drop(&mut self) {
        if !self.over {
            *self.queue.state() = State::default();
        }
    }
}

impl Sql {
    pub(super) async fn record(&self, act: Act) -> Result<i64> {
        let at = i64::try_from(act.at.unix_timestamp_nanos()).map_err(StorageError::unavailable)?;
        let (told, answer) = oneshot::channel();
        if self.acts.push(Waiting { act, at, told }) {
            let (sql, mut turn) = (self.clone(), Turn { queue: Arc::clone(&self.acts), over: false });
            tokio::spawn(async move {
                loop {
                    let batch = turn.next();
                    if batch.is_empty() {
                        break;
                    }
                    sql.record_all(batch).await;
                }
            });
        }
        answer.await.map_err(StorageError::unavailable)?
    }

    /// Records all or none, and tells everybody.
    async fn record_all(&self, batch: Vec<Waiting>) {
        match self.try_record_all(&batch).await {
            Ok(before) => {
                for (waiting, id) in batch.into_iter().zip(before + 1..) {
                    // Who has gone away does not hear it; it is recorded all the same.
                    let _ = waiting.told.send(Ok(id));
                }
            }
            Err(error) => {
                let error = Arc::new(error);
                for waiting in batch {
                    let _ = waiting.told.send(Err(StorageError::unavailable(Arc::clone(&error))));
                }
            }
        }
    }

    /// Answers the id of the entry before the first of them.
    async fn try_record_all(&self, batch: &[Waiting]) -> Result<i64> {
        let mut tx = self.write().await?;
        let (before, mut link) = match sqlx::query(HEAD).fetch_optional(&mut *tx).await.map_err(failed)? {
            Some(row) => head(&row)?,
            None => (0, Link::START),
        };
        let mut last = before;
        for rows in batch.chunks(ROWS) {
            let chained: Vec<_> = rows
                .iter()
                .map(|waiting| {
                    last += 1;
                    link = link.next(last, &waiting.act);
                    (last, link, waiting)
                })
                .collect();
            insert(&mut tx, &chained).await?;
        }
        let upsert = "INSERT INTO audit_head (id, last, link) VALUES (1, $1, $2)
             ON CONFLICT (id) DO UPDATE SET last = $1, link = $2";
        sqlx::query(upsert).bind(last).bind(link.0.as_slice()).execute(&mut *tx).await.map_err(failed)?;
        tx.commit().await.map_err(failed)?;
        Ok(before)
    }
}

async fn insert(tx: &mut Transaction<'static, Sqlite>, entries: &[(i64, Link, &Waiting)]) -> Result<()> {
    let mut insert = QueryBuilder::new("INSERT INTO audit (id, at, actor, action, object, outcome, detail, link) ");
    insert.push_values(entries, |mut row, (id, link, Waiting { act, at, .. })| {
        row.push_bind(id).push_bind(at);
        for field in [&act.actor, &act.action, &act.object, &act.outcome, &act.detail] {
            row.push_bind(field);
        }
        row.push_bind(link.0.as_slice());
    });
    insert.build().execute(&mut **tx).await.map(drop).map_err(failed)
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;
    use wharfinger_storage::audit::{Audit as _, Chain};

    use super::*;

    fn act(object: &str) -> Act {
        Act {
            at: OffsetDateTime::UNIX_EPOCH,
            actor: "ann".to_owned(),
            action: "deploy".to_owned(),
            object: object.to_owned(),
            outcome: "deny".to_owned(),
            detail: "{}".to_owned(),
        }
    }

    async fn open(folder: &tempfile::TempDir) -> Sql {
        Sql::open(&folder.path().join("db")).await.unwrap()
    }

    /// The objects in the order of their entries, which form one chain up to its noted end.
    async fn recorded(sql: &Sql) -> Vec<String> {
        let mut chain = Chain::default();
        let entries = sql.oldest(0, 10_000).await.unwrap();
        for entry in &entries {
            chain.follow(entry).unwrap();
        }
        assert_eq!(sql.head().await.unwrap(), chain.head());
        entries.into_iter().map(|entry| entry.act.object).collect()
    }

    #[tokio::test]
    async fn acts_that_come_at_once_are_one_chain_in_the_order_they_came() {
        let folder = tempfile::tempdir().unwrap();
        let sql = open(&folder).await;
        let objects: Vec<_> = (0..2 * BATCH + 3).map(|number| number.to_string()).collect();
        let tasks: Vec<_> = objects
            .iter()
            .map(|object| {
                let (sql, act) = (sql.clone(), act(object));
                tokio::spawn(async move { sql.append(&act).await.unwrap() })
            })
            .collect();
        for (task, id) in tasks.into_iter().zip(1..) {
            assert_eq!(task.await.unwrap(), id, "each is told its own entry");
        }
        assert_eq!(recorded(&sql).await, objects);
    }

    #[test]
    fn a_writer_that_has_ended_takes_nothing_of_the_next_one_along() {
        let queue = Arc::new(Queue::default());
        let waiting = |told| Waiting { act: act("x"), at: 0, told };
        let mut first = Turn { queue: Arc::clone(&queue), over: false };
        assert!(first.next().is_empty(), "nothing waits any more");
        let (told, mut answer) = oneshot::channel();
        assert!(queue.push(waiting(told)), "nobody is writing, so that this one has to");
        drop(first);
        assert!(answer.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Empty), "it still waits");
        let (told, _later) = oneshot::channel();
        assert!(!queue.push(waiting(told)), "the second one's turn has not been taken away");
        // One that breaks off leaves nobody waiting for ever.
        drop(Turn { queue: Arc::clone(&queue), over: false });
        assert!(answer.try_recv().is_err_and(|error| error == oneshot::error::TryRecvError::Closed));
    }

    #[tokio::test]
    async fn two_processes_form_one_chain() {
        let folder = tempfile::tempdir().unwrap();
        let both = [open(&folder).await, open(&folder).await];
        let tasks: Vec<_> = (0..40)
            .map(|number| {
                let (sql, act) = (both[number % 2].clone(), act("x"));
                tokio::spawn(async move { sql.append(&act).await.unwrap() })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(recorded(&both[0]).await.len(), 40);
    }

    #[tokio::test]
    async fn what_is_acknowledged_is_there_for_whoever_opens_the_file_next() {
        let folder = tempfile::tempdir().unwrap();
        let sql = open(&folder).await;
        sql.append(&act("one")).await.unwrap();
        assert_eq!(recorded(&open(&folder).await).await, ["one"]);
    }

    #[tokio::test]
    async fn when_a_transaction_fails_each_of_its_acts_is_refused_and_the_next_one_is_recorded() {
        let folder = tempfile::tempdir().unwrap();
        let sql = open(&folder).await;
        let failing =
            "CREATE TRIGGER failing BEFORE INSERT ON audit WHEN NEW.object = 'bad' BEGIN SELECT RAISE(ABORT, 'no'); END";
        sqlx::query(failing).execute(&sql.writer).await.unwrap();
        let spawn = |object: &str| {
            let (sql, act) = (sql.clone(), act(object));
            tokio::spawn(async move { sql.append(&act).await })
        };
        let waiting = async |many: usize| {
            while sql.acts.state().waiting.len() != many || !sql.acts.state().writing {
                tokio::task::yield_now().await;
            }
        };
        // The first finds nobody writing; while its transaction waits for the only connection, the other two gather.
        let held = sql.write().await.unwrap();
        let mut tasks = vec![spawn("first")];
        waiting(0).await;
        tasks.extend([spawn("good"), spawn("bad")]);
        waiting(2).await;
        drop(held);
        let mut outcomes = Vec::new();
        for task in tasks {
            outcomes.push(task.await.unwrap().ok());
        }
        assert_eq!(outcomes, [Some(1), None, None], "the other two shared a transaction");
        assert_eq!(sql.append(&act("next")).await.unwrap(), 2);
        assert_eq!(recorded(&sql).await, ["first", "next"]);
    }

    #[tokio::test]
    async fn who_goes_away_takes_no_others_act_along() {
        let folder = tempfile::tempdir().unwrap();
        let sql = open(&folder).await;
        let held = sql.write().await.unwrap();
        let spawn = |object: &str| {
            let (sql, act) = (sql.clone(), act(object));
            tokio::spawn(async move { sql.append(&act).await })
        };
        let leaving = spawn("leaving");
        while !sql.acts.state().writing {
            tokio::task::yield_now().await;
        }
        let staying = spawn("staying");
        leaving.abort();
        assert!(leaving.await.unwrap_err().is_cancelled());
        drop(held);
        assert_eq!(staying.await.unwrap().unwrap(), 2);
        assert_eq!(recorded(&sql).await, ["leaving", "staying"]);
    }

    #[test]
    fn who_waits_for_a_writer_that_ended_is_refused_and_the_next_one_writes() {
        let folder = tempfile::tempdir().unwrap();
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (first, second) = (runtime(), runtime());
        let sql = second.block_on(open(&folder));
        let (told, answer) = oneshot::channel();
        {
            let _turn = Turn { queue: Arc::clone(&sql.acts), over: false };
            assert!(sql.acts.push(Waiting { act: act("lost"), at: 0, told }));
        }
        assert!(first.block_on(answer).is_err());
        assert_eq!(second.block_on(sql.append(&act("next"))).unwrap(), 1);
    }
}
