//! Secrets and configs: what lies in containers as a file, and is there already under a name.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::at::At;
use crate::error::{StackError, shown};
use crate::mounts::external;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    Secret,
    Config,
}

/// A secret or config that a service needs is not there.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("the {} `{name}` is not there: make it with `docker {} create {name} FILE`", .kind.word(), .kind.word())]
pub struct Missing {
    pub kind: Kind,
    pub name: String,
}

impl Kind {
    /// `secret` or `config`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Config => "config",
        }
    }

    fn plural(self) -> &'static str {
        match self {
            Self::Secret => "secrets",
            Self::Config => "configs",
        }
    }

    fn keys(self) -> (&'static str, &'static str) {
        match self {
            Self::Secret => ("SecretName", "SecretID"),
            Self::Config => ("ConfigName", "ConfigID"),
        }
    }

    fn make_it(self) -> &'static str {
        match self {
            Self::Secret => {
                "files of your machine cannot be read here: make it with `docker secret create NAME FILE`, and say `external: true`"
            }
            Self::Config => {
                "files of your machine cannot be read here: make it with `docker config create NAME FILE`, and say `external: true`"
            }
        }
    }
}

/// The `secrets` or `configs` of the file: the names they have at the engine, by those the file has for them.
pub(crate) fn known(section: Option<At<'_>>, kind: Kind) -> Result<BTreeMap<String, String>, StackError> {
    let entries = section.map(|section| section.entries()).transpose()?.unwrap_or_default();
    let mut known = BTreeMap::new();
    for (key, at) in entries {
        let mut keys = at.keys()?.without_extensions();
        let (is_external, name) = external(&mut keys, key)?;
        let Some(name) = name.filter(|_| is_external) else {
            return Err(at.not_here(kind.make_it()));
        };
        keys.finish(|_| ": an external one is there already, and nothing else is said of it")?;
        known.insert(key.to_owned(), name);
    }
    Ok(known)
}

/// The `secrets` or `configs` of a service, still without the ids that the engine knows them by.
pub(crate) fn references(list: &At<'_>, kind: Kind, known: &BTreeMap<String, String>) -> Result<Vec<Value>, StackError> {
    let mut references = Vec::new();
    for item in list.items()? {
        let mut file = json!({ "UID": "0", "GID": "0", "Mode": 0o444 });
        let (source, target) = match item.value {
            Value::Object(_) => {
                let mut keys = item.keys()?;
                let source = keys.read("source", At::text)?.ok_or_else(|| item.wrong("`source` is missing"))?;
                let target = keys.read("target", At::text)?.filter(|target| !target.is_empty());
                for (key, ours) in [("uid", "UID"), ("gid", "GID")] {
                    if let Some(id) = keys.read(key, At::text_or_number)?.filter(|id| !id.is_empty()) {
                        file[ours] = id.into();
                    }
                }
                if let Some(mode) = keys.take("mode") {
                    let bits = mode.number()?;
                    if bits > 0o7777 {
                        return Err(mode.wrong("a mode is written with a 0 before it, as 0440"));
                    }
                    file["Mode"] = bits.into();
                }
                keys.end()?;
                (source, target)
            }
            _ => (item.text()?, None),
        };
        let name = known.get(&source).ok_or_else(|| {
            item.wrong(format!("the {} `{}` is not under `{}` of the file", kind.word(), shown(&source), kind.plural()))
        })?;
        file["Name"] = target.unwrap_or(source).into();
        let mut reference = Map::new();
        reference.insert("File".to_owned(), file);
        reference.insert(kind.keys().0.to_owned(), name.clone().into());
        references.push(Value::Object(reference));
    }
    // The order they stand in is no reason to start anew.
    references.sort_by(|one, other| name_of(one, kind).cmp(name_of(other, kind)));
    Ok(references)
}

pub(crate) fn name_of(reference: &Value, kind: Kind) -> &str {
    reference.get(kind.keys().0).and_then(Value::as_str).unwrap_or_default()
}

/// Writes the id beside the name.
pub(crate) fn identify(reference: &mut Value, kind: Kind, find: impl Fn(&str) -> Option<String>) -> Result<(), Missing> {
    let name = name_of(reference, kind).to_owned();
    let id = find(&name).ok_or(Missing { kind, name })?;
    reference[kind.keys().1] = id.into();
    Ok(())
}
