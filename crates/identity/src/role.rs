//! What a user of a cluster may do there, by UCP's names. Administrators are marked by a flag of the account, not by a role.

use std::fmt;
use std::str::FromStr;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    None,
    ViewOnly,
    RestrictedControl,
    Scheduler,
    FullControl,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a role: none, viewonly, restrictedcontrol, scheduler or fullcontrol")]
pub struct UnknownRole(String);

impl Role {
    pub const ALL: [Self; 5] = [Self::None, Self::ViewOnly, Self::RestrictedControl, Self::Scheduler, Self::FullControl];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ViewOnly => "viewonly",
            Self::RestrictedControl => "restrictedcontrol",
            Self::Scheduler => "scheduler",
            Self::FullControl => "fullcontrol",
        }
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or_else(|| UnknownRole(text.chars().take(100).collect()))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
