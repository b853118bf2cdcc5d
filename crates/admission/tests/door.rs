//! The door from its paths to its answers, asked with what real API servers (1.20 and 1.36) sent.

#[path = "door/changes.rs"]
mod changes;
#[path = "door/shapes.rs"]
mod shapes;
#[path = "door/stage.rs"]
mod stage;

use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use stage::{SEGMENT, Stage, images, one, pod, recorded};

#[tokio::test]
async fn every_recorded_object_is_pinned_and_passes_the_second_question_only_so() {
    let mut seen = 0;
    for (name, review) in recorded().into_iter().filter(|(name, _)| name.contains("--mutate--CREATE--")) {
        let stage = Stage::new();
        let pinned = stage.mutate(&review).await;
        assert!(pinned.allowed, "{name}: {}", pinned.message);
        let found = images(&pinned.object);
        assert!(!found.is_empty() && found.iter().all(|image| image.contains("@sha256:")), "{name}: {found:?}");
        let mut second = review.clone();
        assert_eq!(stage.validate(&second).await.code, 403, "{name} as it came");
        second["request"]["object"] = pinned.object;
        let said = stage.validate(&second).await;
        assert!(said.allowed && said.patches == 0, "{name}: {}", said.message);
        assert_eq!(stage.mutate(&second).await.patches, 0, "{name}: what is pinned stays as it is");
        seen += 1;
    }
    assert!(seen >= 11, "{seen} kinds");
}

#[tokio::test]
async fn every_recorded_object_is_refused_by_each_of_its_images() {
    for (name, review) in recorded().into_iter().filter(|(name, _)| name.contains("--CREATE--")) {
        for revoked in ["registry.example.com/app:v1", "busybox"] {
            let stage = Stage::new();
            let mut review = review.clone();
            // Those of the second question are pinned already, by digest alone.
            let text = review.to_string().replace("busybox@sha256", "busybox:latest@sha256");
            review = serde_json::from_str(&text).unwrap();
            if !images(&review["request"]["object"]).iter().any(|image| image.starts_with(revoked)) {
                continue;
            }
            stage.revoke(if revoked == "busybox" { "busybox:latest" } else { revoked });
            let said = if name.contains("--mutate--") { stage.mutate(&review).await } else { stage.validate(&review).await };
            assert!(!said.allowed, "{name} with {revoked}");
            assert!(
                said.message.starts_with("one or more container images do not meet the required signing policy: ["),
                "{name}: {}",
                said.message
            );
            assert!(said.message.contains(revoked) && said.code == 403, "{name}: {said:?}");
        }
    }
}

#[tokio::test]
async fn a_denial_names_every_image_with_its_reason_and_every_container_of_it() {
    let stage = Stage::new();
    let said = stage
        .mutate(&pod(&json!({
            "containers": [
                { "name": "app", "image": "registry.example.com/evil:1" },
                { "name": "good", "image": "registry.example.com/app:v1" },
                { "name": "again", "image": "registry.example.com/evil:1" },
            ],
            "initContainers": [{ "name": "setup", "image": "registry.example.com/app:v1@sha256:2222222222222222222222222222222222222222222222222222222222222222" }],
            "volumes": [{ "name": "data", "image": { "reference": "Bad Name" } }],
        })))
        .await;
    assert!(!said.allowed);
    for part in [
        "[registry.example.com/evil:1: image or trust data does not exist; sign it: docker trust sign registry.example.com/evil:1 (container app, container again)",
        "image did not meet required signing policy; the signed digest is sha256:7fea",
        "(init container setup)",
        "Bad Name: ",
        "(volume data)",
    ] {
        assert!(said.message.contains(part), "{part}: {}", said.message);
    }
    assert!(!said.message.contains("good"), "{}", said.message);
}

#[tokio::test]
async fn whoever_asks_is_recorded_as_a_kubernetes_user_in_the_namespace_with_the_pods_credentials() {
    let stage = Stage::new();
    let mut review = pod(&json!({ "containers": [{ "name": "app", "image": "registry.example.com/app:v1" }] }));
    stage.mutate(&review).await;
    let asked = stage.asked().remove(0);
    assert_eq!((asked.actor.as_str(), asked.namespace.as_deref()), ("kubernetes:admin", Some("default")));
    assert_eq!((asked.purpose, asked.dry_run, asked.is_somebody, asked.credentials), ("admission", false, false, 0));
    review["request"]["dryRun"] = json!(true);
    review["request"]["object"]["spec"]["imagePullSecrets"] = json!([{ "name": "pull" }, { "name": "gone" }]);
    review["request"]["object"]["spec"]["serviceAccountName"] = json!("robot");
    stage.mutate(&review).await;
    let asked = stage.asked().remove(0);
    assert_eq!((asked.dry_run, asked.credentials), (true, 2));
    review["request"]["namespace"] = json!("elsewhere");
    stage.mutate(&review).await;
    assert_eq!(stage.asked().remove(0).credentials, 0, "a secret of another namespace");
}

#[tokio::test]
async fn a_rule_in_audit_mode_warns_once() {
    let stage = Stage::new();
    stage.gate.audited.lock().unwrap().insert("registry.example.com/tried:1".to_owned());
    let review = pod(&json!({ "containers": [{ "name": "app", "image": "registry.example.com/tried:1" }] }));
    let said = stage.mutate(&review).await;
    assert!(said.allowed && said.warnings.is_empty() && said.patches == 0, "{said:?}");
    let said = stage.validate(&review).await;
    assert!(said.allowed, "{}", said.message);
    let [warning] = said.warnings.as_slice() else { panic!("{:?}", said.warnings) };
    assert!(warning.contains("registry.example.com/tried:1: image did not meet required signing policy"), "{warning}");
    assert!(warning.contains("audit mode"), "{warning}");
}

#[tokio::test]
async fn with_the_switch_off_nothing_is_asked_and_nothing_is_changed() {
    let stage = Stage::new();
    stage.gate.off.store(true, Ordering::SeqCst);
    for (name, review) in recorded() {
        let said = stage.validate(&review).await;
        assert!(said.allowed && said.patches == 0, "{name}");
    }
    assert!(stage.mutate(&pod(&json!("no pod at all"))).await.allowed);
    assert!(stage.asked().is_empty());
}

#[tokio::test]
async fn what_changed_while_it_was_decided_is_refused_as_undecided() {
    let stage = Stage::new();
    stage.gate.outdated.store(true, Ordering::SeqCst);
    let said = stage.validate(&one("--validate--CREATE--pods--pod1--")).await;
    assert_eq!((said.allowed, said.code), (false, 503), "{}", said.message);
    assert!(said.message.contains("changed while"), "{}", said.message);
}

#[tokio::test(start_paused = true)]
async fn a_gate_that_does_not_answer_is_a_refusal_in_time() {
    let stage = Stage::new();
    stage.gate.silent.store(true, Ordering::SeqCst);
    let before = tokio::time::Instant::now();
    let said = stage.mutate(&one("--mutate--CREATE--pods--pod1--admin.json")).await;
    assert_eq!((said.allowed, said.code), (false, 503));
    assert!(said.message.contains("within 9 seconds"), "{}", said.message);
    assert!(before.elapsed() < std::time::Duration::from_secs(10), "before the API server gives up");
}

#[tokio::test]
async fn nobody_without_the_secret_learns_that_there_is_a_webhook() {
    let stage = Stage::new();
    let body = one("--mutate--CREATE--pods--pod1--admin.json").to_string();
    for path in [
        "/admission/mutate",
        "/admission/mutate/",
        "/admission/mutate/x",
        "/admission/validate/a-path-that-only-the-webhook-configuration-know",
        "/admission/validate/a-path-that-only-the-webhook-configuration-knows-",
        "/admission/other/a-path-that-only-the-webhook-configuration-knows",
    ] {
        let (status, answer) = stage.post(path, body.clone()).await;
        assert_eq!((status, answer.len()), (StatusCode::NOT_FOUND, 0), "{path}");
    }
    assert!(stage.asked().is_empty());
    let (status, _) = stage.post(&format!("/admission/mutate/{SEGMENT}"), body).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn the_path_alone_is_not_enough_where_the_api_server_has_an_account() {
    let stage = Stage::new();
    stage.gate.settings.lock().unwrap().api_server_account = "kube".to_owned();
    let body = one("--mutate--CREATE--pods--pod1--admin.json").to_string();
    let (status, answer) = stage.post(&format!("/admission/mutate/{SEGMENT}"), body).await;
    let answer = String::from_utf8(answer).unwrap();
    assert!(status == StatusCode::FORBIDDEN && answer.contains("client certificate of `kube`"), "{status} {answer}");
    assert!(stage.asked().is_empty());
}

#[tokio::test]
async fn what_is_no_review_is_refused_with_what_is_wrong() {
    let stage = Stage::new();
    let mut old = one("--mutate--CREATE--pods--pod1--admin.json");
    old["apiVersion"] = json!("admission.k8s.io/v1beta1");
    let mut unknown = one("--mutate--CREATE--pods--pod1--admin.json");
    unknown["request"]["operation"] = json!("REPLACE");
    for (body, says) in [
        (String::new(), "no AdmissionReview"),
        ("[]".to_owned(), "no AdmissionReview"),
        (json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview" }).to_string(), "no request"),
        (old.to_string(), "admissionReviewVersions"),
        (unknown.to_string(), "no AdmissionReview"),
    ] {
        let (status, answer) = stage.post(&format!("/admission/mutate/{SEGMENT}"), body).await;
        let answer = String::from_utf8(answer).unwrap();
        assert!(status == StatusCode::BAD_REQUEST && answer.contains(says), "{status} {answer}");
    }
    let long = format!("{}{}", " ".repeat(8 * 1024 * 1024), old);
    assert_eq!(stage.post(&format!("/admission/mutate/{SEGMENT}"), long).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_paths_take_posts_only() {
    use tower::ServiceExt as _;
    let secret = wharfinger_admission::WebhookSecret::known_for_tests(SEGMENT);
    let admission = wharfinger_admission::Admission::new(
        std::sync::Arc::new(stage::TestGate::default()),
        None,
        std::sync::Arc::new(stage::TestCallers),
        secret,
    );
    let router = wharfinger_admission::routes(&std::sync::Arc::new(admission));
    let request = Request::get(format!("/admission/mutate/{SEGMENT}")).body(Body::empty()).unwrap();
    assert_eq!(router.oneshot(request).await.unwrap().status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn an_object_with_endless_images_is_refused_before_any_is_decided() {
    let stage = Stage::new();
    let containers: Vec<Value> =
        (0..101).map(|n| json!({ "name": format!("c{n}"), "image": format!("registry.example.com/app:{n}") })).collect();
    let said = stage.mutate(&pod(&json!({ "containers": containers }))).await;
    assert!(!said.allowed && said.message.contains("101 different images"), "{}", said.message);
    assert!(stage.asked().is_empty());
}
