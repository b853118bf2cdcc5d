//! What a walk asks for.

use crate::{Meta, RoleName};

/// A file the walk needs, and how much of it may be read at most.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Want {
    pub role: RoleName,
    pub by: By,
    /// In bytes; for a file named by hash its exact length, unless that is more than we are willing to read.
    pub limit: u64,
}

/// Which of a role's files.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum By {
    Current,
    Version(u64),
    Hash(Meta),
}

/// What came back.
#[derive(Clone, Debug)]
pub enum File {
    Found(Vec<u8>),
    /// The server says there is none.
    Missing,
}

impl Want {
    pub(crate) fn current(role: RoleName, limit: u64) -> Self {
        Self { role, by: By::Current, limit }
    }

    pub(crate) fn by_hash(role: RoleName, meta: &Meta, limit: u64) -> Self {
        Self { role, limit: limit.min(meta.length), by: By::Hash(meta.clone()) }
    }

    /// Its name below `/v2/<GUN>/_trust/tuf/`.
    pub fn path(&self) -> String {
        match &self.by {
            By::Current => format!("{}.json", self.role),
            By::Version(version) => format!("{version}.{}.json", self.role),
            By::Hash(meta) => format!("{}.{}.json", self.role, hex::encode(meta.hashes.sha256.unwrap_or_default())),
        }
    }
}
