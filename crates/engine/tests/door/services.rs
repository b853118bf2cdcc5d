//! Services while only signed images run: created, changed, rolled back.

use serde_json::json;
use wharfinger_oci::Digest;

use crate::gated::{Set, digest};

fn service(image: &str) -> String {
    json!({"Name": "s", "TaskTemplate": {"ContainerSpec": {"Image": image}, "ForceUpdate": 1}}).to_string()
}

#[tokio::test]
async fn a_service_is_created_from_the_signed_digest() {
    let set = Set::enforcing().await;
    assert_eq!(set.post("/services/create", &service("dtr.test/qa/app:1")).await.0, 200);
    let pinned = format!("dtr.test/qa/app:1@{}", digest());
    assert_eq!(set.last_body()["TaskTemplate"]["ContainerSpec"]["Image"], pinned);
    assert_eq!(set.post("/services/create", &service("dtr.test/qa/app:2")).await.0, 404);
    for task in [
        json!({"Runtime": "plugin", "PluginSpec": {"Remote": "evil.test/x"}}),
        json!({"ContainerSpec": {"Image": "dtr.test/qa/app:1"}, "PluginSpec": {"remote": "evil.test/x"}}),
        json!({"ContainerSpec": {"Image": "dtr.test/qa/app:1"}, "Runtime": "attachment"}),
        json!({"ContainerSpec": {"Image": "dtr.test/qa/app:1"}, "NetworkAttachmentSpec": {"ContainerID": "x"}}),
    ] {
        let (status, answer) = set.post("/services/create", &json!({ "TaskTemplate": task }).to_string()).await;
        assert_eq!(status, 403, "{task}: {answer}");
    }
    assert_eq!(set.engine.seen().len(), 1);
}

/// Signed once, and not any more.
fn old() -> String {
    format!("dtr.test/qa/app:old@{}", Digest::sha256(b"old"))
}

/// A service made before the policy, by its tag alone.
const BY_TAG: &str = "dtr.test/qa/app:old";

#[tokio::test]
async fn scale_and_restart_of_what_runs_are_never_blocked() {
    let set = Set::enforcing().await;
    set.engine.answers("GET /services/s", 200, &now(&old(), None));
    assert_eq!(set.post("/services/s/update?version=12", &service(&old())).await.0, 200);
    assert!(set.stage.gate.asked.lock().unwrap().is_empty());
    // Not the version that was looked at: then it may be another image.
    assert_eq!(set.post("/services/s/update?version=13", &service(&old())).await.0, 404);
    // The same image in another place is another use.
    let mounted = json!({"TaskTemplate": {"ContainerSpec": {"Image": "dtr.test/qa/app:1", "Mounts": [{"Type": "image", "Source": old()}]}}});
    assert_eq!(set.post("/services/s/update?version=12", &mounted.to_string()).await.0, 404);
    assert_eq!(set.post("/services/s/update?version=12", &service("dtr.test/qa/app:2")).await.0, 404);
    assert_eq!(set.post("/services/s/update?version=12", &service("dtr.test/qa/app:1")).await.0, 200);
    let pinned = format!("dtr.test/qa/app:1@{}", digest());
    assert_eq!(set.last_body()["TaskTemplate"]["ContainerSpec"]["Image"], pinned);
}

fn now(image: &str, previous: Option<&str>) -> String {
    let spec = |image: &str| json!({"TaskTemplate": {"ContainerSpec": {"Image": image}}});
    let mut now = json!({"ID": "s1", "Version": {"Index": 12}, "Spec": spec(image)});
    if let Some(previous) = previous {
        now["PreviousSpec"] = spec(previous);
    }
    now.to_string()
}

#[tokio::test]
async fn a_service_that_names_a_tag_alone_goes_on_with_the_digest_on_record() {
    let set = Set::enforcing().await;
    set.engine.answers("GET /services/s", 200, &now(BY_TAG, None));
    let (status, answer) = set.post("/services/s/update?version=12", &service(BY_TAG)).await;
    assert_eq!(status, 404, "not on record: decided as a new deployment");
    assert!(answer.contains("image or trust data does not exist") && answer.contains("not on record"), "{answer}");
    set.stage.before.ran("s1", "dtr.test/qa/app:other", "dtr.test/qa/app:other@sha256:x");
    set.stage.before.ran("s2", BY_TAG, "dtr.test/qa/app:old@sha256:x");
    assert_eq!(set.post("/services/s/update?version=12", &service(BY_TAG)).await.0, 404, "another image, another service");
    set.stage.before.ran("s1", BY_TAG, &old());
    let asked = set.stage.gate.asked.lock().unwrap().len();
    assert_eq!(set.post("/services/s/update?version=12", &service(BY_TAG)).await.0, 200);
    assert_eq!(set.last_body()["TaskTemplate"]["ContainerSpec"]["Image"], old());
    assert_eq!(set.stage.gate.asked.lock().unwrap().len(), asked, "what runs on is not decided again");
    assert_eq!(set.post("/services/s/update?version=13", &service(BY_TAG)).await.0, 404, "of that version only");
}

#[tokio::test]
async fn without_the_policy_a_service_keeps_its_tag() {
    let set = Set::new().await;
    set.stage.before.ran("s1", BY_TAG, &old());
    set.engine.answers("GET /services/s", 200, &now(BY_TAG, None));
    assert_eq!(set.post("/services/s/update?version=12", &service(BY_TAG)).await.0, 200);
    assert_eq!(set.last_body()["TaskTemplate"]["ContainerSpec"]["Image"], BY_TAG);
}

#[tokio::test]
async fn an_update_that_undoes_itself_returns_only_to_what_may_run() {
    let set = Set::enforcing().await;
    let undone = |image: &str, action: &str| {
        json!({"TaskTemplate": {"ContainerSpec": {"Image": image}}, "UpdateConfig": {"FailureAction": action}}).to_string()
    };
    let signed = format!("dtr.test/qa/app:1@{}", digest());
    set.stage.before.ran("s1", BY_TAG, &old());
    for (runs, sent, status) in [
        (signed.as_str(), "dtr.test/qa/app:1", 200),
        (&old(), &old(), 200),
        (&old(), "dtr.test/qa/app:1", 404),
        (BY_TAG, "dtr.test/qa/app:1", 403),
        ("dtr.test/qa/app:1", signed.as_str(), 403),
        (BY_TAG, BY_TAG, 403),
    ] {
        set.engine.answers("GET /services/s", 200, &now(runs, None));
        let (answered, answer) = set.post("/services/s/update?version=12", &undone(sent, "rollback")).await;
        assert_eq!(answered, status, "{runs} to {sent}: {answer}");
        assert!(status != 403 || answer.contains("--update-failure-action pause"), "{answer}");
        assert_eq!(set.post("/services/s/update?version=12", &undone(sent, "pause")).await.0, 200, "{runs} to {sent}");
    }
}

#[tokio::test]
async fn a_rollback_runs_only_what_is_signed_now() {
    let set = Set::enforcing().await;
    for (previous, status) in [
        (format!("dtr.test/qa/app:1@{}", digest()), 200),
        (old(), 200),
        ("dtr.test/qa/app:1".to_owned(), 403),
        (BY_TAG.to_owned(), 404),
        (format!("dtr.test/qa/app:1@{}", Digest::sha256(b"other")), 404),
    ] {
        set.engine.answers("GET /services/s", 200, &now(&old(), Some(&previous)));
        let (answered, answer) = set.post("/services/s/update?version=12&rollback=previous", &service(&old())).await;
        assert_eq!(answered, status, "{previous}: {answer}");
    }
    for task in [json!({"Runtime": "plugin", "PluginSpec": {"Remote": "evil.test/x"}}), json!({}), json!(null)] {
        let spec = json!({"TaskTemplate": {"ContainerSpec": {"Image": old()}}});
        let now = json!({"Version": {"Index": 12}, "Spec": spec, "PreviousSpec": {"TaskTemplate": task}});
        set.engine.answers("GET /services/s", 200, &now.to_string());
        let (answered, answer) = set.post("/services/s/update?version=12&rollback=previous", &service(&old())).await;
        assert_eq!(answered, 403, "no image where there must be one: {answer}");
    }
}
