use super::*;
use time::Duration;
use time::macros::datetime;
use wharfinger_storage::collections::{Done, NewFile, PastFile};

const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

struct Store {
    sql: Sql,
    _folder: tempfile::TempDir,
}

async fn store() -> Store {
    let folder = tempfile::tempdir().unwrap();
    Store { sql: Sql::open(&folder.path().join("db")).await.unwrap(), _folder: folder }
}

fn sent(role: &str, version: i64, text: &str) -> NewFile {
    NewFile {
        role: role.into(),
        version,
        sha256: format!("sha-{text}"),
        signed_sha256: Some(format!("signed-{text}")),
        bytes: text.into(),
    }
}

fn made(role: &str, version: i64, text: &str) -> NewFile {
    NewFile { signed_sha256: None, ..sent(role, version, text) }
}

/// A publication of `files` with the timestamp `version`, resting on the one before.
fn publication(gun: &str, version: i64, mut files: Vec<NewFile>) -> Publication {
    files.push(made("snapshot", version, &format!("{gun}-snapshot-{version}")));
    files.push(made("timestamp", version, &format!("{gun}-timestamp-{version}")));
    Publication {
        gun: gun.into(),
        based_on: (version > 1).then(|| format!("sha-{gun}-timestamp-{}", version - 1)),
        files,
        head: Head {
            timestamp_sha256: format!("sha-{gun}-timestamp-{version}"),
            snapshot_sha256: format!("sha-{gun}-snapshot-{version}"),
            resign_at: NOW + Duration::days(version),
        },
        used_keys: vec![],
        by: None,
        at: NOW,
    }
}

fn key(id: &str) -> ServerKey {
    ServerKey {
        gun: "g".into(),
        role: "timestamp".into(),
        key_id: id.into(),
        public: id.into(),
        sealed_private: vec![1],
        created_at: NOW,
    }
}

#[tokio::test]
async fn what_was_published_is_found_by_hash_version_and_head_of_its_own_gun_and_role_only() {
    let store = store().await;
    assert_eq!(store.sql.head("g").await.unwrap(), None);
    let first = publication("g", 1, vec![sent("root", 1, "r1"), sent("targets", 2, "t2")]);
    assert_eq!(store.sql.publish(&first).await.unwrap(), Published::Stored);
    assert_eq!(store.sql.head("g").await.unwrap().unwrap(), first.head);
    let found = store.sql.by_hash("g", "targets", "sha-t2").await.unwrap().unwrap();
    assert_eq!((found.version, found.bytes.as_slice(), found.stored_at), (2, b"t2".as_slice(), NOW));
    assert_eq!(store.sql.by_version("g", "targets", 2).await.unwrap().unwrap(), found);
    for (gun, role) in [("g", "root"), ("g", "targets/a"), ("other", "targets")] {
        assert_eq!(store.sql.by_hash(gun, role, "sha-t2").await.unwrap(), None);
    }
    assert_eq!(store.sql.by_version("g", "targets", 1).await.unwrap(), None);
}

#[tokio::test]
async fn a_version_that_is_not_newer_stores_nothing_and_gaps_are_allowed() {
    let store = store().await;
    store.sql.publish(&publication("g", 1, vec![sent("targets", 2, "t2")])).await.unwrap();
    for version in [1, 2] {
        let stale = publication("g", 2, vec![sent("root", 1, "r"), sent("targets", version, "again")]);
        let refused = store.sql.publish(&stale).await.unwrap();
        assert_eq!(refused, Published::OldVersion { role: "targets".into() });
    }
    assert_eq!(store.sql.by_version("g", "root", 1).await.unwrap(), None);
    let gap = publication("g", 2, vec![sent("targets", 9, "t9")]);
    assert_eq!(store.sql.publish(&gap).await.unwrap(), Published::Stored);
}

#[tokio::test]
async fn a_publication_that_rests_on_an_older_timestamp_stores_nothing() {
    let store = store().await;
    let first = publication("g", 1, vec![sent("targets", 1, "t1")]);
    store.sql.publish(&first).await.unwrap();
    let unaware = publication("g", 1, vec![sent("targets/a", 1, "a1")]);
    assert_eq!(store.sql.publish(&unaware).await.unwrap(), Published::Moved);
    assert_eq!(store.sql.by_version("g", "targets/a", 1).await.unwrap(), None);
    store.sql.delete("g", None, NOW).await.unwrap();
    let late = publication("g", 2, vec![sent("targets/a", 1, "a1")]);
    assert_eq!(store.sql.publish(&late).await.unwrap(), Published::Moved);
}

#[tokio::test]
async fn signed_bytes_belong_to_one_gun_and_role_even_after_deletion() {
    let store = store().await;
    store.sql.publish(&publication("g", 1, vec![sent("root", 1, "r1"), sent("targets/a", 1, "a1")])).await.unwrap();
    store.sql.delete("g", None, NOW).await.unwrap();
    let known_as = vec![("g".to_owned(), "targets/a".to_owned())];
    let elsewhere = publication("h", 1, vec![sent("targets/a", 1, "a1")]);
    let refused = store.sql.publish(&elsewhere).await.unwrap();
    assert_eq!(refused, Published::Replayed { role: "targets/a".into(), known_as: known_as.clone() });
    let other_role = publication("g", 1, vec![sent("targets/b", 1, "a1")]);
    let refused = store.sql.publish(&other_role).await.unwrap();
    assert_eq!(refused, Published::Replayed { role: "targets/b".into(), known_as: known_as.clone() });
    // Nor do they come back where they were; a root may.
    let again = publication("g", 1, vec![sent("targets/a", 1, "a1")]);
    assert_eq!(store.sql.publish(&again).await.unwrap(), Published::Replayed { role: "targets/a".into(), known_as });
    let anew = publication("g", 1, vec![sent("root", 1, "r1"), sent("targets/a", 1, "a2")]);
    assert_eq!(store.sql.publish(&anew).await.unwrap(), Published::Stored);
}

#[tokio::test]
async fn deleting_removes_every_version_once_and_says_so_in_the_feed() {
    let store = store().await;
    assert!(!store.sql.delete("g", None, NOW).await.unwrap());
    store.sql.publish(&publication("g", 1, vec![sent("root", 1, "r1")])).await.unwrap();
    store.sql.publish(&publication("h", 1, vec![sent("root", 1, "r1-of-h")])).await.unwrap();
    store.sql.pending_key(&key("k")).await.unwrap();
    assert!(store.sql.delete("g", None, NOW).await.unwrap());
    assert!(!store.sql.delete("g", None, NOW).await.unwrap());
    assert_eq!(store.sql.by_version("g", "root", 1).await.unwrap(), None);
    assert_eq!(store.sql.head("g").await.unwrap(), None);
    assert!(store.sql.by_version("h", "root", 1).await.unwrap().is_some());
    assert_eq!(store.sql.server_keys("g", "timestamp").await.unwrap().len(), 1);
    let feed = store.sql.changes(Some("g"), Window::After(0), 9).await.unwrap();
    let lines: Vec<_> = feed.iter().map(|change| change.timestamp.as_ref().map(|(version, _)| *version)).collect();
    assert_eq!(lines, [Some(1), None]);
}

#[tokio::test]
async fn there_is_one_pending_key_until_a_root_names_it() {
    let store = store().await;
    assert_eq!(store.sql.pending_key(&key("k1")).await.unwrap().key_id, "k1");
    assert_eq!(store.sql.pending_key(&key("k2")).await.unwrap().key_id, "k1");
    let mut first = publication("g", 1, vec![]);
    first.used_keys = vec!["k1".into()];
    store.sql.publish(&first).await.unwrap();
    assert_eq!(store.sql.pending_key(&key("k2")).await.unwrap().key_id, "k2");
    assert_eq!(store.sql.server_keys("g", "timestamp").await.unwrap().len(), 2);
    assert!(store.sql.server_keys("g", "snapshot").await.unwrap().is_empty());
}

#[tokio::test]
async fn the_feed_is_read_in_windows_and_always_oldest_first() {
    let store = store().await;
    for version in 1..=3 {
        store.sql.publish(&publication("g", version, vec![])).await.unwrap();
        store.sql.publish(&publication("h", version, vec![])).await.unwrap();
    }
    let ids = async |gun, window, limit| -> Vec<i64> {
        store.sql.changes(gun, window, limit).await.unwrap().iter().map(|change| change.id).collect()
    };
    assert_eq!(ids(None, Window::After(0), 4).await, [1, 2, 3, 4]);
    assert_eq!(ids(None, Window::After(4), 100).await, [5, 6]);
    assert_eq!(ids(Some("h"), Window::After(0), 100).await, [2, 4, 6]);
    assert_eq!(ids(None, Window::Before(None), 2).await, [5, 6]);
    assert_eq!(ids(Some("g"), Window::Before(Some(5)), 1).await, [3]);
}

#[tokio::test]
async fn collections_due_for_signing_are_listed_page_by_page() {
    let store = store().await;
    for gun in ["a", "b", "c"] {
        store.sql.publish(&publication(gun, 1, vec![])).await.unwrap();
    }
    assert!(store.sql.due(NOW, None, 9).await.unwrap().is_empty());
    let later = NOW + Duration::days(1);
    assert_eq!(store.sql.due(later, None, 2).await.unwrap(), ["a", "b"]);
    assert_eq!(store.sql.due(later, Some("b"), 2).await.unwrap(), ["c"]);
}

#[tokio::test]
async fn of_publications_racing_for_one_version_exactly_one_is_stored() {
    let store = store().await;
    store.sql.publish(&publication("g", 1, vec![sent("targets", 1, "t")])).await.unwrap();
    let racers = (0..6).map(|racer| {
        let sql = store.sql.clone();
        tokio::spawn(async move { sql.publish(&publication("g", 2, vec![sent("targets", 2, &format!("t{racer}"))])).await })
    });
    let mut stored = 0;
    for racer in racers.collect::<Vec<_>>() {
        match racer.await.unwrap().unwrap() {
            Published::Stored => stored += 1,
            other => assert_eq!(other, Published::OldVersion { role: "targets".into() }),
        }
    }
    assert_eq!(stored, 1);
}

#[tokio::test]
async fn the_past_of_a_collection_says_who_published_which_file_in_place_of_which() {
    let store = store().await;
    let by =
        |name: &str| Some(Publisher { id: wharfinger_identity::AccountId::stored(format!("id of {name}")), name: name.into() });
    let at = |hours| NOW + Duration::hours(hours);
    let first = vec![sent("root", 1, "root-1"), sent("targets", 1, "targets-1")];
    let all = [
        Publication { by: by("ada"), at: at(1), ..publication("g", 1, first) },
        // What the server signs anew is nobody's doing.
        Publication { at: at(2), ..publication("g", 2, vec![]) },
        Publication { by: by("bea"), at: at(3), ..publication("g", 3, vec![sent("targets", 2, "targets-2")]) },
        Publication { by: by("eve"), at: at(3), ..publication("other", 1, vec![sent("targets", 1, "theirs")]) },
    ];
    for publication in &all {
        assert_eq!(store.sql.publish(publication).await.unwrap(), Published::Stored);
    }
    let past = store.sql.past("g", None, 10).await.unwrap();
    let file = |role: &str, version, text: &str, before: Option<&str>| PastFile {
        role: role.into(),
        version,
        sha256: format!("sha-{text}"),
        before: before.map(|text| format!("sha-{text}")),
    };
    let told: Vec<_> = past.iter().map(|past| (past.at, past.by.clone(), past.done.clone())).collect();
    let first = vec![file("root", 1, "root-1", None), file("targets", 1, "targets-1", None)];
    let second = vec![file("targets", 2, "targets-2", Some("targets-1"))];
    assert_eq!(told, [(at(3), by("bea"), Done::Published(second)), (at(1), by("ada"), Done::Published(first))]);
    assert_eq!(store.sql.past("g", None, 1).await.unwrap(), past[..1]);
    assert_eq!(store.sql.past("g", Some(past[0].id), 10).await.unwrap(), past[1..]);

    let then = async |hours| store.sql.by_time("g", "targets", at(hours)).await.unwrap().map(|file| file.version);
    assert_eq!((then(0).await, then(1).await, then(2).await, then(9).await), (None, Some(1), Some(1), Some(2)));

    store.sql.delete("g", by("ada").as_ref(), at(4)).await.unwrap();
    let past = store.sql.past("g", None, 10).await.unwrap();
    assert_eq!(past.len(), 1, "nothing is known of what was there before");
    assert_eq!((&past[0].by, &past[0].done, past[0].at), (&by("ada"), &Done::Deleted, at(4)));
}

#[tokio::test]
async fn who_published_before_that_was_kept_is_not_known() {
    let store = store().await;
    store.sql.publish(&publication("g", 1, vec![sent("targets", 1, "targets-1")])).await.unwrap();
    assert_eq!(store.sql.past("g", None, 10).await.unwrap()[0].by, None);
}
