//! Which keys the calls that are read in full may have.
//!
//! Every key of the engine's API up to 1.51 stands in [`calls`]. A key that is not there is refused by name: the engine
//! might know it, and it might name an image.

mod calls;
mod documents;

use std::collections::BTreeSet;

use thiserror::Error;

use crate::json::Json;

pub(crate) use calls::{CONTAINER_CREATE, SERVICE};
pub(crate) use documents::{
    CONTAINER_UPDATE, EXEC_CREATE, NETWORK_CONNECT, NETWORK_CREATE, NETWORK_DISCONNECT, SECRET, VOLUME_CREATE,
};

/// What a value may be. `null` may stand anywhere, as in Go.
#[derive(Debug)]
pub(crate) enum Shape {
    /// Text, number, boolean.
    Leaf,
    /// A list of texts, or one alone (the engine takes both for commands).
    Words,
    List(&'static Shape),
    /// Any keys.
    Map(&'static Shape),
    /// These keys and no others.
    Object(&'static [(&'static [&'static str], &'static Shape)]),
}

#[derive(Debug, PartialEq, Eq, Error)]
pub enum ShapeRefused {
    #[error("the key `{0}` is not known in this call; it may belong to a newer version of the engine's API than is supported")]
    Unknown(String),
    #[error("the key `{known}` is written `{found}`: keys are told apart by case")]
    Case { found: String, known: String },
    #[error("the key `{0}` stands twice, in two spellings")]
    Twice(String),
    #[error("the key `{0}` has no effect where it stands, but on some engines: write it in HostConfig")]
    Misplaced(&'static str),
    #[error("`{0}` is not of the kind the engine's API has there")]
    Kind(String),
}

impl Shape {
    pub(crate) fn check(&self, value: &Json) -> Result<(), ShapeRefused> {
        self.check_at(value, "")
    }

    fn check_at(&self, value: &Json, at: &str) -> Result<(), ShapeRefused> {
        match (self, value) {
            (_, Json::Null) | (Self::Leaf, Json::Bool(_) | Json::Number(_) | Json::Text(_)) | (Self::Words, Json::Text(_)) => {
                Ok(())
            }
            (Self::Words, Json::List(items)) => items.iter().try_for_each(|item| Self::Leaf.check_at(item, at)),
            (Self::List(shape), Json::List(items)) => items.iter().try_for_each(|item| shape.check_at(item, at)),
            (Self::Map(shape), Json::Object(entries)) => {
                entries.iter().try_for_each(|(key, value)| shape.check_at(value, &below(at, key)))
            }
            (Self::Object(fields), Json::Object(entries)) => {
                // A few keys are known in two spellings, which are one to Go's decoder.
                let mut seen = BTreeSet::new();
                entries.iter().try_for_each(|(key, value)| {
                    let shape = field(fields, key, at)?;
                    if !seen.insert(key.to_ascii_lowercase()) {
                        return Err(ShapeRefused::Twice(below(at, key)));
                    }
                    shape.check_at(value, &below(at, key))
                })
            }
            _ => Err(ShapeRefused::Kind(if at.is_empty() { "the body".to_owned() } else { at.to_owned() })),
        }
    }
}

fn field(
    fields: &'static [(&'static [&'static str], &'static Shape)],
    key: &str,
    at: &str,
) -> Result<&'static Shape, ShapeRefused> {
    let names = || fields.iter().flat_map(|(names, shape)| names.iter().map(move |name| (*name, *shape)));
    if let Some((_, shape)) = names().find(|(name, _)| *name == key) {
        return Ok(shape);
    }
    match names().find(|(name, _)| name.eq_ignore_ascii_case(key)) {
        Some((known, _)) => Err(ShapeRefused::Case { found: below(at, key), known: below(at, known) }),
        None => Err(ShapeRefused::Unknown(below(at, key))),
    }
}

fn below(at: &str, key: &str) -> String {
    let key: String = key.chars().take(100).collect();
    if at.is_empty() { key } else { format!("{at}.{key}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::read;

    fn check(shape: &Shape, text: &str) -> Result<(), ShapeRefused> {
        shape.check(&read(text.as_bytes()).unwrap())
    }

    #[test]
    fn a_key_that_is_not_known_is_refused_by_name() {
        assert_eq!(check(&CONTAINER_CREATE, r#"{"Bild":"a"}"#), Err(ShapeRefused::Unknown("Bild".into())));
        assert_eq!(
            check(&CONTAINER_CREATE, r#"{"HostConfig":{"Mounts":[{"From":"a"}]}}"#),
            Err(ShapeRefused::Unknown("HostConfig.Mounts.From".into()))
        );
        assert_eq!(
            check(&SERVICE, r#"{"TaskTemplate":{"ContainerSpec":{"image":"a"}}}"#),
            Err(ShapeRefused::Case {
                found: "TaskTemplate.ContainerSpec.image".into(),
                known: "TaskTemplate.ContainerSpec.Image".into()
            })
        );
    }

    #[test]
    fn keys_that_differ_only_in_case_are_one_key_to_the_engine() {
        for (text, key) in [
            (r#"{"Image":"a","image":"b"}"#, "image"),
            (r#"{"Image":"a","IMAGE":null}"#, "IMAGE"),
            ("{\"HostConfig\":{\"Mounts\":[],\"Mount\u{17f}\":[]}}", "Mount\u{17f}"),
            ("{\"HostConfig\":{\"Lin\u{212a}s\":[]}}", "Lin\u{212a}s"),
            (r#"{"HostConfig":{"NanoCpus":1,"NanoCPUs":2}}"#, "NanoCPUs"),
        ] {
            let refused = check(&CONTAINER_CREATE, text).expect_err(text);
            assert!(refused.to_string().contains(key), "{refused}");
        }
        // Labels and the like are maps in Go, too: their keys are told apart.
        assert_eq!(check(&CONTAINER_CREATE, r#"{"Labels":{"a":"1","A":"2"}}"#), Ok(()));
    }

    /// Engines before 25.0 embed the host configuration in the request itself, where nobody else looks.
    #[test]
    fn the_host_configuration_stands_in_its_own_place_only() {
        for text in [r#"{"Mounts":[]}"#, r#"{"Privileged":true}"#, r#"{"Binds":["/:/x"]}"#, r#"{"Cpuset":"0"}"#] {
            assert!(matches!(check(&CONTAINER_CREATE, text), Err(ShapeRefused::Unknown(_))), "{text}");
        }
    }

    #[test]
    fn a_value_of_another_kind_is_refused() {
        for text in [r#"{"Image":["a"]}"#, r#"{"Image":{"a":"b"}}"#, r#"{"HostConfig":[]}"#, "[]", "1"] {
            assert!(matches!(check(&CONTAINER_CREATE, text), Err(ShapeRefused::Kind(_))), "{text}");
        }
        assert_eq!(check(&CONTAINER_CREATE, r#"{"Cmd":"sh","Entrypoint":["sh"],"Volumes":{"/a":{}},"HostConfig":null}"#), Ok(()));
    }
}
