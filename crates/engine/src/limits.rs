//! What restricted control and scheduler may ask of the engine.
//!
//! Allow-lists: a key that no rule names has to be absent or empty, so that what a newer engine adds is refused until
//! somebody has read what it does. Whose the things are that a request names is another question, which `references` puts.

mod container;
mod mounts;
mod others;
mod service;

use thiserror::Error;

use crate::json::Json;

pub(crate) use container::{as_it_is, container, is_predefined, resources};
pub(crate) use mounts::{bound_volume, volume_as_it_is};
pub(crate) use others::{endpoint, exec, exec_as_it_is, network, secret, volume};
pub(crate) use service::service;

/// Why a request is refused that full control could make.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum Beyond {
    #[error("`{0}` reaches beyond workloads of one's own and needs the role fullcontrol: leave it out")]
    Key(String),
    #[error(
        "`{key}` may not be `{value}` here, because it reaches beyond workloads of one's own: that needs the role fullcontrol"
    )]
    Value { key: String, value: String },
    #[error("mounting `{0}` of the machine needs the role fullcontrol: mount a volume of your own instead")]
    HostPath(String),
    #[error("`{0}` is for those who place workloads on nodes: the roles scheduler and fullcontrol")]
    Placement(String),
    #[error("this has what only full control may give ({0}): you may look at it, stop it and remove it, but not work in it")]
    Made(Box<Beyond>),
}

impl Beyond {
    fn value(key: &str, value: &Json) -> Self {
        let value = value.text().map_or_else(|| value.to_string(), ToOwned::to_owned);
        Self::Value { key: key.to_owned(), value: value.chars().take(100).collect() }
    }
}

/// What a key may hold.
enum Rule {
    Free,
    /// Nothing but what a key that is absent means.
    Empty,
    /// Not even an empty list: that takes away what the engine puts there by itself.
    Unset,
    OneOf(&'static [&'static str]),
    NotNegative,
    /// Looked into.
    Within(fn(&str, &Json) -> Result<(), Beyond>),
}

type Rules = &'static [(&'static [&'static str], Rule)];

/// Holds every key of an object against its rule.
fn hold(object: &Json, rules: Rules) -> Result<(), Beyond> {
    object.entries().iter().try_for_each(|(key, value)| {
        let rule = rules.iter().find(|(keys, _)| keys.contains(&key.as_str())).map_or(&Rule::Empty, |(_, rule)| rule);
        rule.check(key, value)
    })
}

impl Rule {
    fn check(&self, key: &str, value: &Json) -> Result<(), Beyond> {
        match self {
            Self::Free => Ok(()),
            Self::Empty if value.is_zero() => Ok(()),
            Self::Empty => Err(Beyond::Key(key.to_owned())),
            Self::Unset if value.is_null() => Ok(()),
            Self::Unset => Err(Beyond::Key(key.to_owned())),
            Self::OneOf(words) if value.is_zero() || value.text().is_some_and(|text| words.contains(&text)) => Ok(()),
            Self::OneOf(_) => Err(Beyond::value(key, value)),
            Self::NotNegative => match value {
                Json::Null => Ok(()),
                Json::Number(text) if !text.starts_with('-') => Ok(()),
                _ => Err(Beyond::value(key, value)),
            },
            Self::Within(look) => look(key, value),
        }
    }
}

/// The drivers that write to the machine's own logs and nowhere else; the engine's default takes no options from here.
const LOGS: &[&str] = &["json-file", "local", "none"];

fn log(key: &str, driver: Option<&Json>, options: Option<&Json>) -> Result<(), Beyond> {
    if let Some(driver) = driver {
        Rule::OneOf(LOGS).check(key, driver)?;
    }
    let default = driver.is_none_or(Json::is_zero);
    options.filter(|options| default && !options.is_zero()).map_or(Ok(()), |options| Err(Beyond::value(key, options)))
}

#[cfg(test)]
mod tests;
