//! Tags and the catalog, in pages.

use serde_json::json;

use crate::stage::{Stage, refusal};

#[tokio::test]
async fn tags_are_listed_in_pages() {
    let stage = Stage::new().await;
    for tag in ["b", "a", "c"] {
        stage.push_image("alice", "alice/app", tag, b"layer").await;
    }
    let list = async |query: &str| stage.by("alice", "alice/app", "GET", &format!("tags/list{query}")).await.send().await;
    assert_eq!(list("").await.json(), json!({ "name": "alice/app", "tags": ["a", "b", "c"] }));
    let first = list("?n=2").await;
    assert_eq!(first.json()["tags"], json!(["a", "b"]));
    assert_eq!(first.header("link"), "</v2/alice/app/tags/list?last=b&n=2>; rel=\"next\"");
    let second = list("?n=2&last=b").await;
    assert_eq!((second.json()["tags"].clone(), second.header("link")), (json!(["c"]), ""));
    assert_eq!(list("?n=0").await.json()["tags"], json!([]));
    for bad in ["?n=-1", "?n=x", "?n="] {
        assert_eq!(list(bad).await.refusal(), refusal(400, "PAGINATION_NUMBER_INVALID"), "{bad}");
    }
    let answer = stage.by("alice", "alice/none", "GET", "tags/list").await.send().await;
    assert_eq!(answer.refusal(), refusal(404, "NAME_UNKNOWN"));
}

#[tokio::test]
async fn the_catalog_shows_what_the_caller_may_read() {
    let stage = Stage::new().await;
    for (who, name) in [("alice", "alice/private"), ("alice", "alice/public"), ("bob", "bob/private"), ("carol", "qa/app")] {
        stage.push_blob(who, name, b"x").await;
    }
    stage.publish("alice/public").await;
    let list = async |who: &str, scopes: &[&str], query: &str| {
        let token = stage.token(who, scopes).await;
        stage.ask("GET", &format!("/v2/_catalog{query}")).bearer(&token).send().await
    };
    let all = json!(["alice/private", "alice/public", "bob/private", "qa/app"]);
    assert_eq!(list("admin", &["catalog"], "").await.json()["repositories"], all);
    assert_eq!(list("bob", &["catalog"], "").await.json()["repositories"], json!(["alice/public", "bob/private"]));
    assert_eq!(list("carol", &[], "").await.json()["repositories"], json!(["alice/public", "qa/app"]));
    assert_eq!(list("", &[], "").await.json()["repositories"], json!(["alice/public"]));
    let page = list("bob", &[], "?n=1").await;
    assert_eq!(page.json()["repositories"], json!(["alice/public"]));
    assert_eq!(page.header("link"), "</v2/_catalog?last=alice%2Fpublic&n=1>; rel=\"next\"");
    assert_eq!(list("bob", &[], "?n=1&last=alice%2Fpublic").await.json()["repositories"], json!(["bob/private"]));
    let answer = stage.ask("GET", "/v2/_catalog").send().await;
    assert_eq!(answer.refusal(), refusal(401, "UNAUTHORIZED"));
    assert!(answer.header("www-authenticate").ends_with("scope=\"registry:catalog:*\""));
}
