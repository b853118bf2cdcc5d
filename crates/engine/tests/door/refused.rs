//! Who and what is not let through, and what the few calls that answer everybody say.

use reqwest::StatusCode;
use serde_json::Value;

use crate::{gated::Set, streams::Raw};

#[tokio::test]
async fn nobody_gets_in_without_proof_but_everybody_may_ping() {
    let set = Set::new().await;
    let stranger = set.stage.client(None);
    let answer = stranger.get(set.stage.url("/containers/json")).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(answer.headers()["www-authenticate"], "Bearer");
    assert!(answer.json::<Value>().await.unwrap()["message"].as_str().unwrap().contains("env.sh"));
    for path in ["/_ping", "/v1.41/_ping", "/v1.99/_ping"] {
        let ping = stranger.get(set.stage.url(path)).send().await.unwrap();
        assert_eq!(ping.status(), 200);
        assert_eq!(ping.headers()["api-version"], "1.41");
        let head = stranger.head(set.stage.url(path)).send().await.unwrap();
        assert_eq!(head.headers()["api-version"], "1.41");
    }
    assert!(set.engine.seen().is_empty());
}

#[tokio::test]
async fn an_engine_that_is_down_is_said_to_be() {
    let set = Set::new().await;
    std::fs::remove_file(set.engine.socket()).unwrap();
    let ping = set.client.get(set.stage.url("/_ping")).send().await.unwrap();
    assert_eq!(ping.status(), 500);
    let list = set.client.get(set.stage.url("/containers/json")).send().await.unwrap();
    assert_eq!(list.status(), 503);
    let message = list.json::<Value>().await.unwrap()["message"].as_str().unwrap().to_owned();
    assert!(message.contains("cannot be reached") && message.contains("wharfinger doctor"), "{message}");
}

#[tokio::test]
async fn paths_in_another_spelling_never_reach_the_engine() {
    let set = Set::new().await;
    for (path, status) in [
        ("//containers/json", 400),
        ("/containers//json", 400),
        ("/containers/json/", 400),
        ("/x/../containers/json", 400),
        ("/images/%2e%2e/containers/create", 400),
        ("/containers%2fjson", 400),
        ("/v1.041/containers/json", 400),
        ("/v1.42/containers/json", 400),
        ("/v1.99/containers/json", 400),
        ("/v1.12/containers/json", 400),
        ("/Containers/json", 404),
        ("/debug/pprof/", 400),
        ("/debug/vars", 404),
        ("/", 400),
    ] {
        let mut raw = Raw::connect(&set, "ops").await;
        raw.say(&format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).await;
        let answer = raw.rest().await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {answer}");
        assert!(answer.contains("{\"message\":"), "{answer}");
    }
    assert!(set.engine.seen().is_empty(), "{:?}", set.engine.calls());
}

#[tokio::test]
async fn a_newer_engine_is_spoken_to_in_the_versions_the_table_knows() {
    let set = Set::new().await;
    set.engine.speaks("1.99");
    set.engine.answers(
        "GET /version",
        200,
        r#"{"ApiVersion":"1.99","MinAPIVersion":"1.24","Components":[{"Name":"Engine","Details":{"ApiVersion":"1.99"}},{"Name":"runc"}]}"#,
    );
    let ping = set.client.get(set.stage.url("/_ping")).send().await.unwrap();
    assert_eq!(ping.headers()["api-version"], "1.51");
    let version: Value = set.client.get(set.stage.url("/version")).send().await.unwrap().json().await.unwrap();
    assert_eq!(version["ApiVersion"], "1.51");
    assert_eq!(version["Components"][0]["Details"]["ApiVersion"], "1.51");
    set.client.get(set.stage.url("/containers/json?all=1")).send().await.unwrap();
    assert_eq!(set.engine.calls(), ["GET /v1.51/version", "GET /v1.51/containers/json?all=1"]);
    assert_eq!(set.client.get(set.stage.url("/v1.52/info")).send().await.unwrap().status(), 400);
}

#[tokio::test]
async fn the_engine_sees_neither_credentials_nor_claims_of_identity() {
    let set = Set::new().await;
    let request = set.client.get(set.stage.url("/info")).bearer_auth("secret").header("cookie", "a=b");
    let request = request.header("x-forwarded-user", "admin").header("x-remote-user", "admin").header("te", "trailers");
    request.send().await.unwrap();
    let seen = set.engine.seen().remove(0).headers;
    for name in ["authorization", "cookie", "x-forwarded-user", "x-remote-user", "te"] {
        assert!(!seen.contains_key(name), "{name}");
    }
    assert_eq!(seen["host"], "docker");
}

#[tokio::test]
async fn a_page_of_another_site_cannot_use_a_browsers_certificate() {
    let set = Set::new().await;
    let request = || set.client.post(set.stage.url("/containers/a/start"));
    assert_eq!(request().header("origin", "https://evil.test").send().await.unwrap().status(), 403);
    assert_eq!(request().header("sec-fetch-site", "cross-site").send().await.unwrap().status(), 403);
    let own = format!("https://localhost:{}", set.stage.address.port());
    assert_eq!(request().header("origin", own).send().await.unwrap().status(), 200);
    assert_eq!(set.engine.seen().len(), 1);
}

#[tokio::test]
async fn a_body_that_is_read_whole_has_a_limit() {
    let set = Set::new().await;
    let long = format!("{{\"Image\":\"{}\"}}", "a".repeat(5 * 1024 * 1024));
    let answer = set.client.post(set.stage.url("/containers/create")).body(long).send().await;
    // The door may close while the client still sends.
    assert!(answer.is_err() || answer.unwrap().status() == 413);
    assert!(set.engine.seen().is_empty());
}
