//! What runs in Kubernetes, shown beside what the engine runs, and decided as the API server's questions are.

use std::time::Duration;

use serde_json::{Value, json};
use wharfinger_e2e::{Guarded, Kind, NAMESPACE, REFUSED, binary, until};

const PATIENCE: Duration = Duration::from_secs(30);

/// The rows of an answer that are of that namespace and name.
fn rows(answer: &Value, namespace: &str, name: &str) -> Vec<Value> {
    let all = answer["workloads"].as_array().cloned().unwrap_or_default();
    all.into_iter().filter(|row| row["namespace"] == namespace && row["name"] == name).collect()
}

/// Writes into a pod's status what a kubelet would: it runs that image.
fn starts(guarded: &Guarded, pod: &str, image_id: &str) {
    let container = json!({
        "name": "app", "image": "as the runtime calls it", "imageID": image_id, "ready": true, "started": true, "restartCount": 0,
        "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}},
    });
    let status = json!({"status": {"phase": "Running", "containerStatuses": [container]}}).to_string();
    let path = format!("/api/v1/namespaces/{NAMESPACE}/pods/{pod}/status");
    guarded.kubernetes.api().call("PATCH", &path, Some(("application/strategic-merge-patch+json", &status))).is(200);
}

fn pods_of(guarded: &Guarded, name: &str) -> Vec<String> {
    let pods = guarded.kubernetes.get(NAMESPACE, "pods");
    let names = pods["items"].as_array().into_iter().flatten().filter_map(|pod| pod["metadata"]["name"].as_str());
    names.filter(|pod| pod.starts_with(name)).map(str::to_owned).collect()
}

#[test]
#[ignore = "needs `cargo xtask kubernetes`"]
fn what_runs_in_kubernetes_is_listed_by_what_made_it_and_decided_as_the_webhooks_would() {
    let guarded = Guarded::up();
    let (signed, unsigned) = (guarded.signed.clone(), guarded.unsigned.clone());
    let (api, pinned) = (guarded.scene.admin(), guarded.pinned(&signed));
    let listed = || api.get("/api/workloads").is(200).json();

    // Three pods of a Deployment, as the real controllers make them. Nothing starts them: there is no kubelet.
    let mut deployment = Kind::named("Deployment").object(NAMESPACE, "web", &[("app", &signed)]);
    deployment["spec"]["replicas"] = 3.into();
    guarded.kubernetes.apply(&deployment).ok();
    let whole = until(PATIENCE, || rows(&listed(), NAMESPACE, "web").first().is_some_and(|row| row["pods"] == 3));
    assert!(whole, "{:#}", listed());
    let row = rows(&listed(), NAMESPACE, "web").remove(0);
    assert_eq!((&row["kind"], &row["image"], &row["started"]), (&json!("Deployment"), &json!(pinned), &json!(false)), "{row}");
    assert_eq!((&row["runs"], &row["parts"], &row["byTag"]), (&Value::Null, &json!(["container app"]), &json!(false)), "{row}");
    assert_eq!(listed()["unseen"], json!([]));

    // What nodes say of two of them is a row of its own, with the digest.
    let repository = signed.trim_end_matches(":1");
    let digest = pinned.split_once('@').unwrap().1;
    let names = pods_of(&guarded, "web-");
    for name in &names[..2] {
        starts(&guarded, name, &format!("docker-pullable://{repository}@{digest}"));
    }
    let web = rows(&listed(), NAMESPACE, "web");
    let of = |started: bool| web.iter().find(|row| row["started"] == started).unwrap_or_else(|| panic!("{web:?}"));
    assert_eq!((&of(true)["pods"], &of(true)["runs"], &of(false)["pods"]), (&json!(2), &json!(pinned), &json!(1)));

    // From before the policy: a pod of what nobody signed, and one that runs another digest of a signed tag than the signed one.
    guarded.scene.enforce_nothing();
    guarded.apply("Pod", "old", &[("app", &unsigned)]).ok();
    guarded.apply("Pod", "moved", &[("app", &signed)]).ok();
    let other = format!("sha256:{}", "0".repeat(64));
    starts(&guarded, "moved", &format!("{repository}@{other}"));
    let admin = guarded.scene.admin_machine();
    admin.install("wharfinger", &binary()).unwrap();
    guarded.scene.operates(&admin);
    let file = api.get("/api/ucp/config-toml").is(200).body;
    let stricter = file.replace("require_content_trust = false", "require_content_trust = true");
    assert!(stricter.contains("require_content_trust = true"), "{stricter}");
    admin.writes("new.toml", &stricter);
    let told = admin.sh("wharfinger policy diff new.toml");
    assert_eq!(told.status, 1, "{told}");
    let told = told.says(&format!("Deployment {NAMESPACE}/web: allow (off) → allow (signed)"));
    let told = told.says(&format!("Pod {NAMESPACE}/old: allow (off) → deny (not-released)")).says("1 (container app)");
    told.says(&format!("Pod {NAMESPACE}/moved: allow (off) → deny (other-digest)")).says("nothing yet: no node has started it");
    let foreseen: Value = admin.sh("wharfinger policy diff --json new.toml").json();
    guarded.scene.enforce(&["acme/qa"]);
    // An admission of the same now.
    for (name, image) in [("old", unsigned.clone()), ("moved", format!("{repository}:1@{other}"))] {
        let row = rows(&foreseen, NAMESPACE, name).remove(0);
        let message = row["new"]["message"].as_str().unwrap().lines().next().unwrap().to_owned();
        let refused = guarded.apply("Pod", &format!("{name}-again"), &[("app", &image)]).fails().says(REFUSED);
        refused.says(message.split(" for ").next().unwrap());
    }

    // Rules and exemptions of namespaces are those of the pods' namespaces.
    let images = json!([format!("{}/acme/*", guarded.scene.registry)]);
    let rule = json!({"images": images, "namespaces": [NAMESPACE], "require": {"teams": ["acme/qa"]}, "mode": "audit"});
    let policy = json!({"require_content_trust": true, "require_signature_from": ["acme/qa"], "rules": [rule]});
    api.put("/api/config/trust", &policy).ok();
    admin.writes("same.toml", api.get("/api/ucp/config-toml").is(200).body);
    admin.does("wharfinger policy diff same.toml").says(&format!("Pod {NAMESPACE}/old: audit (not-released)"));
    guarded.apply("Pod", "old-again", &[("app", &unsigned)]).ok().says("allowed: its rule is in audit mode");

    // What has ended runs no more.
    let path = format!("/api/v1/namespaces/{NAMESPACE}/pods/old/status");
    let ended = json!({"status": {"phase": "Succeeded"}}).to_string();
    guarded.kubernetes.api().call("PATCH", &path, Some(("application/strategic-merge-patch+json", &ended))).is(200);
    assert!(rows(&listed(), NAMESPACE, "old").is_empty());
    // Of the engine alone is the record of what ran before the policy.
    assert!(rows(&listed(), NAMESPACE, "moved").iter().all(|row| row["ranBefore"].is_null()), "{}", listed());
}
