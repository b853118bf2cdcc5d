//! Why a walk ends without a collection.

use time::OffsetDateTime;

use crate::{ParseError, RoleName, RootCertificateError, SignatureError, format_time};

#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum WalkError {
    #[error("{role} is missing on the server")]
    Missing { role: RoleName },
    #[error("{role} is larger than the {limit} bytes it may have")]
    TooLarge { role: RoleName, limit: u64 },
    #[error("{role} has {found} bytes, and its parent says {expected}")]
    Length { role: RoleName, expected: u64, found: u64 },
    #[error("{role} does not have the hash its parent gives")]
    Hash { role: RoleName },
    #[error("{role} is not named by its parent")]
    Unnamed { role: RoleName },
    #[error("{role} is malformed: {source}")]
    Malformed { role: RoleName, source: ParseError },
    #[error("{role} is not validly signed: {source}")]
    Signatures { role: RoleName, source: SignatureError },
    #[error("{role} expired at {}", format_time(*.at))]
    Expired { role: RoleName, at: OffsetDateTime },
    #[error("{role} has version {version}, which is lower than version {known} seen before")]
    Rollback { role: RoleName, version: u64, known: u64 },
    #[error("the root has changed and is not signed by the root trusted before (version {trusted}): {why}")]
    RootChanged { trusted: u64, why: String },
    #[error(
        "the root (version {version}) has no key in common with the one trusted before (version {trusted}): the repository was made anew, or somebody poses as it"
    )]
    Recreated { trusted: u64, version: u64 },
    #[error(
        "{role} has jumped from version {known} to {version}: whoever holds its key may want to make every later version look old"
    )]
    FastForward { role: RoleName, version: u64, known: u64 },
    #[error("the root's signers do not hold for this repository: {0}")]
    RootCertificate(#[from] RootCertificateError),
    #[error("the root is not signed by a pinned key")]
    NotPinned,
    #[error("the root remembered of this repository cannot be read: {0}")]
    Anchor(ParseError),
    #[error("{role} delegates to more roles, or deeper, than are followed")]
    TooManyDelegations { role: RoleName },
    #[error("with {role}, there are more signatures than are verified")]
    TooManySignatures { role: RoleName },
    #[error("there are more than {0} root versions since the one trusted")]
    RootChainTooLong(u64),
    #[error("the walk was ended before it was done")]
    Incomplete,
}

impl WalkError {
    /// Whether another root could make it right: its keys may have been rotated, or it may have been renewed.
    pub(crate) fn may_be_cured_by_a_newer_root(&self) -> bool {
        // A repository made anew begins again at version 1, often under the same server keys: its root tells it from a rollback.
        matches!(self, Self::Signatures { .. } | Self::Rollback { .. })
    }
}
