//! The pictures in `docs/screenshots`: taken anew by the test that looks at the same pages in CI.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};

use crate::{axe, packages, root, tests};

/// What the test takes as being asked to write the pictures.
const ASKED: &str = "WHARFINGER_SCREENSHOTS";

pub fn run() -> Result<()> {
    ensure!(packages::is_root(), "the pictures show a real Docker Engine, which this starts: run it as root");
    for packages in [packages::DEMO, packages::TESTS, packages::SCREENSHOTS] {
        packages::ensure_installed(packages)?;
    }
    axe::ensure_fetched()?;
    crate::cargo(&["build", "--workspace"])?;
    let folder = root().canonicalize()?.join("docs/screenshots");
    // One after the other: a browser gives up a page when an interface comes or goes, as with every container.
    let test = ["cargo", "test", "-p", "wharfinger-e2e", "--test", "console", "pages::", "--", "--test-threads=1"];
    let mut command = vec!["env".to_owned(), format!("{ASKED}={}", folder.display())];
    command.extend(test.map(str::to_owned));
    let status = tests::with_engine(&command)?;
    ensure!(status == ExitCode::SUCCESS, "the pages are not as they should be: no picture of them is worth keeping");
    let status = Command::new("bash")
        .args(["-c", "pngquant --force --strip --speed 1 --ext .png 32 -- *.png"])
        .current_dir(&folder)
        .status()
        .context("starting bash")?;
    ensure!(status.success(), "pngquant failed");
    Ok(())
}
