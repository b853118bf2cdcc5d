//! Ways around admission that somebody with rights in a namespace could try.

use std::thread;

use serde_json::{Value, json};
use wharfinger_e2e::{Guarded, Hook, Kind, NAMESPACE, REFUSED};

fn pod(name: &str, image: &str) -> Value {
    Kind::named("Pod").object(NAMESPACE, name, &[("app", image)])
}

fn set_image(index: usize, image: &str) -> Value {
    json!([{"op": "replace", "path": format!("/spec/containers/{index}/image"), "value": image}])
}

#[test]
#[ignore = "needs `cargo xtask kubernetes`"]
fn a_tag_that_moves_between_the_two_webhooks_is_refused() {
    let guarded = Guarded::up();
    let before = guarded.pinned(&guarded.signed);
    let hook = Hook::start(&guarded, "zz-between", &[json!({"hold": true})]).unwrap();
    let refused = thread::scope(|scope| {
        let create = scope.spawn(|| guarded.kubernetes.apply(&pod("web", &guarded.signed)));
        assert!(hook.was_asked(0), "the webhook between is asked");
        guarded.scene.push(&guarded.cast.dev, "acme/app:1", "v1, moved");
        guarded.cast.quinn.does(&format!("docker pull -q {}", guarded.signed));
        guarded.cast.quinn.does(&format!("docker trust sign --local {}", guarded.signed));
        hook.go_on(0);
        create.join().unwrap().fails()
    });
    refused.says("validate").says(REFUSED).says(&before);
    guarded.kubectl(&["get", "pod", "web"]).fails().says("not found");

    // Yesterday's pin, as somebody kept it, and today's.
    let after = guarded.pinned(&guarded.signed);
    assert_ne!(before, after);
    guarded.kubernetes.apply(&pod("yesterday", &before)).fails().says(REFUSED);
    guarded.kubernetes.apply(&pod("today", &after)).ok();
}

#[test]
#[ignore = "needs `cargo xtask kubernetes`"]
fn an_image_that_another_webhook_swaps_is_refused() {
    let guarded = Guarded::up();
    let sidecar = |image: &str| json!([{"op": "add", "path": "/spec/containers/-", "value": {"name": "side", "image": image}}]);
    let answers = [
        // A sidecar that is signed is pinned, though it came after the first look.
        json!({"patch": sidecar(&guarded.signed)}),
        json!({}),
        // One that is not is refused.
        json!({"patch": sidecar(&guarded.unsigned)}),
        // What is swapped when nobody looks any more but the last: the sidecar has us look once more, and then it swaps.
        json!({"patch": sidecar(&guarded.signed)}),
        json!({"patch": set_image(0, &guarded.unsigned)}),
        // A pin that is taken off again.
        json!({"patch": sidecar(&guarded.signed)}),
        json!({"patch": set_image(0, &guarded.signed)}),
    ];
    let hook = Hook::start(&guarded, "zz-last", &answers).unwrap();
    let pinned = guarded.pinned(&guarded.signed);
    guarded.kubernetes.apply(&pod("sidecar", &guarded.signed)).ok();
    assert_eq!(Kind::named("Pod").images(&guarded.stored("pod", "sidecar")), [pinned.as_str(); 2]);
    assert!(hook.was_asked(1), "another webhook's change has it asked again");
    guarded.kubernetes.apply(&pod("unsigned", &guarded.signed)).fails().says(REFUSED).says("container side)");
    for (name, swapped, call) in [("swapped", &guarded.unsigned, 4), ("unpinned", &guarded.signed, 6)] {
        let refused = guarded.kubernetes.apply(&pod(name, &guarded.signed)).fails();
        assert!(hook.was_asked(call));
        refused.says("validate").says(REFUSED).says(swapped).says("container app)");
    }
}

#[test]
#[ignore = "needs `cargo xtask kubernetes`"]
fn forged_owner_references_and_labels_give_no_credit() {
    let guarded = Guarded::up();
    guarded.apply("Deployment", "web", &[("app", &guarded.signed)]).ok();
    let owner = guarded.stored("deployment", "web");
    let mut forged = pod("forged", &guarded.unsigned);
    forged["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": owner["metadata"]["uid"], "controller": true,
    }]);
    forged["metadata"]["labels"] = json!({
        "app": "web", "kubernetes.io/metadata.name": "wharfinger", "admission.wharfinger.io/ignore": "true",
    });
    guarded.kubernetes.apply(&forged).fails().says(REFUSED);

    // A namespace that calls itself ours, or the system's, is any namespace.
    guarded.kubectl(&["label", "namespace", NAMESPACE, "kubernetes.io/metadata.name=wharfinger", "--overwrite"]).ok();
    guarded.kubernetes.apply(&forged).fails().says(REFUSED);
    let mut system = forged.clone();
    system["metadata"] = json!({"namespace": "kube-system", "name": "system"});
    guarded.kubernetes.apply(&system).fails().says(REFUSED);
    // Nor is anybody let through for who they are.
    let masters = ["--as=system:kube-controller-manager", "--as-group=system:masters", "create", "-f", "-"];
    guarded.kubernetes.kubectl(&masters, &forged.to_string()).fails().says(REFUSED);
}
