//! A warm `AdmissionReview`, over TLS, as the API server sends it: how many a second, and how long each while many come.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tokio::task::LocalSet;
use wharfinger_admission::WebhookSecret;
use wharfinger_e2e::{Api, Serve, Wharfinger, free_port};
use wharfinger_keys::SealKey;
use wharfinger_storage_sql::Sql;

use crate::decide::MEMORY;
use crate::figure::Figure;
use crate::host::Host;
use crate::load::{Target, closed_loop, open_loop};
use crate::world;

const LONG: Duration = Duration::from_secs(5);
/// Reviews of one namespace that are under way at once are counted, and bounded.
const NAMESPACES: usize = 10;

pub fn measure() -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for (name, parent) in [("on disk", std::env::temp_dir()), ("in memory", MEMORY.into())] {
        let folder = tempfile::Builder::new().prefix("wf-").tempdir_in(&parent)?;
        figures.extend(measure_in(folder.path(), name)?);
    }
    Ok(figures)
}

fn measure_in(folder: &Path, name: &str) -> Result<Vec<Figure>> {
    let runtime = tokio::runtime::Runtime::new()?;
    let warm = runtime.block_on(Warm::up(folder))?;
    // The registry that the image came from goes on telling that nothing changed, in threads of its own.
    let alone = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&alone, async {
        let mut figures = Vec::new();
        for (phase, image) in [("mutate", &warm.image), ("validate", &warm.pinned)] {
            let (rate, closed) = closed_loop(warm.target(phase, image)?, 32, LONG).await?;
            let open = open_loop(warm.target(phase, image)?, 500, 2000, LONG).await?;
            let rate = Figure::new(format!("warm review, database {name}, {phase}: 32 connections"), rate, "/s");
            figures.push(rate.at_least(10_000.0));
            figures.push(Figure::ms("… p99", closed.percentile(99)));
            figures.push(Figure::ms("… 2,000/s over 500 connections: p50", open.percentile(50)));
            figures.push(Figure::ms("… p99", open.percentile(99)).at_most(5.0));
        }
        Ok(figures)
    })
}

/// A cluster that has decided an image and hears from its registry, so that it asks nobody again.
pub struct Warm {
    pub cluster: Wharfinger,
    /// `host/qa/app:v50`, signed.
    pub image: String,
    pub pinned: String,
    ca: String,
    secret: WebhookSecret,
    _host: Host,
}

impl Warm {
    pub async fn up(folder: &Path) -> Result<Self> {
        let host = Host::start().await;
        host.feed(true);
        let signer = world::signer();
        let gun = host.gun("qa/app");
        host.publish(&gun, world::repository(&gun, &signer, 100).render());
        let cluster = Serve::new("cluster serve", folder)
            .flag("--cluster-listen", &format!("127.0.0.1:{}", free_port()))
            .flag("--engine", &format!("unix://{}", folder.join("no-engine").display()))
            .start()?;
        let sql = Sql::open(&cluster.data().join("wharfinger.db")).await?;
        world::tell(&sql, signer.private.public_key(), &host.name.parse()?, &host.ca).await?;
        let seal = SealKey::from_bytes(&std::fs::read(cluster.data().join("seal.key"))?)?;
        let secret = WebhookSecret::open(&sql, &seal).await?;
        sql.close().await;

        let url = cluster.cluster().context("a cluster")?.to_owned();
        let session = Api::at(&url).login("admin", &cluster.admin_password()?);
        let ca = session.try_call("GET", "/ca", None)?.body;
        let image = format!("{gun}:v50");
        // Until the cluster has heard of what was written beside it, and from the feed that what it has read is current.
        let since = Instant::now();
        let pinned = loop {
            host.requests();
            let told = session.post("/api/trust/explain", &json!({"image": image})).json();
            if told["verdict"] == "allow" && host.requests().is_empty() {
                break format!("{image}@{}", told["digest"].as_str().context("a digest")?);
            }
            ensure!(since.elapsed() < Duration::from_secs(10), "refused, or the registry is asked again and again: {told}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        Ok(Self { cluster, image, pinned, ca, secret, _host: host })
    }

    fn target(&self, phase: &str, image: &str) -> Result<Target> {
        let host = self.cluster.cluster().context("a cluster")?.trim_start_matches("https://");
        let port = host.rsplit(':').next().context("a port")?.parse()?;
        let request = |namespace: usize| {
            let body = review(image, &format!("team-{namespace}")).to_string();
            let head = format!(
                "POST /admission/{phase}/{}?timeout=10s HTTP/1.1\r\nhost: {host}\r\nuser-agent: kube-apiserver\r\n\
                 accept: application/json, */*\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                self.secret.segment(),
                body.len()
            );
            [head, body].concat().into_bytes()
        };
        let requests = (0..NAMESPACES).map(request).collect();
        let expected = if phase == "mutate" { "JSONPatch" } else { "\"allowed\":true" };
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        Ok(Target { address, ca: self.ca.clone(), requests, expected })
    }
}

/// A new Pod with one container, with all that an API server writes around it.
fn review(image: &str, namespace: &str) -> Value {
    let gvk = json!({"group": "", "version": "v1", "kind": "Pod"});
    let gvr = json!({"group": "", "version": "v1", "resource": "pods"});
    let fields = json!({
        "f:metadata": {"f:labels": {".": {}, "f:app": {}}},
        "f:spec": {
            "f:containers": {"k:{\"name\":\"app\"}": {
                ".": {}, "f:image": {}, "f:imagePullPolicy": {}, "f:name": {}, "f:resources": {},
                "f:terminationMessagePath": {}, "f:terminationMessagePolicy": {},
            }},
            "f:dnsPolicy": {}, "f:enableServiceLinks": {}, "f:restartPolicy": {}, "f:schedulerName": {}, "f:securityContext": {},
            "f:terminationGracePeriodSeconds": {},
        },
    });
    let object = json!({
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {
            "name": "app", "namespace": namespace, "creationTimestamp": null, "labels": {"app": "app"},
            "managedFields": [{
                "manager": "kubectl-create", "operation": "Update", "apiVersion": "v1", "time": "2026-01-31T12:00:00Z",
                "fieldsType": "FieldsV1", "fieldsV1": fields,
            }],
        },
        "spec": {
            "containers": [{
                "name": "app", "image": image, "resources": {}, "imagePullPolicy": "IfNotPresent",
                "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
            }],
            "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst", "securityContext": {},
            "schedulerName": "default-scheduler", "priority": 0, "enableServiceLinks": true, "preemptionPolicy": "PreemptLowerPriority",
        },
        "status": {"phase": "Pending", "qosClass": "BestEffort"},
    });
    json!({
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "e4bfacaf-1ea7-4d79-b0cc-d57a2c8fd753",
            "kind": gvk, "resource": gvr, "requestKind": gvk, "requestResource": gvr,
            "name": "app", "namespace": namespace, "operation": "CREATE",
            "userInfo": {"username": "admin", "uid": "admin", "groups": ["system:masters", "system:authenticated"]},
            "object": object, "oldObject": null, "dryRun": false,
            "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1", "fieldManager": "kubectl-create"},
        },
    })
}
