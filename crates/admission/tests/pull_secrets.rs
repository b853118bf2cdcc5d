//! Pull secrets as kubectl makes them, read from a real API server with the rights of a service account.

use std::path::PathBuf;

use serde_json::json;
use tempfile::TempDir;
use wharfinger_admission::{ApiServer, PullSecrets as _};
use wharfinger_e2e::{Kubernetes, KubernetesOptions};
use wharfinger_trust::{Credentials, Secret};

/// Who may get the secrets and service accounts of `qa` alone.
const RIGHTS: &str = r#"{"apiVersion": "v1", "kind": "List", "items": [
  {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "reader", "namespace": "default"}},
  {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "runner", "namespace": "qa"}, "imagePullSecrets": [{"name": "old"}]},
  {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "reader"},
   "rules": [{"apiGroups": [""], "resources": ["secrets", "serviceaccounts"], "verbs": ["get"]}]},
  {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "reader", "namespace": "qa"},
   "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "reader"},
   "subjects": [{"kind": "ServiceAccount", "name": "reader", "namespace": "default"}]}]}"#;

fn kubeconfig(kubernetes: &Kubernetes, dir: &TempDir) -> PathBuf {
    let token = kubernetes.kubectl(&["create", "token", "reader"], "").ok().stdout;
    std::fs::write(dir.path().join("token"), token).unwrap();
    let config = json!({
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
        "clusters": [{"name": "k", "cluster": {"server": kubernetes.url(), "certificate-authority": kubernetes.ca()}}],
        "users": [{"name": "u", "user": {"tokenFile": "token"}}],
    });
    let path = dir.path().join("kubeconfig");
    std::fs::write(&path, config.to_string()).unwrap();
    path
}

fn made(kubernetes: &Kubernetes, namespace: &str, name: &str, password: &str) {
    let credentials = ["--docker-username=qa", &format!("--docker-password={password}"), "--docker-server=dtr.test:5443"];
    let secret = ["create", "secret", "docker-registry", name, "-n", namespace];
    kubernetes.kubectl(&[&secret[..], &credentials].concat(), "").ok();
}

#[test]
#[ignore = "needs `cargo xtask kubernetes`"]
fn credentials_are_read_where_the_account_may_and_in_the_reviews_namespace_alone() {
    let dir = tempfile::tempdir().unwrap();
    let kubernetes = Kubernetes::start(&dir.path().join("k"), KubernetesOptions::default()).unwrap();
    for namespace in ["qa", "prod"] {
        kubernetes.namespace(namespace);
        made(&kubernetes, namespace, "pull", namespace);
    }
    kubernetes.kubectl(&["apply", "-f", "-"], RIGHTS).ok();
    let old = json!({"dtr.test:5443": {"username": "qa", "password": "old", "email": "qa@dtr.test"}});
    let old = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/dockercfg",
        "metadata": {"name": "old", "namespace": "qa"}, "stringData": {".dockercfg": old.to_string()},
    });
    kubernetes.apply(&old).ok();
    kubernetes.kubectl(&["create", "secret", "generic", "opaque", "-n", "qa", "--from-literal=.dockercfg={}"], "").ok();

    let api_server = ApiServer::from_kubeconfig(&kubeconfig(&kubernetes, &dir)).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let read = |namespace: &str, named: &[&str], account: &str, image: &str| {
        let named: Vec<String> = named.iter().map(ToString::to_string).collect();
        let reference = image.parse().unwrap();
        let credentials = runtime.block_on(api_server.credentials(namespace, &named, account, &reference)).unwrap();
        credentials.into_iter().map(|credentials| match credentials {
            Credentials::Basic { username, password } if username == "qa" => password,
            other => panic!("{other:?}"),
        })
    };
    let passwords = |of: &[&str]| of.iter().map(|text| Secret::new(*text)).collect::<Vec<_>>();
    let image = "dtr.test:5443/qa/app:1";
    assert_eq!(read("qa", &["pull", "opaque", "missing"], "", image).collect::<Vec<_>>(), passwords(&["qa"]));
    assert_eq!(read("qa", &[], "runner", image).collect::<Vec<_>>(), passwords(&["old"]));
    assert_eq!(read("qa", &["pull"], "runner", image).collect::<Vec<_>>(), passwords(&["old", "qa"]));
    assert_eq!(read("qa", &["pull"], "runner", "other.test/qa/app:1").count(), 0);
    // What lies in another namespace is not this one's, and where the account may not read there is nothing.
    assert_eq!(read("prod", &["pull"], "", image).count(), 0);
    drop(kubernetes);
    let silent = runtime.block_on(api_server.credentials("qa", &[], "", &image.parse().unwrap())).unwrap_err();
    assert!(silent.to_string().contains("does not answer"), "{silent}");
}
