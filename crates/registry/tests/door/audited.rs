//! Every administrative change of a registry is recorded before it is made.

use serde_json::{Value, json};

use crate::stage::{Answer, Stage, refusal};

const APP: &str = "/api/v0/repositories/qa/app";
const TESTERS: &str = "/api/v0/repositories/qa/app/teamAccess/testers";
const EVERYWHERE: &str = "/api/v0/repositoryNamespaces/qa/teamAccess/testers";

async fn ask(stage: &Stage, method: &str, path: &str, body: &Value) -> Answer {
    stage.ask(method, path).basic("carol").body(if body.is_null() { String::new() } else { body.to_string() }).send().await
}

async fn stage() -> Stage {
    let stage = Stage::new().await;
    stage.with_password("carol").await;
    stage.push_image("carol", "qa/app", "v1", b"layer").await;
    stage
}

/// Every call that changes more than content, in an order in which all succeed.
fn changes() -> Vec<(&'static str, &'static str, Value, u16)> {
    vec![
        ("POST", "/api/v0/repositories/qa", json!({ "name": "made" }), 201),
        ("PATCH", APP, json!({ "visibility": "public" }), 200),
        ("PUT", TESTERS, json!({ "accessLevel": "read-write" }), 200),
        ("DELETE", TESTERS, Value::Null, 204),
        ("PUT", EVERYWHERE, json!({ "accessLevel": "admin" }), 200),
        ("DELETE", EVERYWHERE, Value::Null, 204),
        ("DELETE", "/api/v0/repositories/qa/app/tags/v1", Value::Null, 204),
        ("DELETE", APP, Value::Null, 204),
    ]
}

#[tokio::test]
async fn each_change_is_recorded_with_who_and_what() {
    let stage = stage().await;
    for (method, path, body, status) in changes() {
        let answer = ask(&stage, method, path, &body).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
    }
    let expected = [
        "repository.create qa/app",
        "repository.create qa/made",
        "repository.update qa/app",
        "access.grant qa/app",
        "access.revoke qa/app",
        "access.grant qa/*",
        "access.revoke qa/*",
        "tag.delete qa/app:v1",
        "repository.delete qa/app",
    ];
    assert_eq!(stage.audit.lines().await, expected.map(|line| format!("carol {line}")));
}

#[tokio::test]
async fn what_is_deleted_by_the_distribution_api_is_recorded_too() {
    let stage = stage().await;
    let digest = stage.push_image("carol", "qa/app", "v2", b"other").await;
    for reference in ["v1".to_owned(), digest.to_string()] {
        let answer = stage.by("carol", "qa/app", "DELETE", &format!("manifests/{reference}")).await.send().await;
        assert_eq!(answer.status, 202, "{}", answer.text());
    }
    let lines = stage.audit.lines().await;
    assert_eq!(lines[1..], ["carol tag.delete qa/app:v1".to_owned(), format!("carol manifest.delete qa/app@{digest}")]);
}

#[tokio::test]
async fn what_changes_nothing_is_not_recorded() {
    let stage = stage().await;
    let before = stage.audit.lines().await;
    assert_eq!(ask(&stage, "DELETE", TESTERS, &Value::Null).await.refusal(), refusal(404, "NO_SUCH_TEAM_ACCESS"));
    let again = json!({ "name": "app" });
    assert_eq!(ask(&stage, "POST", "/api/v0/repositories/qa", &again).await.refusal(), refusal(409, "REPOSITORY_EXISTS"));
    stage.push_image("carol", "qa/app", "v3", b"third").await;
    assert_eq!(stage.audit.lines().await, before);
}

#[tokio::test]
async fn a_change_that_cannot_be_recorded_is_not_made() {
    let stage = stage().await;
    stage.audit.fail();
    // Revoking needs a grant to revoke: without one it is refused before anything is to be recorded.
    for (method, path, body, _) in
        changes().into_iter().filter(|(method, path, ..)| *method != "DELETE" || !path.contains("teamAccess"))
    {
        assert_eq!(ask(&stage, method, path, &body).await.refusal(), refusal(503, "UNAVAILABLE"), "{method} {path}");
    }
    let pushed = stage.by("carol", "qa/new", "POST", "blobs/uploads/").await.send().await;
    assert!(pushed.status.is_server_error(), "{}", pushed.text());
    let shown = ask(&stage, "GET", APP, &Value::Null).await.json();
    assert_eq!(shown["visibility"], "private");
    assert_eq!(ask(&stage, "GET", "/api/v0/repositories/qa/app/tags/v1", &Value::Null).await.status, 200);
    assert_eq!(
        ask(&stage, "GET", "/api/v0/repositories/qa/made", &Value::Null).await.refusal(),
        refusal(404, "NO_SUCH_REPOSITORY")
    );
    let access = ask(&stage, "GET", "/api/v0/repositories/qa/app/teamAccess", &Value::Null).await.json();
    assert_eq!(access["teamAccessList"], json!([]));
}
