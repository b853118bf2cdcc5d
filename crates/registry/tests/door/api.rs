//! `/api/v0`: repositories and tags.

use serde_json::{Value, json};
use wharfinger_auth::Secret;
use wharfinger_storage::repositories::Repositories as _;

use crate::stage::{Answer, PASSWORD, Stage, refusal};

const APP: &str = "/api/v0/repositories/alice/app";

async fn stage() -> Stage {
    let stage = Stage::new().await;
    for name in ["alice", "bob", "carol", "dave"] {
        stage.with_password(name).await;
    }
    stage
}

async fn ask(stage: &Stage, who: &str, method: &str, path: &str, body: &Value) -> Answer {
    let ask = stage.ask(method, path);
    let ask = if who.is_empty() { ask } else { ask.basic(who) };
    ask.body(if body.is_null() { String::new() } else { body.to_string() }).send().await
}

#[tokio::test]
async fn a_repository_is_made_shown_changed_and_deleted() {
    let stage = stage().await;
    let fields = json!({ "name": "app", "shortDescription": "s", "longDescription": "l", "visibility": "public",
        "scanOnPush": false, "immutableTags": false, "enableManifestLists": true, "tagLimit": 0 });
    let made = ask(&stage, "alice", "POST", "/api/v0/repositories/alice", &fields).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let shown = ask(&stage, "", "GET", APP, &Value::Null).await.json();
    assert_eq!(shown, made.json());
    assert_eq!((&shown["namespace"], &shown["name"], &shown["namespaceType"]), (&json!("alice"), &json!("app"), &json!("user")));
    assert_eq!((&shown["visibility"], &shown["shortDescription"]), (&json!("public"), &json!("s")));
    assert_eq!(
        ask(&stage, "alice", "POST", "/api/v0/repositories/alice", &fields).await.refusal(),
        refusal(409, "REPOSITORY_EXISTS")
    );
    let changed = ask(&stage, "alice", "PATCH", APP, &json!({ "visibility": "private", "immutableTags": true })).await.json();
    assert_eq!(
        (&changed["visibility"], &changed["immutableTags"], &changed["shortDescription"]),
        (&json!("private"), &json!(true), &json!("s"))
    );
    assert_eq!(ask(&stage, "", "GET", APP, &Value::Null).await.refusal(), refusal(401, "NOT_AUTHENTICATED"));
    assert_eq!(stage.forgotten(), Vec::<String>::new());
    assert_eq!(ask(&stage, "alice", "DELETE", APP, &Value::Null).await.status, 204);
    assert_eq!(stage.forgotten(), ["alice/app"]);
    assert_eq!(ask(&stage, "alice", "GET", APP, &Value::Null).await.refusal(), refusal(404, "NO_SUCH_REPOSITORY"));
}

#[tokio::test]
async fn a_repository_is_private_unless_said_otherwise() {
    let stage = stage().await;
    let made = ask(&stage, "alice", "POST", "/api/v0/repositories/alice", &json!({ "name": "app" })).await;
    assert_eq!(made.json()["visibility"], "private");
    let org = ask(&stage, "carol", "POST", "/api/v0/repositories/qa", &json!({ "name": "app" })).await;
    assert_eq!((org.status.as_u16(), &org.json()["namespaceType"]), (201, &json!("organization")));
}

#[tokio::test]
async fn nobody_makes_repositories_in_namespaces_of_others() {
    let stage = stage().await;
    let make = async |who: &str, namespace: &str| {
        ask(&stage, who, "POST", &format!("/api/v0/repositories/{namespace}"), &json!({ "name": "app" })).await.refusal()
    };
    assert_eq!(make("", "alice").await, refusal(401, "NOT_AUTHENTICATED"));
    assert_eq!(make("bob", "alice").await, refusal(403, "NOT_AUTHORIZED"));
    assert_eq!(make("dave", "qa").await, refusal(403, "NOT_AUTHORIZED"));
    assert_eq!(make("admin", "nobody").await, refusal(404, "NO_SUCH_ACCOUNT"));
    assert!(stage.sql.list(None, None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_cannot_be_read_is_refused() {
    let stage = stage().await;
    stage.push_blob("alice", "alice/app", b"x").await;
    for (method, path, body, code) in [
        ("POST", "/api/v0/repositories/alice", json!({}), "INVALID_JSON"),
        ("POST", "/api/v0/repositories/alice", json!({ "name": "A" }), "INVALID_REPOSITORY_NAME"),
        ("POST", "/api/v0/repositories/alice", json!({ "name": "x", "visibility": "secret" }), "INVALID_JSON"),
        ("POST", "/api/v0/repositories/alice", json!({ "name": "x", "visibilty": "public" }), "INVALID_JSON"),
        ("POST", "/api/v0/repositories/alice", json!({ "name": "x", "scanOnPush": true }), "INVALID_JSON"),
        ("PATCH", APP, json!({ "name": "other" }), "INVALID_JSON"),
        ("PATCH", APP, json!({ "tagLimit": 3 }), "INVALID_JSON"),
        ("PATCH", APP, Value::Null, "INVALID_JSON"),
        ("GET", "/api/v0/repositories?pageSize=0", Value::Null, "INVALID_PAGE"),
    ] {
        assert_eq!(ask(&stage, "alice", method, path, &body).await.refusal(), refusal(400, code), "{method} {body}");
    }
    let large = json!({ "longDescription": "x".repeat(300_000) });
    assert_eq!(ask(&stage, "alice", "PATCH", APP, &large).await.refusal(), refusal(400, "INVALID_JSON"));
}

#[tokio::test]
async fn others_see_and_change_no_more_than_they_may() {
    let stage = stage().await;
    stage.push_image("alice", "alice/app", "v1", b"layer").await;
    let every = [
        ("GET", APP.to_owned()),
        ("PATCH", APP.to_owned()),
        ("DELETE", APP.to_owned()),
        ("GET", format!("{APP}/tags")),
        ("DELETE", format!("{APP}/tags/v1")),
        ("GET", format!("{APP}/teamAccess")),
        ("PUT", format!("{APP}/teamAccess/testers")),
    ];
    for (method, path) in &every {
        let body = if *method == "PATCH" { json!({ "visibility": "public" }) } else { Value::Null };
        assert_eq!(
            ask(&stage, "bob", method, path, &body).await.refusal(),
            refusal(404, "NO_SUCH_REPOSITORY"),
            "{method} {path}"
        );
        assert_eq!(ask(&stage, "", method, path, &body).await.refusal(), refusal(401, "NOT_AUTHENTICATED"), "{method} {path}");
    }
    stage.publish("alice/app").await;
    for (method, path) in &every {
        let answer = ask(&stage, "bob", method, path, &json!({ "visibility": "private" })).await;
        let reads = *method == "GET" && !path.contains("teamAccess");
        assert_eq!(answer.status, if reads { 200 } else { 403 }, "{method} {path}");
    }
}

#[tokio::test]
async fn lists_leak_no_private_names() {
    let stage = stage().await;
    stage.push_blob("alice", "alice/private", b"x").await;
    stage.push_blob("alice", "alice/public", b"x").await;
    stage.publish("alice/public").await;
    let names = async |who: &str, path: &str| {
        let list = ask(&stage, who, "GET", path, &Value::Null).await.json();
        list["repositories"].as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for path in ["/api/v0/repositories", "/api/v0/repositories/alice"] {
        assert_eq!(names("alice", path).await, ["private", "public"]);
        assert_eq!(names("bob", path).await, ["public"]);
        assert_eq!(names("", path).await, ["public"]);
    }
    assert_eq!(names("alice", "/api/v0/repositories?pageSize=1&pageStart=alice/private").await, ["public"]);
    assert_eq!(names("alice", "/api/v0/repositories/bob").await, Vec::<String>::new());
}

#[tokio::test]
async fn wrong_credentials_are_not_as_none() {
    let stage = stage().await;
    stage.push_blob("alice", "alice/app", b"x").await;
    stage.publish("alice/app").await;
    assert_eq!(ask(&stage, "", "GET", APP, &Value::Null).await.status, 200);
    let wrong = stage.ask("GET", APP).basic_with("alice", "wrong").send().await;
    assert_eq!(wrong.refusal(), refusal(401, "NOT_AUTHENTICATED"));
    for value in ["Basic !", "Basic YWJj", "Bearer nonsense"] {
        let answer = stage.ask("GET", APP).header("authorization", value).send().await;
        assert_eq!(answer.refusal(), refusal(401, "NOT_AUTHENTICATED"), "{value}");
    }
}

#[tokio::test]
async fn a_session_works_and_a_cookie_only_from_our_own_pages() {
    let stage = stage().await;
    stage.push_blob("alice", "alice/app", b"x").await;
    let session = stage.registry.accounts.login("alice", &Secret::new(PASSWORD), [127, 0, 0, 1].into()).await.unwrap();
    let token = session.token.reveal();
    assert_eq!(stage.ask("GET", APP).bearer(token).send().await.status, 200);
    let cookie = format!("{}={token}", stage.registry.accounts.cookie_name().unwrap());
    let patch = || stage.ask("PATCH", APP).header("cookie", &cookie).body(r#"{"visibility":"public"}"#);
    assert_eq!(stage.ask("GET", APP).header("cookie", &cookie).send().await.status, 200);
    assert_eq!(patch().send().await.refusal(), refusal(403, "NOT_AUTHORIZED"));
    assert_eq!(patch().header("sec-fetch-site", "cross-site").send().await.refusal(), refusal(403, "NOT_AUTHORIZED"));
    assert_eq!(patch().header("sec-fetch-site", "same-origin").send().await.status, 200);
}

#[tokio::test]
async fn tags_tell_what_is_signed() {
    let stage = stage().await;
    let one = stage.push_image("alice", "alice/app", "one", b"1").await;
    let two = stage.push_image("alice", "alice/app", "two", b"2").await;
    stage.push_image("alice", "alice/app", "three", b"3").await;
    stage.sign("one", &one);
    stage.sign("two", &one);
    let tags = ask(&stage, "alice", "GET", &format!("{APP}/tags"), &Value::Null).await.json();
    let said = |tag: usize| {
        (
            tags[tag]["name"].as_str().unwrap(),
            tags[tag]["inNotary"].as_bool().unwrap(),
            tags[tag]["hashMismatch"].as_bool().unwrap(),
        )
    };
    assert_eq!([said(0), said(1), said(2)], [("one", true, false), ("three", false, false), ("two", true, true)]);
    assert_eq!((&tags[2]["digest"], &tags[2]["author"]), (&json!(two), &json!("alice")));
    assert!(tags[0]["updatedAt"].as_str().unwrap().ends_with('Z'));
    let manifest = &tags[0]["manifest"];
    assert_eq!(
        (&manifest["digest"], &manifest["os"], &manifest["architecture"]),
        (&json!(one), &json!("linux"), &json!("amd64"))
    );
    assert_eq!(manifest["size"], json!(r#"{"os":"linux","architecture":"amd64"}"#.len() + 1));
    assert_eq!(ask(&stage, "alice", "GET", &format!("{APP}/tags/one"), &Value::Null).await.json(), tags[0]);
    let page = ask(&stage, "alice", "GET", &format!("{APP}/tags?pageSize=1&pageStart=one"), &Value::Null).await.json();
    assert_eq!(page, json!([tags[1]]));
}

#[tokio::test]
async fn signed_tags_and_their_repository_are_not_deleted() {
    let stage = stage().await;
    let digest = stage.push_image("alice", "alice/app", "signed", b"1").await;
    stage.push_image("alice", "alice/app", "plain", b"2").await;
    stage.sign("signed", &digest);
    let delete = async |path: &str| ask(&stage, "alice", "DELETE", path, &Value::Null).await;
    assert_eq!(delete(&format!("{APP}/tags/signed")).await.refusal(), refusal(409, "TAG_IN_NOTARY"));
    let refused = delete(APP).await;
    assert_eq!(refused.refusal(), refusal(405, "REPOSITORY_CONTAINS_TAGS_IN_NOTARY"));
    assert_eq!(refused.json()["errors"][0]["detail"], json!(["signed"]));
    assert_eq!(delete(&format!("{APP}/tags/plain")).await.status, 204);
    for gone in ["plain", "none", ".x"] {
        assert_eq!(delete(&format!("{APP}/tags/{gone}")).await.refusal(), refusal(404, "NO_SUCH_TAG"), "{gone}");
    }
}
