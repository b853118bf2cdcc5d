//! The demo is a test: every step of the story does what it says.

use std::process::Command;
use std::time::Duration;

use wharfinger_e2e::{Ran, binary, run_within, shared_engine};

/// `cargo xtask demo --exit`, as it was built beside the binary that is tested.
fn demo(engine: &str) -> Ran {
    let mut demo = Command::new(binary().with_file_name("xtask"));
    demo.args(["demo", "--exit", "--engine", engine]).env("WHARFINGER_BIN", binary());
    run_within(demo, Duration::from_mins(6)).unwrap()
}

#[test]
fn the_demo_walks_the_whole_story() {
    demo(&shared_engine()).ok().says("Every step did what it says.");
}

#[test]
fn without_an_engine_the_demo_runs_the_rest_and_exits_3() {
    let ran = demo("none");
    assert_eq!(ran.status, 3, "{ran}");
    ran.says("NOT RUN: deploy");
}
