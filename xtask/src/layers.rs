//! Who may import whom: the layers of `ARCHITECTURE.md`, checked against what cargo says.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// Each crate of the workspace and the crates of the workspace it may import. What is not here may not be.
const ALLOWED: &[(&str, &[&str])] = &[
    // pure: no I/O, no clock
    ("keys", &[]),
    ("oci", &[]),
    ("stack", &[]),
    ("identity", &["keys"]),
    ("tuf", &["keys"]),
    ("policy", &["oci", "identity"]),
    // ports
    ("storage", &["oci", "identity", "keys"]),
    // hands
    ("storage-sql", &["storage", "oci", "identity", "keys"]),
    ("storage-blob", &["storage", "oci"]),
    ("transport", &[]),
    // middle
    ("auth", &["storage", "oci", "identity", "keys"]),
    ("trust", &["storage", "oci", "keys", "tuf", "transport"]),
    ("gate", &["storage", "oci", "identity", "keys", "tuf", "policy", "trust"]),
    ("cluster", &["storage", "oci", "identity", "keys", "policy", "gate", "trust", "transport"]),
    // doors: never each other
    ("registry", DOOR),
    ("notary", DOOR),
    ("engine", DOOR),
    ("admission", DOOR),
    ("api", DOOR),
    ("console", CONSOLE),
];

const DOOR: &[&str] = &["auth", "trust", "gate", "cluster", "storage", "transport", "oci", "identity", "keys", "tuf", "policy"];
/// As the other doors, and stack files, which are pasted into nothing else.
const CONSOLE: &[&str] =
    &["auth", "trust", "gate", "cluster", "storage", "transport", "oci", "identity", "keys", "tuf", "policy", "stack"];

/// Libraries that a layer must not know, whoever drags them in directly.
const FOREIGN: &[(&[&str], &[&str])] = &[
    (
        &["keys", "oci", "identity", "tuf", "policy", "stack"],
        &["tokio", "axum", "hyper", "reqwest", "sqlx", "tracing", "futures-util"],
    ),
    (&["auth", "trust", "gate", "cluster", "storage"], &["axum", "hyper", "sqlx"]),
    (&["registry", "notary", "engine", "admission", "api", "console"], &["sqlx", "reqwest"]),
];

/// Crates that may import everything: the composition root, and what tests and measures it.
const FREE: &[&str] = &["wharfinger", "wharfinger-bench", "wharfinger-e2e", "wharfinger-fuzz", "xtask"];

pub fn check() -> Result<()> {
    let edges = edges()?;
    let mut wrong = Vec::new();
    for (package, imports) in &edges {
        if FREE.contains(&package.as_str()) {
            continue;
        }
        let room = short(package);
        let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == room) else {
            wrong.push(format!("{package} stands in no layer: give it one in xtask/src/layers.rs"));
            continue;
        };
        for import in imports {
            let ours = edges.contains_key(import);
            if ours && !allowed.contains(&short(import)) {
                wrong.push(format!("{room} must not import {}", short(import)));
            }
            let banned = FOREIGN.iter().filter(|(rooms, _)| rooms.contains(&room));
            if banned.flat_map(|(_, libraries)| *libraries).any(|library| library == import) {
                wrong.push(format!("{room} must not know {import}"));
            }
        }
    }
    if wrong.is_empty() {
        println!("layers: {} crates import only what they may", edges.len());
        return Ok(());
    }
    bail!("layers:\n  {}", wrong.join("\n  "))
}

fn short(package: &str) -> &str {
    package.strip_prefix("wharfinger-").unwrap_or(package)
}

/// Every crate of the workspace with what it imports in production; tests may import what they like.
fn edges() -> Result<BTreeMap<String, Vec<String>>> {
    let output = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .output()
        .context("starting cargo metadata")?;
    let metadata: Value = serde_json::from_slice(&output.stdout).context("reading cargo metadata")?;
    let mut edges = BTreeMap::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let dependencies = package["dependencies"].as_array().into_iter().flatten();
        let imports = dependencies.filter(|d| d["kind"].is_null()).filter_map(|d| d["name"].as_str().map(str::to_owned));
        let name = package["name"].as_str().unwrap_or_default();
        edges.insert(name.to_owned(), imports.collect());
    }
    Ok(edges)
}
