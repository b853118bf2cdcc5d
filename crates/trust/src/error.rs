//! Why there is no verified collection.

use wharfinger_storage::StorageError;
use wharfinger_tuf::{Gun, WalkError};

#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The registry says 401, 403 or 404.
    #[error("image or trust data does not exist{}", if *.credentials_refused { " (credentials were missing or refused)" } else { "" })]
    Absent { credentials_refused: bool },
    #[error("registry {host} did not answer: {cause}")]
    Unreachable { host: String, cause: String },
    #[error("trust data of {gun} is invalid: {cause}")]
    Invalid { gun: String, cause: WalkError },
    #[error("trust data of {gun} has expired: {cause}")]
    Expired { gun: String, cause: WalkError },
    #[error("trust data of {gun} was rolled back: {cause}")]
    Rollback { gun: String, cause: String },
    #[error(
        "trust data of {gun} is not trusted: {cause}. If the repository was made anew on purpose, an admin must pin its new root"
    )]
    RootChanged { gun: String, cause: String },
    #[error("trust data of {gun} is replayed: {cause}")]
    Replayed { gun: String, cause: String },
    #[error("what is remembered of trust data cannot be read or written")]
    Storage(#[from] StorageError),
}

impl TrustError {
    /// A word for logs, metrics and denials that does not change.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Absent { .. } => "absent",
            Self::Unreachable { .. } => "unreachable",
            Self::Invalid { .. } => "invalid",
            Self::Expired { .. } => "expired",
            Self::Rollback { .. } => "rollback",
            Self::RootChanged { .. } => "root_changed",
            Self::Replayed { .. } => "replayed",
            Self::Storage(_) => "storage",
        }
    }
}

/// The one mapping from a walk's end to the caller's view of it.
pub(crate) fn judged(gun: &Gun, error: WalkError) -> TrustError {
    let gun = gun.to_string();
    match error {
        cause @ WalkError::Expired { .. } => TrustError::Expired { gun, cause },
        cause @ WalkError::Rollback { .. } => TrustError::Rollback { gun, cause: cause.to_string() },
        cause @ (WalkError::RootChanged { .. } | WalkError::NotPinned | WalkError::RootCertificate(_)) => {
            TrustError::RootChanged { gun, cause: cause.to_string() }
        }
        cause => TrustError::Invalid { gun, cause },
    }
}
