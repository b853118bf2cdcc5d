//! What happens to objects that are there: changed, scaled, labelled, deleted; and what is only asked about.

use serde_json::{Value, json};
use wharfinger_e2e::{Guarded, Kind, NAMESPACE, REFUSED};

#[test]
#[ignore = "needs `cargo xtask kubernetes`"]
fn what_is_unchanged_is_not_judged_again_and_what_is_changed_is() {
    let guarded = Guarded::up();
    guarded.apply("Deployment", "web", &[("app", &guarded.signed)]).ok();
    guarded.apply("Pod", "kept", &[("app", &guarded.signed)]).ok();
    let finalizers = |list: &str| format!(r#"{{"metadata":{{"finalizers":{list}}}}}"#);
    guarded.kubectl(&["patch", "pod", "kept", "-p", &finalizers(r#"["example.com/kept"]"#)]).ok();
    let pinned = guarded.pinned(&guarded.signed);

    // From here on nothing in the repository may run.
    guarded.cast.quinn.does(&format!("docker trust revoke --yes {}", guarded.signed));
    guarded.apply("Pod", "late", &[("app", &guarded.signed)]).fails().says(REFUSED);

    let decided = guarded.decisions();
    guarded.kubectl(&["label", "pod", "kept", "tier=front"]).ok();
    guarded.kubectl(&["annotate", "deployment", "web", "note=changed"]).ok();
    guarded.kubectl(&["scale", "deployment", "web", "--replicas=3"]).ok();
    let mut kept = guarded.stored("pod", "kept");
    kept["status"]["phase"] = "Failed".into();
    let status = format!("/api/v1/namespaces/{NAMESPACE}/pods/kept/status");
    guarded.kubernetes.kubectl(&["replace", "--raw", &status, "-f", "-"], &kept.to_string()).ok();
    guarded.kubectl(&["delete", "pod", "kept", "--wait=false"]).ok();
    guarded.kubectl(&["patch", "pod", "kept", "-p", &finalizers("null")]).ok();
    guarded.kubectl(&["get", "pod", "kept"]).fails().says("not found");
    let images = |object: &Value| Kind::named("Deployment").images(object);
    let web = guarded.stored("deployment", "web");
    assert_eq!((images(&web), &web["spec"]["replicas"]), (vec![pinned.clone()], &json!(3)));
    assert_eq!(guarded.decisions(), decided, "no image was judged");

    // Unless the configuration says so.
    let toml = guarded.scene.admin().get("/api/ucp/config-toml").is(200).body;
    let recheck = |toml: &str| guarded.scene.admin().call("PUT", "/api/ucp/config-toml", Some(("text/plain", toml))).is(200);
    recheck(&format!("{toml}\n[kubernetes]\nrecheck_unchanged = true\n"));
    guarded.kubectl(&["annotate", "deployment", "web", "note=again", "--overwrite"]).fails().says(REFUSED);
    recheck(&toml);
    guarded.kubectl(&["annotate", "deployment", "web", "note=again", "--overwrite"]).ok();

    // A changed image is judged, whatever else changes with it.
    let spec = |image: &str| json!({"template": {"spec": {"containers": [{"name": "app", "image": image}]}}});
    let patch = |replicas: u32, image: &str| {
        let mut spec = spec(image);
        spec["replicas"] = replicas.into();
        guarded.kubectl(&["patch", "deployment", "web", "-p", &json!({"spec": spec}).to_string()])
    };
    patch(5, &guarded.unsigned).fails().says(REFUSED).says("container app)");
    let web = guarded.stored("deployment", "web");
    assert_eq!((images(&web), &web["spec"]["replicas"]), (vec![pinned.clone()], &json!(3)));
    guarded.kubectl(&["set", "image", "deployment/web", &format!("app={}", guarded.unsigned)]).fails().says(REFUSED);

    // A Pod's image may be changed, too.
    guarded.kubectl(&["delete", "deployment", "web"]).ok();
    guarded.cast.quinn_signs(&guarded.unsigned);
    guarded.apply("Pod", "web", &[("app", &guarded.unsigned)]).ok();
    guarded.kubectl(&["set", "image", "pod/web", &format!("app={}", guarded.signed)]).fails().says(REFUSED);
}

#[test]
#[ignore = "needs `cargo xtask kubernetes`"]
fn a_dry_run_is_decided_and_leaves_no_trace() {
    let guarded = Guarded::up();
    let decided = guarded.decisions();
    let dry = |image: &str| {
        let deployment = Kind::named("Deployment").object(NAMESPACE, "web", &[("app", image)]);
        let arguments = ["apply", "--dry-run=server", "-o", "json", "-f", "-"];
        guarded.kubernetes.kubectl(&arguments, &deployment.to_string())
    };
    let stored = dry(&guarded.signed).ok().json();
    assert_eq!(Kind::named("Deployment").images(&stored), [guarded.pinned(&guarded.signed)]);
    dry(&guarded.unsigned).fails().says(REFUSED);
    assert_eq!(guarded.decisions(), decided, "a dry run is not recorded");
    guarded.apply("Deployment", "web", &[("app", &guarded.signed)]).ok();
    assert_ne!(guarded.decisions(), decided);
    guarded.kubectl(&["delete", "deployment", "web", "--dry-run=server"]).ok();
    guarded.kubectl(&["get", "deployment", "web"]).ok();
}

#[test]
#[ignore = "needs `cargo xtask kubernetes`"]
fn while_it_is_down_nothing_new_runs_and_everything_can_be_deleted() {
    let mut guarded = Guarded::up();
    let signed = guarded.signed.clone();
    for kind in ["Pod", "Deployment", "Job"] {
        guarded.apply(kind, "old", &[("app", &signed)]).ok();
    }
    guarded.scene.wharfinger.stop().unwrap();
    for kind in ["Pod", "Deployment", "Job", "CronJob"] {
        guarded.apply(kind, "new", &[("app", &signed)]).fails().says("failed calling webhook");
    }
    guarded.kubectl(&["delete", "pod/old", "deployment/old", "job/old"]).ok();
    guarded.kubectl(&["get", "pod", "old"]).fails().says("not found");

    guarded.scene.wharfinger.start_again().unwrap();
    guarded.apply("Pod", "new", &[("app", &signed)]).ok();
    guarded.apply("Pod", "bad", &[("app", &guarded.unsigned)]).fails().says(REFUSED);
}

#[test]
#[ignore = "needs `cargo xtask kubernetes`"]
fn a_manifest_applied_twice_by_a_gitops_tool_changes_nothing() {
    let guarded = Guarded::up();
    let pinned = guarded.pinned(&guarded.signed);
    for (name, arguments) in [
        ("server", ["apply", "--server-side", "--field-manager=argocd-controller", "-f", "-"].as_slice()),
        ("client", ["apply", "-f", "-"].as_slice()),
    ] {
        for kind in ["Deployment", "CronJob", "Pod"] {
            let manifest =
                Kind::named(kind).object(NAMESPACE, name, &[("init", &guarded.signed), ("app", &guarded.signed)]).to_string();
            let apply = || guarded.kubernetes.kubectl(arguments, &manifest).ok();
            apply();
            let stored = || as_written(guarded.stored(kind, name));
            let applied = stored();
            apply();
            assert_eq!(stored(), applied, "{kind} {name}");
            assert_eq!(Kind::named(kind).images(&applied), [pinned.as_str(); 2]);

            let diff = match name {
                "server" => ["diff", "--server-side", "--field-manager=argocd-controller", "-f", "-"].as_slice(),
                _ => ["diff", "-f", "-"].as_slice(),
            };
            let diff = guarded.kubernetes.kubectl(diff, &manifest).ok();
            assert_eq!(diff.output, "", "{kind} {name}");
        }
    }
}

/// Without what the controllers add, and without when it was applied: this release notes that each time, later ones leave it, too.
fn as_written(mut object: Value) -> Value {
    object["status"].take();
    let metadata = &mut object["metadata"];
    metadata["resourceVersion"].take();
    metadata["annotations"]["deployment.kubernetes.io/revision"].take();
    if let Some(managers) = metadata["managedFields"].as_array_mut() {
        managers.retain(|entry| entry["manager"] != "kube-controller-manager");
        for entry in managers.iter_mut() {
            drop(entry["time"].take());
        }
    }
    object
}
