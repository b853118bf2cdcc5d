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
use crate::world;

const REPOSITORIES: usize = 1_000;
const TAGS: usize = 100;

pub fn measure() -> Result<Vec<Figure>> {
    let folder = tempfile::Builder::new().prefix("wf-").tempdir()?;
    let socket = folder.path().join("engine.sock");
    let runtime = tokio::runtime::Runtime::new()?;
    let _runtime = runtime.enter();
    serve_stub(&socket)?;
    let serve = Serve::new("cluster serve", folder.path())
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
    let started = runtime.block_on(settled(pid))?;
    let ca = std::fs::read_to_string(bundle.join("ca.pem"))?;
    let url = format!("{}/v1.41/containers/create", cluster.cluster().context("a cluster")?);
    let client = crate::door::client(&ca, Some(&bundle))?;
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
    drop(host);
    #[allow(clippy::cast_precision_loss, reason = "a count")]
    let each = milliseconds(asked) / images.len() as f64;
    Ok(vec![
        Figure::ms("1,000 repositories × 100 tags: ready after restart", ready).at_most(2000.0),
        Figure::new("… resident when loaded", started, "MB").at_most(96.0).beside("an empty cluster", empty),
        Figure::new("… resident after a decision on each", used, "MB").at_most(96.0).beside("an empty cluster", empty),
        Figure::new("… such a decision through the door, mean", each, "ms"),
    ])
}

/// Has every repository verified and remembered the way a cluster does, by deciding one image of each.
async fn fill(database: &std::path::Path) -> Result<(Host, Vec<String>)> {
    let host = Host::start().await;
    let signer = world::signer();
    let sql = Arc::new(Sql::open(database).await?);
    world::tell(&sql, signer.private.public_key(), &host.name.parse()?, &host.ca).await?;
    let gate = Arc::new(world::gate(&sql));
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

/// The resident memory once it no longer grows.
async fn settled(pid: u32) -> Result<f64> {
    let began = Instant::now();
    let mut last = resident(pid)?;
    loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let now = resident(pid)?;
        if now <= last || began.elapsed() > Duration::from_secs(15) {
            return Ok(now);
        }
        last = now;
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
