//! A stage for one test of admission: an API server, a `wharfinger up` that it asks, and an image that may run.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::cast::Cast;
use crate::kubernetes::{Kubernetes, KubernetesOptions};
use crate::manifests::Kind;
use crate::run::{Ran, run, until};
use crate::scene::{Scene, shared_engine};
use crate::wharfinger::{Wharfinger, binary};

/// Every test's own namespace.
pub const NAMESPACE: &str = "shop";

/// What the API server says when an image may not run.
pub const REFUSED: &str = "one or more container images do not meet the required signing policy: [";

/// *Run only signed images* with the team `acme/qa`, both webhooks installed, the controllers running.
#[derive(Debug)]
pub struct Guarded {
    pub kubernetes: Kubernetes,
    pub scene: Scene,
    pub cast: Cast,
    /// `…/acme/app:1`, signed by quinn.
    pub signed: String,
    /// `…/acme/app:2`, signed by nobody.
    pub unsigned: String,
    _dir: TempDir,
}

impl Guarded {
    #[track_caller]
    pub fn up() -> Self {
        match Self::try_up() {
            Ok(guarded) => guarded,
            Err(error) => panic!("{error:#}"),
        }
    }

    fn try_up() -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("wf-").tempdir()?;
        let options = KubernetesOptions { controllers: true, ..Default::default() };
        let kubernetes = Kubernetes::start(dir.path(), options)?;
        kubernetes.namespace(NAMESPACE);
        let kubeconfig = kubernetes.kubeconfig().display().to_string();
        let scene = Scene::try_up(&shared_engine(), |serve| serve.flag("--kubeconfig", &kubeconfig))?;
        let cast = scene.acme("public");
        let signed = scene.push(&cast.dev, "acme/app:1", "v1");
        let unsigned = scene.push(&cast.dev, "acme/app:2", "v2");
        scene.enforce(&["acme/qa"]);
        cast.add_quinn(&signed);
        cast.quinn_signs(&signed);
        kubernetes.asks(&scene.wharfinger)?;
        Ok(Self { kubernetes, scene, cast, signed, unsigned, _dir: dir })
    }

    /// What a signed image becomes: `repo:tag@sha256:…`.
    #[track_caller]
    pub fn pinned(&self, image: &str) -> String {
        let answer = self.scene.admin().post("/api/trust/explain", &json!({"image": image})).is(200).json();
        format!("{image}@{}", answer["digest"].as_str().unwrap_or_default())
    }

    /// Applies an object of `kind` with these containers.
    #[track_caller]
    pub fn apply(&self, kind: &str, name: &str, containers: &[(&str, &str)]) -> Ran {
        self.kubernetes.apply(&Kind::named(kind).object(NAMESPACE, name, containers))
    }

    /// Reads an object of `kind` as it was stored.
    #[track_caller]
    pub fn stored(&self, kind: &str, name: &str) -> Value {
        self.kubernetes.get(NAMESPACE, &format!("{kind} {name}"))
    }

    /// A command of the stock client in [`NAMESPACE`].
    #[track_caller]
    pub fn kubectl(&self, arguments: &[&str]) -> Ran {
        self.kubernetes.kubectl(&[&["-n", NAMESPACE], arguments].concat(), "")
    }

    /// The decisions that this cluster has recorded for `kubectl`, the newest first.
    #[track_caller]
    pub fn decisions(&self) -> Vec<Value> {
        let answer = self.scene.admin().get("/api/audit?action=deploy&actor=kubernetes:admin&limit=1000").is(200).json();
        answer["entries"].as_array().cloned().unwrap_or_default()
    }
}

impl Kubernetes {
    /// From now on this API server asks `wharfinger`, which an operator installs in it.
    pub fn asks(&self, wharfinger: &Wharfinger) -> Result<()> {
        self.install(wharfinger)?;
        // It hears of webhooks a moment after they were written.
        let pod = Kind::named("Pod").object("default", "probe", &[("app", "nobody.example/knows:this")]).to_string();
        let mut last = None;
        let refused = until(Duration::from_secs(30), || {
            last = self.try_kubectl(&["create", "--dry-run=server", "-f", "-"], &pod).ok();
            last.as_ref().is_some_and(|ran| ran.output.contains(REFUSED))
        });
        ensure!(refused, "the webhooks refuse nothing: {last:?}");
        Ok(())
    }

    /// `wharfinger kubernetes install`.
    pub fn install(&self, wharfinger: &Wharfinger) -> Result<Ran> {
        let mut command = Command::new(binary());
        command.args(["kubernetes", "install", "--kubeconfig"]).arg(self.kubeconfig());
        let host = wharfinger.cluster().context("a cluster")?.trim_start_matches("https://");
        command.args(["--cluster-host", host, "--data-dir"]).arg(wharfinger.data());
        let installed = run(command)?;
        ensure!(installed.status == 0, "{installed}");
        Ok(installed)
    }
}
