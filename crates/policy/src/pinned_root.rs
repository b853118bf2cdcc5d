//! Roots given beforehand: which repositories they are for, and which keys or CA they name. Parsed, never matched as substrings.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use wharfinger_oci::{Host, Repository};

use crate::pattern::PatternError;

/// One entry of `pinned_roots`. Repositories without one are trusted at first use.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinnedRoot {
    /// `host/*`, `host/ns/*` or `host/ns/repository`; the most specific entry decides alone.
    pub pattern: String,
    /// Ids of root keys, as `docker trust inspect` and `notary key list` show them (64 hex digits).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
    /// PEM of the CA that issues the root certificates, when `keys` are not named.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ca: String,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PinError {
    #[error("pinned_roots: {0}")]
    Pattern(#[from] PatternError),
    #[error("pinned_roots: `{pattern}` is not for repositories of {host}")]
    OtherHost { pattern: String, host: Host },
    #[error("pinned_roots: `{0}` stands there twice")]
    Twice(String),
    #[error("pinned_roots: `{0}` needs either `keys` or a `ca`, and not both")]
    KeysOrCa(String),
    #[error("pinned_roots: `{0}` is not a key id of 64 hex digits")]
    KeyId(String),
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Path {
    Everything,
    Below(Repository),
    Exactly(Repository),
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct RootPattern {
    host: Host,
    path: Path,
}

impl RootPattern {
    fn matches(&self, host: &Host, repository: &Repository) -> bool {
        *host == self.host
            && match &self.path {
                Path::Everything => true,
                Path::Below(path) => repository.as_str().strip_prefix(path.as_str()).is_some_and(|rest| rest.starts_with('/')),
                Path::Exactly(path) => path == repository,
            }
    }

    /// Of two patterns for one repository, the one that says more about it.
    fn weight(&self) -> (bool, usize) {
        match &self.path {
            Path::Everything => (false, 0),
            Path::Below(path) => (false, path.as_str().len()),
            Path::Exactly(path) => (true, path.as_str().len()),
        }
    }
}

impl FromStr for RootPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let refuse = || PatternError::of(text);
        let (host, path) = text.split_once('/').ok_or_else(refuse)?;
        let parse = |path: &str| path.parse::<Repository>().map_err(|_| refuse());
        let path = match (path, path.strip_suffix("/*")) {
            ("*", _) => Path::Everything,
            (_, Some(namespace)) => Path::Below(parse(namespace)?),
            (path, None) => Path::Exactly(parse(path)?),
        };
        Ok(Self { host: host.parse().map_err(|_| refuse())?, path })
    }
}

/// What is wrong with `pinned`, if anything is, in a registration of `host`.
pub(crate) fn check(host: &Host, pinned: &[PinnedRoot]) -> Result<(), PinError> {
    let mut seen = Vec::new();
    for entry in pinned {
        let pattern: RootPattern = entry.pattern.parse()?;
        if pattern.host != *host {
            return Err(PinError::OtherHost { pattern: entry.pattern.clone(), host: host.clone() });
        }
        if entry.keys.is_empty() == entry.ca.trim().is_empty() {
            return Err(PinError::KeysOrCa(entry.pattern.clone()));
        }
        let is_id =
            |id: &&String| id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase());
        if let Some(bad) = entry.keys.iter().find(|id| !is_id(id)) {
            return Err(PinError::KeyId(bad.chars().take(100).collect()));
        }
        if seen.contains(&pattern) {
            return Err(PinError::Twice(entry.pattern.clone()));
        }
        seen.push(pattern);
    }
    Ok(())
}

/// The entry that decides for a repository. An entry that cannot be read may have been for it: that is an error, not a first use.
pub(crate) fn find<'a>(
    pinned: &'a [PinnedRoot],
    host: &Host,
    repository: &Repository,
) -> Result<Option<&'a PinnedRoot>, PatternError> {
    let mut found: Option<((bool, usize), &PinnedRoot)> = None;
    for entry in pinned {
        let pattern: RootPattern = entry.pattern.parse()?;
        let weight = pattern.weight();
        if pattern.matches(host, repository) && found.is_none_or(|(best, _)| best < weight) {
            found = Some((weight, entry));
        }
    }
    Ok(found.map(|(_, entry)| entry))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pinned(pattern: &str, key: char) -> PinnedRoot {
        PinnedRoot { pattern: pattern.to_owned(), keys: vec![key.to_string().repeat(64)], ca: String::new() }
    }

    #[test]
    fn the_most_specific_entry_decides_for_whole_components() {
        let entries =
            [pinned("h.test/*", 'a'), pinned("H.test:443/qa/*", 'b'), pinned("h.test/qa/app", 'c'), pinned("h.test/app", 'd')];
        let host: Host = "h.test".parse().unwrap();
        check(&host, &entries).unwrap();
        let key = |repository: &str| find(&entries, &host, &repository.parse().unwrap()).unwrap().unwrap().keys[0].chars().next();
        assert_eq!(key("qa/app"), Some('c'));
        assert_eq!(key("qa/app/deep"), Some('b'));
        assert_eq!(key("qa2/app"), Some('a'));
        assert_eq!(key("app"), Some('d'));
        assert_eq!(find(&entries[1..3], &host, &"qa".parse().unwrap()), Ok(None));
        assert_eq!(find(&entries, &"h.test:5000".parse().unwrap(), &"qa/app".parse().unwrap()), Ok(None));
    }

    #[test]
    fn entries_that_pin_nothing_or_could_be_read_two_ways_are_refused() {
        let host: Host = "h.test".parse().unwrap();
        let refused = |entries: &[PinnedRoot]| check(&host, entries).unwrap_err();
        assert!(matches!(refused(&[pinned("other/*", 'a')]), PinError::OtherHost { .. }));
        assert!(matches!(refused(&[pinned("h.test/*", 'a'), pinned("h.test:443/*", 'b')]), PinError::Twice(_)));
        assert!(matches!(refused(&[pinned("h.test/*", 'A')]), PinError::KeyId(_)));
        assert!(matches!(refused(&[PinnedRoot { keys: vec![], ..pinned("h.test/*", 'a') }]), PinError::KeysOrCa(_)));
        assert!(matches!(refused(&[PinnedRoot { ca: "pem".to_owned(), ..pinned("h.test/*", 'a') }]), PinError::KeysOrCa(_)));
        for bad in ["*", "h.test", "h.test/", "h.test/q*", "h.test/qa/app:v1", "https://h.test/*", "h.test/*/app"] {
            assert!(matches!(refused(&[pinned(bad, 'a')]), PinError::Pattern(_)), "{bad}");
            assert!(find(&[pinned(bad, 'a')], &host, &"qa/app".parse().unwrap()).is_err(), "{bad}");
        }
    }
}
