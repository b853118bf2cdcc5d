//! `wharfinger kubernetes install`, `doctor` and `uninstall` against a real API server, and a cluster that keeps right what leads
//! to it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use wharfinger_e2e::{Api, Kubernetes, KubernetesOptions, Ran, Serve, Wharfinger, binary, free_port, until};

const SENTENCE: &str = "do not meet the required signing policy";
const PATIENCE: Duration = Duration::from_secs(30);

/// An administrator's certificate, and the CA it is of.
const CERTIFICATES: &str = "
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout ca.key -out clients.pem -days 2 -subj /CN=clients \
  -addext keyUsage=critical,keyCertSign,digitalSignature
openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout admin.key -out admin.csr -subj /O=system:masters/CN=admin
echo extendedKeyUsage=clientAuth > ext
openssl x509 -req -in admin.csr -CA clients.pem -CAkey ca.key -CAcreateserial -days 2 -sha256 -extfile ext -out admin.pem";

/// An API server, and a cluster without an engine.
struct Stage {
    kubernetes: Kubernetes,
    wharfinger: Wharfinger,
    /// Where it listens.
    cluster: String,
    dir: TempDir,
}

impl Stage {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut openssl = Command::new("bash");
        openssl.args(["-e", "-c", CERTIFICATES]).current_dir(&dir);
        wharfinger_e2e::run(openssl).unwrap().ok();
        let client_ca = dir.path().join("clients.pem");
        let options = KubernetesOptions { client_ca: Some(&client_ca), ..KubernetesOptions::default() };
        let kubernetes = Kubernetes::start(&dir.path().join("k"), options).unwrap();
        let cluster = format!("127.0.0.1:{}", free_port());
        let serve = Serve::new("cluster serve", &dir.path().join("w"))
            .flag("--cluster-listen", &cluster)
            .flag("--engine", "unix:///nowhere/docker.sock");
        Self { kubernetes, wharfinger: serve.start().unwrap(), cluster, dir }
    }

    /// `wharfinger kubernetes …` of an administrator at the machine with the data.
    fn types(&self, words: &str) -> Ran {
        self.types_as(&self.kubernetes.kubeconfig(), words)
    }

    fn types_as(&self, kubeconfig: &Path, words: &str) -> Ran {
        let mut command = Command::new(binary());
        command.arg("kubernetes").args(words.split(' ')).arg("--kubeconfig").arg(kubeconfig);
        if !words.starts_with("uninstall") {
            command.arg("--data-dir").arg(self.wharfinger.data()).args(["--cluster-listen", &self.cluster]);
        }
        wharfinger_e2e::run(command).unwrap()
    }

    /// Tries to make a pod of an image of Docker Hub, which is not registered.
    fn pod(&self, namespace: &str) -> Ran {
        self.kubernetes.kubectl(&["create", "--dry-run=server", "-n", namespace, "-f", "-"], &pod().to_string())
    }

    fn admin(&self) -> Api {
        Api::at(self.wharfinger.cluster().unwrap()).login("admin", &self.wharfinger.admin_password().unwrap())
    }

    /// As long as it may list pods; and says what to grant when it may not.
    fn shows_what_runs(&self) {
        let listed = || self.admin().get("/api/workloads").is(200).json();
        let may_not = |listed: &Value| listed["unseen"].to_string().contains("may not list pods");
        assert!(!may_not(&listed()), "{}", listed());
        let role = ["patch", "clusterrole", "wharfinger", "--type=json", "-p", r#"[{"op": "remove", "path": "/rules/1"}]"#];
        self.kubernetes.kubectl(&role, "").ok();
        assert!(until(PATIENCE, || may_not(&listed())), "{}", listed());
        let doctor = self.types_as(&self.service_account(), "doctor").fails();
        doctor.says("WRONG  pods of every namespace may be listed");
        self.types("install").ok().says("ClusterRole wharfinger: changed");
        assert!(until(PATIENCE, || !may_not(&listed())), "{}", listed());
        self.types_as(&self.service_account(), "doctor").says("ok     pods of every namespace may be listed");
    }

    fn enforce(&self) {
        self.admin().put("/api/config/trust", &json!({"require_content_trust": true})).ok();
    }

    /// How the API server reaches the webhook of both configurations.
    fn client_configs(&self) -> [Value; 2] {
        ["mutatingwebhookconfiguration", "validatingwebhookconfiguration"].map(|kind| {
            let found = self.kubernetes.get("default", &format!("{kind} wharfinger"));
            found["webhooks"][0]["clientConfig"].clone()
        })
    }

    /// The secret of the webhooks' paths, as the API server knows it.
    fn segment(&self) -> String {
        let url = self.client_configs()[0]["url"].as_str().unwrap().to_owned();
        let segment = url.rsplit('/').next().unwrap().to_owned();
        assert_eq!(segment.len(), 64, "{url}");
        segment
    }

    /// Starts again with other flags, and waits until both configurations are as they should be.
    fn starts_again(&mut self, flags: impl FnOnce(Serve) -> Serve, as_it_should: impl Fn(&Value) -> bool) {
        self.wharfinger.flags(flags);
        self.wharfinger.start_again().unwrap();
        let corrected = until(PATIENCE, || self.client_configs().iter().all(&as_it_should));
        assert!(corrected, "{:#?}\n{}", self.client_configs(), self.wharfinger.log());
    }

    /// A kubeconfig of Wharfinger's service account, whose token stands in a file.
    fn service_account(&self) -> PathBuf {
        // What `kubectl create token` asks for, which Debian's kubectl does not know.
        let path = "/api/v1/namespaces/wharfinger/serviceaccounts/wharfinger/token";
        let request = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}});
        let answer = self.kubernetes.kubectl(&["create", "--raw", path, "-f", "-"], &request.to_string()).ok();
        let answer: Value = serde_json::from_str(&answer.stdout).unwrap();
        fs::write(self.dir.path().join("token"), answer["status"]["token"].as_str().unwrap()).unwrap();
        self.kubeconfig_of("account", &json!({"tokenFile": "token"}))
    }

    /// A kubeconfig of `user`. The files it names stand beside it.
    fn kubeconfig_of(&self, name: &str, user: &Value) -> PathBuf {
        let config = json!({
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
            "clusters": [{"name": "k", "cluster": {"server": self.kubernetes.url(), "certificate-authority": self.kubernetes.ca()}}],
            "users": [{"name": "u", "user": user}],
        });
        let path = self.dir.path().join(name);
        fs::write(&path, config.to_string()).unwrap();
        path
    }

    /// Whether Wharfinger's service account may do something.
    fn may(&self, words: &str) -> bool {
        let ask = ["auth", "can-i", "--as=system:serviceaccount:wharfinger:wharfinger"];
        let words: Vec<&str> = words.split(' ').collect();
        self.kubernetes.kubectl(&[&ask, words.as_slice()].concat(), "").status == 0
    }
}

fn pod() -> Value {
    let spec = json!({"containers": [{"name": "web", "image": "nginx:1"}]});
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": spec})
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

#[test]
#[ignore = "needs `cargo xtask kubernetes`"]
fn one_command_holds_an_api_server_to_the_policy_and_another_says_what_is_wrong() {
    let mut stage = Stage::new();
    stage.enforce();
    stage.pod("default").ok();
    stage.types("doctor").fails().says("there is none, so nobody asks about anything");

    stage.types("install --dry-run").ok().says("MutatingWebhookConfiguration wharfinger: would be made");
    stage.pod("default").ok();
    stage.types("install").ok().says("ValidatingWebhookConfiguration wharfinger: made");
    let again = stage.types("install").ok().never_says("made").never_says("changed");
    assert_eq!(again.stdout.matches("is as it should be").count(), 8, "{again}");
    // What is printed is taken by the API server as it is.
    let printed = stage.types("install --dry-run -o yaml").ok().stdout;
    stage.kubernetes.kubectl(&["apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-"], &printed).ok();
    let printed = stage.types("install -o json").ok().json();
    assert!(printed["items"].as_array().is_some_and(|items| items.len() == 8), "{printed:#}");

    stage.pod("default").fails().says(SENTENCE);
    stage.pod("kube-system").fails().says(SENTENCE);
    let well = stage.types("doctor").ok().never_says("WRONG");
    well.says("an image that nobody signed is refused through the API server");

    // What somebody weakens is found, and mended by the same command.
    for (patch, said) in [
        (r#"[{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Ignore"}]"#, "failurePolicy is `Ignore`"),
        (
            r#"[{"op": "add", "path": "/webhooks/0/namespaceSelector", "value": {"matchLabels": {"signed": "yes"}}}]"#,
            "namespaceSelector leaves out more",
        ),
        (r#"[{"op": "remove", "path": "/webhooks/0/rules/0"}]"#, "does not ask about CREATE of pods"),
    ] {
        let configuration = ["patch", "validatingwebhookconfiguration", "wharfinger", "--type=json", "-p", patch];
        stage.kubernetes.kubectl(&configuration, "").ok();
        stage.types("doctor").fails().says(said);
        stage.types("install").ok().says("ValidatingWebhookConfiguration wharfinger: changed");
        stage.types("doctor").ok();
    }

    // What the configuration names is to be asked about, too.
    let admin = stage.admin();
    let mut file = admin.get("/api/ucp/config-toml").is(200).body;
    file.push_str("\n[[kubernetes.resources]]\ngroup = \"argoproj.io\"\nresource = \"workflows\"\nimages = [\"$.spec.image\"]\n");
    admin.call("PUT", "/api/ucp/config-toml", Some(("application/toml", &file))).ok();
    stage.types("doctor").fails().says("does not ask about CREATE of workflows.argoproj.io");

    // It fails closed, and doctor says why.
    stage.wharfinger.stop().unwrap();
    stage.pod("default").fails().says("failed calling webhook");
    let unreached = stage.types("doctor").fails().says("WRONG  the webhooks answer through the API server");
    assert!(!unreached.output.contains(&stage.segment()), "the API server says the path, and doctor does not: {unreached}");

    // With its service account's rights, the process corrects what leads to it: another CA, another host.
    let kubeconfig = text(&stage.service_account());
    stage.starts_again(|serve| serve.flag("--kubeconfig", &kubeconfig), |config| config["url"].as_str().is_some());
    let asked = until(PATIENCE, || stage.types("doctor").status == 0);
    assert!(asked, "{}\n{}", stage.types("doctor"), stage.wharfinger.log());
    stage.shows_what_runs();
    let [certificate, key] = stage.kubernetes.certificate().map(|path| text(&path));
    let (ca, host) = (text(&stage.kubernetes.ca()), stage.cluster.clone());
    let ca_bundle = stage.kubernetes.ca_bundle().unwrap();
    stage.starts_again(
        |serve| {
            let serve = serve.flag("--cluster-host", &host).flag("--cluster-tls-cert", &certificate);
            serve.flag("--cluster-tls-key", &key).flag("--cluster-tls-ca", &ca)
        },
        |config| config["url"].as_str().is_some_and(|url| url.contains(&host)) && config["caBundle"] == ca_bundle,
    );
    stage.pod("default").fails().says(SENTENCE);
    assert!(!stage.wharfinger.log().contains(&stage.segment()), "the secret of the path is in no log");
    stage.types("doctor").fails().says("it leads to");

    stage.types("uninstall").ok().says("MutatingWebhookConfiguration wharfinger: removed");
    stage.pod("default").ok();
    assert_eq!(stage.types("uninstall").ok().stdout.lines().count(), 1, "the namespace stays");
    stage.types("uninstall --data").ok().says("Namespace wharfinger: removed");
}

#[test]
#[ignore = "needs `cargo xtask kubernetes`"]
fn wharfinger_gets_the_least_rights_and_takes_nothing_that_others_made() {
    let stage = Stage::new();
    stage.kubernetes.namespace("qa");
    let nobody = stage.kubeconfig_of("nobody", &json!({"token": "hunter2"}));
    stage.types_as(&nobody, "install").fails().says("401").never_says("hunter2");
    let certificate = stage.kubeconfig_of("certificate", &json!({"client-certificate": "admin.pem", "client-key": "admin.key"}));
    stage.types_as(&certificate, "install").ok().says("every secret of the cluster by its name");
    for allowed in [
        "get secrets -n qa",
        "list pods -n qa",
        "get serviceaccounts -n default",
        "update mutatingwebhookconfigurations/wharfinger",
        "get validatingwebhookconfigurations/wharfinger",
    ] {
        assert!(stage.may(allowed), "{allowed}");
    }
    for refused in [
        "list secrets -n qa",
        "watch secrets -n qa",
        "update secrets -n qa",
        "create pods -n qa",
        "get pods -n qa",
        "watch pods -n qa",
        "get configmaps -n qa",
        "update mutatingwebhookconfigurations/other",
        "list mutatingwebhookconfigurations",
        "create mutatingwebhookconfigurations",
        "delete validatingwebhookconfigurations/wharfinger",
    ] {
        assert!(!stage.may(refused), "{refused}");
    }

    // What is limited is limited from then on, and not only besides.
    let limited = stage.types("install --pull-secrets-in qa").ok().never_says("every secret");
    limited.says("ClusterRoleBinding wharfinger-pull-secrets: removed");
    assert!(stage.may("get secrets -n qa") && !stage.may("get secrets -n default"));
    stage.types("install --pull-secrets-in default").ok().says("RoleBinding qa/wharfinger-pull-secrets: removed");
    assert!(!stage.may("get secrets -n qa") && stage.may("get secrets -n default"));
    stage.types("uninstall").ok().says("RoleBinding default/wharfinger-pull-secrets: removed");
    assert!(!stage.may("get secrets -n default"));

    let role = ["create", "clusterrole", "wharfinger", "--verb=get", "--resource=pods"];
    stage.kubernetes.kubectl(&role, "").ok();
    stage.types("install").fails().says("ClusterRole wharfinger that Wharfinger did not make");
    stage.types("uninstall").ok().says("ClusterRole wharfinger: stays");
    stage.kubernetes.kubectl(&["get", "clusterrole", "wharfinger"], "").ok();
    stage.types("install --namespace default -o json").ok();
}

/// The API server is older than `--in-cluster` needs, so what it makes is applied as it is printed.
#[test]
#[ignore = "needs `cargo xtask kubernetes`"]
fn inside_the_cluster_nothing_passes_until_the_process_has_written_where_it_is() {
    let mut stage = Stage::new();
    stage.types("install --in-cluster").fails().says("--image");
    stage.types("install --in-cluster --image dtr.test/wharfinger:1").fails().says("needs Kubernetes 1.21");
    stage.types("install --in-cluster --image dtr.test/wharfinger:1 --namespace kube-system").fails().says("one of its own");

    let printed = stage.types("install --in-cluster --image dtr.test/wharfinger:1 -o yaml").ok().stdout;
    // The only kind that this old API server knows by another version.
    let printed = printed.replace("apiVersion: policy/v1\n", "apiVersion: policy/v1beta1\n");
    stage.kubernetes.namespace("wharfinger");
    let label = ["label", "namespace", "wharfinger", "kubernetes.io/metadata.name=wharfinger"];
    stage.kubernetes.kubectl(&label, "").ok();
    for dry_run in ["--dry-run=server", "--dry-run=none"] {
        stage.kubernetes.kubectl(&["apply", "--server-side", "--validate=true", dry_run, "-f", "-"], &printed).ok();
    }
    let deployment = stage.kubernetes.get("wharfinger", "deployment wharfinger");
    assert_eq!(deployment["spec"]["replicas"], 1);

    stage.pod("default").fails().says("failed calling webhook");
    stage.pod("wharfinger").ok();
    let kubeconfig = text(&stage.service_account());
    stage.starts_again(
        |serve| serve.flag("--kubeconfig", &kubeconfig),
        |config| {
            let service = &config["service"];
            service["path"].as_str().is_some_and(|path| path.starts_with("/admission/"))
                && service["namespace"] == "wharfinger"
                && config["caBundle"].as_str().is_some()
        },
    );
    // Applied once more, it stays as the process wrote it.
    let before = stage.client_configs();
    stage.kubernetes.kubectl(&["apply", "--server-side", "-f", "-"], &printed).ok();
    assert_eq!(stage.client_configs(), before);
    stage.types("install").fails().says("leads elsewhere");

    stage.types("uninstall").ok().says("Deployment wharfinger/wharfinger: removed").says("PersistentVolumeClaim");
    stage.pod("default").ok();
    stage.kubernetes.kubectl(&["get", "persistentvolumeclaim", "wharfinger", "-n", "wharfinger"], "").ok();
}
