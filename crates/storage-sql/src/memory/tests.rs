use super::*;

async fn open() -> (tempfile::TempDir, Sql) {
    let folder = tempfile::tempdir().unwrap();
    let sql = Sql::open(&folder.path().join("db")).await.unwrap();
    (folder, sql)
}

fn made(role: &str, version: u64, statement: u8) -> RememberedFile {
    RememberedFile { role: role.to_owned(), version, statement: [statement; 32], bytes: vec![statement], etag: None }
}

fn signed_by(key: &str, role: &str, version: u64) -> RememberedSigning {
    let expires = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
    RememberedSigning { role: role.to_owned(), key: key.to_owned(), version, expires }
}

#[tokio::test]
async fn what_was_remembered_is_recalled_after_a_restart() {
    let (folder, sql) = open().await;
    assert_eq!(sql.recall("h/a").await.unwrap(), None);
    let timestamp = RememberedFile { etag: Some("\"x\"".to_owned()), ..made("timestamp", 7, 1) };
    let files = [made("targets/qa", 3, 2), timestamp];
    assert_eq!(sql.remember("h/a", &files, &[signed_by("k", "targets/qa", 3)], false).await.unwrap(), Remembering::Done);
    sql.close().await;
    let sql = Sql::open(&folder.path().join("db")).await.unwrap();
    let recalled = sql.recall("h/a").await.unwrap().unwrap();
    assert_eq!(recalled.files, files);
    assert_eq!(recalled.versions, [("targets/qa".to_owned(), 3), ("timestamp".to_owned(), 7)]);
    assert_eq!(recalled.signings, [signed_by("k", "targets/qa", 3)]);
    assert_eq!(sql.guns().await.unwrap(), ["h/a"]);
}

#[tokio::test]
async fn a_lower_version_changes_nothing() {
    let (_folder, sql) = open().await;
    sql.remember("h/a", &[made("targets/qa", 3, 1)], &[], false).await.unwrap();
    let lower = [made("timestamp", 9, 5), made("targets/qa", 2, 2)];
    assert_eq!(
        sql.remember("h/a", &lower, &[], false).await.unwrap(),
        Remembering::Older { role: "targets/qa".to_owned(), known: 3 }
    );
    assert_eq!(sql.recall("h/a").await.unwrap().unwrap().files, [made("targets/qa", 3, 1)]);
}

#[tokio::test]
async fn a_version_is_remembered_of_a_role_that_is_gone() {
    let (_folder, sql) = open().await;
    sql.remember("h/a", &[made("targets", 1, 1), made("targets/qa", 3, 2)], &[], false).await.unwrap();
    sql.remember("h/a", &[made("targets", 2, 3)], &[], false).await.unwrap();
    let recalled = sql.recall("h/a").await.unwrap().unwrap();
    assert_eq!(recalled.files.len(), 1);
    assert_eq!(recalled.versions, [("targets".to_owned(), 2), ("targets/qa".to_owned(), 3)]);
}

#[tokio::test]
async fn a_statement_stays_bound_to_its_gun_and_role() {
    let (_folder, sql) = open().await;
    sql.remember("h/a", &[made("targets/qa", 3, 1)], &[], false).await.unwrap();
    let seen = |role: &str| {
        Remembering::Replayed(SeenElsewhere {
            role: role.to_owned(),
            earlier_gun: "h/a".to_owned(),
            earlier_role: "targets/qa".to_owned(),
        })
    };
    assert_eq!(sql.remember("h/b", &[made("targets/qa", 3, 1)], &[], false).await.unwrap(), seen("targets/qa"));
    assert_eq!(sql.remember("h/a", &[made("targets/ci", 3, 1)], &[], false).await.unwrap(), seen("targets/ci"));
    assert_eq!(sql.remember("h/a", &[made("targets/qa", 3, 1)], &[], false).await.unwrap(), Remembering::Done);
    // Also after the GUN was forgotten, and whatever came of it since.
    assert!(sql.forget("h/a").await.unwrap());
    assert!(!sql.forget("h/a").await.unwrap());
    assert_eq!(sql.recall("h/a").await.unwrap(), None);
    assert_eq!(sql.remember("h/b", &[made("targets", 3, 1)], &[], false).await.unwrap(), seen("targets"));
    assert_eq!(sql.recall("h/b").await.unwrap(), None);
}

#[tokio::test]
async fn one_statement_under_two_names_of_one_walk_is_no_replay_and_under_a_third_later_is() {
    let (_folder, sql) = open().await;
    // Signer and releases, signed in one moment with the same tags.
    let twice = [made("targets/ci", 3, 1), made("targets/releases", 3, 1)];
    assert_eq!(sql.remember("h/a", &twice, &[], false).await.unwrap(), Remembering::Done);
    assert_eq!(sql.remember("h/a", &twice, &[], false).await.unwrap(), Remembering::Done);
    let third = sql.remember("h/a", &[made("targets/qa", 3, 1)], &[], false).await.unwrap();
    assert!(matches!(third, Remembering::Replayed(seen) if seen.role == "targets/qa"));
}

#[tokio::test]
async fn snapshots_and_timestamps_are_not_bound() {
    let (_folder, sql) = open().await;
    sql.remember("h/a", &[made("timestamp", 1, 1)], &[], false).await.unwrap();
    assert_eq!(sql.remember("h/b", &[made("timestamp", 1, 1)], &[], false).await.unwrap(), Remembering::Done);
}

#[tokio::test]
async fn what_was_forgotten_meanwhile_does_not_come_back_with_a_walk_that_began_before() {
    let (_folder, sql) = open().await;
    sql.remember("h/a", &[made("root", 1, 1)], &[], false).await.unwrap();
    assert!(sql.forget("h/a").await.unwrap());
    assert_eq!(sql.remember("h/a", &[made("root", 2, 2)], &[], true).await.unwrap(), Remembering::Forgotten);
    assert_eq!(sql.recall("h/a").await.unwrap(), None);
    assert_eq!(sql.remember("h/a", &[made("root", 2, 2)], &[], false).await.unwrap(), Remembering::Done);
    assert_eq!(sql.remember("h/a", &[made("root", 3, 3)], &[], true).await.unwrap(), Remembering::Done);
}

#[tokio::test]
async fn proofs_are_kept_by_image_and_go_with_their_gun() {
    let (folder, sql) = open().await;
    let at = OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
    let proof = |image: &str, policy| Proven { gun: "h/a".to_owned(), image: image.to_owned(), policy, at };
    sql.prove(&Proven { at: at - time::Duration::days(8), ..proof("h/a:old", 1) }).await.unwrap();
    sql.prove(&proof("h/a:1", 1)).await.unwrap();
    assert_eq!(sql.proven("h/a:old").await.unwrap(), None);
    sql.prove(&proof("h/a:1", 2)).await.unwrap();
    sql.prove(&Proven { gun: "h/b".to_owned(), ..proof("h/b:1", 1) }).await.unwrap();
    sql.close().await;
    let sql = Sql::open(&folder.path().join("db")).await.unwrap();
    assert_eq!(sql.proven("h/a:1").await.unwrap(), Some(proof("h/a:1", 2)));
    sql.disprove("h/a").await.unwrap();
    assert_eq!(sql.proven("h/a:1").await.unwrap(), None);
    sql.forget("h/b").await.unwrap();
    assert_eq!(sql.proven("h/b:1").await.unwrap(), None);
}
