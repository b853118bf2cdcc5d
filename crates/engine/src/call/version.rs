//! Versions of the engine's API, such as `1.41`.

use std::{fmt, str::FromStr};

/// A version of the engine's API. The order is the order of release.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ApiVersion {
    major: u16,
    minor: u16,
}

impl ApiVersion {
    /// The oldest version the table was made from.
    pub const OLDEST: Self = Self { major: 1, minor: 24 };
    /// The newest version the table knows: what a newer one would carry nobody here has read.
    pub const NEWEST: Self = Self { major: 1, minor: 51 };
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a version of the engine's API")]
pub struct NotAVersion;

impl FromStr for ApiVersion {
    type Err = NotAVersion;

    /// Only the canonical form: the engine, too, takes `1.041` or `1.41.0` to mean something.
    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        let (major, minor) = text.split_once('.').ok_or(NotAVersion)?;
        let version = Self { major: major.parse().map_err(|_| NotAVersion)?, minor: minor.parse().map_err(|_| NotAVersion)? };
        if version.to_string() == text { Ok(version) } else { Err(NotAVersion) }
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_form_is_a_version() {
        assert_eq!("1.41".parse::<ApiVersion>().unwrap().to_string(), "1.41");
        assert!("1.9".parse::<ApiVersion>().unwrap() < "1.24".parse().unwrap());
        for bad in ["", "1", "1.", ".41", "1.041", "01.41", "1.41.0", "+1.41", "1.+4", "1.99999999", "1. 41"] {
            assert_eq!(bad.parse::<ApiVersion>(), Err(NotAVersion), "{bad}");
        }
    }
}
