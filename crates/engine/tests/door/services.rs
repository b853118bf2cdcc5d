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
const OLD: &str = "dtr.test/qa/app:old";

#[tokio::test]
async fn scale_and_restart_of_what_runs_are_never_blocked() {
    let set = Set::enforcing().await;
    set.engine.answers(
        "GET /services/s",
        200,
        &json!({"Version": {"Index": 12}, "Spec": {"TaskTemplate": {"ContainerSpec": {"Image": OLD}}}}).to_string(),
    );
    assert_eq!(set.post("/services/s/update?version=12", &service(OLD)).await.0, 200);
    assert!(set.stage.gate.asked.lock().unwrap().is_empty());
    // Not the version that was looked at: then it may be another image.
    assert_eq!(set.post("/services/s/update?version=13", &service(OLD)).await.0, 404);
    // The same image in another place is another use.
    let mounted =
        json!({"TaskTemplate": {"ContainerSpec": {"Image": "dtr.test/qa/app:1", "Mounts": [{"Type": "image", "Source": OLD}]}}});
    assert_eq!(set.post("/services/s/update?version=12", &mounted.to_string()).await.0, 404);
    assert_eq!(set.post("/services/s/update?version=12", &service("dtr.test/qa/app:2")).await.0, 404);
    assert_eq!(set.post("/services/s/update?version=12", &service("dtr.test/qa/app:1")).await.0, 200);
    let pinned = format!("dtr.test/qa/app:1@{}", digest());
    assert_eq!(set.last_body()["TaskTemplate"]["ContainerSpec"]["Image"], pinned);
}

#[tokio::test]
async fn a_rollback_runs_only_what_is_signed_now() {
    let set = Set::enforcing().await;
    let now = |previous: &str| {
        json!({
            "Version": {"Index": 12},
            "Spec": {"TaskTemplate": {"ContainerSpec": {"Image": OLD}}},
            "PreviousSpec": {"TaskTemplate": {"ContainerSpec": {"Image": previous}}}
        })
        .to_string()
    };
    for (previous, status) in [
        (format!("dtr.test/qa/app:1@{}", digest()), 200),
        (OLD.to_owned(), 200),
        ("dtr.test/qa/app:1".to_owned(), 403),
        (format!("dtr.test/qa/app:1@{}", Digest::sha256(b"other")), 404),
    ] {
        set.engine.answers("GET /services/s", 200, &now(&previous));
        let (answered, answer) = set.post("/services/s/update?version=12&rollback=previous", &service(OLD)).await;
        assert_eq!(answered, status, "{previous}: {answer}");
    }
    for task in [json!({"Runtime": "plugin", "PluginSpec": {"Remote": "evil.test/x"}}), json!({}), json!(null)] {
        let spec = json!({"TaskTemplate": {"ContainerSpec": {"Image": OLD}}});
        let now = json!({"Version": {"Index": 12}, "Spec": spec, "PreviousSpec": {"TaskTemplate": task}});
        set.engine.answers("GET /services/s", 200, &now.to_string());
        let (answered, answer) = set.post("/services/s/update?version=12&rollback=previous", &service(OLD)).await;
        assert_eq!(answered, 403, "no image where there must be one: {answer}");
    }
}
