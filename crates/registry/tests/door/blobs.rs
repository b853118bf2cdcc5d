//! Pulling and deleting blobs.

use wharfinger_oci::Digest;

use crate::stage::{Stage, refusal};

#[tokio::test]
async fn a_blob_is_read_whole_and_in_part() {
    let stage = Stage::new().await;
    let digest = stage.push_blob("alice", "alice/app", b"0123456789").await;
    let get = async |method: &str, range: Option<&str>| {
        let ask = stage.by("alice", "alice/app", method, &format!("blobs/{digest}")).await;
        match range {
            Some(range) => ask.header("range", range).send().await,
            None => ask.send().await,
        }
    };
    let whole = get("GET", None).await;
    assert_eq!((whole.status.as_u16(), whole.text().as_str()), (200, "0123456789"));
    assert_eq!(whole.header("docker-content-digest"), digest.as_str());
    assert_eq!(whole.header("content-type"), "application/octet-stream");
    assert_eq!((whole.header("content-length"), whole.header("accept-ranges")), ("10", "bytes"));
    assert_eq!(whole.header("x-content-type-options"), "nosniff");
    let head = get("HEAD", Some("bytes=0-1")).await;
    assert_eq!((head.status.as_u16(), head.header("content-length"), head.text().as_str()), (200, "10", ""));
    for (range, part, said) in
        [("bytes=2-4", "234", "bytes 2-4/10"), ("bytes=8-", "89", "bytes 8-9/10"), ("bytes=-1", "9", "bytes 9-9/10")]
    {
        let answer = get("GET", Some(range)).await;
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (206, part), "{range}");
        assert_eq!(answer.header("content-range"), said);
        assert_eq!(answer.header("content-length"), part.len().to_string());
    }
    let outside = get("GET", Some("bytes=10-")).await;
    assert_eq!(outside.refusal(), refusal(416, "RANGE_INVALID"));
    assert_eq!(outside.header("content-range"), "bytes */10");
    assert_eq!(get("GET", Some("bytes=9-1")).await.status, 200, "no range at all");
}

#[tokio::test]
async fn the_empty_blob_can_be_pushed_and_pulled() {
    let stage = Stage::new().await;
    let digest = stage.push_blob("alice", "alice/app", b"").await;
    let answer = stage.by("alice", "alice/app", "GET", &format!("blobs/{digest}")).await.send().await;
    assert_eq!((answer.status.as_u16(), answer.text().as_str(), answer.header("content-length")), (200, "", "0"));
}

#[tokio::test]
async fn a_flipped_byte_makes_the_pull_fail() {
    let stage = Stage::new().await;
    for content in [b"short".to_vec(), vec![7; 700_000]] {
        let digest = stage.push_blob("alice", "alice/app", &content).await;
        let path = format!("blobs/{digest}");
        assert!(stage.by("alice", "alice/app", "GET", &path).await.send().await.body.is_ok());
        let mut stored = std::fs::read(stage.blob_file(&digest)).unwrap();
        stored[3] ^= 1;
        std::fs::write(stage.blob_file(&digest), stored).unwrap();
        let answer = stage.by("alice", "alice/app", "GET", &path).await.send().await;
        assert!(answer.body.is_err(), "the transfer ends before its end");
    }
}

#[tokio::test]
async fn a_blob_that_was_cut_or_lost_is_not_served() {
    let stage = Stage::new().await;
    let digest = stage.push_blob("alice", "alice/app", b"0123456789").await;
    for damage in [Some("0123"), None] {
        match damage {
            Some(rest) => std::fs::write(stage.blob_file(&digest), rest).unwrap(),
            None => std::fs::remove_file(stage.blob_file(&digest)).unwrap(),
        }
        let path = format!("blobs/{digest}");
        assert_eq!(stage.by("alice", "alice/app", "GET", &path).await.send().await.refusal(), refusal(500, "UNKNOWN"));
        assert_eq!(stage.by("alice", "alice/app", "HEAD", &path).await.send().await.status, 500);
    }
}

#[tokio::test]
async fn a_blob_is_known_only_where_it_was_pushed() {
    let stage = Stage::new().await;
    let digest = stage.push_blob("alice", "alice/app", b"layer").await;
    stage.push_blob("bob", "bob/app", b"another").await;
    let answer = stage.by("bob", "bob/app", "GET", &format!("blobs/{digest}")).await.send().await;
    assert_eq!(answer.refusal(), refusal(404, "BLOB_UNKNOWN"));
}

#[tokio::test]
async fn a_blob_is_deleted_unless_an_image_needs_it() {
    let stage = Stage::new().await;
    stage.push_image("alice", "alice/app", "v1", b"layer").await;
    let spare = stage.push_blob("alice", "alice/app", b"spare").await;
    let delete = async |digest: &Digest| stage.by("alice", "alice/app", "DELETE", &format!("blobs/{digest}")).await.send().await;
    assert_eq!(delete(&Digest::sha256(b"layer")).await.refusal(), refusal(405, "UNSUPPORTED"));
    assert_eq!(delete(&spare).await.status, 202);
    assert_eq!(delete(&spare).await.refusal(), refusal(404, "BLOB_UNKNOWN"));
    let answer = stage.by("bob", "alice/app", "DELETE", &format!("blobs/{spare}")).await.send().await;
    assert_eq!(answer.status, 401);
}
