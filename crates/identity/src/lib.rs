//! Who is there: accounts, organizations, teams, roles and the names they may have.
//!
//! Plain values without I/O. What somebody *may* do is decided in `auth`; whose signature counts, in `policy`.

mod name;
mod role;

pub use name::{AccountName, NameError, TeamName};
pub use role::{Role, UnknownRole};

use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// A new id; ids sort by the time they were made and are never used again.
            pub fn generate() -> Self {
                Self(uuid::Uuid::now_v7().to_string())
            }

            /// An id as it was stored.
            pub fn stored(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// A user or an organization.
    AccountId
);
id!(TeamId);
id!(
    /// One row of an account's public keys.
    PublicKeyId
);

/// A user or an organization, as stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    pub id: AccountId,
    pub name: AccountName,
    pub full_name: String,
    pub is_org: bool,
    pub is_admin: bool,
    pub is_active: bool,
    pub role: Role,
}

/// A team of an organization.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Team {
    pub id: TeamId,
    pub org: AccountId,
    pub name: TeamName,
    pub description: String,
}
