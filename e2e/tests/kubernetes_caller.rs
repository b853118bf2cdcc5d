//! Who is taken for the API server: whoever knows the path, or only who shows its certificate.

use std::process::Command;
use std::time::Duration;

use serde_json::json;
use wharfinger_e2e::{Api, DockerCli, Kubernetes, KubernetesOptions, Scene, binary, bundle, until};

const SENTENCE: &str = "do not meet the required signing policy";

#[test]
#[ignore = "needs `cargo xtask kubernetes`"]
fn with_an_account_of_its_own_the_api_server_alone_is_answered() {
    let scene = Scene::up();
    for name in ["kube", "mallory"] {
        scene.account(name);
    }
    let folder = |user: &str| bundle(&scene.session(user), &scene.machine(user, DockerCli::newest()));
    let (own, other) = (folder("kube"), folder("mallory"));
    let webhook = scene.cluster.replace("127.0.0.1", "localhost");
    let (certificate, key) = (own.join("cert.pem"), own.join("key.pem"));
    let options = KubernetesOptions { webhook_client: Some((&webhook, &certificate, &key)), ..Default::default() };
    let kubernetes = Kubernetes::start(&scene.dir().join("k"), options).unwrap();
    scene.enforce(&[]);
    let file = scene.admin().get("/api/ucp/config-toml").is(200).body;
    let with = format!("{file}\n[kubernetes]\napi_server_account = \"kube\"\n");
    scene.admin().call("PUT", "/api/ucp/config-toml", Some(("text/plain", &with))).is(200);
    let mut install = Command::new(binary());
    install.args(["kubernetes", "install", "--kubeconfig"]).arg(kubernetes.kubeconfig());
    install.arg("--data-dir").arg(scene.wharfinger.data()).args(["--cluster-host", &webhook]);
    wharfinger_e2e::run(install).unwrap().ok();

    let spec = json!({ "containers": [{ "name": "web", "image": "nginx:1" }] });
    let pod = json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "web" }, "spec": spec });
    kubernetes.apply(&pod).fails().says(SENTENCE);

    // Somebody saw the path in an error message of the API server.
    let found = kubernetes.get("default", "validatingwebhookconfiguration wharfinger");
    let url = found["webhooks"][0]["clientConfig"]["url"].as_str().unwrap();
    let (origin, path) = url.split_at(url.find("/admission").unwrap());
    let resource = json!({ "group": "", "version": "v1", "resource": "pods" });
    let request = json!({ "uid": "1", "resource": resource, "operation": "DELETE" });
    let review = json!({ "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request });
    let anybody = Api::at(origin);
    anybody.post(path, &review).is(403).says("client certificate of `kube`");
    anybody.with_bundle(&other).post(path, &review).is(403).says("client certificate of `kube`");
    anybody.with_bundle(&own).post(path, &review).is(200).says("\"allowed\":true");

    // Shut out, it is nobody any more: nothing is allowed, on the connection that is open neither.
    scene.admin().patch("/accounts/kube", &json!({ "isActive": false })).ok();
    let refused = || kubernetes.apply(&pod).to_string().contains("failed calling webhook");
    assert!(until(Duration::from_secs(10), refused), "{}", kubernetes.apply(&pod));
}
