use axum::body::Body;
use http::Request;
use serde_json::json;
use wharfinger_oci::Digest;

use crate::client::{ALL, ask, file, get, path, post, publish, published, send};
use crate::forge::{Identity, role, target};
use crate::stage::{HOST, Stage};

fn sha256(bytes: &[u8]) -> String {
    Digest::sha256(bytes).hex().to_owned()
}

#[tokio::test]
async fn what_was_published_is_served_as_it_came_by_name_hash_and_version() {
    let stage = Stage::guarded().await;
    let forge = published(&stage.notary, "qa/app").await;
    for name in ALL {
        let current = get(&stage.notary, "qa/app", &format!("{name}.json")).await;
        assert_eq!(current.status, 200, "{name}");
        assert_eq!(current.header("content-type"), "text/plain; charset=utf-8");
        let hash = sha256(&current.body);
        for other in [format!("{name}.{hash}.json"), format!("1.{name}.json")] {
            assert_eq!(get(&stage.notary, "qa/app", &other).await.body, current.body, "{other}");
        }
    }
    let sent = file(&forge, "targets/qa");
    let mut pretty = serde_json::to_vec_pretty(&serde_json::from_slice::<serde_json::Value>(&sent).unwrap()).unwrap();
    pretty.extend(b"\n\n");
    let mut next = forge;
    next.next();
    assert_eq!(post(&stage.notary, "qa/app", &[("targets/qa.json", pretty)]).await.code(), "VERSION");
    let sent = file(&next, "targets/qa");
    let mut pretty = serde_json::to_vec_pretty(&serde_json::from_slice::<serde_json::Value>(&sent).unwrap()).unwrap();
    pretty.extend(b"\n\n");
    assert_eq!(post(&stage.notary, "qa/app", &[("targets/qa.json", pretty.clone())]).await.status, 200);
    assert_eq!(get(&stage.notary, "qa/app", "targets/qa.json").await.body, pretty);
}

#[tokio::test]
async fn current_files_are_for_minutes_named_ones_for_a_month() {
    let stage = Stage::guarded().await;
    published(&stage.notary, "qa/app").await;
    let current = get(&stage.notary, "qa/app", "timestamp.json").await;
    assert_eq!(current.header("cache-control"), "public, max-age=300, s-maxage=300, must-revalidate");
    assert!(current.header("last-modified").ends_with(" UTC"));
    for named in [format!("timestamp.{}.json", sha256(&current.body)), "1.timestamp.json".to_owned()] {
        let named = get(&stage.notary, "qa/app", &named).await;
        assert_eq!(named.header("cache-control"), "public, max-age=2592000, s-maxage=2592000");
    }
}

#[tokio::test]
async fn who_has_the_timestamp_already_is_told_so() {
    let stage = Stage::guarded().await;
    published(&stage.notary, "qa/app").await;
    let first = get(&stage.notary, "qa/app", "timestamp.json").await;
    let again = async |etag: &str| {
        let request = Request::get(path("qa/app", "tuf/timestamp.json"));
        send(&stage.notary, request.header("authorization", "Bearer owner").header("if-none-match", etag), Body::empty()).await
    };
    let unchanged = again(first.header("etag")).await;
    assert_eq!((unchanged.status.as_u16(), unchanged.body.len()), (304, 0));
    assert_eq!(unchanged.header("etag"), first.header("etag"));
    assert_eq!(again("\"other\"").await.body, first.body);
    assert_eq!(post(&stage.notary, "qa/app", &[]).await.status, 200);
    assert_eq!(again(first.header("etag")).await.version(), 2);
}

#[tokio::test]
async fn what_does_not_exist_is_404_in_the_stock_servers_words() {
    let stage = Stage::guarded().await;
    published(&stage.notary, "qa/app").await;
    let body = |detail: bool| {
        let mut error = json!({"code": "METADATA_NOT_FOUND", "message": "You have requested metadata that does not exist."});
        if detail {
            error["detail"] = json!({});
        }
        json!({"errors": [error]})
    };
    let absent = "0".repeat(64);
    for name in ["targets/x.json", "9.root.json", "0.root.json", &format!("root.{absent}.json")] {
        let answer = get(&stage.notary, "qa/app", name).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (404, body(true)), "{name}");
        assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
        assert!(answer.header("cache-control").is_empty());
    }
    assert_eq!(get(&stage.notary, "qa/never", "root.json").await.json(), body(true));
    for (method, rest) in [("HEAD", "tuf/root.json"), ("GET", "tuf/"), ("PUT", "tuf/"), ("POST", "tuf"), ("GET", "tuf/root.key")]
    {
        let answer = ask(&stage.notary, method, &path("qa/app", rest), "owner").await;
        assert_eq!((answer.status.as_u16(), answer.json()), (404, body(false)), "{method} {rest}");
    }
}

#[tokio::test]
async fn a_hash_opens_nothing_in_another_repository_or_role() {
    let stage = Stage::guarded().await;
    published(&stage.notary, "qa/private").await;
    published(&stage.notary, "qa/app").await;
    let secret = get(&stage.notary, "qa/private", "targets.json").await;
    let hash = sha256(&secret.body);
    assert_eq!(get(&stage.notary, "qa/private", &format!("targets.{hash}.json")).await.body, secret.body);
    for name in ["targets", "root", "targets/qa"] {
        let stranger = ask(&stage.notary, "GET", &path("qa/app", &format!("tuf/{name}.{hash}.json")), "pull").await;
        assert_eq!(stranger.status, 404, "{name}");
    }
    assert_eq!(get(&stage.notary, "qa/private", &format!("root.{hash}.json")).await.status, 404);
}

#[tokio::test]
async fn names_of_other_hosts_are_not_found_and_not_published() {
    let stage = Stage::guarded().await;
    published(&stage.notary, "qa/app").await;
    for wrong in ["DTR.test:5400/qa/app", "dtr.test/qa/app", "dtr.test:443/qa/app", "other.test/qa/app", "qa/app", HOST] {
        let at = |rest: &str| format!("/v2/{wrong}/_trust/{rest}");
        for rest in ["tuf/root.json", "tuf/1.root.json", "changefeed?records=1"] {
            assert_eq!(ask(&stage.notary, "GET", &at(rest), "all").await.code(), "METADATA_NOT_FOUND", "{wrong}");
        }
        assert_eq!(ask(&stage.notary, "DELETE", &at("tuf/"), "all").await.status, 404);
        for (method, rest) in [("POST", "tuf/"), ("GET", "tuf/timestamp.key"), ("POST", "tuf/snapshot.key")] {
            let answer = ask(&stage.notary, method, &at(rest), "all").await;
            assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "INVALID_GUN"), "{wrong}");
            assert!(answer.message().contains(HOST), "{}", answer.message());
        }
    }
}

#[tokio::test]
async fn released_tags_are_told_with_their_digests() {
    let stage = Stage::guarded().await;
    let repository = "qa/app".parse().unwrap();
    assert!(stage.notary.signed_tags(&repository).await.unwrap().is_empty());
    let mut forge = published(&stage.notary, "qa/app").await;
    let tags = async || -> Vec<String> {
        let tags = stage.notary.signed_tags(&repository).await.unwrap();
        tags.iter().map(|(tag, digest)| format!("{tag}@{digest}")).collect()
    };
    assert_eq!(tags().await, [format!("v1@{}", Digest::sha256(b"manifest one"))]);
    forge.next();
    forge.tag("targets/releases", "v2", "manifest two");
    forge.tag("targets/releases", "not a tag!", "manifest two");
    forge.tag("targets/qa", "v3", "manifest three");
    publish(&stage.notary, "qa/app", &forge, &["targets/releases", "targets/qa"]).await;
    assert_eq!(tags().await.len(), 2);
    // No delegations: the tags stand in `targets`.
    forge.next();
    forge.file("targets").delegations = wharfinger_tuf::Delegations::default();
    forge.file("targets").targets.insert("plain".into(), target("manifest"));
    publish(&stage.notary, "qa/app", &forge, &["targets"]).await;
    assert_eq!(tags().await, [format!("plain@{}", Digest::sha256(b"manifest"))]);
    // Delegations again, but nothing released.
    forge.next();
    forge.delegate("targets/new", vec![Identity::bare()], 1);
    forge.tag("targets/new", "v9", "manifest");
    assert_eq!(publish(&stage.notary, "qa/app", &forge, &["targets", "targets/new"]).await.status, 200);
    assert!(tags().await.is_empty());
    assert_eq!(role("targets/new").depth(), 1);
}
