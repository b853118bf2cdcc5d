//! Looking for bytes that make a parser stumble: libFuzzer, guided by what our own crates cover, on the stable compiler.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::terminal::{bold, green};
use crate::{packages, root};

/// For each target.
const SECONDS: u32 = 60;

/// A minute for each target, or for the named ones.
pub fn run(wanted: &[String]) -> Result<()> {
    packages::ensure_installed(packages::FUZZ)?;
    let fuzz = root().canonicalize()?.join("fuzz");
    let targets = targets(&fuzz.join("corpus"))?;
    if let Some(unknown) = wanted.iter().find(|name| !targets.contains(name)) {
        bail!("{unknown} is no target; there are {}", targets.join(", "));
    }
    let wanted = if wanted.is_empty() { &targets } else { wanted };
    let program = build(&fuzz)?;
    let artifacts = fuzz.join("artifacts");
    fs::create_dir_all(&artifacts)?;
    let mut stumbled = Vec::new();
    for target in wanted {
        println!("{}", bold(&format!("{target}: {SECONDS} seconds")));
        // What it finds on the way is of use to this run only: the corpus stays small.
        let found = tempfile::tempdir()?;
        let status = Command::new(&program)
            .args([format!("-max_total_time={SECONDS}"), "-timeout=10".to_owned(), "-rss_limit_mb=2048".to_owned()])
            .args(["-print_final_stats=1", "-verbosity=0"])
            .arg(format!("-artifact_prefix={}/{target}-", artifacts.display()))
            .arg(found.path())
            .arg(fuzz.join("corpus").join(target))
            .env("WHARFINGER_FUZZ", target)
            .status()
            .context("starting the fuzzer")?;
        if !status.success() {
            stumbled.push(target.as_str());
        }
    }
    ensure!(
        stumbled.is_empty(),
        "{} stumbled: what over is in fuzz/artifacts; it goes into fuzz/corpus/<target> with the fix",
        stumbled.join(", ")
    );
    println!("{}", green(&format!("{} targets, nothing found", wanted.len())));
    Ok(())
}

/// The folders of the corpus: a test holds them equal to the list of targets.
fn targets(corpus: &Path) -> Result<Vec<String>> {
    let folders = fs::read_dir(corpus).context("reading fuzz/corpus")?;
    let mut names = Vec::new();
    for folder in folders {
        names.push(folder?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

/// Only our own crates are compiled anew for this: libraries are not what is looked into.
fn build(fuzz: &Path) -> Result<std::path::PathBuf> {
    let build = ["build", "--package", "wharfinger-fuzz", "--features", "libfuzzer", "--bin", "fuzz", "--message-format", "json"];
    let output = Command::new("cargo")
        .args(build)
        .env("RUSTC_WORKSPACE_WRAPPER", fuzz.join("instrument"))
        .stderr(std::process::Stdio::inherit())
        .output()
        .context("starting cargo")?;
    ensure!(output.status.success(), "the fuzzer could not be built");
    let messages = String::from_utf8_lossy(&output.stdout);
    let executable =
        messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok()).find_map(|message| {
            let path = message["executable"].as_str()?;
            (message["target"]["name"] == "fuzz").then(|| path.into())
        });
    executable.context("cargo did not say where the fuzzer is")
}
