//! What a search finds, newest first, as far back as there is time to look: a part of a name stands in no index, and a log may be
//! long.

use std::time::Duration;

use tokio::time::Instant;
use wharfinger_storage::Result;
use wharfinger_storage::audit::{Audit, Recorded, Search};

/// How long is looked, and how many entries are looked through before the next glance at the clock.
const PATIENCE: Duration = Duration::from_secs(1);
const STRIDE: i64 = 50_000;

#[derive(Default)]
pub(super) struct Found {
    pub(super) entries: Vec<Recorded>,
    /// What older entries, if there are any, come before.
    pub(super) next: Option<i64>,
    /// The oldest entry that was looked at, where there was no time for all of them.
    pub(super) as_far_as: Option<i64>,
}

/// Up to `many` entries with an id below `before`.
pub(super) async fn find(audit: &dyn Audit, search: Search, before: Option<i64>, many: u32) -> Result<Found> {
    look(audit, search, before, many, (STRIDE, PATIENCE)).await
}

async fn look(
    audit: &dyn Audit,
    mut search: Search,
    before: Option<i64>,
    many: u32,
    (stride, patience): (i64, Duration),
) -> Result<Found> {
    let end = Instant::now() + patience;
    let newest = audit.head().await?.0.saturating_add(1);
    let (mut before, mut entries) = (before.unwrap_or(newest).min(newest), Vec::new());
    let mut wanted = many;
    loop {
        search.after = before.saturating_sub(stride).saturating_sub(1).max(0);
        let found = audit.search(&search, Some(before), wanted).await?;
        wanted = wanted.saturating_sub(u32::try_from(found.len()).unwrap_or(u32::MAX));
        entries.extend(found);
        if wanted == 0 {
            let next = entries.last().map(|entry| entry.id);
            return Ok(Found { entries, next, as_far_as: None });
        }
        if search.after == 0 {
            return Ok(Found { entries, next: None, as_far_as: None });
        }
        before = search.after + 1;
        if Instant::now() >= end {
            return Ok(Found { entries, next: Some(before), as_far_as: Some(before) });
        }
    }
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;
    use wharfinger_storage::audit::Act;
    use wharfinger_storage_sql::Sql;

    use super::*;

    const LONG: Duration = Duration::from_mins(10);

    /// Ten entries: the third is of bob, the others are of ann.
    async fn log(folder: &tempfile::TempDir) -> Sql {
        let sql = Sql::open(&folder.path().join("db")).await.unwrap();
        for id in 1..=10 {
            let actor = if id == 3 { "bob" } else { "ann" };
            let [actor, action, object, outcome, detail] = [actor, "deploy", "app", "allow", "{}"].map(str::to_owned);
            sql.append(&Act { at: OffsetDateTime::UNIX_EPOCH, actor, action, object, outcome, detail }).await.unwrap();
        }
        sql
    }

    fn part(actor: &str) -> Search {
        Search { actor: Some(actor.to_owned()), parts: true, ..Search::default() }
    }

    fn ids(found: &Found) -> Vec<i64> {
        found.entries.iter().map(|entry| entry.id).collect()
    }

    #[tokio::test]
    async fn with_time_enough_all_is_looked_through_whatever_the_stride() {
        let folder = tempfile::tempdir().unwrap();
        let sql = log(&folder).await;
        for stride in [1, 2, 3, 10, i64::MAX] {
            let found = look(&sql, part("bo"), None, 5, (stride, LONG)).await.unwrap();
            assert_eq!((ids(&found), found.next, found.as_far_as), (vec![3], None, None), "{stride}");
            let found = look(&sql, part("an"), None, 8, (stride, LONG)).await.unwrap();
            assert_eq!((ids(&found), found.next), (vec![10, 9, 8, 7, 6, 5, 4, 2], Some(2)), "{stride}");
            let found = look(&sql, part("an"), found.next, 8, (stride, LONG)).await.unwrap();
            assert_eq!((ids(&found), found.next), (vec![1], None), "{stride}");
            let beyond = look(&sql, part("bo"), Some(i64::MAX), 5, (stride, LONG)).await.unwrap();
            assert_eq!(ids(&beyond), [3], "{stride}");
        }
    }

    #[tokio::test]
    async fn without_it_the_next_page_goes_on_where_this_one_ended_and_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let sql = log(&folder).await;
        let (mut before, mut all, mut pages) = (None, Vec::new(), 0);
        loop {
            let found = look(&sql, part("bo"), before, 5, (4, Duration::ZERO)).await.unwrap();
            all.extend(ids(&found));
            (before, pages) = (found.next, pages + 1);
            assert_eq!(found.as_far_as, found.next, "it says how far it came");
            if before.is_none() {
                break;
            }
        }
        assert_eq!((all, pages), (vec![3], 3), "each entry is looked at once");
    }
}
