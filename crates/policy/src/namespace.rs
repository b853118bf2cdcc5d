//! Kubernetes namespaces that a rule is for: `payments`, or `team-*` for all that begin so.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// RFC 1123, as Kubernetes holds namespaces to it.
const LONGEST: usize = 63;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NamespacePattern {
    /// The exact name, or the beginning of those that match.
    name: String,
    beginning: bool,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a namespace: write its name (lower-case letters, digits and -), or the beginning of several and a *")]
pub struct NamespaceError(String);

impl NamespacePattern {
    pub fn matches(&self, namespace: &str) -> bool {
        if self.beginning { namespace.starts_with(&self.name) } else { namespace == self.name }
    }

    /// Whether everything that `other` matches is matched by this one too.
    pub fn covers(&self, other: &Self) -> bool {
        if self.beginning { other.name.starts_with(&self.name) } else { self == other }
    }
}

impl FromStr for NamespacePattern {
    type Err = NamespaceError;

    fn from_str(text: &str) -> Result<Self, NamespaceError> {
        let (name, beginning) = text.strip_suffix('*').map_or((text, false), |name| (name, true));
        let letters = name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        // `*` alone would be every namespace, which is what a rule without any says of all that runs anywhere.
        let ends = !name.is_empty() && !name.starts_with('-') && (beginning || !name.ends_with('-'));
        if letters && ends && name.len() <= LONGEST {
            return Ok(Self { name: name.to_owned(), beginning });
        }
        Err(NamespaceError(text.chars().take(100).collect()))
    }
}

impl fmt::Display for NamespacePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.name, if self.beginning { "*" } else { "" })
    }
}

impl Serialize for NamespacePattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for NamespacePattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> NamespacePattern {
        text.parse().unwrap()
    }

    #[test]
    fn a_namespace_is_matched_by_its_name_or_by_its_beginning() {
        assert!(pattern("payments").matches("payments") && !pattern("payments").matches("payments-dev"));
        assert!(pattern("team-*").matches("team-a") && pattern("team-*").matches("team-") && !pattern("team-*").matches("team"));
        assert!(pattern("team-*").covers(&pattern("team-a*")) && pattern("team-*").covers(&pattern("team-a")));
        assert!(!pattern("team-a").covers(&pattern("team-a*")) && !pattern("team-a*").covers(&pattern("team-*")));
    }

    #[test]
    fn what_is_no_namespace_is_refused() {
        for bad in ["", "*", "-a", "a-", "A", "a.b", "a*b", "a/b", "**", &"a".repeat(64)] {
            assert!(bad.parse::<NamespacePattern>().is_err(), "{bad}");
        }
        for good in ["a", "a-*", "kube-system", &"a".repeat(63)] {
            assert_eq!(pattern(good).to_string(), good);
        }
    }
}
