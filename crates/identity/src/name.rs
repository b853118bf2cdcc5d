//! Names of accounts and teams. An account's name is also its namespace in the registry, so it has to be one
//! component of a repository path, and must never look like a host (`.`, `:`).

use std::fmt;
use std::str::FromStr;

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{text}` cannot be {what}: use 1 to {limit} lower-case letters and digits, with `-` or `_` between them")]
pub struct NameError {
    text: String,
    what: &'static str,
    limit: usize,
}

fn check(text: &str, what: &'static str, limit: usize) -> Result<String, NameError> {
    let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    let ends = bytes.first().copied().is_some_and(word) && bytes.last().copied().is_some_and(word);
    // `___` is not a separator in a repository path, runs of `-` are.
    if !ends || text.len() > limit || text.contains("___") || !text.bytes().all(|byte| word(byte) || matches!(byte, b'-' | b'_'))
    {
        return Err(NameError { text: text.chars().take(100).collect(), what, limit });
    }
    Ok(text.to_owned())
}

macro_rules! name {
    ($name:ident, $what:literal, $limit:literal) => {
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                check(text, $what, $limit).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

name!(AccountName, "an account name", 64);
name!(TeamName, "a team name", 64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_path_component_and_never_a_host() {
        for good in ["a", "qa", "cluster2admin", "a-b", "a_b", "a__b", "a--b", "0"] {
            assert!(good.parse::<AccountName>().is_ok(), "{good}");
        }
        let long = "a".repeat(65);
        for bad in ["", "A", "a.b", "a:b", "a/b", "-a", "a-", "a___b", "é", "a b", "..", long.as_str()] {
            assert!(bad.parse::<AccountName>().is_err(), "{bad}");
        }
    }
}
