//! Role names.

use std::fmt;
use std::str::FromStr;

/// A role of a collection: one of the four base roles, or a delegation `targets/…`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum RoleName {
    Root,
    Targets,
    Snapshot,
    Timestamp,
    Delegation(DelegationName),
}

/// `targets/<name>[/<name>…]`, checked.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct DelegationName(String);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a role name")]
pub struct RoleNameError(String);

impl RoleName {
    /// The role that says which digest a tag means.
    pub fn releases() -> Self {
        Self::Delegation(DelegationName("targets/releases".to_owned()))
    }

    pub fn as_str(&self) -> &str {
        match self {
            Self::Root => "root",
            Self::Targets => "targets",
            Self::Snapshot => "snapshot",
            Self::Timestamp => "timestamp",
            Self::Delegation(name) => &name.0,
        }
    }

    /// The `_type` a file of this role carries.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Root => "Root",
            Self::Snapshot => "Snapshot",
            Self::Timestamp => "Timestamp",
            Self::Targets | Self::Delegation(_) => "Targets",
        }
    }

    pub fn is_delegation(&self) -> bool {
        matches!(self, Self::Delegation(_))
    }

    /// The role whose `delegations` name this one; none for the base roles.
    pub fn parent(&self) -> Option<Self> {
        let Self::Delegation(DelegationName(name)) = self else { return None };
        let (parent, _) = name.rsplit_once('/')?;
        Some(if parent == "targets" { Self::Targets } else { Self::Delegation(DelegationName(parent.to_owned())) })
    }

    /// Whether this is a signer's role: a direct child of `targets` other than `targets/releases`. Only these are counted.
    pub fn is_signer(&self) -> bool {
        self.parent() == Some(Self::Targets) && *self != Self::releases()
    }

    /// A delegation's name without `targets/`; other roles' whole name.
    pub fn short(&self) -> &str {
        self.as_str().strip_prefix("targets/").unwrap_or(self.as_str())
    }

    /// How many delegations deep; 0 for the base roles.
    pub fn depth(&self) -> usize {
        self.as_str().matches('/').count()
    }
}

impl FromStr for RoleName {
    type Err = RoleNameError;

    /// Notary's rule for delegations: `^[-a-z0-9_/]+$`, below `targets/`, a clean path, shorter than 256 bytes.
    fn from_str(text: &str) -> Result<Self, RoleNameError> {
        match text {
            "root" => return Ok(Self::Root),
            "targets" => return Ok(Self::Targets),
            "snapshot" => return Ok(Self::Snapshot),
            "timestamp" => return Ok(Self::Timestamp),
            _ => {}
        }
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        let clean = |part: &str| !part.is_empty() && part.bytes().all(allowed);
        match text.strip_prefix("targets/") {
            Some(rest) if text.len() < 256 && rest.split('/').all(clean) => Ok(Self::Delegation(DelegationName(text.to_owned()))),
            _ => Err(RoleNameError(text.chars().take(300).collect())),
        }
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(text: &str) -> RoleName {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn names_print_as_they_were_read_and_know_their_parent() {
        for text in ["root", "targets", "snapshot", "timestamp", "targets/releases", "targets/a-b_c/0"] {
            assert_eq!(role(text).to_string(), text);
        }
        assert_eq!(role("targets/a/b").parent(), Some(role("targets/a")));
        assert_eq!(role("targets/a").parent(), Some(RoleName::Targets));
        assert_eq!(RoleName::Targets.parent(), None);
    }

    #[test]
    fn only_direct_children_of_targets_other_than_releases_are_signers() {
        assert!(role("targets/qa").is_signer());
        for text in ["root", "targets", "targets/releases", "targets/qa/sub", "targets/releases/qa"] {
            assert!(!role(text).is_signer(), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_clean_path_below_targets_is_refused() {
        let long = format!("targets/{}", "a".repeat(248));
        for text in [
            "",
            "Root",
            "targets/",
            "targets//a",
            "targets/a/",
            "targets/../root",
            "targets/.",
            "targets/A",
            "x/a",
            "targets/a b",
            &long,
        ] {
            assert!(text.parse::<RoleName>().is_err(), "{text:?}");
        }
    }
}
