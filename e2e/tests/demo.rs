//! The demo is a test: every step of the story does what it says.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use wharfinger_e2e::{run_within, shared_engine};

#[test]
fn the_demo_walks_the_whole_story() {
    let mut demo = Command::new("cargo");
    demo.args(["xtask", "demo", "--exit", "--engine", &shared_engine()])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
    run_within(demo, Duration::from_mins(6)).unwrap().ok().says("Every step did what it says.");
}

#[test]
fn without_an_engine_the_demo_runs_the_rest_and_exits_3() {
    let mut demo = Command::new("cargo");
    demo.args(["xtask", "demo", "--exit", "--engine", "none"]).current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
    let ran = run_within(demo, Duration::from_mins(6)).unwrap();
    assert_eq!(ran.status, 3, "{ran}");
    ran.says("NOT RUN: deploy");
}
