//! The program libFuzzer drives, for the target that `WHARFINGER_FUZZ` names. `cargo xtask fuzz` builds and runs it.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use wharfinger_fuzz::{TARGETS, Target};

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("WHARFINGER_FUZZ").expect("WHARFINGER_FUZZ names a target");
    TARGETS.iter().find(|target| target.name == name).expect("WHARFINGER_FUZZ names a target of the list")
});

fuzz_target!(|bytes: &[u8]| (TARGET.run)(bytes));
