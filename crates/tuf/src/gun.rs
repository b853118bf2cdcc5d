//! Globally unique names: the whole identity of a collection.

use std::fmt;
use std::str::FromStr;

/// `host[:port]/namespace/repository`, exactly as the client sent it: another spelling of the host is another collection.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Gun(String);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a repository name (host[:port]/namespace/repository)")]
pub struct GunError(String);

impl Gun {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the first `/`.
    pub fn host(&self) -> &str {
        self.0.split('/').next().unwrap_or_default()
    }

    /// What stands after the first `/`; empty when there is none.
    pub fn path(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, path)| path)
    }
}

impl FromStr for Gun {
    type Err = GunError;

    /// The name stands in URLs, so it holds nothing that a URL or a file system would read in its own way.
    fn from_str(text: &str) -> Result<Self, GunError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-:[]/".contains(&byte);
        let component = |part: &str| !matches!(part, "" | "." | ".." | "_trust");
        if text.len() > 255 || !text.bytes().all(allowed) || !text.split('/').all(component) {
            return Err(GunError(text.chars().take(300).collect()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Gun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gun_is_kept_as_sent() {
        for text in ["dtr.test:5400/qa/app", "DTR.test:443/qa/app", "docker.io/library/alpine", "[::1]:5000/a", "collection"] {
            assert_eq!(text.parse::<Gun>().unwrap().as_str(), text);
        }
        let gun: Gun = "dtr.test:5400/qa/app".parse().unwrap();
        assert_eq!((gun.host(), gun.path()), ("dtr.test:5400", "qa/app"));
    }

    #[test]
    fn a_name_that_a_url_would_read_differently_is_refused() {
        let long = "a".repeat(256);
        for text in [
            "",
            "/",
            "a/",
            "/a",
            "a//b",
            "a/../b",
            "a/./b",
            "a b",
            "a*",
            "a%2fb",
            "a?b",
            "a#b",
            "a/_trust/b",
            "a\n",
            "ä/b",
            &long,
        ] {
            assert!(text.parse::<Gun>().is_err(), "{text:?}");
        }
    }
}
