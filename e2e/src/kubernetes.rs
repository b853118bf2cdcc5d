//! A real Kubernetes API server of our own: etcd, kube-apiserver and, where they are asked for, the real controllers.
//!
//! There is no scheduler and no kubelet: Pods are made and stay pending, which is all that admission can see.

use std::fs::{self, File};
use std::io::{Seek, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::api::Api;
use crate::cache::cached;
use crate::run::{Ran, run, run_from, until};
use crate::scene::free_port;

/// The release that `cargo xtask kubernetes` builds, from Debian 12's source package.
pub const KUBERNETES_VERSION: &str = "1.20.2";

/// How long one of its parts may take to come up.
const PATIENCE: Duration = Duration::from_mins(1);

/// A CA, the API server's certificate and the key of service accounts' tokens. openssl, because nothing here links the product.
const CERTIFICATES: &str = "
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout ca.key -out ca.crt -days 2 -subj /CN=kubernetes \
  -addext keyUsage=critical,keyCertSign,digitalSignature
openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout server.key -out server.csr -subj /CN=127.0.0.1
printf 'subjectAltName=IP:127.0.0.1,DNS:localhost\\nextendedKeyUsage=serverAuth\\n' > server.ext
openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -sha256 -extfile server.ext -out server.crt
openssl genrsa -out accounts.key 2048";

/// Controllers of nodes and disks, which are not there.
const CONTROLLERS: &str = "*,-nodeipam,-nodelifecycle,-ttl,-attachdetach,-persistentvolume-binder";

/// What an API server is for.
#[derive(Debug, Clone, Copy, Default)]
pub struct KubernetesOptions<'a> {
    /// Who has a certificate of this CA is its CN, in the groups that are its Os.
    pub client_ca: Option<&'a Path>,
    /// What it shows the webhooks of this `host:port`: certificate and key.
    pub webhook_client: Option<(&'a str, &'a Path, &'a Path)>,
    /// With the controllers that make Pods of Deployments and tokens of service accounts. Then every Pod has a service account,
    /// as everywhere else; without them a Pod's `serviceAccountName` is only a word.
    pub controllers: bool,
}

/// An API server that ends with this value. `kubectl` is its administrator; `--as` and `--as-group` make it anybody else.
#[derive(Debug)]
pub struct Kubernetes {
    dir: PathBuf,
    url: String,
    token: String,
    /// In the order in which they were started.
    children: Vec<(&'static str, Child)>,
}

impl Kubernetes {
    /// Starts one in `dir`. Seven seconds and 400 MB: a test that takes one walks a whole story on it. Two tests could not share
    /// one, for webhook configurations are the whole server's.
    ///
    /// Such a test is marked `#[ignore = "needs `cargo xtask kubernetes`"]`: `cargo xtask test` runs it where there is an API server,
    /// and says so where there is none.
    pub fn start(dir: &Path, options: KubernetesOptions<'_>) -> Result<Self> {
        let programs = kubernetes_programs();
        ensure!(programs.is_dir(), "no API server in {}: `cargo xtask kubernetes` builds it", programs.display());
        fs::create_dir_all(dir)?;
        let mut bash = Command::new("bash");
        bash.args(["-e", "-c", CERTIFICATES]).current_dir(dir);
        let made = run(bash)?;
        ensure!(made.status == 0, "{made}");

        let (api, etcd) = (free_port(), free_port());
        let token = fs::read_to_string("/proc/sys/kernel/random/uuid")?.trim().to_owned();
        let mut kubernetes =
            Self { dir: dir.to_path_buf(), url: format!("https://127.0.0.1:{api}"), token, children: Vec::new() };
        fs::write(kubernetes.file("tokens"), format!("{},admin,admin,system:masters\n", kubernetes.token))?;
        fs::write(kubernetes.kubeconfig(), kubernetes.context().to_string())?;

        kubernetes.launch_etcd(etcd)?;
        kubernetes.launch_api_server(&programs, api, etcd, options)?;
        if options.controllers {
            kubernetes.launch_controllers(&programs)?;
            kubernetes.wait_for_account("default")?;
        }
        Ok(kubernetes)
    }

    fn launch_etcd(&mut self, port: u16) -> Result<()> {
        let (clients, peers) = (format!("http://127.0.0.1:{port}"), format!("http://127.0.0.1:{}", free_port()));
        let mut etcd = Command::new("etcd");
        etcd.args(["--name=e", "--logger=zap", "--log-level=warn", "--data-dir"]).arg(self.file("etcd"));
        for (flag, value) in [
            ("--listen-client-urls", &clients),
            ("--advertise-client-urls", &clients),
            ("--listen-peer-urls", &peers),
            ("--initial-advertise-peer-urls", &peers),
            ("--initial-cluster", &format!("e={peers}")),
        ] {
            etcd.args([flag, value]);
        }
        self.launch("etcd", etcd, |_| TcpStream::connect(("127.0.0.1", port)).is_ok())
    }

    fn launch_api_server(&mut self, programs: &Path, port: u16, etcd: u16, options: KubernetesOptions<'_>) -> Result<()> {
        let file = |name: &str| self.file(name).display().to_string();
        let mut server = Command::new(programs.join("kube-apiserver"));
        server.args(["--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--insecure-port=0"]);
        server.args([format!("--secure-port={port}"), format!("--etcd-servers=http://127.0.0.1:{etcd}")]);
        server.args(["--endpoint-reconciler-type=none", "--service-cluster-ip-range=10.96.0.0/24"]);
        server.args(["--authorization-mode=RBAC", "--allow-privileged=true", "--feature-gates=EphemeralContainers=true"]);
        server
            .args(["--service-account-issuer=https://kubernetes.default.svc", "--api-audiences=https://kubernetes.default.svc"]);
        for (flag, name) in [
            ("--tls-cert-file", "server.crt"),
            ("--tls-private-key-file", "server.key"),
            ("--token-auth-file", "tokens"),
            ("--service-account-key-file", "accounts.key"),
            ("--service-account-signing-key-file", "accounts.key"),
            ("--cert-dir", "certificates"),
        ] {
            server.args([flag, &file(name)]);
        }
        if let Some(ca) = options.client_ca {
            server.arg("--client-ca-file").arg(ca);
        }
        if let Some((webhook, certificate, key)) = options.webhook_client {
            server.arg("--admission-control-config-file").arg(self.write_admission_control(webhook, certificate, key)?);
        }
        if !options.controllers {
            server.arg("--disable-admission-plugins=ServiceAccount");
        }
        let ready = |kubernetes: &Self| kubernetes.api().try_call("GET", "/readyz", None).is_ok_and(|a| a.status == 200);
        self.launch("kube-apiserver", server, ready)
    }

    fn write_admission_control(&self, webhook: &str, certificate: &Path, key: &Path) -> Result<PathBuf> {
        let (kubeconfig, file) = (self.file("webhooks"), self.file("admission"));
        let user = json!({ "client-certificate": certificate, "client-key": key });
        let config = json!({ "apiVersion": "v1", "kind": "Config", "users": [{ "name": webhook, "user": user }] });
        fs::write(&kubeconfig, config.to_string())?;
        let version = "apiserver.config.k8s.io/v1";
        let configuration =
            json!({ "apiVersion": version, "kind": "WebhookAdmissionConfiguration", "kubeConfigFile": kubeconfig });
        let plugins = ["MutatingAdmissionWebhook", "ValidatingAdmissionWebhook"]
            .map(|name| json!({ "name": name, "configuration": configuration }));
        let whole = json!({ "apiVersion": version, "kind": "AdmissionConfiguration", "plugins": plugins });
        fs::write(&file, whole.to_string())?;
        Ok(file)
    }

    fn launch_controllers(&mut self, programs: &Path) -> Result<()> {
        let mut manager = Command::new(programs.join("kube-controller-manager"));
        manager.args(["--leader-elect=false", "--port=0", "--secure-port=0", "--use-service-account-credentials=true"]);
        manager.args(["--controllers", CONTROLLERS]);
        // A hundred Deployments at once wait for the API server, not for the controllers' own courtesy.
        manager.args(["--kube-api-qps=500", "--kube-api-burst=500"]);
        manager.arg("--kubeconfig").arg(self.kubeconfig());
        manager.arg("--service-account-private-key-file").arg(self.file("accounts.key"));
        manager.arg("--root-ca-file").arg(self.ca());
        self.launch("kube-controller-manager", manager, |_| true)
    }

    /// In this process's group, so that whoever ends a test that hangs ends these, too.
    fn launch(&mut self, name: &'static str, mut command: Command, up: impl Fn(&Self) -> bool) -> Result<()> {
        let log = File::create(self.file(&format!("{name}.log")))?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let mut child = command.spawn().with_context(|| format!("starting {name}"))?;
        let mut ended = false;
        let came = until(PATIENCE, || {
            ended = !matches!(child.try_wait(), Ok(None));
            ended || up(self)
        });
        self.children.push((name, child));
        if ended || !came {
            let log = self.log(name);
            let tail: Vec<&str> = log.lines().rev().take(15).collect();
            bail!("{name} did not come up:\n{}", tail.into_iter().rev().collect::<Vec<_>>().join("\n"));
        }
        Ok(())
    }

    /// What `kubectl` reads: JSON is YAML.
    fn context(&self) -> Value {
        json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
            "clusters": [{"name": "test", "cluster": {"server": self.url, "certificate-authority": self.ca()}}],
            "users": [{"name": "admin", "user": {"token": self.token}}],
        })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// `https://127.0.0.1:<port>`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The file with the CA of its certificate.
    pub fn ca(&self) -> PathBuf {
        self.file("ca.crt")
    }

    /// The administrator's bearer token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The CA as `caBundle` holds it.
    pub fn ca_bundle(&self) -> Result<String> {
        let mut base64 = Command::new("base64");
        base64.arg("-w0").arg(self.ca());
        Ok(run(base64)?.stdout)
    }

    /// The files of a certificate for 127.0.0.1 and of its key.
    pub fn certificate(&self) -> [PathBuf; 2] {
        [self.file("server.crt"), self.file("server.key")]
    }

    /// The administrator's, who is in `system:masters`.
    pub fn kubeconfig(&self) -> PathBuf {
        self.file("kubeconfig")
    }

    /// Its HTTP interface, as the administrator.
    pub fn api(&self) -> Api {
        Api::at(&self.url).trusting(&self.ca()).with_token(&self.token)
    }

    /// What `etcd`, `kube-apiserver` or `kube-controller-manager` said.
    pub fn log(&self, name: &str) -> String {
        fs::read_to_string(self.file(&format!("{name}.log"))).unwrap_or_default()
    }

    /// Types a command of the stock client, with `stdin` for `-f -`.
    #[track_caller]
    pub fn kubectl(&self, arguments: &[&str], stdin: &str) -> Ran {
        match self.try_kubectl(arguments, stdin) {
            Ok(ran) => ran,
            Err(error) => panic!("kubectl {}: {error:#}", arguments.join(" ")),
        }
    }

    /// As [`Kubernetes::kubectl`], when a client that hangs is no reason to panic.
    pub fn try_kubectl(&self, arguments: &[&str], stdin: &str) -> Result<Ran> {
        let mut input = tempfile::tempfile()?;
        input.write_all(stdin.as_bytes())?;
        input.rewind()?;
        let mut command = Command::new("kubectl");
        command.args(arguments).env("KUBECONFIG", self.kubeconfig());
        // What it remembers of a server stays in this server's folder.
        command.env("HOME", &self.dir).env_remove("XDG_CACHE_HOME");
        run_from(command, input.into(), PATIENCE)
    }

    /// Applies one object, or a `List` of them, as `kubectl apply` does.
    #[track_caller]
    pub fn apply(&self, object: &Value) -> Ran {
        self.kubectl(&["apply", "-f", "-"], &object.to_string())
    }

    /// Reads `what` (`"pod web"`, `"events"`) of a namespace as JSON.
    #[track_caller]
    pub fn get(&self, namespace: &str, what: &str) -> Value {
        let words: Vec<&str> = what.split(' ').collect();
        self.kubectl(&[&["get", "-o", "json", "-n", namespace], words.as_slice()].concat(), "").ok().json()
    }

    /// Makes a namespace, and waits until Pods can be made in it.
    #[track_caller]
    pub fn namespace(&self, name: &str) {
        self.kubectl(&["create", "namespace", name], "").ok();
        if self.children.iter().any(|(child, _)| *child == "kube-controller-manager") {
            self.wait_for_account(name).expect("the controllers give every namespace a service account");
        }
    }

    /// A Pod is refused until its namespace's service account has a token.
    fn wait_for_account(&self, namespace: &str) -> Result<()> {
        let token = ["get", "serviceaccount", "default", "-n", namespace, "-o", "jsonpath={.secrets[0].name}"];
        let has = until(PATIENCE, || self.try_kubectl(&token, "").is_ok_and(|ran| ran.status == 0 && !ran.line().is_empty()));
        ensure!(has, "no token for {namespace}'s service account:\n{}", self.log("kube-controller-manager"));
        Ok(())
    }
}

impl Drop for Kubernetes {
    fn drop(&mut self) {
        // Nobody needs its data again, so nobody waits for it to close its books.
        for (_, child) in self.children.iter_mut().rev() {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

/// Where `cargo xtask kubernetes` keeps kube-apiserver and kube-controller-manager.
pub fn kubernetes_programs() -> PathBuf {
    cached("kubernetes").join(KUBERNETES_VERSION)
}
