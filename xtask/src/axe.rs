//! axe-core, which finds what keeps people from using a page: fetched once from npm's registry, as this machine is set up for it.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use wharfinger_e2e::{AXE_VERSION, axe_script};

use crate::packages;
use crate::terminal::bold;

/// SHA-512 of the package of [`AXE_VERSION`]. Nothing else is taken, whoever hands it out.
const SHA512: &str = "5e6edba515e70d25f6604d9815f064d859c5d1ea7ab661bbc4f87c88779ef0c21cae0abbeb636471ef39e9d62d2582e4b88a1866f19f4ecfcf6d986275e4dc12";

/// Fetches it, or says that it is there.
pub fn run() -> Result<()> {
    ensure_fetched()?;
    println!("{}", axe_script().display());
    Ok(())
}

pub fn ensure_fetched() -> Result<()> {
    let script = axe_script();
    if script.is_file() {
        return Ok(());
    }
    if Command::new("npm").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
        packages::ensure_installed(&["npm"])?;
    }
    packages::ensure_installed(&["openssl"])?;
    let shelf = script.parent().and_then(Path::parent).context("it lies in the cache")?;
    fs::create_dir_all(shelf)?;
    // Two clones at once: the second waits, and finds what the first has fetched.
    let lock = File::create(shelf.join("lock"))?;
    lock.lock()?;
    if !script.is_file() {
        println!("{}", bold(&format!("fetching axe-core {AXE_VERSION} by npm, once")));
        fetch(shelf, &script)?;
    }
    Ok(())
}

/// In a folder of its own, of which only the script and its licence stay, and only once they are what they should be.
fn fetch(shelf: &Path, script: &Path) -> Result<()> {
    let folder = tempfile::Builder::new().prefix("fetching-").tempdir_in(shelf)?;
    let package = format!("axe-core-{AXE_VERSION}.tgz");
    ran("npm", &["pack", "--silent", &format!("axe-core@{AXE_VERSION}")], folder.path())?;
    let digest = ran("openssl", &["dgst", "-sha512", "-r", &package], folder.path())?;
    let digest = digest.split_whitespace().next().unwrap_or_default();
    ensure!(digest == SHA512, "{package} is not the one that is known here: its SHA-512 is {digest}");
    ran("tar", &["-xzf", &package, "package/axe.min.js", "package/LICENSE"], folder.path())?;
    fs::rename(folder.path().join("package"), script.parent().context("it lies in the cache")?)?;
    Ok(())
}

fn ran(program: &str, arguments: &[&str], folder: &Path) -> Result<String> {
    let output = Command::new(program).args(arguments).current_dir(folder).stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("starting {program}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{program} {} failed: {said}", arguments.join(" "));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
