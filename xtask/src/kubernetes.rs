//! A Kubernetes API server for the tests, built once from Debian's source package and kept for all clones.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use wharfinger_e2e::{KUBERNETES_VERSION, kubernetes_programs};

use crate::packages;
use crate::terminal::{bold, waiting};

const SCRIPT: &str = include_str!("kubernetes.sh");

/// Builds it, or says that it is there.
pub fn run() -> Result<()> {
    if let Some(why) = ensure_built()? {
        bail!("{why}");
    }
    println!("{}", kubernetes_programs().display());
    Ok(())
}

/// Has it built when it is not there. Why it cannot be had on this machine, when it cannot.
pub fn ensure_built() -> Result<Option<String>> {
    let programs = kubernetes_programs();
    if !programs.is_dir()
        && let Some(why) = impossible()
    {
        return Ok(Some(why));
    }
    packages::ensure_installed(packages::KUBERNETES)?;
    if Command::new("kubectl").arg("help").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        packages::ensure_installed(&["kubernetes-client"])?;
    }
    let shelf = programs.parent().context("it lies in the cache")?;
    fs::create_dir_all(shelf)?;
    // Two clones at once: the second waits, and finds what the first has built.
    let lock = File::create(shelf.join("lock"))?;
    lock.lock()?;
    if !programs.is_dir() {
        packages::ensure_installed(packages::KUBERNETES_BUILD)?;
        build(shelf, &programs)?;
    }
    Ok(None)
}

fn impossible() -> Option<String> {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    if !release.lines().any(|line| line == "VERSION_CODENAME=bookworm") {
        return Some(format!(
            "Kubernetes {KUBERNETES_VERSION} is built from Debian 12's source package, and this is not Debian 12"
        ));
    }
    if !Path::new("/usr/bin/apt-get").exists() || !packages::is_root() {
        return Some("installing what builds Kubernetes needs Debian's apt-get and root".to_owned());
    }
    None
}

/// In a folder of its own, of which only the programs stay, and only once both are there.
fn build(shelf: &Path, programs: &Path) -> Result<()> {
    println!("{}", bold(&format!("building Kubernetes {KUBERNETES_VERSION} from Debian's source, once: about four minutes")));
    let folder = tempfile::Builder::new().prefix("building-").tempdir_in(shelf)?;
    let log = folder.path().join("log");
    let said = File::create(&log)?;
    let mut bash = Command::new("bash");
    bash.args(["-c", SCRIPT, "kubernetes.sh", KUBERNETES_VERSION]).current_dir(folder.path());
    bash.stdin(Stdio::null()).stdout(said.try_clone()?).stderr(said);
    let status = waiting("building Kubernetes", || bash.status()).context("starting bash")?;
    if !status.success() {
        let log = fs::read_to_string(&log)?;
        let tail: Vec<&str> = log.lines().rev().take(20).collect();
        bail!("building Kubernetes failed:\n{}", tail.into_iter().rev().collect::<Vec<_>>().join("\n"));
    }
    for program in ["kube-apiserver", "kube-controller-manager"] {
        let built = folder.path().join("bin").join(program);
        let output = Command::new(&built).arg("--version").output().with_context(|| format!("running {}", built.display()))?;
        let version = String::from_utf8_lossy(&output.stdout);
        ensure!(version.trim() == format!("Kubernetes v{KUBERNETES_VERSION}"), "{program} says it is {version}");
    }
    fs::rename(folder.path().join("bin"), programs)?;
    Ok(())
}
