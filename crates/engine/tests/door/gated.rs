//! Calls that name images, while only signed images run.

use std::path::PathBuf;

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use wharfinger_identity::Role;
use wharfinger_oci::Digest;

use crate::{fake_engine::FakeEngine, stage::Stage};

pub struct Set {
    pub engine: FakeEngine,
    pub stage: Stage,
    pub client: Client,
    pub folder: TempDir,
}

impl Set {
    pub async fn new() -> Self {
        let engine = FakeEngine::start();
        let stage = Stage::open(&engine.host()).await;
        let folder = tempfile::tempdir().unwrap();
        stage.bundle(&folder.path().join("ops"), "ops", Role::FullControl, false);
        let client = stage.client(Some(&folder.path().join("ops")));
        Self { engine, stage, client, folder }
    }

    pub async fn enforcing() -> Self {
        let set = Self::new().await;
        set.stage.gate.enforce();
        set.stage.gate.sign("dtr.test/qa/app:1", &digest());
        set
    }

    pub fn bundle(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub async fn post(&self, path: &str, body: &str) -> (StatusCode, String) {
        let request = self.client.post(self.stage.url(path)).header("content-type", "application/json");
        let answer = request.body(body.to_owned()).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    async fn get(&self, path: &str) -> (StatusCode, String) {
        let answer = self.client.get(self.stage.url(path)).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    pub fn last_body(&self) -> Value {
        serde_json::from_str(&self.engine.seen().last().unwrap().body).unwrap()
    }
}

pub fn digest() -> Digest {
    Digest::sha256(b"signed")
}

fn message(answer: &str) -> String {
    let answer: Value = serde_json::from_str(answer).unwrap();
    answer["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_container_is_created_from_the_signed_digest() {
    let set = Set::enforcing().await;
    let body = r#"{"Image":"dtr.test/qa/app:1","Labels":{"b":"1","a":"2"},"HostConfig":{"Memory":9007199254740993,
        "Mounts":[{"Type":"image","Source":"dtr.test/qa/app:1","Target":"/x"},{"Type":"bind","Source":"/","Target":"/y"}]}}"#;
    let (status, _) = set.post("/v1.41/containers/create?name=a&platform=", body).await;
    assert_eq!(status, 200);
    let pinned = format!("dtr.test/qa/app:1@{}", digest());
    let seen = set.engine.seen();
    assert_eq!(seen[0].call, "POST /v1.41/containers/create?name=a&platform=");
    assert_eq!(
        seen[0].body,
        format!(
            r#"{{"Image":"{pinned}","Labels":{{"b":"1","a":"2","com.wharfinger.owner":"id-of-ops"}},"HostConfig":{{"Memory":9007199254740993,"Mounts":[{{"Type":"image","Source":"{pinned}","Target":"/x"}},{{"Type":"bind","Source":"/","Target":"/y"}}]}}}}"#
        )
    );
}

#[tokio::test]
async fn a_denial_is_said_in_the_engines_shape_and_nothing_reaches_the_engine() {
    let set = Set::enforcing().await;
    for body in [
        json!({"Image": "dtr.test/qa/app:2"}),
        json!({"Image": "dtr.test/qa/app:1", "HostConfig": {"Mounts": [{"Type": "image", "Source": "dtr.test/qa/app:2"}]}}),
    ] {
        let (status, answer) = set.post("/containers/create", &body.to_string()).await;
        assert_eq!(status, 404);
        assert_eq!(message(&answer), "image or trust data does not exist for dtr.test/qa/app:2");
    }
    assert!(set.engine.seen().is_empty(), "{:?}", set.engine.seen());
}

#[tokio::test]
async fn what_could_be_read_twice_is_refused_by_name() {
    for enforce in [true, false] {
        let set = if enforce { Set::enforcing().await } else { Set::new().await };
        for (path, body, named) in [
            ("/containers/create", r#"{"Image":"dtr.test/qa/app:1","Image":"evil.test/x"}"#, "Image"),
            ("/containers/create", r#"{"Image":"dtr.test/qa/app:1","image":"evil.test/x"}"#, "image"),
            ("/containers/create", r#"{"Image":"dtr.test/qa/app:1","Privileged":true}"#, "Privileged"),
            ("/containers/create", r#"{"Image":"dtr.test/qa/app:1"}{"Image":"evil.test/x"}"#, "follows"),
            ("/containers/create?name=a&name=b", r#"{"Image":"dtr.test/qa/app:1"}"#, "name"),
            ("/containers/create?Image=evil.test/x", r#"{"Image":"dtr.test/qa/app:1"}"#, "Image"),
            ("/containers/create", "", "valid JSON"),
            ("/services/create", r#"{"TaskTemplate":{"ContainerSpec":{"Image":"a","IMAGE":"b"}}}"#, "IMAGE"),
            ("/services/x/update?version=1&version=2", r"{}", "version"),
            ("/images/create?fromImage=a&fromImage=b", "", "fromImage"),
            ("/images/create?fromImage=a&fromSrc=-", "", "fromSrc"),
            ("/images/create?fromImage=a:1&tag=2", "", "tag"),
            ("/images/create?tag=1", "", "no image"),
            ("/images/create?fromImage=a&tag=1&inputFormat=x", "", "inputFormat"),
        ] {
            let (status, answer) = set.post(path, body).await;
            assert_eq!(status, 400, "{path} {body}: {answer}");
            assert!(message(&answer).contains(named), "{path} {body}: {answer}");
        }
        assert!(set.engine.calls().iter().all(|call| call.starts_with("GET")), "{:?}", set.engine.calls());
    }
}

#[tokio::test]
async fn an_empty_image_list_is_refused() {
    let set = Set::enforcing().await;
    for (path, body) in [
        ("/containers/create", "{}"),
        ("/containers/create", r#"{"Image":""}"#),
        ("/containers/create", r#"{"Image":null}"#),
        ("/containers/create", "null"),
        ("/services/create", "{}"),
        ("/services/create", r#"{"TaskTemplate":{"ContainerSpec":{"Image":""}}}"#),
        ("/services/create", r#"{"TaskTemplate":{"ContainerSpec":null}}"#),
    ] {
        let (status, answer) = set.post(path, body).await;
        assert_eq!(status, 400, "{path} {body}: {answer}");
    }
    assert!(set.engine.seen().is_empty());
}

#[tokio::test]
async fn a_pull_gets_the_signed_digest_and_then_its_tag() {
    let set = Set::enforcing().await;
    set.engine.answers("POST /images/create", 200, "{\"status\":\"Pulling\"}\r\n{\"status\":\"Done\"}\r\n");
    let form = set.client.post(set.stage.url("/images/create?fromImage=dtr.test%2Fqa%2Fapp&tag=1"));
    // The engine would read a form in the body, and prefer it.
    let answer = form.form(&[("fromImage", "evil.test/x")]).send().await.unwrap().text().await.unwrap();
    let source = format!("dtr.test/qa/app@{}", digest());
    assert!(answer.contains(&format!("Tagging {source} as dtr.test/qa/app:1")), "{answer}");
    let seen = set.engine.seen();
    let escaped = digest().as_str().replace(':', "%3A");
    assert_eq!(seen[0].call, format!("POST /v1.41/images/create?fromImage=dtr%2Etest%2Fqa%2Fapp&tag={escaped}"));
    assert_eq!((seen[0].body.as_str(), seen[0].headers.get("content-type")), ("", None));
    assert_eq!(seen[1].call, format!("POST /v1.41/images/{source}/tag?repo=dtr%2Etest%2Fqa%2Fapp&tag=1"));
}

#[tokio::test]
async fn a_pull_that_failed_is_not_tagged() {
    let set = Set::enforcing().await;
    set.engine.answers("POST /images/create", 200, "{\"errorDetail\":{\"message\":\"x\"},\"error\":\"x\"}\r\n");
    let (_, answer) = set.post("/images/create?fromImage=dtr.test/qa/app&tag=1", "").await;
    assert!(!answer.contains("Tagging"), "{answer}");
    assert_eq!(set.engine.seen().len(), 1);
}

#[tokio::test]
async fn pulling_by_digest_sets_no_tag_and_all_tags_are_refused() {
    let set = Set::enforcing().await;
    let (status, _) = set.post(&format!("/images/create?fromImage=dtr.test/qa/app&tag={}", digest()), "").await;
    assert_eq!(status, 200);
    assert_eq!(set.engine.seen().len(), 1);
    let (status, answer) = set.post("/images/create?fromImage=dtr.test/qa/app", "").await;
    assert_eq!(status, 403);
    assert!(message(&answer).contains("docker pull dtr.test/qa/app:TAG"), "{answer}");
    let (status, _) = set.post("/images/create?fromImage=dtr.test/qa/app&tag=2", "").await;
    assert_eq!(status, 404);
    assert_eq!(set.engine.seen().len(), 1);
}

#[tokio::test]
async fn an_import_passes_with_its_archive_and_never_as_a_form() {
    let set = Set::enforcing().await;
    let import = set.client.post(set.stage.url("/images/create?fromSrc=-&repo=dtr.test/qa/app&tag=1&changes=A&changes=B"));
    let form = import.header("content-type", "application/x-www-form-urlencoded").body("fromImage=evil.test/x");
    assert_eq!(form.send().await.unwrap().status(), 200);
    let seen = set.engine.seen();
    assert_eq!(seen[0].headers["content-type"], "application/x-tar");
    assert!(seen[0].call.ends_with("&changes=A&changes=B"), "{}", seen[0].call);
    assert!(set.stage.gate.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn the_registry_is_asked_about_the_signed_digest() {
    let set = Set::enforcing().await;
    let (status, _) = set.get("/v1.41/distribution/dtr.test/qa/app:1/json").await;
    assert_eq!(status, 200);
    assert_eq!(set.engine.calls(), [format!("GET /v1.41/distribution/dtr.test/qa/app@{}/json", digest())]);
    assert_eq!(set.get("/v1.41/distribution/dtr.test/qa/app:2/json").await.0, 404);
    assert_eq!(set.get("/v1.41/distribution/dtr.test/qa/app:1/json?x=1").await.0, 400);
    assert_eq!(set.engine.seen().len(), 1);
}

#[tokio::test]
async fn an_image_by_id_or_local_name_is_what_the_engine_says_it_is() {
    let set = Set::enforcing().await;
    let id = "3f57d9401f8d";
    let digests = json!({"RepoDigests": [format!("dtr.test/qa/app@{}", digest())]}).to_string();
    set.engine.answers(&format!("GET /images/{id}/json"), 200, &digests);
    set.engine.answers("GET /images/built/json", 200, r#"{"RepoDigests":null}"#);
    set.engine.answers("GET /images/absent/json", 404, r#"{"message":"No such image"}"#);
    assert_eq!(set.post("/containers/create", &json!({ "Image": id }).to_string()).await.0, 200);
    assert_eq!(set.last_body()["Image"], format!("dtr.test/qa/app@{}", digest()));
    for image in ["built", "absent", "sha256:12"] {
        set.engine.answers(&format!("GET /images/{image}/json"), if image == "built" { 200 } else { 404 }, "{}");
        let (status, _) = set.post("/containers/create", &json!({ "Image": image }).to_string()).await;
        assert_eq!(status, 404, "{image}");
    }
    assert_eq!(set.engine.calls().iter().filter(|call| call.starts_with("POST")).count(), 1);
}

#[tokio::test]
async fn a_decision_that_is_outdated_sends_nothing() {
    let set = Set::enforcing().await;
    set.stage.gate.outdate();
    let (status, answer) = set.post("/containers/create", r#"{"Image":"dtr.test/qa/app:1"}"#).await;
    assert_eq!(status, 503);
    assert!(message(&answer).contains("try again"));
    assert!(set.engine.seen().is_empty());
}

#[tokio::test]
async fn builds_and_plugins_are_refused_with_the_remedy() {
    let set = Set::enforcing().await;
    for path in ["/build", "/v1.41/session", "/grpc"] {
        let (status, answer) = set.post(path, "").await;
        assert_eq!(status, 403);
        assert!(message(&answer).contains("allow_builds = true"), "{answer}");
    }
    set.stage.bundle(&set.bundle("boss"), "boss", Role::None, true);
    let boss = set.stage.client(Some(&set.bundle("boss")));
    for path in ["/plugins/pull?remote=x", "/plugins/x/upgrade?remote=y", "/plugins/create?name=x"] {
        let answer = boss.post(set.stage.url(path)).send().await.unwrap();
        assert_eq!(answer.status(), 403);
        assert!(message(&answer.text().await.unwrap()).contains("signature"));
    }
    assert!(set.engine.seen().is_empty());
    set.stage.gate.allow_builds();
    assert_eq!(set.post("/build", "").await.0, 200);
    assert_eq!(*set.stage.gate.asked.lock().unwrap(), ["ops builds: /build"]);
}

#[tokio::test]
async fn what_makes_nothing_new_run_is_never_asked_about() {
    let set = Set::enforcing().await;
    for path in [
        "/containers/a/start",
        "/containers/a/restart?t=1",
        "/containers/a/unpause",
        "/containers/a/update",
        "/commit?container=a",
        "/images/load",
        "/images/dtr.test/qa/app/tag?repo=x",
    ] {
        assert_eq!(set.post(path, "{}").await.0, 200, "{path}");
    }
    assert!(set.stage.gate.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn credentials_are_lent_only_where_the_caller_sent_none() {
    let set = Set::enforcing().await;
    set.stage.gate.lend("bGVudA==");
    let pull = set.stage.url("/images/create?fromImage=dtr.test/qa/app&tag=1");
    // {"username":"a","password":"b","serveraddress":"dtr.test"}
    let own = "eyJ1c2VybmFtZSI6ImEiLCJwYXNzd29yZCI6ImIiLCJzZXJ2ZXJhZGRyZXNzIjoiZHRyLnRlc3QifQ==";
    for auth in ["e30=", own] {
        set.client.post(&pull).header("x-registry-auth", auth).send().await.unwrap().text().await.unwrap();
    }
    let pulls = set.engine.seen().into_iter().filter(|seen| seen.call.contains("/images/create"));
    let headers: Vec<_> = pulls.map(|seen| seen.headers["x-registry-auth"].clone()).collect();
    assert_eq!(headers, ["bGVudA==", own]);
    assert_eq!(*set.stage.gate.credentials.lock().unwrap(), 1);
}

#[tokio::test]
async fn a_local_image_that_is_called_like_an_exempt_one_does_not_run() {
    let set = Set::enforcing().await;
    let create = json!({"Image": "dtr.test/exempt/agent:1"}).to_string();
    let inspected = "GET /images/dtr.test/exempt/agent:1/json";
    let own = format!("dtr.test/exempt/agent@{}", digest());
    for shadow in
        [json!([]), json!(null), json!(["dtr.test/exempt/other@sha256:00", format!("evil.test/exempt/agent@{}", digest())])]
    {
        set.engine.answers(inspected, 200, &json!({"RepoDigests": shadow}).to_string());
        let (status, answer) = set.post("/containers/create", &create).await;
        assert_eq!(status, 404, "{answer}");
        assert!(message(&answer).contains("pull it first"), "{answer}");
    }
    set.engine.answers(inspected, 404, "{}");
    assert_eq!(set.post("/containers/create", &create).await.0, 404, "the client pulls it then");
    assert!(!set.engine.calls().iter().any(|call| call.starts_with("POST")));
    set.engine.answers(inspected, 200, &json!({"RepoDigests": ["dtr.test/x/y@sha256:00", own]}).to_string());
    assert_eq!(set.post("/containers/create", &create).await.0, 200);
    assert_eq!(set.last_body()["Image"], format!("dtr.test/exempt/agent:1@{}", digest()));
    assert_eq!(set.post("/images/create?fromImage=dtr.test%2Fexempt%2Fagent&tag=1", "").await.0, 200);
    assert!(set.engine.calls().last().unwrap().ends_with("agent&tag=1"), "{:?}", set.engine.calls());
}

#[tokio::test]
async fn a_service_of_an_exempt_image_runs_what_its_registry_has() {
    let set = Set::enforcing().await;
    let service = json!({"TaskTemplate": {"ContainerSpec": {"Image": "dtr.test/exempt/agent:1"}}}).to_string();
    let asked = "GET /distribution/dtr.test/exempt/agent:1/json";
    set.engine.answers(asked, 404, "{}");
    assert_eq!(set.post("/services/create", &service).await.0, 404);
    assert!(!set.engine.calls().iter().any(|call| call.starts_with("POST")));
    set.engine.answers(asked, 200, &json!({"Descriptor": {"digest": digest().to_string(), "size": 1}}).to_string());
    assert_eq!(set.post("/services/create", &service).await.0, 200);
    assert_eq!(set.last_body()["TaskTemplate"]["ContainerSpec"]["Image"], format!("dtr.test/exempt/agent:1@{}", digest()));
}

/// This machine's engine speaks 1.41; a stub stands for the newer ones.
#[tokio::test]
async fn what_newer_versions_can_name_is_decided_as_well() {
    let set = Set::enforcing().await;
    set.engine.speaks("1.51");
    let pinned = format!("dtr.test/qa/app:1@{}", digest());
    let mounts = |image: &str| json!([{"Type": "image", "Source": image, "Target": "/x", "ImageOptions": {"Subpath": "y"}}]);
    let body =
        |image: &str| json!({"Image": "dtr.test/qa/app:1", "HostConfig": {"Mounts": mounts(image), "Annotations": {"a": "b"}}});
    let service = |image: &str| json!({"TaskTemplate": {"ContainerSpec": {"Image": "dtr.test/qa/app:1", "Mounts": mounts(image), "OomScoreAdj": 1}}});
    assert_eq!(set.post("/v1.51/containers/create?platform=linux/amd64", &body("dtr.test/qa/app:1").to_string()).await.0, 200);
    assert_eq!(set.last_body()["HostConfig"]["Mounts"][0]["Source"], pinned);
    assert_eq!(set.post("/v1.51/services/create", &service("dtr.test/qa/app:1").to_string()).await.0, 200);
    assert_eq!(set.last_body()["TaskTemplate"]["ContainerSpec"]["Mounts"][0]["Source"], pinned);
    let seen = set.engine.seen().len();
    assert_eq!(set.post("/v1.48/containers/create", &body("dtr.test/qa/app:2").to_string()).await.0, 404);
    assert_eq!(set.post("/v1.51/services/create", &service("dtr.test/qa/app:2").to_string()).await.0, 404);
    assert_eq!(set.post("/v1.52/containers/create", &body("dtr.test/qa/app:1").to_string()).await.0, 400);
    assert_eq!(set.engine.seen().len(), seen);
}
