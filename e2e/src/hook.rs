//! Somebody else's mutating webhook, which changes what it is told to change, when it is told to.

use std::fs;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::guarded::{Guarded, NAMESPACE};
use crate::manifests::Kind;
use crate::run::until;
use crate::scene::free_port;

const PROGRAM: &str = include_str!("hook.py");
const PATIENCE: Duration = Duration::from_secs(20);

/// A webhook that is asked about every new Pod, and ends with this value. Its configuration stays.
#[derive(Debug)]
pub struct Hook {
    child: Child,
    dir: TempDir,
}

impl Hook {
    /// `name` decides when it is asked: webhooks come in the order of their names. `answers` are its answers to the first calls,
    /// each `{"patch": […]}`, a JSON patch, or `{"hold": true}`, which waits for [`Hook::go_on`]; later calls change nothing.
    pub fn start(guarded: &Guarded, name: &str, answers: &[Value]) -> Result<Self> {
        let kubernetes = &guarded.kubernetes;
        let dir = tempfile::Builder::new().prefix("wf-").tempdir()?;
        for (call, answer) in answers.iter().enumerate() {
            fs::write(dir.path().join(format!("{call}.json")), answer.to_string())?;
        }
        let port = free_port();
        let mut python = Command::new("python3");
        python.args(["-c", PROGRAM, &port.to_string()]).args(kubernetes.certificate()).arg(dir.path());
        let child = python.stdin(Stdio::null()).spawn().context("starting python3")?;
        let hook = Self { child, dir };
        ensure!(until(PATIENCE, || TcpStream::connect(("127.0.0.1", port)).is_ok()), "the webhook does not listen");

        let ca = kubernetes.ca_bundle()?;
        let rule = json!({"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]});
        let webhook = json!({
            "name": format!("{name}.example.com"),
            "clientConfig": {"url": format!("https://127.0.0.1:{port}/"), "caBundle": ca},
            "rules": [rule],
            "failurePolicy": "Fail",
            "reinvocationPolicy": "IfNeeded",
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
            "timeoutSeconds": 30,
        });
        kubernetes.apply(&json!({
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": name},
            "webhooks": [webhook],
        }));
        let probe = Kind::named("Pod").object(NAMESPACE, "hook-probe", &[("app", &guarded.signed)]).to_string();
        let heard = until(PATIENCE, || {
            kubernetes.try_kubectl(&["create", "--dry-run=server", "-f", "-"], &probe).ok();
            hook.dir.path().join("probe.asked").exists()
        });
        ensure!(heard, "the API server does not ask {name}");
        Ok(hook)
    }

    /// Waits until it was asked for the `call`th time, counted from 0.
    pub fn was_asked(&self, call: usize) -> bool {
        let file = self.file(call, "asked");
        until(PATIENCE, || file.exists())
    }

    /// Lets a held call be answered.
    pub fn go_on(&self, call: usize) {
        fs::write(self.file(call, "go"), "").expect("the folder is ours");
    }

    fn file(&self, call: usize, what: &str) -> PathBuf {
        self.dir.path().join(format!("{call}.{what}"))
    }
}

impl Drop for Hook {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
