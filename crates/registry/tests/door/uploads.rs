//! Pushing blobs.

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use wharfinger_oci::Digest;

use crate::stage::{Answer, Stage, refusal};

/// Begins an upload of alice's; its place.
async fn begun(stage: &Stage, name: &str) -> String {
    let answer = stage.by("alice", name, "POST", "blobs/uploads/").await.send().await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    assert_eq!(answer.header("range"), "0-0");
    let location = answer.header("location").to_owned();
    assert!(location.ends_with(answer.header("docker-upload-uuid")));
    assert!(location.starts_with(&format!("/v2/{name}/blobs/uploads/")), "relative: no host of anybody's");
    location
}

async fn at(stage: &Stage, who: &str, method: &str, location: &str, range: Option<&str>, content: &str) -> Answer {
    let token = stage.token(who, &["alice/app", "alice/other"]).await;
    let ask = stage.ask(method, location).bearer(&token).header("content-length", &content.len().to_string());
    let ask = match range {
        Some(range) => ask.header("content-range", range),
        None => ask,
    };
    ask.body(content.to_owned()).send().await
}

async fn reads(stage: &Stage, name: &str, digest: &Digest) -> (u16, String) {
    let answer = stage.by("alice", name, "GET", &format!("blobs/{digest}")).await.send().await;
    (answer.status.as_u16(), answer.text())
}

#[tokio::test]
async fn a_blob_is_pushed_as_docker_does_it() {
    let stage = Stage::new().await;
    let head = stage.by("alice", "alice/app", "HEAD", &format!("blobs/{}", Digest::sha256(b"layer"))).await.send().await;
    assert_eq!(head.status, 404);
    let location = begun(&stage, "alice/app").await;
    let answer = at(&stage, "alice", "PATCH", &location, None, "layer").await;
    assert_eq!((answer.status.as_u16(), answer.header("range")), (202, "0-4"));
    assert_eq!(answer.header("location"), location);
    let digest = Digest::sha256(b"layer");
    let answer = at(&stage, "alice", "PUT", &format!("{location}?digest={digest}"), None, "").await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.header("docker-content-digest"), digest.as_str());
    assert_eq!(answer.header("location"), format!("/v2/alice/app/blobs/{digest}"));
    assert_eq!(reads(&stage, "alice/app", &digest).await, (200, "layer".to_owned()));
    let again = at(&stage, "alice", "PUT", &format!("{location}?digest={digest}"), None, "").await;
    assert_eq!(again.refusal(), refusal(404, "BLOB_UPLOAD_UNKNOWN"));
}

#[tokio::test]
async fn a_blob_is_pushed_in_one_request_or_with_the_last() {
    let stage = Stage::new().await;
    let digest = stage.push_blob("alice", "alice/app", b"one request").await;
    assert_eq!(reads(&stage, "alice/app", &digest).await, (200, "one request".to_owned()));
    let location = begun(&stage, "alice/app").await;
    let digest = Digest::sha256(b"with the last");
    at(&stage, "alice", "PATCH", &location, Some("0-4"), "with ").await;
    let answer = at(&stage, "alice", "PUT", &format!("{location}?digest={digest}"), Some("5-12"), "the last").await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(reads(&stage, "alice/app", &digest).await.1, "with the last");
}

#[tokio::test]
async fn chunks_have_to_come_in_order() {
    let stage = Stage::new().await;
    let location = begun(&stage, "alice/app").await;
    assert_eq!(at(&stage, "alice", "PATCH", &location, Some("0-2"), "abc").await.status, 202);
    for range in ["0-2", "2-4", "5-7"] {
        let answer = at(&stage, "alice", "PATCH", &location, Some(range), "def").await;
        assert_eq!(answer.refusal(), refusal(416, "BLOB_UPLOAD_INVALID"), "{range}");
        assert_eq!((answer.header("range"), answer.header("location")), ("0-2", location.as_str()), "where to go on");
    }
    for (range, code) in [("x", "BLOB_UPLOAD_INVALID"), ("5-3", "BLOB_UPLOAD_INVALID"), ("3-9", "SIZE_INVALID")] {
        assert_eq!(at(&stage, "alice", "PATCH", &location, Some(range), "def").await.refusal(), refusal(400, code), "{range}");
    }
    let status = at(&stage, "alice", "GET", &location, None, "").await;
    assert_eq!((status.status.as_u16(), status.header("range")), (204, "0-2"));
    assert_eq!(at(&stage, "alice", "PATCH", &location, Some("3-5"), "def").await.header("range"), "0-5");
}

#[tokio::test]
async fn a_wrong_digest_is_refused_and_leaves_nothing() {
    let stage = Stage::new().await;
    let wrong = Digest::sha256(b"something else");
    let ask = stage.by("alice", "alice/app", "POST", &format!("blobs/uploads/?digest={wrong}")).await;
    assert_eq!(ask.body("content").send().await.refusal(), refusal(400, "DIGEST_INVALID"));
    let location = begun(&stage, "alice/app").await;
    at(&stage, "alice", "PATCH", &location, None, "content").await;
    let answer = at(&stage, "alice", "PUT", &format!("{location}?digest={wrong}"), None, "").await;
    assert_eq!(answer.refusal(), refusal(400, "DIGEST_INVALID"));
    assert_eq!(at(&stage, "alice", "GET", &location, None, "").await.refusal(), refusal(404, "BLOB_UPLOAD_UNKNOWN"));
    assert_eq!(reads(&stage, "alice/app", &wrong).await.0, 404);
    assert!(stage.blob_files().is_empty());
}

#[tokio::test]
async fn an_unreadable_digest_is_refused_and_the_upload_goes_on() {
    let stage = Stage::new().await;
    for query in ["?digest=sha256:00", "?digest=md5:d41d8cd98f00b204e9800998ecf8427e", "?mount=x&from=alice/app"] {
        let answer = stage.by("alice", "alice/app", "POST", &format!("blobs/uploads/{query}")).await.send().await;
        assert_eq!(answer.refusal(), refusal(400, "DIGEST_INVALID"), "{query}");
    }
    let location = begun(&stage, "alice/app").await;
    for query in ["", "?digest=", "?digest=sha256:00"] {
        let answer = at(&stage, "alice", "PUT", &format!("{location}{query}"), None, "x").await;
        assert_eq!(answer.refusal(), refusal(400, "DIGEST_INVALID"), "{query}");
    }
    assert_eq!(at(&stage, "alice", "GET", &location, None, "").await.status, 204);
}

#[tokio::test]
async fn an_upload_goes_on_after_the_process_was_killed() {
    let stage = Stage::new().await;
    let location = begun(&stage, "alice/app").await;
    at(&stage, "alice", "PATCH", &location, Some("0-2"), "abc").await;
    let stage = stage.restarted().await;
    let status = at(&stage, "alice", "GET", &location, None, "").await;
    assert_eq!((status.status.as_u16(), status.header("range")), (204, "0-2"));
    at(&stage, "alice", "PATCH", &location, Some("3-5"), "def").await;
    let stage = stage.restarted().await;
    let digest = Digest::sha256(b"abcdef");
    assert_eq!(at(&stage, "alice", "PUT", &format!("{location}?digest={digest}"), None, "").await.status, 201);
    let stage = stage.restarted().await;
    assert_eq!(reads(&stage, "alice/app", &digest).await.1, "abcdef");
}

#[tokio::test]
async fn what_came_before_the_connection_broke_is_kept() {
    let stage = Stage::new().await;
    let location = begun(&stage, "alice/app").await;
    let broken = stream::iter([Ok(Bytes::from_static(b"abc")), Err(std::io::Error::other("gone"))]);
    let token = stage.token("alice", &["alice/app"]).await;
    let answer = stage.ask("PATCH", &location).bearer(&token).body(Body::from_stream(broken)).send().await;
    assert_eq!(answer.refusal(), refusal(400, "BLOB_UPLOAD_INVALID"));
    assert_eq!(at(&stage, "alice", "PATCH", &location, Some("3-5"), "def").await.header("range"), "0-5");
}

#[tokio::test]
async fn an_upload_belongs_to_its_repository_and_its_account() {
    let stage = Stage::new().await;
    let location = begun(&stage, "alice/app").await;
    at(&stage, "alice", "PATCH", &location, None, "abc").await;
    begun(&stage, "alice/other").await;
    let elsewhere = location.replace("alice/app", "alice/other");
    let digest = Digest::sha256(b"abc");
    for (who, place) in [("alice", &elsewhere), ("admin", &location)] {
        for (method, query) in
            [("GET", String::new()), ("PATCH", String::new()), ("DELETE", String::new()), ("PUT", format!("?digest={digest}"))]
        {
            let answer = at(&stage, who, method, &format!("{place}{query}"), None, "").await;
            assert_eq!(answer.refusal(), refusal(404, "BLOB_UPLOAD_UNKNOWN"), "{who} {method} {place}");
        }
    }
    assert_eq!(at(&stage, "bob", "PATCH", &location, None, "x").await.status, 401);
    assert_eq!(reads(&stage, "alice/other", &digest).await.0, 404);
    assert_eq!(at(&stage, "alice", "PUT", &format!("{location}?digest={digest}"), None, "").await.status, 201);
}

#[tokio::test]
async fn a_right_that_is_gone_when_the_body_has_come_is_gone() {
    let stage = Stage::new().await;
    begun(&stage, "alice/app").await;
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Bytes, std::io::Error>>(1);
    let slow = stream::unfold(receiver, |mut receiver| async { receiver.recv().await.map(|item| (item, receiver)) });
    let digest = Digest::sha256(b"abc");
    let ask = stage.by("alice", "alice/app", "POST", &format!("blobs/uploads/?digest={digest}")).await;
    let sending = tokio::spawn(ask.body(Body::from_stream(slow)).send());
    sender.send(Ok(Bytes::from_static(b"a"))).await.unwrap();
    sender.reserve().await.unwrap().send(Ok(Bytes::from_static(b"bc")));
    stage.deactivate("alice").await;
    drop(sender);
    assert_eq!(sending.await.unwrap().refusal(), refusal(403, "DENIED"));
    assert!(!stage.blob_file(&digest).exists());
}

#[tokio::test]
async fn a_cancelled_upload_is_gone() {
    let stage = Stage::new().await;
    let location = begun(&stage, "alice/app").await;
    at(&stage, "alice", "PATCH", &location, None, "abc").await;
    assert_eq!(at(&stage, "alice", "DELETE", &location, None, "").await.status, 204);
    assert_eq!(at(&stage, "alice", "GET", &location, None, "").await.refusal(), refusal(404, "BLOB_UPLOAD_UNKNOWN"));
    assert!(stage.blob_files().is_empty());
}

#[tokio::test]
async fn a_blob_is_mounted_only_from_where_the_account_may_pull() {
    let stage = Stage::new().await;
    let digest = stage.push_blob("alice", "alice/app", b"layer").await;
    let mount = async |who: &str, to: &str, from: &str, scopes: &[&str]| {
        let token = stage.token(who, scopes).await;
        let path = format!("/v2/{to}/blobs/uploads/?mount={digest}&from={from}");
        stage.ask("POST", &path).bearer(&token).send().await
    };
    let mounted = mount("alice", "alice/other", "alice/app", &["alice/app", "alice/other"]).await;
    assert_eq!(mounted.status, 201, "{}", mounted.text());
    assert_eq!(mounted.header("location"), format!("/v2/alice/other/blobs/{digest}"));
    assert_eq!(reads(&stage, "alice/other", &digest).await, (200, "layer".to_owned()));
    // Bob's token names the source, but he may not read it; alice's token does not name it.
    assert_eq!(mount("bob", "bob/copy", "alice/app", &["alice/app", "bob/copy"]).await.status, 202);
    assert_eq!(mount("alice", "alice/third", "alice/app", &["alice/third"]).await.status, 202);
    assert_eq!(mount("alice", "alice/third", "alice/none", &["alice/none", "alice/third"]).await.status, 202);
    assert_eq!(mount("alice", "alice/third", "..", &["alice/third"]).await.status, 202);
    let head = stage.by("bob", "bob/copy", "HEAD", &format!("blobs/{digest}")).await.send().await;
    assert_eq!(head.status, 404);
}

#[tokio::test]
async fn only_uploads_that_nobody_resumes_are_swept() {
    let stage = Stage::new().await;
    let location = begun(&stage, "alice/app").await;
    at(&stage, "alice", "PATCH", &location, None, "abc").await;
    let stray = stage.folder.path().join("blobs/uploads/0192d3c0-0000-4000-8000-000000000000");
    std::fs::write(&stray, "x").unwrap();
    stage.registry.sweep().await.unwrap();
    assert!(!stray.exists());
    assert_eq!(at(&stage, "alice", "PATCH", &location, Some("3-5"), "def").await.header("range"), "0-5");
}
