//! All tests, with all they need: packages, the binary, one real engine.

use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail, ensure};
use wharfinger_e2e::{Engine, EngineOptions};

use crate::terminal::{bold, green, red, waiting};
use crate::{axe, cargo, kubernetes, packages};

const ENGINE: &str = "WHARFINGER_TEST_ENGINE";

/// Sets up and runs every test; `filter` goes to the test runner.
pub fn run(filter: &[String]) -> Result<()> {
    ensure!(packages::is_root(), "the tests start a Docker Engine and network namespaces: run them as root");
    packages::ensure_installed(packages::DEMO)?;
    packages::ensure_installed(packages::TESTS)?;
    // Without it the rest is worth running: what is left out is said at the end.
    let no_kubernetes = kubernetes::ensure_built().unwrap_or_else(|error| Some(format!("{error:#}")));
    // The tests that need it say so themselves.
    if let Err(error) = axe::ensure_fetched() {
        println!("{}", red(&format!("axe-core could not be fetched: {error:#}")));
    }
    cargo(&["build", "--workspace"])?;

    let (engine, _dir) = own_engine()?;
    let mut counts = Counts::default();
    let nextest = Command::new("cargo").args(["nextest", "--version"]).output().is_ok_and(|o| o.status.success());
    let filter: Vec<&str> = filter.iter().map(String::as_str).collect();
    let mut passed = if nextest {
        let run = ["nextest", "run", "--workspace", "--no-fail-fast", "--run-ignored"];
        let which = [if no_kubernetes.is_none() { "all" } else { "default" }];
        counts.run(&[run.as_slice(), &which, &filter].concat(), &engine.host())?
    } else {
        let run = ["test", "--workspace", "--no-fail-fast", "--lib", "--bins", "--tests"];
        let which: &[&str] = if no_kubernetes.is_none() { &["--", "--include-ignored"] } else { &[] };
        counts.run(&[run.as_slice(), &filter, which].concat(), &engine.host())?
    };
    // The guards that wrong code does not compile are documentation tests, which nextest leaves out.
    if filter.is_empty() {
        passed &= counts.run(&["test", "--workspace", "--doc", "--no-fail-fast"], &engine.host())?;
    }
    drop(engine);
    for flaky in &counts.flaky {
        println!("{}", red(&format!("passed at the second try only: {flaky}")));
    }
    if let Some(why) = no_kubernetes {
        println!("{}", red(&format!("not run: what needs a Kubernetes API server (tests marked `#[ignore]`): {why}")));
    }
    let line = format!("{} passed, {} failed", counts.passed, counts.failed);
    println!("{}", if passed { green(&line) } else { red(&line) });
    ensure!(passed, "not all tests passed");
    Ok(())
}

/// Starts the tests' engine, runs a command that finds it, stops it.
pub fn with_engine(command: &[String]) -> Result<ExitCode> {
    let Some((program, arguments)) = command.split_first() else {
        bail!("which command? For example: cargo xtask engine cargo test -p wharfinger-e2e");
    };
    let (engine, _dir) = own_engine()?;
    let status = Command::new(program)
        .args(arguments)
        .env(ENGINE, engine.host())
        .status()
        .with_context(|| format!("starting {program}"))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn own_engine() -> Result<(Engine, tempfile::TempDir)> {
    let dir = tempfile::Builder::new().prefix("wf-").tempdir()?;
    let options = EngineOptions { swarm: true, network: true, ..Default::default() };
    let engine = waiting("starting a Docker Engine", || Engine::start(&dir.path().join("e"), options))?;
    Ok((engine, dir))
}

#[derive(Default)]
struct Counts {
    passed: u64,
    failed: u64,
    /// Names of tests that failed once.
    flaky: Vec<String>,
}

impl Counts {
    /// Runs cargo, shows what it says, and counts what its summaries say.
    fn run(&mut self, arguments: &[&str], engine: &str) -> Result<bool> {
        println!("{}", bold(&format!("cargo {}", arguments.join(" "))));
        let mut child = Command::new("bash")
            .args(["-c", r#"exec cargo "$@" 2>&1"#, "cargo"])
            .args(arguments)
            .env(ENGINE, engine)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting cargo")?;
        let stdout = child.stdout.take().context("a pipe was asked for")?;
        for line in BufReader::new(stdout).lines() {
            let line = line?;
            println!("{line}");
            self.count(&line);
        }
        Ok(child.wait()?.success())
    }

    /// Reads `Summary [ 3.1s] 12 tests run: 11 passed, 1 failed`, `test result: ok. 3 passed; 0 failed; …` and, after the
    /// summary, `FLAKY 2/2 [ 0.5s] (9/12) crate::file test`.
    fn count(&mut self, line: &str) {
        if let Some((_, name)) = line.trim_start().strip_prefix("FLAKY ").and_then(|rest| rest.rsplit_once(") ")) {
            self.flaky.push(name.to_owned());
        }
        if !line.contains("Summary [") && !line.starts_with("test result:") {
            return;
        }
        let words: Vec<&str> = line.split([' ', ',', ';', '(']).filter(|w| !w.is_empty()).collect();
        for pair in words.windows(2) {
            let [number, what] = pair else { continue };
            let Ok(number) = number.parse::<u64>() else { continue };
            match *what {
                "passed" => self.passed += number,
                "failed" | "timed" => self.failed += number,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod of_this_file {
    use super::*;

    #[test]
    fn both_runners_summaries_are_counted() {
        let mut counts = Counts::default();
        counts.count("     Summary [   1.2s] 12 tests run: 10 passed (1 slow), 1 failed, 1 timed out, 3 skipped");
        counts.count("test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out");
        counts.count("   FLAKY 2/2 [   0.010s] (2/12) wharfinger-e2e::door it_streams");
        counts.count("a test named 7 passed once");
        assert_eq!((counts.passed, counts.failed), (13, 2));
        assert_eq!(counts.flaky, ["wharfinger-e2e::door it_streams"]);
    }
}
