//! A cluster's own images, whose registry nobody registered: let run by digest in their namespace, through a real API server.

use std::process::Command;

use serde_json::{Value, json};
use wharfinger_e2e::{Api, Kubernetes, KubernetesOptions, PASSWORD, Ran, Serve, Wharfinger, binary, free_port};

/// An administrator's command at the machine with the data.
fn types(wharfinger: &Wharfinger, words: &[&str]) -> Ran {
    let mut command = Command::new(binary());
    command.args(words).arg("--data-dir").arg(wharfinger.data());
    wharfinger_e2e::run(command).unwrap()
}

/// A pod of `image`, made in `namespace`.
fn pod(kubernetes: &Kubernetes, namespace: &str, image: &str) -> Ran {
    kubernetes.apply(&json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "proxy", "namespace": namespace},
        "spec": {"containers": [{"name": "proxy", "image": image}]},
    }))
}

#[test]
#[ignore = "needs `cargo xtask kubernetes`"]
fn an_image_that_is_exempt_by_digest_in_a_namespace_runs_there_and_nowhere_else() {
    let dir = tempfile::Builder::new().prefix("wf-").tempdir().unwrap();
    let kubernetes = Kubernetes::start(&dir.path().join("k"), KubernetesOptions::default()).unwrap();
    let listen = format!("127.0.0.1:{}", free_port());
    let serve = Serve::new("cluster serve", &dir.path().join("w")).flag("--cluster-listen", &listen);
    let wharfinger = serve.flag("--engine", "unix:///nowhere/docker.sock").start().unwrap();
    let admin = Api::at(wharfinger.cluster().unwrap()).login("admin", &wharfinger.admin_password().unwrap());
    admin.post("/accounts/", &json!({"name": "quinn", "password": PASSWORD})).is(201);
    let digest = format!("sha256:{}", "a".repeat(64));
    let exemption = json!({"digest": digest, "namespaces": ["kube-system"], "reason": "it comes with the cluster",
        "requested_by": "quinn", "expires": "2999-01-01T00:00:00Z"});
    admin.put("/api/config/trust", &json!({"require_content_trust": true, "exemptions": [exemption]})).is(200);
    let kubeconfig = kubernetes.kubeconfig().display().to_string();
    let install = ["kubernetes", "install", "--kubeconfig", &kubeconfig, "--cluster-listen", &listen];
    types(&wharfinger, &install).ok();

    let proxy = format!("registry.k8s.test/kube-proxy:v1@{digest}");
    pod(&kubernetes, "kube-system", &proxy).ok();
    assert_eq!(kubernetes.get("kube-system", "pod proxy")["spec"]["containers"][0]["image"], proxy);
    let not_registered = "must be a registered trusted registry";
    pod(&kubernetes, "default", &proxy).fails().says(not_registered);
    // What a tenant can set changes nothing.
    kubernetes.kubectl(&["label", "namespace", "default", "name=kube-system", "control-plane=true"], "").ok();
    pod(&kubernetes, "default", &proxy).fails().says(not_registered);
    kubernetes.kubectl(&["delete", "pod", "proxy", "-n", "kube-system", "--now"], "").ok();
    pod(&kubernetes, "kube-system", "registry.k8s.test/kube-proxy:v1").fails().says(not_registered);

    // One explanation, one audit, and what it holds follows.
    let explain = |namespace: Value| {
        let explained = admin.post("/api/trust/explain", &json!({"image": proxy, "namespace": namespace})).is(200).json();
        explained["code"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(explain(json!("kube-system")), "exempt");
    assert_eq!((explain(json!("default")), explain(Value::Null)), ("not-registered".to_owned(), "not-registered".to_owned()));
    for (outcome, namespace, follows) in
        [("allow", "kube-system", "allow (exempt) follows"), ("deny", "kube-system", "deny (not-registered) follows")]
    {
        let path = format!("/api/audit?action=deploy&actor=kubernetes:admin&outcome={outcome}");
        let newest = admin.get(&path).is(200).json()["entries"][0].clone();
        assert!(newest.to_string().contains(namespace), "{newest}");
        types(&wharfinger, &["audit", "replay", &newest["id"].to_string()]).ok().says(follows);
    }
}
