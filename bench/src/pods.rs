//! What both webhooks add to making a Pod: the same request to one real API server, in a namespace that is asked about and in one
//! that is not, in turn.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use wharfinger_e2e::{Kind, Kubernetes, KubernetesOptions, until};

use crate::decide::Page;
use crate::figure::{Figure, Times};
use crate::review::Warm;

const LONG: Duration = Duration::from_secs(20);
const ASKED: &str = "asked";
const UNASKED: &str = "unasked";

pub fn measure() -> Result<Vec<Figure>> {
    let folder = tempfile::Builder::new().prefix("wf-").tempdir()?;
    let kubernetes = Kubernetes::start(&folder.path().join("kubernetes"), KubernetesOptions::default())?;
    let runtime = tokio::runtime::Runtime::new()?;
    let warm = runtime.block_on(Warm::up(&folder.path().join("cluster")))?;
    kubernetes.asks(&warm.cluster)?;
    leave_out(&kubernetes, &warm.image)?;

    let mut page = Page::beside(folder.path())?;
    let (mut asked, mut unasked, mut disk) = (Times::default(), Times::default(), Times::default());
    runtime.block_on(async {
        let client = client(&kubernetes)?;
        let began = Instant::now();
        let mut number = 0;
        while began.elapsed() < LONG {
            number += 1;
            // Neither always comes first.
            let order = if number % 2 == 0 { [ASKED, UNASKED] } else { [UNASKED, ASKED] };
            for namespace in order {
                let took = create(&client, &kubernetes, namespace, &format!("pod{number}"), &warm.image).await?;
                if namespace == ASKED { asked.add(took) } else { unasked.add(took) }
            }
            disk.add(page.sync()?);
        }
        anyhow::Ok(())
    })?;
    let stored =
        kubernetes.try_kubectl(&["get", "pod", "pod1", "-n", ASKED, "-o", "jsonpath={.spec.containers[0].image}"], "")?;
    ensure!(stored.line() == warm.pinned, "it is not pinned: {stored}");
    let added = |percent| asked.percentile(percent).saturating_sub(unasked.percentile(percent));
    Ok(vec![
        Figure::ms("both webhooks add to a new Pod: p50", added(50))
            .at_most(5.0)
            .beside_ms("a new Pod without", unasked.percentile(50))
            .beside_ms("one fdatasync", disk.percentile(50)),
        Figure::ms("… p99", added(99))
            .beside_ms("a new Pod without", unasked.percentile(99))
            .beside_ms("one fdatasync", disk.percentile(99)),
    ])
}

/// Makes both namespaces, and has the webhooks leave one of them out; the product never does.
fn leave_out(kubernetes: &Kubernetes, image: &str) -> Result<()> {
    for namespace in [ASKED, UNASKED] {
        kubernetes.namespace(namespace);
        kubernetes.kubectl(&["label", "namespace", namespace, &format!("bench={namespace}")], "");
    }
    let selector = json!({"matchExpressions": [{"key": "bench", "operator": "NotIn", "values": [UNASKED]}]});
    let patch = json!([{"op": "add", "path": "/webhooks/0/namespaceSelector", "value": selector}]).to_string();
    for configuration in ["mutatingwebhookconfiguration", "validatingwebhookconfiguration"] {
        let patched = kubernetes.try_kubectl(&["patch", configuration, "wharfinger", "--type=json", "-p", &patch], "")?;
        ensure!(patched.status == 0, "{patched}");
    }
    let probe = |namespace: &str, image: &str| {
        let pod = Kind::named("Pod").object(namespace, "probe", &[("app", image)]).to_string();
        kubernetes.try_kubectl(&["create", "--dry-run=server", "-f", "-"], &pod).is_ok_and(|ran| ran.status == 0)
    };
    let unsigned = format!("{image}-unsigned");
    let heard = until(Duration::from_secs(20), || probe(UNASKED, &unsigned) && !probe(ASKED, &unsigned) && probe(ASKED, image));
    ensure!(heard, "the webhooks should be asked about {ASKED} only");
    Ok(())
}

fn client(kubernetes: &Kubernetes) -> Result<reqwest::Client> {
    let ca = reqwest::Certificate::from_pem_bundle(&std::fs::read(kubernetes.ca())?)?;
    let mut headers = http::HeaderMap::new();
    headers.insert("authorization", format!("Bearer {}", kubernetes.token()).parse()?);
    reqwest::Client::builder().no_proxy().tls_certs_only(ca).default_headers(headers).build().context("a client")
}

async fn create(client: &reqwest::Client, kubernetes: &Kubernetes, namespace: &str, name: &str, image: &str) -> Result<Duration> {
    let pod = Kind::named("Pod").object(namespace, name, &[("app", image)]);
    let url = format!("{}/api/v1/namespaces/{namespace}/pods", kubernetes.url());
    let start = Instant::now();
    let answer = client.post(url).json(&pod).send().await?;
    let status = answer.status();
    let said = answer.bytes().await?;
    let took = start.elapsed();
    ensure!(status == 201, "{status}: {}", String::from_utf8_lossy(&said));
    Ok(took)
}
