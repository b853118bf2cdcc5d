//! The engine reads what we read: the same bytes, given to this room's readers and to Go's decoder with the engine's types.
//!
//! For any bytes, either we refuse them, or what we forward is to the engine exactly what the bytes would have been, and the
//! images that were decided on are exactly the images it will use.

mod hostile;
mod reader;

use std::collections::{BTreeMap, BTreeSet};

use hostile::Hostile;
use reader::{Question, ask};
use serde_json::Value;
use wharfinger_engine::fuzzing::{self, Forwarded};

/// The same documents in every run.
const SEED: u64 = 0x5eed_0001;
const BODIES: usize = 7_000;
const QUERIES: usize = 3_000;
const PATHS: usize = 3_000;

const CONTAINER: &str = include_str!("container.json");
const SERVICE: &str = include_str!("service.json");

fn bodies_are_read_alike(kind: u8, sample: &str, read: impl Fn(&[u8]) -> Option<Forwarded>) {
    let mut hostile = Hostile::new(SEED);
    let bodies: Vec<Vec<u8>> = (0..BODIES).map(|_| hostile.body(sample)).collect();
    let accepted: Vec<(Vec<u8>, Forwarded)> = bodies.into_iter().filter_map(|body| Some((body.clone(), read(&body)?))).collect();
    let questions = accepted.iter().flat_map(|(came, forwarded)| [came.as_slice(), &forwarded.body]);
    let answers = ask(&questions.map(|bytes| Question { kind, bytes }).collect::<Vec<_>>());
    let mut understood = 0;
    for ((came, forwarded), answer) in accepted.iter().zip(answers.chunks(2)) {
        let shown = String::from_utf8_lossy(came);
        assert_eq!(answer[0], answer[1], "the engine would read what is forwarded differently: {shown}");
        if answer[1].is_null() {
            continue;
        }
        understood += 1;
        let decided: BTreeSet<&str> = forwarded.images.iter().map(String::as_str).collect();
        let used = answer[1]["Images"].as_array().unwrap().iter().map(|image| image.as_str().unwrap());
        assert_eq!(answer[1]["Elsewhere"], false, "the host configuration is read from elsewhere, too: {shown}");
        assert_eq!(decided, used.collect::<BTreeSet<_>>(), "other images are used than were decided on: {shown}");
    }
    // Else this would prove nothing.
    let refused = BODIES - accepted.len();
    assert!(understood > BODIES / 10 && refused > BODIES / 10, "{understood} understood, {refused} refused");
}

#[test]
fn the_engine_reads_of_a_container_what_was_decided() {
    bodies_are_read_alike(b'c', CONTAINER, |body| fuzzing::container_create(None, body));
}

#[test]
fn the_engine_reads_of_a_service_what_was_decided() {
    bodies_are_read_alike(b's', SERVICE, |body| fuzzing::service_create(None, body));
}

/// Every key of the samples reaches the Go program: a type of it that lacks one would compare less than it seems to.
#[test]
fn the_go_types_know_every_key_of_the_samples() {
    let questions = [Question { kind: b'c', bytes: CONTAINER.as_bytes() }, Question { kind: b's', bytes: SERVICE.as_bytes() }];
    for (answer, sample) in ask(&questions).iter().zip([CONTAINER, SERVICE]) {
        assert!(!answer.is_null(), "the sample is not of the engine's types");
        let (mut known, mut written) = (BTreeSet::new(), BTreeSet::new());
        keys(answer, &mut known);
        keys(&serde_json::from_str(sample).unwrap(), &mut written);
        let missing: Vec<&String> = written.iter().filter(|key| !known.contains(&key.to_lowercase())).collect();
        // What holds the host configuration is not shown itself.
        assert!(missing.iter().all(|key| matches!(key.as_str(), "hostconfig" | "networkingconfig")), "{missing:?}");
    }
}

fn keys(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
        Value::Object(entries) => {
            for (key, value) in entries {
                found.insert(key.to_lowercase());
                keys(value, found);
            }
        }
        _ => {}
    }
}

/// What the engine's form holds.
type Form = BTreeMap<String, Vec<String>>;

#[test]
fn the_engine_reads_of_a_query_what_was_decided() {
    let container = br#"{"Image":"dtr.test/qa/app"}"#;
    let service = br#"{"TaskTemplate":{"ContainerSpec":{"Image":"dtr.test/qa/app"}}}"#;
    let mut hostile = Hostile::new(SEED);
    let queries: Vec<String> = (0..QUERIES).map(|_| hostile.query()).collect();
    let mut accepted: Vec<(&str, Forwarded, bool)> = Vec::new();
    for query in &queries {
        let some = Some(query.as_str());
        accepted.extend(fuzzing::pull(some).map(|forwarded| (query.as_str(), forwarded, true)));
        accepted.extend(fuzzing::container_create(some, container).map(|forwarded| (query.as_str(), forwarded, false)));
        accepted.extend(fuzzing::service_update(some, service).map(|forwarded| (query.as_str(), forwarded, false)));
    }
    let questions = accepted.iter().flat_map(|(came, forwarded, _)| [came.as_bytes(), forwarded.query.as_bytes()]);
    let answers = ask(&questions.map(|bytes| Question { kind: b'q', bytes }).collect::<Vec<_>>());
    for ((came, forwarded, pulls), answer) in accepted.iter().zip(answers.chunks(2)) {
        assert_eq!(answer[0], answer[1], "the engine would read what is forwarded differently: {came}");
        let form: Form = serde_json::from_value(answer[1].clone()).unwrap();
        let first = |name: &str| form.get(name).map(|values| values[0].as_str()).unwrap_or_default();
        if *pulls {
            let image = match (first("fromImage"), first("tag")) {
                ("", _) => Vec::new(),
                (image, "") => vec![image.to_owned()],
                (image, tag) if tag.starts_with("sha256:") && tag.len() == 71 => vec![format!("{image}@{tag}")],
                (image, tag) => vec![format!("{image}:{tag}")],
            };
            assert_eq!(forwarded.images, image, "another image is pulled than was decided on: {came}");
        }
    }
    assert!(accepted.len() > QUERIES / 10, "{} accepted", accepted.len());
}

#[test]
fn the_engine_reads_of_a_path_what_was_looked_up() {
    let mut hostile = Hostile::new(SEED);
    let paths: Vec<String> = (0..PATHS).map(|_| hostile.path()).collect();
    let accepted: Vec<_> = paths.iter().filter_map(|path| Some((path, fuzzing::path(path)?))).collect();
    let questions = accepted.iter().flat_map(|(came, (_, _, encoded))| [came.as_bytes(), encoded.as_bytes()]);
    let answers = ask(&questions.map(|bytes| Question { kind: b'p', bytes }).collect::<Vec<_>>());
    for ((came, (version, segments, _)), answer) in accepted.iter().zip(answers.chunks(2)) {
        let read = |answer: &Value| serde_json::from_value::<Option<Vec<String>>>(answer.clone()).unwrap();
        let forwarded = read(&answer[1]).unwrap_or_else(|| panic!("the engine would not take {came} as it is forwarded"));
        assert_eq!(forwarded[1..], segments[..], "{came}");
        if let Some(as_it_came) = read(&answer[0]) {
            let versioned: Vec<String> = version.iter().map(|version| format!("v{version}")).collect();
            assert_eq!(as_it_came, [versioned, segments.clone()].concat(), "{came}");
        }
    }
    assert!(accepted.len() > PATHS / 10 && accepted.len() < PATHS * 9 / 10, "{} accepted", accepted.len());
}
