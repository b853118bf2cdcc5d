//! What teams may do.

use serde_json::{Value, json};
use wharfinger_storage::repositories::{AccessLevel, Scope};

use crate::stage::{Answer, Stage, refusal};

const ACCESS: &str = "/api/v0/repositories/qa/app/teamAccess";
const NAMESPACE: &str = "/api/v0/repositoryNamespaces/qa/teamAccess";

async fn stage() -> Stage {
    let stage = Stage::new().await;
    for name in ["alice", "carol", "dave"] {
        stage.with_password(name).await;
    }
    stage.push_image("carol", "qa/app", "v1", b"layer").await;
    stage
}

async fn ask(stage: &Stage, who: &str, method: &str, path: &str, body: &Value) -> Answer {
    stage.ask(method, path).basic(who).body(if body.is_null() { String::new() } else { body.to_string() }).send().await
}

async fn pulls(stage: &Stage) -> u16 {
    stage.by("dave", "qa/app", "GET", "manifests/v1").await.send().await.status.as_u16()
}

async fn pushes(stage: &Stage, name: &str) -> u16 {
    stage.by("dave", name, "POST", "blobs/uploads/").await.send().await.status.as_u16()
}

async fn deletes(stage: &Stage) -> u16 {
    stage.by("dave", "qa/app", "DELETE", "manifests/none").await.send().await.status.as_u16()
}

#[tokio::test]
async fn each_level_allows_what_it_says() {
    let stage = stage().await;
    assert_eq!((pulls(&stage).await, pushes(&stage, "qa/app").await, deletes(&stage).await), (401, 401, 401));
    for (level, expected) in [("read-only", (200, 401, 401)), ("read-write", (200, 202, 401)), ("admin", (200, 202, 404))] {
        let granted = ask(&stage, "carol", "PUT", &format!("{ACCESS}/testers"), &json!({ "accessLevel": level })).await;
        assert_eq!((granted.status.as_u16(), &granted.json()["accessLevel"]), (200, &json!(level)), "{}", granted.text());
        assert_eq!((pulls(&stage).await, pushes(&stage, "qa/app").await, deletes(&stage).await), expected, "{level}");
        assert_eq!(pushes(&stage, "qa/new").await, 401, "not beyond this repository");
    }
    assert_eq!(ask(&stage, "carol", "DELETE", &format!("{ACCESS}/testers"), &Value::Null).await.status, 204);
    assert_eq!(pulls(&stage).await, 401);
}

#[tokio::test]
async fn a_team_is_named_as_dtr_did_or_in_full() {
    let stage = stage().await;
    for team in ["testers", "qa/testers", "qa%2Ftesters"] {
        let put = ask(&stage, "carol", "PUT", &format!("{ACCESS}/{team}"), &json!({ "accessLevel": "read-only" })).await;
        assert_eq!(put.json()["team"]["name"], "qa/testers");
        assert_eq!(ask(&stage, "carol", "GET", &format!("{ACCESS}/{team}"), &Value::Null).await.json(), put.json());
        assert_eq!(ask(&stage, "carol", "GET", ACCESS, &Value::Null).await.json()["teamAccessList"], json!([put.json()]));
        let by_id = format!("{ACCESS}/{}", put.json()["team"]["id"].as_str().unwrap());
        assert_eq!(ask(&stage, "carol", "DELETE", &by_id, &Value::Null).await.status, 204);
        assert_eq!(ask(&stage, "carol", "DELETE", &by_id, &Value::Null).await.refusal(), refusal(404, "NO_SUCH_TEAM_ACCESS"));
    }
    for team in ["nobody", "qa/nobody", "alice%2Ftesters", "qa/testers/x"] {
        let put = ask(&stage, "carol", "PUT", &format!("{ACCESS}/{team}"), &json!({ "accessLevel": "read-only" })).await;
        assert_eq!(put.refusal(), refusal(404, "NO_SUCH_TEAM"), "{team}");
    }
}

#[tokio::test]
async fn an_unknown_level_is_refused() {
    let stage = stage().await;
    for body in [json!({ "accessLevel": "root" }), json!({}), json!({ "accessLevel": "admin", "x": 1 }), Value::Null] {
        let put = ask(&stage, "carol", "PUT", &format!("{ACCESS}/testers"), &body).await;
        assert_eq!(put.refusal(), refusal(400, "INVALID_JSON"), "{body}");
    }
    assert_eq!(pulls(&stage).await, 401);
}

#[tokio::test]
async fn only_its_admins_give_access_to_a_repository() {
    let stage = stage().await;
    stage.grant_testers(Scope::Repository("qa/app".parse().unwrap()), AccessLevel::ReadWrite).await;
    let raise = json!({ "accessLevel": "admin" });
    assert_eq!(ask(&stage, "dave", "PUT", &format!("{ACCESS}/testers"), &raise).await.refusal(), refusal(403, "NOT_AUTHORIZED"));
    assert_eq!(ask(&stage, "alice", "PUT", &format!("{ACCESS}/testers"), &raise).await.status, 404);
    assert_eq!(ask(&stage, "admin", "PUT", &format!("{ACCESS}/testers"), &raise).await.status, 200);
}

#[tokio::test]
async fn access_to_a_namespace_is_for_what_is_there_and_what_comes() {
    let stage = stage().await;
    for who in ["dave", "alice"] {
        let put = ask(&stage, who, "PUT", &format!("{NAMESPACE}/testers"), &json!({ "accessLevel": "admin" })).await;
        assert_eq!(put.refusal(), refusal(403, "NOT_AUTHORIZED"));
    }
    assert_eq!(
        ask(&stage, "carol", "PUT", &format!("{NAMESPACE}/testers"), &json!({ "accessLevel": "read-write" })).await.status,
        200
    );
    assert_eq!((pulls(&stage).await, pushes(&stage, "qa/app").await, pushes(&stage, "qa/new").await), (200, 202, 401));
    assert_eq!(
        ask(&stage, "carol", "PUT", &format!("{NAMESPACE}/testers"), &json!({ "accessLevel": "admin" })).await.status,
        200
    );
    assert_eq!(pushes(&stage, "qa/new").await, 202, "who administers the namespace makes repositories");
    assert_eq!(
        ask(&stage, "carol", "GET", NAMESPACE, &Value::Null).await.json()["teamAccessList"].as_array().map(Vec::len),
        Some(1)
    );
    assert_eq!(ask(&stage, "carol", "DELETE", &format!("{NAMESPACE}/testers"), &Value::Null).await.status, 204);
    assert_eq!(pulls(&stage).await, 401);
    let nobody = "/api/v0/repositoryNamespaces/nobody/teamAccess";
    assert_eq!(ask(&stage, "admin", "GET", nobody, &Value::Null).await.refusal(), refusal(404, "NO_SUCH_ACCOUNT"));
}
