//! The directory of repositories and what is in them, against a database in a folder of its own.

use time::{Duration, OffsetDateTime};
use wharfinger_identity::{AccountId, TeamId};
use wharfinger_oci::{Digest, Repository, Tag};
use wharfinger_storage::blobs::UploadId;
use wharfinger_storage::repositories::{
    AccessLevel, BlobLink, Content, ManifestDeletion, ManifestPut, ManifestSelector, NewManifest, Reader, Repositories,
    RepositoryChange, RepositoryRecord, Scope, TagDeletion, Unlinking, Upload, Visibility,
};
use wharfinger_storage_sql::Sql;

const NOW: OffsetDateTime = time::macros::datetime!(2026-11-21 10:00:00.123456789 UTC);

fn name(text: &str) -> Repository {
    text.parse().unwrap()
}

fn tag(text: &str) -> Tag {
    text.parse().unwrap()
}

fn record(text: &str) -> RepositoryRecord {
    RepositoryRecord {
        name: name(text),
        owner: Some(AccountId::stored("owner")),
        visibility: Visibility::Private,
        short_description: "short".to_owned(),
        long_description: "long".to_owned(),
        immutable_tags: false,
        created_at: NOW,
        updated_at: NOW,
    }
}

fn manifest(repository: &str, content: &[u8], at_tag: Option<&str>) -> NewManifest {
    NewManifest {
        repository: name(repository),
        digest: Digest::sha256(content),
        media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
        content: content.to_vec(),
        blobs: Vec::new(),
        manifests: Vec::new(),
        subject: None,
        tag: at_tag.map(tag),
        author: "alice".to_owned(),
        now: NOW,
    }
}

async fn open() -> (tempfile::TempDir, Sql) {
    let folder = tempfile::tempdir().unwrap();
    let sql = Sql::open(&folder.path().join("test.db")).await.unwrap();
    (folder, sql)
}

/// With the repositories `qa/app` and `qa/other`.
async fn with_two() -> (tempfile::TempDir, Sql) {
    let (folder, sql) = open().await;
    assert!(sql.create(&record("qa/app")).await.unwrap());
    assert!(sql.create(&record("qa/other")).await.unwrap());
    (folder, sql)
}

#[tokio::test]
async fn a_search_finds_what_is_public_owned_or_granted_to_a_team_and_nothing_else() {
    let (_folder, sql) = with_two().await;
    let public = RepositoryRecord { owner: None, visibility: Visibility::Public, ..record("open/app") };
    assert!(sql.create(&public).await.unwrap());
    assert!(sql.create(&RepositoryRecord { owner: None, ..record("zoo/app") }).await.unwrap());
    let [on_one, on_all] = ["one", "all"].map(TeamId::stored);
    assert!(sql.grant(&Scope::Repository(name("qa/other")), &on_one, AccessLevel::ReadOnly).await.unwrap());
    assert!(sql.grant(&Scope::Namespace("zoo".parse().unwrap()), &on_all, AccessLevel::Admin).await.unwrap());
    let reader = |owners: &[&str], teams: &[&TeamId]| Reader::Of {
        owners: owners.iter().map(|owner| AccountId::stored(*owner)).collect(),
        teams: teams.iter().map(|team| (*team).clone()).collect(),
    };
    let cases: [(Reader, &str, Option<&str>, &[&str]); 9] = [
        (reader(&[], &[]), "", None, &["open/app"]),
        (reader(&["stranger"], &[]), "", None, &["open/app"]),
        (reader(&["owner"], &[]), "", None, &["open/app", "qa/app", "qa/other"]),
        (reader(&["stranger"], &[&on_one]), "", None, &["open/app", "qa/other"]),
        (reader(&["stranger"], &[&on_one, &on_all]), "", None, &["open/app", "qa/other", "zoo/app"]),
        (reader(&["stranger"], &[&on_all]), "zoo", None, &["zoo/app"]),
        (Reader::OfEverything, "app", Some("open/app"), &["qa/app", "zoo/app"]),
        (Reader::OfEverything, "%", None, &[]),
        (Reader::OfEverything, "' OR 1=1", None, &[]),
    ];
    for (reader, words, after, expected) in cases {
        let found = sql.readable(&reader, words, after, 10).await.unwrap();
        let found: Vec<&str> = found.iter().map(|record| record.name.as_str()).collect();
        assert_eq!(found, expected, "{reader:?} {words:?} {after:?}");
    }
    assert_eq!(sql.readable(&Reader::OfEverything, "", None, 2).await.unwrap().len(), 2);
    let [none, one] =
        [sql.administered_namespaces(&[]).await.unwrap(), sql.administered_namespaces(&[on_one, on_all]).await.unwrap()];
    assert_eq!((none, one), (Vec::new(), vec!["zoo".to_owned()]), "those that a team administers as a whole");
}

#[tokio::test]
async fn a_search_of_any_length_is_compared_letter_by_letter() {
    let (_folder, sql) = open().await;
    for text in ["a/b", "ab/c-d", "abc/d_e.f", "zoo/caf"] {
        assert!(sql.create(&record(text)).await.unwrap());
    }
    let cases: [(&str, &[&str]); 8] = [
        ("a", &["a/b", "ab/c-d", "abc/d_e.f", "zoo/caf"]),
        ("/", &["a/b", "ab/c-d", "abc/d_e.f", "zoo/caf"]),
        ("ab", &["ab/c-d", "abc/d_e.f"]),
        ("c/", &["abc/d_e.f"]),
        ("_", &["abc/d_e.f"]),
        ("zoo/caf", &["zoo/caf"]),
        ("A", &[]),
        ("\"ab\"", &[]),
    ];
    for (words, expected) in cases {
        for reader in [Reader::OfEverything, Reader::Of { owners: vec![AccountId::stored("owner")], teams: Vec::new() }] {
            let found = sql.readable(&reader, words, None, 10).await.unwrap();
            let found: Vec<&str> = found.iter().map(|record| record.name.as_str()).collect();
            assert_eq!(found, expected, "{words:?}");
        }
    }
    sql.delete(&name("ab/c-d")).await.unwrap();
    assert!(sql.readable(&Reader::OfEverything, "ab/", None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_repository_is_made_once_found_changed_and_gone() {
    let (_folder, sql) = open().await;
    assert_eq!(sql.find(&name("qa/app")).await.unwrap(), None);
    assert!(sql.create(&record("qa/app")).await.unwrap());
    let second = RepositoryRecord { visibility: Visibility::Public, ..record("qa/app") };
    assert!(!sql.create(&second).await.unwrap(), "what is there stays");
    assert_eq!(sql.find(&name("qa/app")).await.unwrap(), Some(record("qa/app")));
    let later = NOW + Duration::HOUR;
    let change = RepositoryChange { visibility: Some(Visibility::Public), ..RepositoryChange::default() };
    let changed = sql.change(&name("qa/app"), &change, later).await.unwrap().unwrap();
    assert_eq!(changed, RepositoryRecord { visibility: Visibility::Public, updated_at: later, ..record("qa/app") });
    let change = RepositoryChange {
        visibility: None,
        short_description: Some("s".to_owned()),
        long_description: Some("l".to_owned()),
        immutable_tags: Some(true),
    };
    let changed = sql.change(&name("qa/app"), &change, later).await.unwrap().unwrap();
    assert_eq!((changed.short_description.as_str(), changed.long_description.as_str()), ("s", "l"));
    assert!(changed.immutable_tags && changed.visibility == Visibility::Public);
    assert_eq!(sql.change(&name("qa/none"), &change, later).await.unwrap(), None);
    assert!(sql.delete(&name("qa/app")).await.unwrap());
    assert!(!sql.delete(&name("qa/app")).await.unwrap());
    assert_eq!(sql.find(&name("qa/app")).await.unwrap(), None);
}

#[tokio::test]
async fn repositories_are_listed_in_order_in_pages_and_by_namespace() {
    let (_folder, sql) = open().await;
    for text in ["qa/b", "qa-x/a", "dev/z", "qa/a"] {
        sql.create(&record(text)).await.unwrap();
    }
    let names = |records: Vec<RepositoryRecord>| records.into_iter().map(|r| r.name.to_string()).collect::<Vec<_>>();
    assert_eq!(names(sql.list(None, None, 10).await.unwrap()), ["dev/z", "qa-x/a", "qa/a", "qa/b"]);
    assert_eq!(names(sql.list(None, Some("dev/z"), 2).await.unwrap()), ["qa-x/a", "qa/a"]);
    assert_eq!(names(sql.list(Some("qa"), None, 10).await.unwrap()), ["qa/a", "qa/b"]);
    assert_eq!(names(sql.list(Some("qa"), Some("qa/a"), 10).await.unwrap()), ["qa/b"]);
}

#[tokio::test]
async fn a_grant_ends_with_its_repository_and_one_on_the_namespace_does_not() {
    let (_folder, sql) = with_two().await;
    let (testers, owners) = (TeamId::stored("testers"), TeamId::stored("owners"));
    let (on_app, on_qa) = (Scope::Repository(name("qa/app")), Scope::Namespace("qa".parse().unwrap()));
    assert!(sql.grant(&on_app, &testers, AccessLevel::ReadOnly).await.unwrap());
    assert!(sql.grant(&on_app, &testers, AccessLevel::ReadWrite).await.unwrap(), "the later grant replaces the earlier");
    assert!(sql.grant(&on_qa, &owners, AccessLevel::Admin).await.unwrap());
    let none = Scope::Repository(name("qa/none"));
    assert!(!sql.grant(&none, &testers, AccessLevel::Admin).await.unwrap());
    let both = [(testers.clone(), AccessLevel::ReadWrite), (owners.clone(), AccessLevel::Admin)];
    assert_eq!(sql.team_access(&name("qa/app")).await.unwrap(), both);
    assert_eq!(sql.team_access(&name("qa/none")).await.unwrap(), both[1..]);
    assert_eq!(sql.team_access(&name("qax/none")).await.unwrap(), []);
    assert_eq!(sql.grants(&on_app).await.unwrap(), both[..1]);
    sql.delete(&name("qa/app")).await.unwrap();
    sql.create(&record("qa/app")).await.unwrap();
    assert_eq!(sql.team_access(&name("qa/app")).await.unwrap(), both[1..]);
    assert!(sql.revoke(&on_qa, &owners).await.unwrap());
    assert!(!sql.revoke(&on_qa, &owners).await.unwrap());
    assert_eq!(sql.team_access(&name("qa/app")).await.unwrap(), []);
}

#[tokio::test]
async fn a_blob_is_only_in_the_repositories_it_was_linked_or_mounted_to() {
    let (_folder, sql) = with_two().await;
    let blob = BlobLink { digest: Digest::sha256(b"x"), size: 1 };
    assert!(!sql.link_blob(&name("qa/none"), &blob, NOW).await.unwrap());
    assert!(!sql.blob_is_linked(&blob.digest).await.unwrap());
    assert!(sql.link_blob(&name("qa/app"), &blob, NOW).await.unwrap());
    assert!(sql.link_blob(&name("qa/app"), &blob, NOW).await.unwrap());
    assert!(sql.blob_is_linked(&blob.digest).await.unwrap());
    assert_eq!(sql.blob(&name("qa/app"), &blob.digest).await.unwrap(), Some(blob.clone()));
    assert_eq!(sql.blob(&name("qa/other"), &blob.digest).await.unwrap(), None);
    let mount = |from, to| {
        let (from, to, digest, sql) = (name(from), name(to), blob.digest.clone(), sql.clone());
        async move { sql.mount_blob(&from, &to, &digest, NOW).await.unwrap() }
    };
    assert_eq!(mount("qa/other", "qa/app").await, None, "it is there, but was not in the source");
    assert_eq!(mount("qa/app", "qa/none").await, None);
    assert_eq!(mount("qa/app", "qa/other").await, Some(blob.clone()));
    assert_eq!(sql.blob(&name("qa/other"), &blob.digest).await.unwrap(), Some(blob.clone()));
    assert_eq!(sql.unlink_blob(&name("qa/other"), &blob.digest).await.unwrap(), Unlinking::Removed);
    assert_eq!(sql.unlink_blob(&name("qa/other"), &blob.digest).await.unwrap(), Unlinking::Absent);
    assert!(sql.blob(&name("qa/app"), &blob.digest).await.unwrap().is_some());
}

#[tokio::test]
async fn a_manifest_is_stored_only_when_all_it_needs_is_in_the_same_repository() {
    let (_folder, sql) = with_two().await;
    let blob = BlobLink { digest: Digest::sha256(b"layer"), size: 5 };
    sql.link_blob(&name("qa/other"), &blob, NOW).await.unwrap();
    let image = NewManifest { blobs: vec![blob.digest.clone()], ..manifest("qa/app", b"image", Some("v1")) };
    assert_eq!(sql.put_manifest(&image).await.unwrap(), ManifestPut::Missing(vec![blob.digest.clone()]));
    assert_eq!(sql.tag(&name("qa/app"), &tag("v1")).await.unwrap(), None);
    sql.link_blob(&name("qa/app"), &blob, NOW).await.unwrap();
    let index = NewManifest { manifests: vec![image.digest.clone()], ..manifest("qa/app", b"index", None) };
    assert_eq!(sql.put_manifest(&index).await.unwrap(), ManifestPut::Missing(vec![image.digest.clone()]));
    assert_eq!(sql.put_manifest(&image).await.unwrap(), ManifestPut::Stored);
    assert_eq!(sql.put_manifest(&index).await.unwrap(), ManifestPut::Stored);
    assert_eq!(sql.put_manifest(&index).await.unwrap(), ManifestPut::Stored, "again is no error");
    assert_eq!(sql.put_manifest(&manifest("qa/none", b"x", None)).await.unwrap(), ManifestPut::NoRepository);
    assert_eq!(sql.unlink_blob(&name("qa/app"), &blob.digest).await.unwrap(), Unlinking::InUse(image.digest.clone()));
    let by_tag = sql.manifest(&name("qa/app"), &ManifestSelector::Tag(tag("v1"))).await.unwrap().unwrap();
    assert_eq!((by_tag.digest, by_tag.content), (image.digest.clone(), b"image".to_vec()));
    let by_digest = ManifestSelector::Digest(index.digest.clone());
    assert_eq!(sql.manifest(&name("qa/app"), &by_digest).await.unwrap().unwrap().content, b"index");
    assert_eq!(sql.manifest(&name("qa/other"), &by_digest).await.unwrap(), None);
    let delete = |digest: &Digest| {
        let (sql, digest) = (sql.clone(), digest.clone());
        async move { sql.delete_manifest(&name("qa/app"), &digest).await.unwrap() }
    };
    assert_eq!(delete(&image.digest).await, ManifestDeletion::InUse(index.digest.clone()));
    assert_eq!(delete(&index.digest).await, ManifestDeletion::Removed(vec![]));
    assert_eq!(delete(&image.digest).await, ManifestDeletion::Removed(vec![tag("v1")]));
    assert_eq!(delete(&image.digest).await, ManifestDeletion::Absent);
    assert_eq!(sql.unlink_blob(&name("qa/app"), &blob.digest).await.unwrap(), Unlinking::Removed);
}

#[tokio::test]
async fn a_tag_moves_unless_tags_are_immutable() {
    let (_folder, sql) = with_two().await;
    let (one, later) = (manifest("qa/app", b"1", Some("v")), NOW + Duration::MINUTE);
    let two = NewManifest { author: "bob".to_owned(), now: later, ..manifest("qa/app", b"2", Some("v")) };
    sql.put_manifest(&one).await.unwrap();
    sql.put_manifest(&two).await.unwrap();
    let moved = sql.tag(&name("qa/app"), &tag("v")).await.unwrap().unwrap();
    assert_eq!((moved.digest, moved.author.as_str()), (two.digest.clone(), "bob"));
    assert_eq!((moved.created_at, moved.updated_at), (NOW, later));
    let change = RepositoryChange { immutable_tags: Some(true), ..RepositoryChange::default() };
    sql.change(&name("qa/app"), &change, NOW).await.unwrap();
    assert_eq!(sql.put_manifest(&one).await.unwrap(), ManifestPut::Immutable(two.digest.clone()));
    assert_eq!(sql.put_manifest(&two).await.unwrap(), ManifestPut::Stored, "the same again is fine");
    let untagged = sql.manifest(&name("qa/app"), &ManifestSelector::Digest(one.digest.clone())).await.unwrap();
    assert!(untagged.is_some(), "the manifest a tag left stays");
}

#[tokio::test]
async fn a_tag_is_deleted_only_where_it_stands() {
    let (_folder, sql) = with_two().await;
    let (one, two) = (manifest("qa/app", b"1", Some("v")), Digest::sha256(b"2"));
    sql.put_manifest(&one).await.unwrap();
    let app = name("qa/app");
    assert_eq!(sql.delete_tag(&app, &tag("v"), &two).await.unwrap(), TagDeletion::Moved(one.digest.clone()));
    assert_eq!(sql.delete_tag(&app, &tag("v"), &one.digest).await.unwrap(), TagDeletion::Removed);
    assert_eq!(sql.delete_tag(&app, &tag("v"), &one.digest).await.unwrap(), TagDeletion::Absent);
    assert!(sql.manifest(&app, &ManifestSelector::Digest(one.digest)).await.unwrap().is_some());
}

#[tokio::test]
async fn tags_are_listed_in_byte_order_in_pages() {
    let (_folder, sql) = with_two().await;
    for text in ["b", "a", "B", "_", "a.1"] {
        sql.put_manifest(&manifest("qa/app", b"1", Some(text))).await.unwrap();
    }
    sql.put_manifest(&manifest("qa/other", b"1", Some("elsewhere"))).await.unwrap();
    let page = |after: Option<&'static str>, limit| {
        let sql = sql.clone();
        async move {
            let tags = sql.tags(&name("qa/app"), after, limit).await.unwrap();
            tags.into_iter().map(|tag| tag.name.to_string()).collect::<Vec<_>>()
        }
    };
    assert_eq!(page(None, 10).await, ["B", "_", "a", "a.1", "b"]);
    assert_eq!(page(Some("_"), 2).await, ["a", "a.1"]);
    assert_eq!(page(Some("zz"), 2).await, Vec::<String>::new());
}

#[tokio::test]
async fn referrers_are_those_of_the_same_repository() {
    let (_folder, sql) = with_two().await;
    let subject = Digest::sha256(b"not pushed yet");
    let signature = NewManifest { subject: Some(subject.clone()), ..manifest("qa/app", b"sig", None) };
    sql.put_manifest(&signature).await.unwrap();
    let found = sql.referrers(&name("qa/app"), &subject).await.unwrap();
    assert_eq!(found.iter().map(|m| &m.digest).collect::<Vec<_>>(), [&signature.digest]);
    assert_eq!(sql.referrers(&name("qa/other"), &subject).await.unwrap(), []);
}

#[tokio::test]
async fn uploads_end_when_ended_or_with_their_repository() {
    let (_folder, sql) = with_two().await;
    let upload = |repository| Upload {
        id: UploadId::generate(),
        repository: name(repository),
        account: AccountId::stored("alice"),
        started_at: NOW,
    };
    let (one, two) = (upload("qa/app"), upload("qa/app"));
    assert!(!sql.begin_upload(&upload("qa/none")).await.unwrap());
    assert!(sql.begin_upload(&one).await.unwrap());
    assert!(sql.begin_upload(&two).await.unwrap());
    assert_eq!(sql.upload(&one.id).await.unwrap(), Some(one.clone()));
    assert_eq!(sql.uploads_before(NOW).await.unwrap(), []);
    assert_eq!(sql.uploads_before(NOW + Duration::SECOND).await.unwrap().len(), 2);
    sql.end_upload(&one.id).await.unwrap();
    assert_eq!(sql.upload(&one.id).await.unwrap(), None);
    sql.delete(&name("qa/app")).await.unwrap();
    assert_eq!(sql.upload(&two.id).await.unwrap(), None);
}

#[tokio::test]
async fn everything_in_a_repository_goes_with_it() {
    let (_folder, sql) = with_two().await;
    let blob = BlobLink { digest: Digest::sha256(b"layer"), size: 5 };
    sql.link_blob(&name("qa/app"), &blob, NOW).await.unwrap();
    let image = NewManifest { blobs: vec![blob.digest.clone()], ..manifest("qa/app", b"image", Some("v1")) };
    sql.put_manifest(&image).await.unwrap();
    sql.delete(&name("qa/app")).await.unwrap();
    sql.create(&record("qa/app")).await.unwrap();
    assert_eq!(sql.tag(&name("qa/app"), &tag("v1")).await.unwrap(), None);
    assert_eq!(sql.blob(&name("qa/app"), &blob.digest).await.unwrap(), None);
    let by_digest = ManifestSelector::Digest(image.digest);
    assert_eq!(sql.manifest(&name("qa/app"), &by_digest).await.unwrap(), None);
}

#[tokio::test]
async fn what_was_stored_is_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("test.db");
    let sql = Sql::open(&file).await.unwrap();
    sql.create(&record("qa/app")).await.unwrap();
    sql.put_manifest(&manifest("qa/app", b"image", Some("v1"))).await.unwrap();
    sql.close().await;
    let sql = Sql::open(&file).await.unwrap();
    assert_eq!(sql.find(&name("qa/app")).await.unwrap(), Some(record("qa/app")));
    assert!(sql.tag(&name("qa/app"), &tag("v1")).await.unwrap().is_some());
}

#[tokio::test]
async fn pages_follow_the_names_also_where_many_namespaces_are_granted() {
    let (_folder, sql) = open().await;
    // `a-b/x` comes before `a/x`, and its namespace after.
    let mut all = Vec::new();
    for (namespace, many) in [("a", 5), ("a-b", 1), ("a-c", 9), ("b", 2), ("c", 7), ("not", 3)] {
        all.extend((0..many).map(|number| format!("{namespace}/app{number}")));
    }
    for text in &all {
        assert!(sql.create(&RepositoryRecord { owner: None, ..record(text) }).await.unwrap());
    }
    let team = TeamId::stored("team");
    for namespace in ["a", "a-b", "a-c", "b", "c", "empty"] {
        assert!(sql.grant(&Scope::Namespace(namespace.parse().unwrap()), &team, AccessLevel::ReadOnly).await.unwrap());
    }
    let reader = Reader::Of { owners: Vec::new(), teams: vec![team] };
    for words in ["", "1", "app6", "-", "nowhere"] {
        let mut expected: Vec<&str> = all.iter().map(String::as_str).filter(|name| !name.starts_with("not/")).collect();
        expected.retain(|name| name.contains(words));
        expected.sort_unstable();
        for limit in [1, 2, 3, 8, 100] {
            let mut found: Vec<String> = Vec::new();
            loop {
                let page = sql.readable(&reader, words, found.last().map(String::as_str), limit).await.unwrap();
                found.extend(page.iter().map(|record| record.name.to_string()));
                if page.len() < limit as usize {
                    break;
                }
            }
            assert_eq!(found, expected, "{words:?} {limit}");
        }
    }
}
