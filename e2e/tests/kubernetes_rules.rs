//! Which rule an object is held to: its namespace's, and the configuration's for kinds that only this API server has.

use serde_json::{Value, json};
use wharfinger_e2e::{Guarded, Kind, NAMESPACE, REFUSED};

#[test]
#[ignore = "needs `cargo xtask kubernetes`"]
fn namespaces_carry_rules_of_their_own_and_audit_mode_warns() {
    let guarded = Guarded::up();
    guarded.scene.team("acme", "security", &["olga"]);
    for namespace in ["strict", "lab-one"] {
        guarded.kubernetes.namespace(namespace);
    }
    let images = json!([format!("{}/acme/*", guarded.scene.registry)]);
    let policy = json!({
        "require_content_trust": true,
        "require_signature_from": ["acme/qa"],
        "rules": [
            {"images": images, "namespaces": ["strict"], "require": {"teams": ["acme/security"]}},
            {"images": images, "namespaces": ["lab-*"], "require": {"teams": ["acme/qa"]}, "mode": "audit"},
        ],
    });
    guarded.scene.admin().put("/api/config/trust", &policy).ok();
    let apply = |namespace: &str, kind: &str, image: &str| {
        guarded.kubernetes.apply(&Kind::named(kind).object(namespace, "web", &[("app", image)]))
    };
    for kind in ["Pod", "Deployment"] {
        apply(NAMESPACE, kind, &guarded.signed).ok().never_says("Warning");
        apply(NAMESPACE, kind, &guarded.unsigned).fails().says(REFUSED);
        let strict = apply("strict", kind, &guarded.signed).fails();
        strict.says(REFUSED).says("image did not meet required signing policy");
        let warned = apply("lab-one", kind, &guarded.unsigned).ok();
        assert!(warned.stderr.contains("Warning: ") && warned.stderr.contains(&guarded.unsigned), "{warned}");
        assert!(warned.stderr.contains("image or trust data does not exist"), "{warned}");
    }
    // One audit, and one explanation, with what runs elsewhere.
    let audit = |outcome: &str| {
        let path = format!("/api/audit?action=deploy&actor=kubernetes:admin&outcome={outcome}");
        guarded.scene.admin().get(&path).is(200).json()["entries"].as_array().map_or(0, Vec::len)
    };
    assert!(audit("audit") > 0 && audit("deny") > 0 && audit("allow") > 0);
    let explain = |namespace: &str| -> Value {
        let asked = json!({"image": guarded.signed, "namespace": namespace});
        guarded.scene.admin().post("/api/trust/explain", &asked).is(200).json()
    };
    assert_eq!((&explain("strict")["verdict"], &explain(NAMESPACE)["verdict"]), (&json!("deny"), &json!("allow")));
}

#[test]
#[ignore = "needs `cargo xtask kubernetes`"]
fn a_custom_resource_is_pinned_and_refused_where_the_configuration_says_its_images_are() {
    let guarded = Guarded::up();
    let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let versions = json!([{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}]);
    let names = json!({"plural": "pipelines", "singular": "pipeline", "kind": "Pipeline"});
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "pipelines.ci.example.com"},
        "spec": {"group": "ci.example.com", "scope": "Namespaced", "names": names, "versions": versions},
    });
    guarded.kubernetes.apply(&definition).ok();
    guarded.kubernetes.kubectl(&["wait", "--for=condition=Established", "crd/pipelines.ci.example.com"], "").ok();
    let resource = r#"
[[kubernetes.resources]]
group = "ci.example.com"
resource = "pipelines"
images = ["$.spec.steps[*].image", "$.spec.runner.image"]
"#;
    let toml = guarded.scene.admin().get("/api/ucp/config-toml").is(200).body;
    let toml = format!("{toml}\n{resource}");
    guarded.scene.admin().call("PUT", "/api/ucp/config-toml", Some(("text/plain", &toml))).is(200);
    guarded.kubernetes.install(&guarded.scene.wharfinger).unwrap();

    let pipeline = |name: &str, step: &str| {
        let steps = json!([{"name": "build", "image": guarded.signed}, {"name": "test", "image": step}]);
        guarded.kubernetes.apply(&json!({
            "apiVersion": "ci.example.com/v1", "kind": "Pipeline", "metadata": {"namespace": NAMESPACE, "name": name},
            "spec": {"steps": steps, "runner": {"image": guarded.signed}},
        }))
    };
    let refused = wharfinger_e2e::until(std::time::Duration::from_secs(20), || pipeline("bad", &guarded.unsigned).status != 0);
    assert!(refused, "the API server asks about pipelines");
    pipeline("bad", &guarded.unsigned).fails().says(REFUSED).says(&guarded.unsigned);
    pipeline("good", &guarded.signed).ok();
    let spec = &guarded.stored("pipeline", "good")["spec"];
    let pinned = guarded.pinned(&guarded.signed);
    assert_eq!((&spec["steps"][0]["image"], &spec["steps"][1]["image"]), (&json!(pinned), &json!(pinned)));
    assert_eq!(spec["runner"]["image"], pinned);
    // Where there must be an image and none is, it is refused, too.
    let empty = json!({
        "apiVersion": "ci.example.com/v1", "kind": "Pipeline", "metadata": {"namespace": NAMESPACE, "name": "empty"}, "spec": {},
    });
    guarded.kubernetes.apply(&empty).fails();
}
