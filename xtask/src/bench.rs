//! The speed of a release build, measured by `wharfinger-bench`.

use anyhow::Result;

use crate::terminal::red;
use crate::{cargo, kubernetes, packages};

/// Builds, measures, prints. Whether a bar is met is in the table; only what could not be run is an error.
pub fn run(arguments: &[String]) -> Result<()> {
    packages::ensure_installed(packages::BENCH)?;
    if let Some(why) = kubernetes::ensure_built()? {
        println!("{}", red(&format!("without a Kubernetes API server: {why}")));
    }
    cargo(&["build", "--release", "-p", "wharfinger", "-p", "wharfinger-bench"])?;
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    cargo(&[["run", "--release", "--quiet", "-p", "wharfinger-bench", "--"].as_slice(), &arguments].concat())
}
