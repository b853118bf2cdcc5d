//! The corpus, as it is and changed a little. What once made a parser stumble is in it.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use wharfinger_fuzz::{Changes, TARGETS, Target};

/// Of each target. Seconds altogether; `cargo xtask fuzz` takes a minute for each, and looks where it goes.
const CHANGED: usize = 10_000;

fn inputs(target: &Target) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = std::fs::read_dir(target.corpus()).unwrap_or_else(|error| panic!("the corpus of {}: {error}", target.name));
    let mut files: Vec<PathBuf> = folder.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect()
}

fn run(target: &Target, bytes: &[u8], what: &str) {
    let outcome = catch_unwind(AssertUnwindSafe(|| (target.run)(bytes)));
    assert!(outcome.is_ok(), "{} stumbles over {what}: b\"{}\"", target.name, bytes.escape_ascii());
}

#[test]
fn no_input_of_the_corpus_makes_a_parser_stumble() {
    for target in TARGETS {
        let inputs = inputs(target);
        assert!(!inputs.is_empty(), "{} has no corpus", target.name);
        for (path, bytes) in inputs {
            run(target, &bytes, &path.display().to_string());
        }
    }
}

#[test]
fn no_change_of_the_corpus_makes_a_parser_stumble() {
    std::thread::scope(|scope| {
        for target in TARGETS {
            scope.spawn(|| {
                let inputs: Vec<Vec<u8>> = inputs(target).into_iter().map(|(_, bytes)| bytes).collect();
                let mut changes = Changes::new(1);
                for round in 0..CHANGED {
                    let (from, other) = (&inputs[round % inputs.len()], &inputs[(round * 7 + 3) % inputs.len()]);
                    run(target, &changes.apply(from, other), "a changed input");
                }
            });
        }
    });
}

#[test]
fn every_folder_of_the_corpus_belongs_to_a_parser() {
    let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/corpus")).unwrap();
    let folders: BTreeSet<String> = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let names: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    assert_eq!(folders, names);
}
