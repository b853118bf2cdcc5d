//! Updates: what was there before is not asked about again, what is new is, whatever else changes with it.

use serde_json::{Value, json};

use crate::stage::{Stage, images, one, recorded};

/// UPDATE of a deployment whose object and old object are equal: controllers and `kubectl scale` send such.
fn unchanged() -> Value {
    let mut review = one("--validate--UPDATE--deployments--");
    review["request"]["oldObject"] = review["request"]["object"].clone();
    review
}

const IMAGE: &str = "/request/object/spec/template/spec/containers/0/image";

#[tokio::test]
async fn images_that_stay_are_not_judged_even_when_they_would_be_refused_now() {
    let stage = Stage::new();
    let mut review = unchanged();
    *review.pointer_mut(IMAGE).unwrap() = json!("registry.example.com/never-signed:1");
    review["request"]["oldObject"] = review["request"]["object"].clone();
    review["request"]["object"]["spec"]["replicas"] = json!(7);
    for said in [stage.mutate(&review).await, stage.validate(&review).await] {
        assert!(said.allowed && said.patches == 0, "{}", said.message);
    }
    assert!(stage.asked().is_empty());
    stage.gate.settings.lock().unwrap().recheck_unchanged = true;
    assert!(!stage.mutate(&review).await.allowed, "unless the configuration says so");
    review["request"]["object"]["metadata"]["deletionTimestamp"] = json!("2026-11-26T00:00:00Z");
    assert!(stage.mutate(&review).await.allowed, "deletion is never blocked");
}

#[tokio::test]
async fn an_image_that_changes_is_judged_whatever_changes_with_it() {
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 5] = [
        ("by itself", |_| {}),
        ("with a scale to nothing", |object| object["spec"]["replicas"] = json!(0)),
        ("on an object that is being deleted", |object| {
            object["metadata"]["deletionTimestamp"] = json!("2026-11-26T00:00:00Z");
        }),
        ("with an owner that is said to have been allowed", |object| {
            object["metadata"]["ownerReferences"] =
                json!([{ "apiVersion": "apps/v1", "kind": "Deployment", "name": "signed", "uid": "1", "controller": true }]);
        }),
        ("with labels that say that it is exempt", |object| {
            object["metadata"]["labels"] = json!({ "wharfinger.io/ignore": "true", "admission": "off" });
        }),
    ];
    for (name, change) in changes {
        let stage = Stage::new();
        let mut review = unchanged();
        change(&mut review["request"]["object"]);
        *review.pointer_mut(IMAGE).unwrap() = json!("registry.example.com/never-signed:1");
        for said in [stage.mutate(&review).await, stage.validate(&review).await] {
            assert!(!said.allowed && said.message.contains("never-signed:1"), "{name}: {}", said.message);
        }
        assert!(stage.asked_images().iter().all(|image| image.contains("never-signed")), "{name}: only that one");
    }
}

#[tokio::test]
async fn an_image_under_another_container_is_new() {
    let stage = Stage::new();
    let mut review = unchanged();
    let containers = review.pointer_mut("/request/object/spec/template/spec/containers").unwrap().as_array_mut().unwrap();
    let mut copy = containers[0].clone();
    copy["name"] = json!("copy");
    containers.push(copy.clone());
    stage.mutate(&review).await;
    assert_eq!(stage.asked_images(), [copy["image"].as_str().unwrap()]);
    let as_init = review.pointer_mut("/request/object/spec/template/spec").unwrap();
    as_init["containers"].as_array_mut().unwrap().pop();
    as_init["initContainers"] = json!([copy]);
    stage.mutate(&review).await;
    assert_eq!(stage.asked_images(), [copy["image"].as_str().unwrap()], "nor is an init container a container");
}

#[tokio::test]
async fn containers_in_another_order_are_the_same() {
    let stage = Stage::new();
    let mut review = unchanged();
    review.pointer_mut("/request/object/spec/template/spec/containers").unwrap().as_array_mut().unwrap().reverse();
    assert!(stage.mutate(&review).await.allowed);
    assert!(stage.asked().is_empty());
}

#[tokio::test]
async fn the_same_manifest_again_is_pinned_again_and_changes_nothing() {
    let stage = Stage::new();
    // `kubectl apply` of an unpinned pod over the pinned one.
    let review = one("--mutate--UPDATE--pods--pod1--admin.json");
    let said = stage.mutate(&review).await;
    assert!(said.allowed, "{}", said.message);
    assert!(images(&said.object).iter().all(|image| image.contains("@sha256:")), "{:?}", images(&said.object));
}

#[tokio::test]
async fn an_ephemeral_container_is_judged_in_the_old_form_and_the_new_one() {
    for (name, review) in recorded().into_iter().filter(|(name, _)| name.contains("ephemeralcontainers")) {
        let stage = Stage::new();
        let said = stage.mutate(&review).await;
        assert!(said.allowed && said.patches == 1, "{name}: {said:?}");
        assert_eq!(stage.asked_images(), ["registry.example.com/debug:v1"], "{name}");
        stage.revoke("registry.example.com/debug:v1");
        let said = stage.mutate(&review).await;
        assert!(!said.allowed && said.message.contains("(ephemeral container dbg)"), "{name}: {}", said.message);
    }
}

#[tokio::test]
async fn what_carries_no_image_passes_without_a_question() {
    let stage = Stage::new();
    let mut reviews: Vec<(String, Value)> = recorded();
    reviews.retain(|(name, _)| name.contains("pods.status") || name.contains("CONNECT"));
    assert_eq!(reviews.len(), 2);
    let mut scale = unchanged();
    scale["request"]["subResource"] = json!("scale");
    scale["request"]["object"] = json!({ "apiVersion": "autoscaling/v1", "kind": "Scale", "spec": { "replicas": 3 } });
    reviews.push(("scale".to_owned(), scale));
    let mut deletion = unchanged();
    deletion["request"]["operation"] = json!("DELETE");
    deletion["request"]["object"] = Value::Null;
    reviews.push(("deletion".to_owned(), deletion));
    for (name, review) in reviews {
        for said in [stage.mutate(&review).await, stage.validate(&review).await] {
            assert!(said.allowed && said.patches == 0, "{name}: {}", said.message);
        }
    }
    assert!(stage.asked().is_empty());
}
