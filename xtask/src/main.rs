//! How is this repository built, tested and shown? One command each; `cargo xtask` alone lists them.
//!
//! It needs nothing but Rust, a Debian machine and root for what starts engines. It never changes the product.

mod axe;
mod bench;
mod demo;
mod fuzz;
mod kubernetes;
mod layers;
mod packages;
mod screenshots;
mod terminal;
mod tests;

use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, ensure};

const COMMANDS: &str = "\
cargo xtask demo [--image IMG] [--engine HOST] [--exit]
                     walk the whole story in this terminal, on a real engine (its own unless one is named;
                     `--engine none` shows what goes without), and leave it running
cargo xtask test     set up what the tests need (Debian packages, an engine of their own) and run all of them
cargo xtask engine COMMAND…
                     start the tests' engine, run COMMAND with WHARFINGER_TEST_ENGINE set, stop the engine;
                     for example: cargo xtask engine cargo test -p wharfinger-e2e --test login
cargo xtask kubernetes
                     build the tests' Kubernetes API server, unless it is there, and say where it is
cargo xtask axe      fetch what looks for obstacles in the console's pages, unless it is there, and say where it is
cargo xtask screenshots
                     take the pictures in docs/screenshots anew
cargo xtask fuzz [TARGET…]
                     look for bytes that make a parser stumble: a minute for each target
cargo xtask bench [PART…] [--json FILE]
                     build in release and measure: warm decisions, the engine door, admission reviews, Pods through an
                     API server, cold decisions, a thousand repositories, each beside its bar and its peers (PART: decide,
                     door, review, pods, cold, mirror)
cargo xtask layers   check that no crate imports what its layer may not
cargo xtask ci       what CI runs: format, lints, layers, test
";

fn main() -> ExitCode {
    wharfinger_e2e::stop_on_signals();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = match arguments.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("", [].as_slice()),
    };
    let outcome = match command {
        "demo" => demo::run(rest),
        "test" => tests::run(rest).map(|()| ExitCode::SUCCESS),
        "engine" => tests::with_engine(rest),
        "kubernetes" => kubernetes::run().map(|()| ExitCode::SUCCESS),
        "axe" => axe::run().map(|()| ExitCode::SUCCESS),
        "screenshots" => screenshots::run().map(|()| ExitCode::SUCCESS),
        "fuzz" => fuzz::run(rest).map(|()| ExitCode::SUCCESS),
        "bench" => bench::run(rest).map(|()| ExitCode::SUCCESS),
        "layers" => layers::check().map(|()| ExitCode::SUCCESS),
        "ci" => ci().map(|()| ExitCode::SUCCESS),
        "" | "help" | "--help" | "-h" => {
            print!("{COMMANDS}");
            Ok(ExitCode::SUCCESS)
        }
        other => {
            eprint!("no such command: {other}\n\n{COMMANDS}");
            Ok(ExitCode::from(64))
        }
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("{}: {error:#}", terminal::red("xtask"));
        ExitCode::FAILURE
    })
}

fn ci() -> Result<()> {
    cargo(&["fmt", "--all", "--check"])?;
    layers::check()?;
    cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    tests::run(&[])
}

/// The repository, as cargo says when it runs this: clones that share a target folder share the program, too.
fn root() -> PathBuf {
    let built_in = || PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(built_in, PathBuf::from).join("..")
}

/// Runs cargo in the foreground and expects it to succeed.
fn cargo(arguments: &[&str]) -> Result<()> {
    println!("{}", terminal::bold(&format!("cargo {}", arguments.join(" "))));
    let status = Command::new("cargo").args(arguments).stdin(Stdio::null()).status().context("starting cargo")?;
    ensure!(status.success(), "cargo {} failed", arguments.join(" "));
    Ok(())
}
