//! Who gets in, and how those who do not are told.

use crate::stage::{HOST, Stage, refusal};

#[tokio::test]
async fn without_a_token_the_door_says_where_to_get_one() {
    let stage = Stage::new().await;
    for path in ["/v2/", "/v2"] {
        let answer = stage.ask("GET", path).header("host", "evil.example").send().await;
        assert_eq!(answer.refusal(), refusal(401, "UNAUTHORIZED"));
        let challenge = format!("Bearer realm=\"https://{HOST}/auth/token\",service=\"{HOST}\"");
        assert_eq!(answer.header("www-authenticate"), challenge);
        assert_eq!(answer.header("docker-distribution-api-version"), "registry/2.0");
    }
    let answer = stage.ask("GET", "/v2/alice/app/manifests/v1").send().await;
    assert_eq!(answer.refusal(), refusal(401, "UNAUTHORIZED"));
    assert!(answer.header("www-authenticate").ends_with("scope=\"repository:alice/app:pull\""));
}

#[tokio::test]
async fn with_a_token_the_ping_is_answered() {
    let stage = Stage::new().await;
    for who in ["alice", ""] {
        let token = stage.token(who, &[]).await;
        let answer = stage.ask("GET", "/v2/").header("authorization", &format!("bearer {token}")).send().await;
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, "{}"));
        assert_eq!(answer.header("docker-distribution-api-version"), "registry/2.0");
    }
    let answer = stage.ask("GET", "/v2/").bearer("not.a.token").send().await;
    assert_eq!(answer.status, 401);
    assert!(answer.header("www-authenticate").contains("invalid_token"));
}

#[tokio::test]
async fn a_token_does_not_outlive_the_account_or_the_permission() {
    let stage = Stage::new().await;
    stage.push_image("alice", "alice/app", "v1", b"layer").await;
    let read = async |who| stage.by(who, "alice/app", "GET", "manifests/v1").await.send().await.status.as_u16();
    assert_eq!(read("alice").await, 200);
    assert_eq!(read("bob").await, 401, "the token says yes, the directory says no");
    stage.publish("alice/app").await;
    assert_eq!(read("bob").await, 200);
    assert_eq!(read("").await, 200, "anybody");
    stage.deactivate("bob").await;
    assert_eq!(read("bob").await, 401);
}

#[tokio::test]
async fn a_token_for_one_repository_does_not_open_another() {
    let stage = Stage::new().await;
    stage.push_image("alice", "alice/app", "v1", b"layer").await;
    stage.push_image("alice", "alice/other", "v1", b"layer").await;
    let token = stage.token("alice", &["alice/other"]).await;
    let answer = stage.ask("GET", "/v2/alice/app/manifests/v1").bearer(&token).send().await;
    assert_eq!(answer.refusal(), refusal(401, "UNAUTHORIZED"));
    assert!(answer.header("www-authenticate").contains("insufficient_scope"));
}

#[tokio::test]
async fn what_is_not_there_is_told_only_to_who_could_see_it() {
    let stage = Stage::new().await;
    let ask = async |who, name| stage.by(who, name, "GET", "manifests/v1").await.send().await.refusal();
    assert_eq!(ask("alice", "alice/none").await, refusal(404, "NAME_UNKNOWN"));
    assert_eq!(ask("bob", "alice/none").await, refusal(401, "UNAUTHORIZED"));
    stage.push_image("alice", "alice/app", "v1", b"layer").await;
    assert_eq!(ask("bob", "alice/app").await, refusal(401, "UNAUTHORIZED"));
    let answer = stage.by("alice", "alice/app", "GET", "manifests/v2").await.send().await;
    assert_eq!(answer.refusal(), refusal(404, "MANIFEST_UNKNOWN"));
}

#[tokio::test]
async fn the_first_push_makes_a_private_repository_where_the_account_may() {
    use wharfinger_storage::repositories::{Repositories as _, Visibility};
    let stage = Stage::new().await;
    let begin = async |who, name| stage.by(who, name, "POST", "blobs/uploads/").await.send().await.status.as_u16();
    assert_eq!(begin("alice", "alice/app").await, 202);
    assert_eq!(begin("bob", "alice/app").await, 401);
    assert_eq!(begin("bob", "alice/mine").await, 401);
    assert_eq!(begin("bob", "qa/app").await, 401);
    assert_eq!(begin("dave", "qa/app").await, 401);
    assert_eq!(begin("carol", "qa/app").await, 202, "an organization's admin");
    assert_eq!(begin("admin", "bob/tool").await, 202);
    assert_eq!(begin("", "bob/other").await, 401);
    let made = stage.sql.find(&"alice/app".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(made.visibility, Visibility::Private);
    assert_eq!(made.owner, Some(stage.account("alice").await.id));
    assert!(stage.sql.find(&"alice/mine".parse().unwrap()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_read_creates_nothing_and_neither_does_a_refused_push() {
    use wharfinger_storage::repositories::Repositories as _;
    let stage = Stage::new().await;
    stage.by("alice", "alice/app", "GET", "tags/list").await.send().await;
    let answer = stage.by("alice", "alice/app", "PUT", "manifests/v1").await.body("{}").send().await;
    assert_eq!(answer.refusal(), refusal(400, "MANIFEST_INVALID"));
    assert!(stage.sql.list(None, None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn trust_paths_go_to_the_notary_as_they_came() {
    let stage = Stage::new().await;
    for path in ["/v2/_trust/changefeed", "/v2/dtr.test:5443/qa/app/_trust/tuf/root.json"] {
        let answer = stage.ask("GET", path).send().await;
        assert_eq!(answer.text(), format!("notary: GET {path}"));
    }
}

#[tokio::test]
async fn other_calls_are_refused() {
    let stage = Stage::new().await;
    let token = stage.token("alice", &["alice/app"]).await;
    let ask = async |method, path| stage.ask(method, path).bearer(&token).send().await;
    assert_eq!(ask("PATCH", "/v2/alice/app/manifests/v1").await.refusal(), refusal(405, "UNSUPPORTED"));
    assert_eq!(ask("POST", "/v2/").await.refusal(), refusal(405, "UNSUPPORTED"));
    assert_eq!(ask("GET", "/v2/alice/app/what").await.status, 404);
    assert_eq!(ask("GET", "/v2/Alice/app/manifests/v1").await.refusal(), refusal(400, "NAME_INVALID"));
    assert_eq!(ask("GET", "/v2/alice/app/blobs/sha256:00").await.refusal(), refusal(400, "DIGEST_INVALID"));
}

#[tokio::test]
async fn health_and_the_ca_are_open() {
    let stage = Stage::new().await;
    assert_eq!(stage.ask("GET", "/_ping").send().await.text(), r#"{"Error":"","Healthy":true}"#);
    let answer = stage.ask("GET", "/ca").send().await;
    assert!(answer.text().starts_with("-----BEGIN CERTIFICATE-----"));
}

#[tokio::test]
async fn a_page_of_another_site_gets_nothing_done_with_a_remembered_password() {
    let stage = Stage::new().await;
    stage.with_password("alice").await;
    let create = || stage.ask("POST", "/api/v0/repositories/alice").basic("alice").body(r#"{"name":"app"}"#);
    let answer = create().header("sec-fetch-site", "cross-site").header("content-type", "text/plain").send().await;
    assert_eq!(answer.refusal(), refusal(403, "NOT_AUTHORIZED"));
    assert_eq!(create().header("origin", "https://evil.test").send().await.refusal(), refusal(403, "NOT_AUTHORIZED"));
    assert_eq!(create().send().await.status, 201);
}
