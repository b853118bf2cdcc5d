//! `docs/limits.md` and the code say the same numbers, and no limit of the code is left out.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A constant with such a name bounds something.
const NAMES: &[&str] = &["LONGEST", "LIMIT", "MOST", "MAX_", "DEEPEST", "AT_ONCE", "_BYTES", "_COUNT"];

/// Constants with such a name that bound nothing which others send.
const NO_LIMITS: &[(&str, &str)] = &[
    // What an answer holds when nothing was asked for.
    ("crates/api/src/wire.rs", "DEFAULT_LIMIT"),
    // How an operator's command and the console's audit log read their own database.
    ("crates/wharfinger/src/operator.rs", "AT_ONCE"),
    ("crates/console/src/pages/audit/export.rs", "AT_ONCE"),
    ("crates/console/src/pages/audit/whole.rs", "AT_ONCE"),
];

struct Row {
    what: String,
    limit: u64,
    path: String,
    name: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn rows() -> Vec<Row> {
    let document = fs::read_to_string(root().join("docs/limits.md")).unwrap();
    let lines = document.lines().filter(|line| line.starts_with("| ") && line.contains("`crates/"));
    let rows: Vec<Row> = lines.map(row).collect();
    assert!(rows.len() > 40, "the tables were not found");
    rows
}

fn row(line: &str) -> Row {
    let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
    let [what, limit, _, _, place] = cells.as_slice() else { panic!("five cells: {line}") };
    let (path, name) = place.split_once(' ').unwrap_or_else(|| panic!("a file and a name: {line}"));
    let bare = |text: &str| text.trim_matches('`').to_owned();
    Row { what: (*what).to_owned(), limit: written(limit), path: bare(path), name: bare(name) }
}

/// `4 MiB`, `10 s`, `128`: in bytes, seconds, or as it is.
fn written(text: &str) -> u64 {
    let (number, unit) = text.split_once(' ').unwrap_or((text, ""));
    let factor = match unit {
        "" | "s" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "min" => 60,
        "days" => 86_400,
        other => panic!("an unknown unit: {other}"),
    };
    number.parse::<u64>().unwrap_or_else(|_| panic!("no number: {text}")) * factor
}

/// The value of a constant or of a field's default, as the code writes it.
fn of_code(path: &str, name: &str) -> Option<u64> {
    let source = fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    for line in source.lines().map(str::trim) {
        if let Some((_, rest)) = line.split_once(&format!("const {name}: ")) {
            return value(rest.split_once('=')?.1.trim_end_matches(';'));
        }
    }
    let fields = source.split([',', '{', '}', '\n']).map(str::trim);
    fields.filter_map(|field| field.strip_prefix(&format!("{name}: "))).find_map(value)
}

fn value(expression: &str) -> Option<u64> {
    let expression = expression.trim().replace('_', "");
    if let Some((unit, argument)) = expression.strip_suffix(')').and_then(|call| call.split_once('(')) {
        let factor = match unit {
            "Duration::fromsecs" | "Duration::seconds" => 1,
            "Duration::frommins" | "Duration::minutes" => 60,
            "Duration::days" => 86_400,
            _ => return None,
        };
        return Some(value(argument)? * factor);
    }
    if let Some((left, right)) = expression.split_once("<<") {
        return Some(value(left)? << value(right)?);
    }
    expression.split('*').map(|factor| factor.trim().parse::<u64>().ok()).product()
}

#[test]
fn every_number_of_the_document_is_that_of_the_code() {
    for Row { what, limit, path, name } in rows() {
        assert_eq!(of_code(&path, &name), Some(limit), "{what}: {path} {name}");
    }
}

#[test]
fn every_limit_of_the_code_is_in_the_document() {
    let listed: BTreeSet<(String, String)> = rows().into_iter().map(|row| (row.path, row.name)).collect();
    let mut missing = Vec::new();
    for path in sources(&root().join("crates")) {
        let source = fs::read_to_string(&path).unwrap();
        let path = path.strip_prefix(root()).unwrap().display().to_string();
        for line in source.lines() {
            let Some((name, _)) = line.split_once("const ").and_then(|(_, rest)| rest.split_once(':')) else { continue };
            let numeric = ["usize", "u64", "u32", "i64", "Duration"].iter().any(|kind| line.contains(&format!(": {kind} =")));
            let known = listed.contains(&(path.clone(), name.to_owned())) || NO_LIMITS.contains(&(path.as_str(), name));
            if numeric && NAMES.iter().any(|part| name.contains(part)) && !known {
                missing.push(format!("{path} {name}"));
            }
        }
    }
    assert!(missing.is_empty(), "not in docs/limits.md: {missing:#?}");
}

/// Every file of production code.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && name != "tests" {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") && name != "tests.rs" {
            files.push(path);
        }
    }
    files
}
