//! Every kind that makes Pods, held to the policy: a real API server, its controllers and kubectl.

use std::time::Duration;

use serde_json::{Value, json};
use wharfinger_e2e::{Guarded, KINDS, Kind, NAMESPACE, REFUSED, until};

#[test]
#[ignore = "needs `cargo xtask kubernetes`"]
fn every_kind_is_pinned_to_what_was_signed_and_refused_by_naming_each_container() {
    let guarded = Guarded::up();
    let (signed, unsigned) = (guarded.signed.as_str(), guarded.unsigned.as_str());
    let pinned = guarded.pinned(signed);
    for kind in KINDS {
        let kind = kind.name;
        let good = format!("good-{}", kind.to_lowercase());
        guarded.apply(kind, &good, &[("init", signed), ("app", signed), ("side", signed)]).ok().says("created");
        assert_eq!(Kind::named(kind).images(&guarded.stored(kind, &good)), [pinned.as_str(); 3], "{kind}");

        let containers = [("init", unsigned), ("app", signed), ("side", "nobody.example/knows:this")];
        let refused = guarded.apply(kind, &format!("bad-{}", kind.to_lowercase()), &containers).fails();
        let refused = refused.says(REFUSED).says(&format!("{unsigned}: image or trust data does not exist"));
        let refused = refused.says("(init container init)").says("(container side)").never_says("(container app)");
        refused.says("nobody.example/knows:this: nobody.example must be a registered trusted registry");
    }
    guarded.kubectl(&["get", "all", "-o", "name"]).ok().never_says("bad-");

    // The real controllers make Pods of what was admitted.
    let kinds = ["ReplicationController", "Deployment", "ReplicaSet", "StatefulSet", "Job"];
    let pods = || guarded.kubernetes.get(NAMESPACE, "pods");
    let made = |kind: &str| {
        let name = format!("good-{}", kind.to_lowercase());
        let pods = pods();
        let of = |pod: &&Value| pod["metadata"]["name"].as_str().is_some_and(|pod| pod.starts_with(&format!("{name}-")));
        pods["items"].as_array().into_iter().flatten().find(of).cloned()
    };
    for kind in kinds {
        let has = until(Duration::from_secs(30), || made(kind).is_some());
        assert!(has, "{kind} makes no Pod: {}", guarded.kubernetes.log("kube-controller-manager"));
        assert_eq!(Kind::named("Pod").images(&made(kind).unwrap()), [pinned.as_str(); 3], "{kind}");
    }

    let mut generated = Kind::named("Pod").object(NAMESPACE, "generated", &[("app", signed)]);
    generated["metadata"] = json!({"namespace": NAMESPACE, "generateName": "generated-"});
    let created = guarded.kubernetes.kubectl(&["create", "-o", "json", "-f", "-"], &generated.to_string()).ok().json();
    assert_eq!(Kind::named("Pod").images(&created), [pinned.as_str()]);
    generated["spec"]["containers"][0]["image"] = unsigned.into();
    guarded.kubernetes.kubectl(&["create", "-f", "-"], &generated.to_string()).fails().says(REFUSED);
}

#[test]
#[ignore = "needs `cargo xtask kubernetes`"]
fn an_ephemeral_container_is_pinned_or_refused() {
    let guarded = Guarded::up();
    guarded.apply("Pod", "web", &[("app", &guarded.signed)]).ok();
    let path = format!("/api/v1/namespaces/{NAMESPACE}/pods/web/ephemeralcontainers");
    let debug = |image: &str| {
        let containers = json!([{"name": "debug", "image": image}]);
        let body = json!({
            "apiVersion": "v1", "kind": "EphemeralContainers", "metadata": {"name": "web"}, "ephemeralContainers": containers,
        });
        guarded.kubernetes.kubectl(&["replace", "--raw", &path, "-f", "-"], &body.to_string())
    };
    let refused = debug(&guarded.unsigned).fails();
    refused.says(REFUSED).says(&guarded.unsigned).says("container debug)");
    debug(&guarded.signed).ok();
    let pod = guarded.stored("pod", "web");
    assert_eq!(pod["spec"]["ephemeralContainers"][0]["image"], guarded.pinned(&guarded.signed));
}

#[test]
#[ignore = "needs `cargo xtask kubernetes`"]
fn pods_that_a_deployment_may_no_longer_make_are_refused_in_its_replica_sets_events() {
    let guarded = Guarded::up();
    let mut deployment = Kind::named("Deployment").object(NAMESPACE, "web", &[("app", &guarded.signed)]);
    deployment["spec"]["replicas"] = 0.into();
    guarded.kubernetes.apply(&deployment).ok();
    guarded.cast.quinn.does(&format!("docker trust revoke --yes {}", guarded.signed));
    // Scaling is no decision about an image; the Pod that comes of it is.
    guarded.kubectl(&["scale", "deployment/web", "--replicas=1"]).ok();
    let sentence = format!("{REFUSED}{}", guarded.signed);
    let event = || {
        let events = guarded.kubernetes.get(NAMESPACE, "events");
        let ours = |event: &&Value| {
            event["reason"] == "FailedCreate" && event["message"].as_str().is_some_and(|said| said.contains(&sentence))
        };
        events["items"].as_array().into_iter().flatten().find(ours).cloned()
    };
    assert!(until(Duration::from_secs(30), || event().is_some()), "{}", guarded.kubectl(&["get", "events"]));
    assert_eq!(event().unwrap()["involvedObject"]["kind"], "ReplicaSet");
    let condition = ["get", "deployment", "web", "-o", "jsonpath={.status.conditions[?(@.type==\"ReplicaFailure\")].message}"];
    assert!(until(Duration::from_secs(30), || guarded.kubectl(&condition).output.contains(&sentence)));
    guarded.kubectl(&["get", "pods", "-o", "name"]).ok().never_says("web");
}

#[test]
#[ignore = "needs `cargo xtask kubernetes`"]
fn a_hundred_deployments_at_once_are_all_pinned() {
    let guarded = Guarded::up();
    let deployment = |n: usize| Kind::named("Deployment").object(NAMESPACE, &format!("web{n}"), &[("app", &guarded.signed)]);
    std::thread::scope(|scope| {
        let kubernetes = &guarded.kubernetes;
        for lot in 0..10 {
            let items: Vec<Value> = (0..10).map(|n| deployment(10 * lot + n)).collect();
            scope.spawn(move || kubernetes.apply(&json!({"apiVersion": "v1", "kind": "List", "items": items})).ok());
        }
    });
    let pods = || guarded.kubernetes.get(NAMESPACE, "pods")["items"].as_array().cloned().unwrap_or_default();
    let pinned = guarded.pinned(&guarded.signed);
    assert!(until(Duration::from_mins(2), || pods().len() == 100), "{} Pods", pods().len());
    assert!(pods().iter().all(|pod| Kind::named("Pod").images(pod) == [pinned.as_str()]));
}
