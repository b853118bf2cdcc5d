//! Pushing, pulling and deleting manifests.

use serde_json::{Value, json};
use wharfinger_oci::Digest;
use wharfinger_storage::repositories::{Repositories as _, RepositoryChange};

use crate::stage::{Answer, OCI_IMAGE, OCI_INDEX, Stage, descriptor, image, refusal};

async fn put(stage: &Stage, reference: &str, media_type: &str, manifest: impl Into<Vec<u8>>) -> Answer {
    let ask = stage.by("alice", "alice/app", "PUT", &format!("manifests/{reference}")).await.header("content-type", media_type);
    ask.body(manifest.into()).send().await
}

async fn get(stage: &Stage, reference: &str) -> Answer {
    stage.by("alice", "alice/app", "GET", &format!("manifests/{reference}")).await.send().await
}

#[tokio::test]
async fn a_manifest_comes_back_byte_for_byte_by_tag_and_by_digest() {
    let stage = Stage::new().await;
    stage.push_blob("alice", "alice/app", b"config").await;
    stage.push_blob("alice", "alice/app", b"layer").await;
    let text = format!("  {} \n", image(b"config", b"layer"));
    let digest = Digest::sha256(text.as_bytes());
    let answer = put(&stage, "v1", OCI_IMAGE, text.clone()).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.header("docker-content-digest"), digest.as_str());
    assert_eq!(answer.header("location"), format!("/v2/alice/app/manifests/{digest}"));
    for reference in ["v1", digest.as_str()] {
        let answer = get(&stage, reference).await;
        assert_eq!((answer.status.as_u16(), answer.text()), (200, text.clone()));
        assert_eq!(answer.header("content-type"), OCI_IMAGE);
        assert_eq!(answer.header("docker-content-digest"), digest.as_str());
        let head = stage.by("alice", "alice/app", "HEAD", &format!("manifests/{reference}")).await.send().await;
        assert_eq!((head.status.as_u16(), head.header("content-length")), (200, text.len().to_string().as_str()));
        assert_eq!(head.text(), "");
    }
    let known = stage.by("alice", "alice/app", "GET", "manifests/v1").await.header("if-none-match", &format!("\"{digest}\""));
    assert_eq!(known.send().await.status, 304);
    assert_eq!(put(&stage, digest.as_str(), OCI_IMAGE, text).await.status, 201);
}

#[tokio::test]
async fn a_manifest_under_another_digest_is_refused() {
    let stage = Stage::new().await;
    stage.push_blob("alice", "alice/app", b"config").await;
    stage.push_blob("alice", "alice/app", b"layer").await;
    let other = Digest::sha256(b"something else");
    let answer = put(&stage, other.as_str(), OCI_IMAGE, image(b"config", b"layer").to_string()).await;
    assert_eq!(answer.refusal(), refusal(400, "DIGEST_INVALID"));
    assert_eq!(get(&stage, other.as_str()).await.refusal(), refusal(404, "MANIFEST_UNKNOWN"));
}

#[tokio::test]
async fn what_a_manifest_refers_to_has_to_be_in_the_same_repository() {
    let stage = Stage::new().await;
    let blobs =
        [stage.push_blob("alice", "alice/other", b"config").await, stage.push_blob("alice", "alice/other", b"layer").await];
    let answer = put(&stage, "v1", OCI_IMAGE, image(b"config", b"layer").to_string()).await;
    assert_eq!(answer.refusal(), refusal(400, "MANIFEST_BLOB_UNKNOWN"));
    assert_eq!(answer.json()["errors"][0]["detail"], json!(blobs));
    let child = image(b"config", b"layer").to_string();
    let index = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [descriptor(OCI_IMAGE, child.as_bytes())] });
    assert_eq!(put(&stage, "all", OCI_INDEX, index.to_string()).await.refusal(), refusal(400, "MANIFEST_BLOB_UNKNOWN"));
    stage.push_blob("alice", "alice/app", b"config").await;
    stage.push_blob("alice", "alice/app", b"layer").await;
    let digest = Digest::sha256(child.as_bytes());
    assert_eq!(put(&stage, digest.as_str(), OCI_IMAGE, child).await.status, 201);
    assert_eq!(put(&stage, "all", OCI_INDEX, index.to_string()).await.status, 201);
    assert_eq!(get(&stage, "all").await.header("content-type"), OCI_INDEX);
    let delete = stage.by("alice", "alice/app", "DELETE", &format!("manifests/{digest}")).await.send().await;
    assert_eq!(delete.refusal(), refusal(405, "UNSUPPORTED"), "the index needs it");
}

#[tokio::test]
async fn what_is_no_manifest_is_refused() {
    let stage = Stage::new().await;
    stage.push_blob("alice", "alice/app", b"config").await;
    stage.push_blob("alice", "alice/app", b"layer").await;
    let good = image(b"config", b"layer");
    let mut both = good.clone();
    both["manifests"] = json!([]);
    let schema1 = json!({ "schemaVersion": 1, "name": "alice/app", "tag": "v1", "fsLayers": [], "history": [] });
    for (media_type, manifest) in [
        (OCI_IMAGE, "not json".to_owned()),
        (OCI_IMAGE, "{}".to_owned()),
        (OCI_IMAGE, both.to_string()),
        (OCI_INDEX, good.to_string()),
        ("text/plain", good.to_string()),
        ("application/vnd.docker.distribution.manifest.v1+prettyjws", schema1.to_string()),
    ] {
        assert_eq!(
            put(&stage, "v1", media_type, manifest.clone()).await.refusal(),
            refusal(400, "MANIFEST_INVALID"),
            "{manifest}"
        );
    }
    assert_eq!(put(&stage, ".v1", OCI_IMAGE, good.to_string()).await.refusal(), refusal(400, "TAG_INVALID"));
    let large = format!("{}{}", good, " ".repeat(4 * 1024 * 1024));
    assert_eq!(put(&stage, "v1", OCI_IMAGE, large).await.refusal(), refusal(413, "SIZE_INVALID"));
    let answer = stage.by("bob", "alice/app", "PUT", "manifests/v1").await.body(good.to_string()).send().await;
    assert_eq!(answer.status, 401);
    assert_eq!(get(&stage, "v1").await.status, 404);
}

#[tokio::test]
async fn a_tag_pushed_again_moves_and_the_old_manifest_stays() {
    let stage = Stage::new().await;
    let old = stage.push_image("alice", "alice/app", "v1", b"old").await;
    let new = stage.push_image("alice", "alice/app", "v1", b"new").await;
    assert_eq!(get(&stage, "v1").await.header("docker-content-digest"), new.as_str());
    assert_eq!(get(&stage, old.as_str()).await.status, 200);
}

#[tokio::test]
async fn an_immutable_tag_is_not_pushed_again() {
    let stage = Stage::new().await;
    let old = stage.push_image("alice", "alice/app", "v1", b"old").await;
    let change = RepositoryChange { immutable_tags: Some(true), ..RepositoryChange::default() };
    stage.sql.change(&"alice/app".parse().unwrap(), &change, stage.now()).await.unwrap();
    stage.push_image("alice", "alice/app", "v1", b"old").await;
    stage.push_blob("alice", "alice/app", b"new").await;
    let config = br#"{"os":"linux","architecture":"amd64"}"#;
    let answer = put(&stage, "v1", OCI_IMAGE, image(config, b"new").to_string()).await;
    assert_eq!(answer.refusal(), refusal(403, "DENIED"));
    assert!(answer.text().contains("immutable"));
    assert_eq!(get(&stage, "v1").await.header("docker-content-digest"), old.as_str());
}

#[tokio::test]
async fn a_tag_or_a_manifest_is_deleted_but_nothing_signed() {
    let stage = Stage::new().await;
    let signed = stage.push_image("alice", "alice/app", "signed", b"signed").await;
    let moved = stage.push_image("alice", "alice/app", "moved", b"moved").await;
    let other = stage.push_image("alice", "alice/app", "v1", b"other").await;
    stage.push_image("alice", "alice/app", "v2", b"other").await;
    stage.sign("signed", &signed);
    stage.sign("moved", &signed);
    let delete = async |who: &str, reference: &str| {
        stage.by(who, "alice/app", "DELETE", &format!("manifests/{reference}")).await.send().await
    };
    for reference in ["signed", "moved", signed.as_str(), moved.as_str()] {
        assert_eq!(delete("alice", reference).await.refusal(), refusal(409, "TAG_IN_NOTARY"), "{reference}");
        assert_eq!(get(&stage, reference).await.status, 200);
    }
    assert_eq!(delete("bob", "v1").await.status, 401);
    assert_eq!(delete("alice", "v1").await.status, 202);
    assert_eq!(delete("alice", "v1").await.refusal(), refusal(404, "MANIFEST_UNKNOWN"));
    assert_eq!(get(&stage, other.as_str()).await.status, 200, "the manifest stays");
    assert_eq!(delete("alice", other.as_str()).await.status, 202);
    assert_eq!(get(&stage, "v2").await.status, 404, "its tags go with it");
}

#[tokio::test]
async fn referrers_are_listed_by_kind() {
    let stage = Stage::new().await;
    let subject = stage.push_image("alice", "alice/app", "v1", b"layer").await;
    stage.push_blob("alice", "alice/app", b"{}").await;
    let signature = json!({
        "schemaVersion": 2,
        "mediaType": OCI_IMAGE,
        "artifactType": "application/x.signature",
        "config": descriptor("application/vnd.oci.empty.v1+json", b"{}"),
        "layers": [],
        "subject": { "mediaType": OCI_IMAGE, "digest": subject, "size": 1 },
        "annotations": { "by": "alice" },
    });
    let pushed = put(&stage, Digest::sha256(signature.to_string().as_bytes()).as_str(), OCI_IMAGE, signature.to_string()).await;
    assert_eq!((pushed.status.as_u16(), pushed.header("oci-subject")), (201, subject.as_str()));
    let list = async |path: String| stage.by("alice", "alice/app", "GET", &path).await.send().await;
    let answer = list(format!("referrers/{subject}")).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (200, OCI_INDEX));
    let found = &answer.json()["manifests"];
    assert_eq!(found.as_array().map(Vec::len), Some(1));
    assert_eq!(found[0]["artifactType"], "application/x.signature");
    assert_eq!((&found[0]["annotations"]["by"], &found[0]["mediaType"]), (&json!("alice"), &json!(OCI_IMAGE)));
    let filtered = list(format!("referrers/{subject}?artifactType=application/x.other")).await;
    assert_eq!(filtered.header("oci-filters-applied"), "artifactType");
    assert_eq!(filtered.json()["manifests"], Value::Array(vec![]));
    assert_eq!(list(format!("referrers/{}", Digest::sha256(b"none"))).await.json()["manifests"], json!([]));
}
