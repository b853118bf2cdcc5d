//! Patterns of repositories, for rules and exemptions: `host/ns/repo` or `host/ns/*`. Parsed, never matched as substrings.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use wharfinger_oci::{Host, Reference, Repository, split_host};

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RepositoryPattern {
    pub host: Host,
    /// The exact path, or the path below which everything matches.
    path: Repository,
    everything_below: bool,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a repository pattern: write host/namespace/repository or host/namespace/*, without a tag")]
pub struct PatternError(String);

impl PatternError {
    pub(crate) fn of(text: &str) -> Self {
        Self(text.chars().take(300).collect())
    }
}

impl RepositoryPattern {
    pub fn matches(&self, reference: &Reference) -> bool {
        if reference.host != self.host {
            return false;
        }
        match reference.repository.as_str().strip_prefix(self.path.as_str()) {
            Some("") => !self.everything_below,
            Some(rest) => self.everything_below && rest.starts_with('/'),
            None => false,
        }
    }

    /// Whether everything that `other` matches is matched by this one too.
    pub fn covers(&self, other: &Self) -> bool {
        if other.host != self.host {
            return false;
        }
        match other.path.as_str().strip_prefix(self.path.as_str()) {
            Some("") => self.everything_below == other.everything_below,
            Some(rest) => self.everything_below && rest.starts_with('/'),
            None => false,
        }
    }
}

impl Serialize for RepositoryPattern {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RepositoryPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl FromStr for RepositoryPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let refuse = || PatternError(text.chars().take(300).collect());
        // `acme/app` without a host means Docker Hub to Docker: a pattern of a host `acme` would match nothing.
        let (Some(host), path) = split_host(text) else { return Err(refuse()) };
        let host: Host = host.parse().map_err(|_| refuse())?;
        let (path, everything_below) = match path.strip_suffix("/*") {
            Some(namespace) => (namespace, true),
            None => (path, false),
        };
        // `host/repo` could be meant as `host/ns`: the pattern has to say which.
        if !everything_below && !path.contains('/') {
            return Err(refuse());
        }
        Ok(Self { host, path: path.parse().map_err(|_| refuse())?, everything_below })
    }
}

impl fmt::Display for RepositoryPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}{}", self.host.in_reference(), self.path, if self.everything_below { "/*" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, image: &str) -> bool {
        pattern.parse::<RepositoryPattern>().unwrap().matches(&image.parse().unwrap())
    }

    #[test]
    fn a_pattern_matches_whole_components_of_the_parsed_reference() {
        assert!(matches("dtr.test/qa/app", "dtr.test/qa/app:v1"));
        assert!(matches("dtr.test:443/qa/app", "DTR.test/qa/app"));
        assert!(matches("dtr.test/qa/*", "dtr.test/qa/app:v1"));
        assert!(matches("dtr.test/qa/*", "dtr.test/qa/deep/app"));
        assert!(!matches("dtr.test/qa/*", "dtr.test/qa2/app"));
        assert!(!matches("dtr.test/qa/app", "dtr.test/qa/app2"));
        assert!(!matches("dtr.test/qa/app", "dtr.test/qa/app/more"));
        assert!(!matches("dtr.test/qa/app", "evil.io/dtr.test/qa/app"));
        assert!(!matches("dtr.test/qa/app", "dtr.test:5000/qa/app"));
    }

    #[test]
    fn a_pattern_covers_what_can_match_nothing_else() {
        let covers = |one: &str, other: &str| one.parse::<RepositoryPattern>().unwrap().covers(&other.parse().unwrap());
        assert!(covers("dtr.test/qa/*", "dtr.test/qa/app"));
        assert!(covers("dtr.test/qa/*", "DTR.test:443/qa/deep/*"));
        assert!(covers("dtr.test/qa/app", "dtr.test/qa/app"));
        assert!(!covers("dtr.test/qa/app", "dtr.test/qa/app/*"));
        assert!(!covers("dtr.test/qa/app", "dtr.test/qa/*"));
        assert!(!covers("dtr.test/qa/*", "dtr.test/qa2/app"));
        assert!(!covers("dtr.test/qa/*", "other.test/qa/app"));
    }

    #[test]
    fn what_could_be_read_two_ways_is_refused() {
        for bad in
            ["", "*", "dtr.test", "dtr.test/*", "dtr.test/app", "dtr.test/qa/app:v1", "https://dtr.test/qa/*", "dtr.test/q*/app"]
        {
            assert!(bad.parse::<RepositoryPattern>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_pattern_that_no_image_can_match_is_refused() {
        for bad in ["acme/payments/*", "acme/payments/app", "dtr/qa/*"] {
            assert!(bad.parse::<RepositoryPattern>().is_err(), "{bad}");
        }
        for (pattern, image) in [("dtr:443/qa/*", "dtr:443/qa/app"), ("localhost/qa/*", "localhost/qa/app")] {
            let read: RepositoryPattern = pattern.parse().unwrap();
            assert_eq!(read.to_string(), pattern);
            assert!(read.matches(&image.parse().unwrap()), "{pattern}");
        }
    }
}
