//! The record of decisions and changes.

mod append;

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite};
use time::OffsetDateTime;
use wharfinger_storage::audit::{Act, Audit, Link, Recorded, Search};
use wharfinger_storage::{Result, StorageError};

pub(crate) use append::Queue;

use crate::{Sql, failed};

const HEAD: &str = "SELECT last, link FROM audit_head WHERE id = 1";

#[async_trait]
impl Audit for Sql {
    async fn append(&self, act: &Act) -> Result<i64> {
        self.record(act.clone()).await
    }

    async fn newest(&self, before: Option<i64>, limit: u32) -> Result<Vec<Recorded>> {
        let select =
            "SELECT id, at, actor, action, object, outcome, detail, link FROM audit WHERE id < $1 ORDER BY id DESC LIMIT $2";
        let rows = sqlx::query(select).bind(before.unwrap_or(i64::MAX)).bind(i64::from(limit));
        rows.fetch_all(self.read()).await.map_err(failed)?.iter().map(recorded).collect()
    }

    async fn search(&self, search: &Search, before: Option<i64>, limit: u32) -> Result<Vec<Recorded>> {
        // Before and after everything that is kept, as far as it may lie.
        let kept = |nanos: i128| i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX });
        let since = search.since.map(|since| kept(since.unix_timestamp_nanos()));
        let mut select =
            QueryBuilder::<Sqlite>::new("SELECT id, at, actor, action, object, outcome, detail, link FROM audit WHERE id < ");
        select.push_bind(before.unwrap_or(i64::MAX)).push(" AND id > ").push_bind(search.after);
        // Only what was given stands in the statement: each has an index, and "or nothing was given" would use none. A part of a
        // word is looked for in every entry.
        let Search { actor, action, object, outcome, .. } = search;
        for (field, wanted) in [("actor", actor), ("action", action), ("object", object)] {
            match wanted {
                Some(part) if search.parts => select.push(format!(" AND instr({field}, ")).push_bind(part).push(") > 0"),
                Some(whole) => select.push(format!(" AND {field} = ")).push_bind(whole),
                None => continue,
            };
        }
        if let Some(outcome) = outcome {
            select.push(" AND outcome = ").push_bind(outcome);
        }
        if let Some(since) = since {
            select.push(" AND at >= ").push_bind(since);
        }
        select.push(" ORDER BY id DESC LIMIT ").push_bind(i64::from(limit));
        select.build().fetch_all(self.read()).await.map_err(failed)?.iter().map(recorded).collect()
    }

    async fn oldest(&self, after: i64, limit: u32) -> Result<Vec<Recorded>> {
        let select = "SELECT id, at, actor, action, object, outcome, detail, link FROM audit WHERE id > $1 ORDER BY id LIMIT $2";
        let rows = sqlx::query(select).bind(after).bind(i64::from(limit));
        rows.fetch_all(self.read()).await.map_err(failed)?.iter().map(recorded).collect()
    }

    async fn head(&self) -> Result<(i64, Link)> {
        match sqlx::query(HEAD).fetch_optional(self.read()).await.map_err(failed)? {
            Some(row) => head(&row),
            None => Ok((0, Link::START)),
        }
    }
}

fn head(row: &SqliteRow) -> Result<(i64, Link)> {
    Ok((row.try_get("last").map_err(failed)?, link(row)?))
}

fn link(row: &SqliteRow) -> Result<Link> {
    let bytes: Vec<u8> = row.try_get("link").map_err(failed)?;
    bytes.try_into().map(Link).map_err(|_| StorageError::Damaged("a link of the audit log is not 32 bytes".to_owned()))
}

fn recorded(row: &SqliteRow) -> Result<Recorded> {
    let at: i64 = row.try_get("at").map_err(failed)?;
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(at))
        .map_err(|_| StorageError::Damaged("the time of an audit entry".to_owned()))?;
    let act = Act {
        at,
        actor: row.try_get("actor").map_err(failed)?,
        action: row.try_get("action").map_err(failed)?,
        object: row.try_get("object").map_err(failed)?,
        outcome: row.try_get("outcome").map_err(failed)?,
        detail: row.try_get("detail").map_err(failed)?,
    };
    Ok(Recorded { id: row.try_get("id").map_err(failed)?, act, link: link(row)? })
}

#[cfg(test)]
mod tests {
    use wharfinger_storage::audit::Chain;

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

    #[tokio::test]
    async fn what_was_recorded_is_read_back_from_either_end() {
        let folder = tempfile::tempdir().unwrap();
        let sql = Sql::open(&folder.path().join("db")).await.unwrap();
        assert_eq!(sql.head().await.unwrap(), (0, Link::START));
        for object in ["one", "two", "three"] {
            sql.append(&act(object)).await.unwrap();
        }
        let ids = |entries: Vec<Recorded>| entries.into_iter().map(|entry| entry.id).collect::<Vec<_>>();
        assert_eq!(ids(sql.newest(None, 10).await.unwrap()), [3, 2, 1]);
        assert_eq!(ids(sql.newest(Some(3), 1).await.unwrap()), [2]);
        assert_eq!(ids(sql.oldest(1, 10).await.unwrap()), [2, 3]);
        let mut chain = Chain::default();
        for entry in sql.oldest(0, 10).await.unwrap() {
            chain.follow(&entry).unwrap();
        }
        assert_eq!(sql.head().await.unwrap(), chain.head());
        assert_eq!(sql.oldest(2, 1).await.unwrap()[0].act, act("three"));
    }

    #[tokio::test]
    async fn each_field_of_a_search_narrows_it() {
        let folder = tempfile::tempdir().unwrap();
        let sql = Sql::open(&folder.path().join("db")).await.unwrap();
        let hour = |hours| OffsetDateTime::UNIX_EPOCH + time::Duration::hours(hours);
        sql.append(&act("one")).await.unwrap();
        sql.append(&Act { actor: "bob".to_owned(), at: hour(1), ..act("one") }).await.unwrap();
        sql.append(&Act { action: "key.delete".to_owned(), at: hour(2), ..act("one") }).await.unwrap();
        sql.append(&Act { outcome: "allow".to_owned(), at: hour(3), ..act("one") }).await.unwrap();
        sql.append(&Act { at: hour(4), ..act("two") }).await.unwrap();
        let found = async |search: Search| {
            let entries = sql.search(&search, None, 10).await.unwrap();
            entries.into_iter().map(|entry| entry.id).collect::<Vec<_>>()
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(found(Search::default()).await, [5, 4, 3, 2, 1]);
        assert_eq!(found(Search { actor: some("bob"), ..Search::default() }).await, [2]);
        assert_eq!(found(Search { action: some("key.delete"), ..Search::default() }).await, [3]);
        assert_eq!(found(Search { outcome: some("allow"), ..Search::default() }).await, [4]);
        assert_eq!(found(Search { object: some("two"), ..Search::default() }).await, [5]);
        assert_eq!(found(Search { since: Some(hour(3)), ..Search::default() }).await, [5, 4]);
        for (year, entries) in [("1000-01-01T00:00:00Z", &[5, 4, 3, 2, 1][..]), ("2999-01-01T00:00:00Z", &[])] {
            let since = OffsetDateTime::parse(year, &time::format_description::well_known::Rfc3339).ok();
            assert_eq!(found(Search { since, ..Search::default() }).await, entries, "{year}");
        }
        assert_eq!(
            found(Search { actor: some("ann"), since: Some(hour(1)), object: some("one"), ..Search::default() }).await,
            [4, 3]
        );
        assert_eq!(found(Search { actor: some("' OR 1=1 --"), ..Search::default() }).await, [0_i64; 0]);
        assert_eq!(found(Search { after: 3, ..Search::default() }).await, [5, 4]);
        let part = |search: Search| Search { parts: true, ..search };
        assert_eq!(found(part(Search { actor: some("bo"), ..Search::default() })).await, [2]);
        assert_eq!(found(part(Search { action: some(".del"), ..Search::default() })).await, [3]);
        assert_eq!(found(part(Search { object: some("tw"), ..Search::default() })).await, [5]);
        assert_eq!(found(part(Search { outcome: some("allo"), ..Search::default() })).await, [0_i64; 0]);
        assert_eq!(found(Search { actor: some("bo"), ..Search::default() }).await, [0_i64; 0], "else it is the whole name");
        assert_eq!(found(part(Search { actor: some("%"), ..Search::default() })).await, [0_i64; 0]);
        let page = sql.search(&Search { actor: some("ann"), ..Search::default() }, Some(4), 1).await.unwrap();
        assert_eq!(page[0].id, 3);
    }
}
