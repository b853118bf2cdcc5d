//! A warm decision, in process: everything it needs has been read before, and what it decides is recorded on disk.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use wharfinger_gate::{Decide as _, Gate};
use wharfinger_storage_sql::Sql;

use crate::figure::{Figure, Times};
use crate::host::Host;
use crate::world::{self, Cluster};

/// How long each figure is measured for.
const LONG: Duration = Duration::from_secs(3);
/// Decisions asked for at once, where many are.
const AT_ONCE: usize = 64;

/// Where files are kept in memory: what is left of the figures there is the disk's.
pub const MEMORY: &str = "/dev/shm";

pub async fn measure() -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for (name, parent) in [("on disk", std::env::temp_dir()), ("in memory", MEMORY.into())] {
        let folder = tempfile::Builder::new().prefix("wf-").tempdir_in(&parent)?;
        figures.extend(measure_in(folder.path(), name).await?);
    }
    Ok(figures)
}

async fn measure_in(folder: &Path, name: &str) -> Result<Vec<Figure>> {
    let sql = Arc::new(Sql::open(&folder.join("db")).await?);
    let host = Host::start().await;
    host.feed(true);
    let signer = world::signer();
    let gun = host.gun("qa/app");
    host.publish(&gun, world::repository(&gun, &signer, 100).render());
    world::tell(&sql, signer.private.public_key(), &host.name.parse()?, &host.ca).await?;
    let Cluster { gate, resolver } = Cluster::new(&sql);
    let following = tokio::spawn(resolver.clone().follow(gate.clone()));
    let image = format!("{gun}:v50");
    let warm = gate.admit(&world::workload(&image)).await;
    ensure!(warm.is_ok(), "the image is refused: {:?}", warm.err());
    let begun = Instant::now();
    while !resolver.lines().iter().any(|line| line.current == 1) {
        ensure!(begun.elapsed() < LONG, "the registry's feed does not say that the image is current");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    host.requests();

    // Files in memory have no disk to wait for.
    let disk = if folder.starts_with(MEMORY) { None } else { Some(fdatasync(folder)?) };
    let beside = |figure: Figure, percent| match &disk {
        Some(disk) => figure.beside_ms("one fdatasync", disk.percentile(percent)),
        None => figure,
    };
    let decided = decided(&gate, &image).await?;
    let recorded = recorded(&gate, &image).await?;
    let together = together(&gate, &image).await?;
    let asked = host.requests().len();
    following.abort();
    Ok(vec![
        Figure::ms(format!("warm decision, database {name}: p99"), decided.0.percentile(99)).at_most(1.0),
        Figure::new("… one after the other, on one core", decided.1, "/s").at_least(20_000.0),
        beside(Figure::ms("… and recorded: p50", recorded.percentile(50)), 50),
        beside(Figure::ms("… and recorded: p99", recorded.percentile(99)).at_most(1.0), 99),
        Figure::new(format!("… and recorded, {AT_ONCE} at once"), together, "/s").at_least(20_000.0),
        #[allow(clippy::cast_precision_loss, reason = "a count")]
        Figure::new("… requests to the registry meanwhile", asked as f64, ""),
    ])
}

/// The decision alone, one after the other: what `explain` does. Also how many a second.
#[allow(clippy::cast_precision_loss, reason = "a count")]
async fn decided(gate: &Gate, image: &str) -> Result<(Times, f64)> {
    let workload = world::workload(image);
    let mut times = Times::default();
    let (began, mut count) = (Instant::now(), 0_u64);
    while began.elapsed() < LONG {
        let start = Instant::now();
        let explanation = gate.explain(&workload, image).await;
        times.add(start.elapsed());
        ensure!(explanation.verdict == "allow", "the image is refused: {}", explanation.message);
        count += 1;
        // The database's and the registry's tasks get their turn, as they do in the product.
        tokio::task::yield_now().await;
    }
    Ok((times, count as f64 / began.elapsed().as_secs_f64()))
}

/// Decided, recorded and asked once more before it takes effect, one after the other.
async fn recorded(gate: &Gate, image: &str) -> Result<Times> {
    let mut times = Times::default();
    let began = Instant::now();
    while began.elapsed() < LONG {
        let start = Instant::now();
        decide(gate, image).await?;
        times.add(start.elapsed());
    }
    Ok(times)
}

/// As [`recorded`], many at once; how many a second.
#[allow(clippy::cast_precision_loss, reason = "a count")]
async fn together(gate: &Arc<Gate>, image: &str) -> Result<f64> {
    let began = Instant::now();
    let tasks: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let (gate, image) = (Arc::clone(gate), image.to_owned());
            tokio::spawn(async move {
                let mut count = 0_u64;
                while began.elapsed() < LONG {
                    decide(&gate, &image).await?;
                    count += 1;
                }
                anyhow::Ok(count)
            })
        })
        .collect();
    let mut count = 0;
    for task in tasks {
        count += task.await??;
    }
    Ok(count as f64 / began.elapsed().as_secs_f64())
}

async fn decide(gate: &Gate, image: &str) -> Result<()> {
    let workload = world::workload(image);
    let admitted = gate.admit(&workload).await.map_err(|denial| anyhow::anyhow!("{}", denial.message()))?;
    gate.still_current(&admitted).await.map_err(|denial| anyhow::anyhow!("{}", denial.message()))
}

/// What the disk itself takes to have one page of a log.
fn fdatasync(folder: &Path) -> Result<Times> {
    let mut page = Page::beside(folder)?;
    let mut times = Times::default();
    for _ in 0..300 {
        times.add(page.sync()?);
    }
    Ok(times)
}

/// A file that grows by a page at a time, as a log does.
pub struct Page(std::fs::File);

impl Page {
    pub fn beside(folder: &Path) -> Result<Self> {
        Ok(Self(std::fs::File::create(folder.join("page")).context("a file beside the database")?))
    }

    /// Until the next page is on disk.
    pub fn sync(&mut self) -> Result<Duration> {
        self.0.write_all(&[0; 4096])?;
        let start = Instant::now();
        self.0.sync_data()?;
        Ok(start.elapsed())
    }
}
