//! A cluster that has verified a thousand repositories: what it takes to start again, and to hold them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use wharfinger_e2e::{Serve, free_port};
use wharfinger_gate::Decide as _;
use wharfinger_storage_sql::Sql;

use crate::engine::serve_stub;
use crate::figure::{Figure, milliseconds};
use crate::host::Host;
use crate::world::{self, Cluster};

const REPOSITORIES: usize = 1_000;
const TAGS: usize = 100;

pub fn measure() -> Result<Vec<Figure>> {
    let folder = tempfile::Builder::new().prefix("wf-").tempdir()?;
    let socket = folder.path().join("engine.sock");
    let runtime = tokio::runtime::Runtime::new()?;
    let _runtime = runtime.enter();
    serve_stub(&socket)?;
    let metrics = format!("127.0.0.1:{}", free_port());
    let serve = Serve::new("cluster serve", folder.path())
        .flag("--metrics-listen", &metrics)
        .flag("--cluster-listen", &format!("127.0.0.1:{}", free_port()))
        .flag("--engine", &format!("unix://{}", socket.display()));
    let mut cluster = serve.start()?;
    let empty = resident(cluster.pid().context("it runs")?)?;
    let bundle = folder.path().join("bundle");
    crate::door::download_bundle(&cluster, &bundle)?;
    cluster.stop()?;

    let database = cluster.data().join("wharfinger.db");
    let (host, images) = runtime.block_on(fill(&database))?;
    cluster.start_again()?;
    let ready = cluster.took();
    let pid = cluster.pid().context("it runs")?;
    let (confirmed, loaded) = runtime.block_on(confirmed(&metrics))?;
    let started = resident(pid)?;
    let ca = std::fs::read_to_string(bundle.join("ca.pem"))?;
    let url = format!("{}/v1.41/containers/create", cluster.cluster().context("a cluster")?);
    let client = crate::door::client(&ca, Some(&bundle))?;
    host.requests();
    let asked = Instant::now();
    runtime.block_on(async {
        for image in &images {
            let body = serde_json::json!({ "Image": image }).to_string().into();
            crate::door::call(&(client.clone(), url.clone()), &body).await?;
        }
        anyhow::Ok(())
    })?;
    let asked = asked.elapsed();
    let used = resident(pid)?;
    let requests = host.requests().len();
    #[allow(clippy::cast_precision_loss, reason = "a count")]
    let each = milliseconds(asked) / images.len() as f64;
    Ok(vec![
        Figure::ms("1,000 repositories × 100 tags: ready after restart", ready).at_most(2000.0),
        Figure::ms(format!("… until all {confirmed} are decided without asking"), loaded),
        Figure::new("… resident when loaded", started, "MB").at_most(96.0).beside("an empty cluster", empty),
        Figure::new("… resident after a decision on each", used, "MB").at_most(96.0).beside("an empty cluster", empty),
        Figure::new("… such a decision through the door, mean", each, "ms"),
        #[allow(clippy::cast_precision_loss, reason = "a count")]
        Figure::new("… requests to the registry for all of them", requests as f64, ""),
    ])
}

/// Has every repository verified and remembered the way a cluster does, by deciding one image of each.
async fn fill(database: &std::path::Path) -> Result<(Host, Vec<String>)> {
    let host = Host::start().await;
    host.feed(true);
    let signer = world::signer();
    let sql = Arc::new(Sql::open(database).await?);
    world::tell(&sql, signer.private.public_key(), &host.name.parse()?, &host.ca).await?;
    let gate = Cluster::new(&sql).gate;
    let mut images = Vec::new();
    let mut deciding = tokio::task::JoinSet::new();
    for number in 0..REPOSITORIES {
        let gun = host.gun(&format!("qa/app{number}"));
        host.publish(&gun, world::repository(&gun, &signer, TAGS).render());
        let image = format!("{gun}:v{}", 1 + number % TAGS);
        images.push(image.clone());
        let gate = Arc::clone(&gate);
        deciding.spawn(async move {
            let decided = gate.admit(&world::workload(&image)).await;
            decided.map(drop).map_err(|denial| anyhow::anyhow!("{}", denial.message()))
        });
        if deciding.len() >= 8 {
            deciding.join_next().await.context("it was spawned")???;
        }
    }
    while let Some(decided) = deciding.join_next().await {
        decided??;
    }
    sql.close().await;
    Ok((host, images))
}

/// How many repositories the cluster has confirmed as current once it has all of them, and after how long.
async fn confirmed(metrics: &str) -> Result<(usize, Duration)> {
    let begun = Instant::now();
    loop {
        let text = reqwest::get(format!("http://{metrics}/metrics")).await?.text().await?;
        let of = |current: &str| -> usize {
            let lines =
                text.lines().filter(|line| line.starts_with("wharfinger_registry_repositories") && line.contains(current));
            lines.filter_map(|line| line.rsplit(' ').next()?.parse::<usize>().ok()).sum()
        };
        let confirmed = of("current=\"true\"");
        if confirmed >= REPOSITORIES || begun.elapsed() > Duration::from_secs(30) {
            return Ok((confirmed, begun.elapsed()));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// In megabytes of 10⁶ bytes, from `/proc`.
fn resident(pid: u32) -> Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).context("the process has ended")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
    let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse().context("VmRSS is a number")?;
    ensure!(kibibytes > 0.0, "nothing is resident");
    Ok(kibibytes * 1024.0 / 1e6)
}
