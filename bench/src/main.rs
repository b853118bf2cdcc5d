//! How fast is it, beside what one would otherwise have?
//!
//! Each part measures one promise on the product's own code and prints its figures; it knows no pass and no fail, and nothing of
//! it is a test. Every part runs in a process of its own, so that none pays for another's memory. What stands beside a figure was
//! measured in the same part, interleaved where noise matters.

mod cold;
mod console;
mod decide;
mod door;
mod engine;
mod figure;
// What the product's own tests publish with: collections signed with fresh keys, served over TLS.
#[path = "../../crates/tuf/tests/forge/mod.rs"]
#[allow(clippy::all, clippy::pedantic, reason = "checked where it belongs")]
mod forge;
#[path = "../../crates/trust/tests/host/mod.rs"]
#[allow(clippy::all, clippy::pedantic, reason = "checked where it belongs")]
mod host;
mod load;
mod mirror;
mod pods;
mod review;
mod shelves;
mod world;

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use figure::Figure;

/// No part takes longer; most of the longest is filling a registry.
const LONGEST: Duration = Duration::from_mins(5);

const PARTS: &[&str] = &["decide", "door", "review", "pods", "cold", "mirror", "console"];

const USAGE: &str = "\
wharfinger-bench [PART…] [--json FILE]
      PART: decide, door, review, pods, cold, mirror, console (all of them unless some are named)
      --json FILE   also writes the figures there
";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut parts = Vec::new();
    let mut json: Option<PathBuf> = None;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--json" => json = Some(arguments.next().context("--json FILE")?.into()),
            "--measure" => return measure(&arguments.next().context("--measure PART")?),
            part if PARTS.contains(&part) => parts.push(part.to_owned()),
            _ => bail!("{argument}?\n{USAGE}"),
        }
    }
    if parts.is_empty() {
        parts = PARTS.iter().map(ToString::to_string).collect();
    }
    let mut figures = Vec::new();
    for part in &parts {
        eprintln!("measuring: {part}");
        match apart(part) {
            Ok(measured) => figures.extend(measured),
            Err(error) => figures.push(Figure::failed(part, &error)),
        }
    }
    print!("{}", figure::table(&figures));
    if let Some(file) = json {
        std::fs::write(&file, serde_json::to_string_pretty(&figures)?).with_context(|| format!("writing {}", file.display()))?;
    }
    Ok(())
}

/// One part in a process of its own.
fn apart(part: &str) -> Result<Vec<Figure>> {
    let here = std::env::current_exe().context("where is this program?")?;
    let mut command = match part {
        // "on one core": everything it needs shares it, the database's threads included.
        "decide" => {
            let mut command = Command::new("taskset");
            command.args(["-c", "0"]).arg(here);
            command
        }
        _ => Command::new(here),
    };
    command.args(["--measure", part]);
    let ran = wharfinger_e2e::run_within(command, LONGEST)?;
    ensure!(ran.status == 0, "{ran}");
    serde_json::from_str(ran.line()).with_context(|| format!("{ran}"))
}

fn measure(part: &str) -> Result<()> {
    let figures = match part {
        "decide" => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(decide::measure())?
        }
        "door" => door::measure()?,
        "review" => review::measure()?,
        "pods" => pods::measure()?,
        "cold" => cold::measure()?,
        "mirror" => mirror::measure()?,
        "console" => console::measure()?,
        other => bail!("no such part: {other}"),
    };
    println!("{}", serde_json::to_string(&figures)?);
    Ok(())
}
