//! The Debian packages that tests and demo stand on, installed when they are missing.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::terminal::bold;

/// A real engine, its client, and an image to run.
pub const DEMO: &[&str] = &["docker.io", "busybox-static", "unzip", "curl", "iptables", "iproute2"];

/// What the tests need beyond [`DEMO`]: the stock Notary client and servers, a registry, a terminal to type into,
/// Go, whose decoder the engine reads with, and a browser with its driver.
pub const TESTS: &[&str] = &[
    "notary",
    "docker-registry",
    "docker-compose",
    "python3-docker",
    "expect",
    "openssl",
    "golang-go",
    "chromium",
    "chromium-driver",
];

/// What makes the console's pictures small.
pub const SCREENSHOTS: &[&str] = &["pngquant"];

/// What a Kubernetes API server keeps its objects in.
pub const KUBERNETES: &[&str] = &["etcd-server", "openssl"];

/// What builds Debian 12's Kubernetes: the Go it was made for, and a library that it holds in too old a version.
pub const KUBERNETES_BUILD: &[&str] = &["golang-1.19-go", "golang-github-modern-go-reflect2-dev", "dpkg-dev", "patch"];

/// What builds libFuzzer.
pub const FUZZ: &[&str] = &["g++"];

/// What the measurements stand beside, and are made with.
pub const BENCH: &[&str] = &["notary", "openssl", "curl", "unzip", "util-linux"];

/// Installs those of `packages` that are missing, and says so first.
pub fn ensure_installed(packages: &[&str]) -> Result<()> {
    let missing: Vec<&str> = packages.iter().copied().filter(|p| !installed(p)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    println!("{}", bold(&format!("installing from Debian: {}", missing.join(" "))));
    ensure!(
        Path::new("/usr/bin/apt-get").exists() && is_root(),
        "missing: {}. Installing them needs Debian's apt-get and root",
        missing.join(" ")
    );
    // The lists may be fresh enough; fetching them again takes longer than most installations.
    if apt_get("install", &missing).is_err() {
        apt_get("update", &[])?;
        apt_get("install", &missing)?;
    }
    Ok(())
}

fn apt_get(verb: &str, packages: &[&str]) -> Result<()> {
    let status = Command::new("apt-get")
        .args(["-qq", "-y", "-o", "Dpkg::Use-Pty=0", "--no-install-recommends", verb])
        .args(packages)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .context("starting apt-get")?;
    ensure!(status.success(), "apt-get {verb} {} failed", packages.join(" "));
    Ok(())
}

fn installed(package: &str) -> bool {
    let output = Command::new("dpkg-query").args(["-W", "-f", "${db:Status-Status}", package]).stderr(Stdio::null()).output();
    output.is_ok_and(|o| o.stdout == b"installed")
}

pub fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|o| o.stdout.trim_ascii() == b"0")
}
