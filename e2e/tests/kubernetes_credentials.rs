//! Private repositories: their trust data is read with the pull secrets that the Pod would be pulled with, and no others.

use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;
use wharfinger_e2e::{
    Api, Kind, Kubernetes, KubernetesOptions, NAMESPACE, PASSWORD, REFUSED, Scene, Serve, Wharfinger, free_port,
};

/// A registry with private, signed repositories `dev/one` … and a cluster elsewhere that has no credentials of its own for it.
struct Stage {
    kubernetes: Kubernetes,
    scene: Scene,
    images: [String; 4],
    _cluster: Wharfinger,
    _dir: TempDir,
}

impl Stage {
    fn up() -> Self {
        let dir = tempfile::Builder::new().prefix("wf-").tempdir().unwrap();
        let options = KubernetesOptions { controllers: true, ..Default::default() };
        let kubernetes = Kubernetes::start(&dir.path().join("kubernetes"), options).unwrap();
        kubernetes.namespace(NAMESPACE);
        let scene = Scene::up();
        let dev = scene.person("dev");
        let images = ["one", "two", "three", "four"].map(|name| {
            let image = scene.push(&dev, &format!("dev/{name}:1"), name);
            dev.does(&format!("docker trust sign {image}"));
            image
        });
        let cluster = Serve::new("cluster serve", &dir.path().join("cluster"))
            .flag("--cluster-listen", &format!("127.0.0.1:{}", free_port()))
            .flag("--engine", scene.engine())
            .flag("--kubeconfig", &kubernetes.kubeconfig().display().to_string())
            .start()
            .unwrap();
        let session = Api::at(cluster.cluster().unwrap()).login("admin", &cluster.admin_password().unwrap());
        let ca = dir.path().join("ca.pem");
        scene.registry_api().download("GET", "/ca", &ca);
        let registration = json!({"hostAddress": scene.registry, "caBundle": fs::read_to_string(&ca).unwrap()});
        session.post("/api/config/trustedregistry_", &registration).ok();
        session.put("/api/config/trust", &json!({"require_content_trust": true})).ok();
        kubernetes.asks(&cluster).unwrap();
        Self { kubernetes, scene, images, _cluster: cluster, _dir: dir }
    }

    fn secret(&self, namespace: &str, name: &str, host: &str) {
        let server = format!("--docker-server={host}");
        let password = format!("--docker-password={PASSWORD}");
        let arguments =
            ["create", "secret", "docker-registry", name, &server, "--docker-username=dev", &password, "-n", namespace];
        self.kubernetes.kubectl(&arguments, "").ok();
    }
}

/// A Deployment, of which the API server itself fills in nothing of its service account.
fn deployment(name: &str, image: &str, pod: &Value) -> Value {
    let mut object = Kind::named("Deployment").object(NAMESPACE, name, &[("app", image)]);
    object["spec"]["replicas"] = 0.into();
    for (key, value) in pod.as_object().into_iter().flatten() {
        object["spec"]["template"]["spec"][key] = value.clone();
    }
    object
}

#[test]
#[ignore = "needs `cargo xtask kubernetes`"]
fn pull_secrets_of_the_pod_and_of_its_account_read_private_trust_data_and_no_others() {
    let mut stage = Stage::up();
    let [one, two, three, four] = &stage.images.clone();
    let named = |secret: &str| json!({"imagePullSecrets": [{"name": secret}]});
    let apply = |name: &str, image: &str, pod: &Value| stage.kubernetes.apply(&deployment(name, image, pod));
    let refused = |name: &str, image: &str, pod: &Value| {
        apply(name, image, pod).fails().says(REFUSED).says("image or trust data does not exist");
    };
    let stored = |name: &str| stage.kubernetes.get(NAMESPACE, &format!("deployment {name}"));

    // Without a secret, with one that is not there, with another namespace's, with one for another host.
    refused("none", one, &json!({}));
    stage.kubernetes.namespace("other");
    stage.secret("other", "elsewhere", &stage.scene.registry);
    refused("elsewhere", one, &named("elsewhere"));
    stage.secret(NAMESPACE, "foreign", "nobody.example");
    refused("foreign", one, &named("foreign"));

    stage.secret(NAMESPACE, "pull", &stage.scene.registry);
    apply("pod", one, &named("pull")).ok();
    assert!(Kind::named("Deployment").images(&stored("pod"))[0].starts_with(&format!("{one}@sha256:")));

    // Of the service account, in the old form.
    let mut dockercfg = json!({});
    dockercfg[&stage.scene.registry] = json!({"username": "dev", "password": PASSWORD, "email": "dev@example.com"});
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/dockercfg",
        "metadata": {"namespace": NAMESPACE, "name": "old"}, "stringData": {".dockercfg": dockercfg.to_string()},
    });
    stage.kubernetes.apply(&secret).ok();
    let account = |name: &str, secret: &str| {
        stage.kubernetes.apply(&json!({
            "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"namespace": NAMESPACE, "name": name},
            "imagePullSecrets": [{"name": secret}],
        }))
    };
    account("builder", "old").ok();
    refused("default-account", two, &json!({}));
    apply("account", two, &json!({"serviceAccountName": "builder"})).ok();
    assert!(Kind::named("Deployment").images(&stored("account"))[0].starts_with(&format!("{two}@sha256:")));

    // A Pod, for which the API server writes its account's secrets into it.
    account("default", "pull").ok();
    let pod = Kind::named("Pod").object(NAMESPACE, "web", &[("app", three)]);
    stage.kubernetes.apply(&pod).ok();

    // What was admitted can still be changed and removed when the registry is gone; what is new cannot run.
    stage.scene.wharfinger.stop().unwrap();
    let kubectl = |arguments: &[&str]| stage.kubernetes.kubectl(&[&["-n", NAMESPACE], arguments].concat(), "");
    kubectl(&["patch", "pod", "web", "-p", r#"{"metadata":{"finalizers":["example.com/kept"]}}"#]).ok();
    kubectl(&["delete", "pod", "web", "--wait=false"]).ok();
    kubectl(&["patch", "pod", "web", "-p", r#"{"metadata":{"finalizers":null}}"#]).ok();
    kubectl(&["get", "pod", "web"]).fails().says("not found");
    kubectl(&["scale", "deployment/pod", "--replicas=2"]).ok();
    stage.kubernetes.apply(&deployment("late", four, &named("pull"))).fails().says(REFUSED);
}
