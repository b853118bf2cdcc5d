//! The whole file.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::at::At;
use crate::error::{StackError, shown};
use crate::files::{self, Kind};
use crate::mounts::volumes;
use crate::networks::{self, Network};
use crate::service::{Around, Service};

/// Longest name of a stack: those of its services, of which it is a part, have 63 letters.
const LONGEST_NAME: usize = 63;
/// Deepest nesting of a file.
const DEEPEST: usize = 32;
/// Most parts of a file, those that aliases repeat among them.
const MOST_PARTS: usize = 100_000;
/// Most text in them, counted the same.
const MOST_TEXT: usize = 4 * 1024 * 1024;
/// Most services of a stack.
const MOST_SERVICES: usize = 200;

/// What a stack file asks for, in the order in which the stock client asks.
#[derive(Clone, PartialEq, Debug)]
pub struct Stack {
    pub name: String,
    /// To be made when they are not there.
    pub networks: Vec<Network>,
    /// Those that have to be there, by name.
    pub external_networks: Vec<String>,
    /// In the order of their names.
    pub services: Vec<Service>,
    /// What of the file has no effect, and why.
    pub warnings: Vec<String>,
}

impl Stack {
    /// Reads the text of a Compose file for a stack of that name.
    pub fn read(name: &str, text: &str) -> Result<Self, StackError> {
        if !is_name(name) {
            return Err(StackError::Name(shown(name)));
        }
        let file = yaml(text)?;
        let root = At::new(&file, "");
        let Value::Object(_) = file else {
            return Err(StackError::wrong("the file", "it has no keys: `services` is what it begins with"));
        };
        let mut keys = root.keys()?.without_extensions();
        let mut warnings = Vec::new();
        keys.read("version", version)?;
        let (networks, volume_section) = (keys.take("networks"), keys.take("volumes"));
        let around = Around {
            stack: name,
            networks: networks::described(networks, name)?,
            volumes: volumes(volume_section, name)?,
            secrets: files::known(keys.take("secrets"), Kind::Secret)?,
            configs: files::known(keys.take("configs"), Kind::Config)?,
        };
        let section = keys
            .take("services")
            .ok_or_else(|| StackError::wrong("the file", "`services` is missing: there is nothing to run"))?;
        keys.finish(|key| match key {
            "name" => ": the name of the stack stands in its own field",
            "include" => ": other files are not known here, paste everything into one",
            _ => ": services, networks, volumes, secrets, configs and version are",
        })?;
        let entries = section.entries()?;
        if entries.is_empty() {
            return Err(section.wrong("there is no service: there is nothing to run"));
        }
        if entries.len() > MOST_SERVICES {
            return Err(section.wrong(format!("a stack has at most {MOST_SERVICES} services here")));
        }
        let (mut used, mut services) = (BTreeSet::new(), Vec::with_capacity(entries.len()));
        for (key, at) in entries {
            if !is_name(key) {
                return Err(at.wrong("the name of a service has letters, digits, `-`, `_` and `.`"));
            }
            services.push(Service::read(key, &at, &around, &mut used, &mut warnings)?);
        }
        let (networks, external_networks) = networks::needed(&around.networks, &used);
        Ok(Self { name: name.to_owned(), networks, external_networks, services, warnings })
    }
}

/// Starts with a letter or digit, and is no more than a name everywhere it is put together with others.
fn is_name(name: &str) -> bool {
    name.len() <= LONGEST_NAME
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.'))
}

fn version(at: &At<'_>) -> Result<(), StackError> {
    let version = at.text_or_number()?;
    let known = version == "3" || version.strip_prefix("3.").is_some_and(|minor| minor == "x" || minor.parse::<u8>().is_ok());
    if known { Ok(()) } else { Err(at.wrong("stack files have version \"3\" to \"3.13\"; it can be left out")) }
}

fn yaml(text: &str) -> Result<Value, StackError> {
    let budget =
        serde_saphyr::budget! { max_depth: DEEPEST, max_nodes: MOST_PARTS, max_total_scalar_bytes: MOST_TEXT, max_documents: 1 };
    let options =
        serde_saphyr::options! { budget: budget, strict_booleans: true, legacy_octal_numbers: true, with_snippet: false };
    let read = serde_saphyr::from_str_with_options::<Value>(text, options);
    read.map_err(|error| {
        let line = error.location().map_or(1, |location| location.line());
        StackError::Unreadable { line, why: shown(&error.without_snippet().to_string()) }
    })
}

/// Labels with the name of the stack among them.
pub(crate) fn labelled(labels: &BTreeMap<String, String>, stack: &str) -> Value {
    let mut all: Map<String, Value> = labels.iter().map(|(key, value)| (key.clone(), value.clone().into())).collect();
    all.insert(crate::NAMESPACE.to_owned(), stack.into());
    all.into()
}

#[cfg(test)]
mod tests;
