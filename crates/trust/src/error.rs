//! Why there is no verified collection.

use wharfinger_storage::StorageError;
use wharfinger_tuf::{Gun, RoleName, WalkError};

#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The registry says 401, 403 or 404.
    #[error("image or trust data does not exist{}", if *.credentials_refused { " (credentials were missing or refused)" } else { "" })]
    Absent { credentials_refused: bool },
    /// The registry says 404, and it did not always.
    #[error(
        "trust data of {gun} was verified here before and is gone: the repository was deleted, or who reads it may not any more"
    )]
    Deleted { gun: String },
    /// Nothing, or that it cannot answer now. Only this is waited out on what was proven before.
    #[error("registry {host} did not answer: {cause}")]
    Unreachable { host: String, cause: String },
    #[error("registry {host} gave an answer that cannot be used: {cause}")]
    Unusable { host: String, cause: String },
    #[error("trust data of {gun} is invalid: {cause}")]
    Invalid { gun: String, cause: WalkError },
    /// A file that people sign.
    #[error("trust data of {gun} has expired: {cause}")]
    Expired { gun: String, cause: WalkError },
    /// A file that the server signs anew by itself: somebody holds back the newer ones, or nobody makes them.
    #[error("trust data of {gun} is frozen: {cause}")]
    Frozen { gun: String, cause: WalkError },
    #[error("trust data of {gun} was rolled back: {cause}")]
    Rollback { gun: String, cause: String },
    #[error("trust data of {gun} was fast-forwarded: {cause}")]
    FastForward { gun: String, cause: WalkError },
    #[error("trust data of {gun} is not trusted: {cause}")]
    RootChanged { gun: String, cause: String },
    #[error("trust data of {gun} is not trusted: {cause}")]
    Recreated { gun: String, cause: WalkError },
    #[error("trust data of {gun} is not trusted: {cause}")]
    NotPinned { gun: String, cause: WalkError },
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
            Self::Deleted { .. } => "deleted",
            Self::Unreachable { .. } => "unreachable",
            Self::Unusable { .. } => "unusable",
            Self::Invalid { .. } => "invalid",
            Self::Expired { .. } => "expired",
            Self::Frozen { .. } => "frozen",
            Self::Rollback { .. } => "rollback",
            Self::FastForward { .. } => "fast-forward",
            Self::RootChanged { .. } => "root-replaced",
            Self::Recreated { .. } => "re-created",
            Self::NotPinned { .. } => "not-pinned",
            Self::Replayed { .. } => "replayed",
            Self::Storage(_) => "storage",
        }
    }

    /// What repairs it, with the command where there is one. `image` is a reference of the repository.
    pub fn remedy(&self, image: &str) -> String {
        let repin = |gun: &str| format!("wharfinger policy re-pin {gun} --reason '…' (or POST /api/trust/repin)");
        match self {
            Self::Absent { credentials_refused: true } => {
                format!("credentials for {image} were missing or refused: docker login, then --with-registry-auth for services")
            }
            Self::Absent { credentials_refused: false } => format!("sign it: docker trust sign {image}"),
            Self::Deleted { gun } => {
                format!("push and sign it again: docker trust sign {image}; if the repository was made anew, an admin also accepts its new root: {}", repin(gun))
            }
            Self::Unreachable { .. } | Self::Unusable { .. } => "wharfinger doctor tells what does not answer; it recovers by itself".to_owned(),
            Self::Invalid { .. } => format!("the registry serves files that do not fit together: its operator restores them, or the owner signs anew: docker trust sign {image}"),
            Self::Expired { gun, cause } => match cause {
                WalkError::Expired { role: RoleName::Root, .. } => format!("the owner signs a new root: notary key rotate {gun} root"),
                WalkError::Expired { role, .. } => {
                    format!("its owner signs it again: notary witness -p {gun} {role} (or docker trust sign {image})")
                }
                _ => format!("its owner signs it again: docker trust sign {image}"),
            },
            Self::Frozen { .. } => {
                "the registry's operator finds out why it signs no new timestamps, and who stands between it and this cluster; it recovers by itself".to_owned()
            }
            Self::Rollback { gun, .. } => format!(
                "the registry's operator restores its newest backup; if the older state is what you mean, an admin accepts it: {}",
                repin(gun)
            ),
            Self::FastForward { gun, .. } => {
                format!("its owner rotates the key of that role; if the jump was meant, an admin accepts it: {}", repin(gun))
            }
            Self::RootChanged { gun, .. } => format!(
                "do not trust it before its owner confirms the new root key; then an admin accepts it: {}",
                repin(gun)
            ),
            Self::Recreated { gun, .. } => {
                format!("if the owner made the repository anew, an admin accepts its new root: {}", repin(gun))
            }
            Self::NotPinned { .. } => {
                "an admin compares the root's key with `pinned_roots` of the registration, and writes the right one".to_owned()
            }
            Self::Replayed { .. } => format!("sign again (docker trust sign {image}), and find out who put old files there"),
            Self::Storage(_) => "look at the cluster's log and disk: wharfinger doctor".to_owned(),
        }
    }

    /// What is not there, and once was, has gone.
    pub(crate) fn of_known(self, gun: &Gun, known: bool) -> Self {
        match self {
            Self::Absent { credentials_refused: false } if known => Self::Deleted { gun: gun.to_string() },
            other => other,
        }
    }
}

/// The one mapping from a walk's end to the caller's view of it.
pub(crate) fn judged(gun: &Gun, error: WalkError) -> TrustError {
    let gun = gun.to_string();
    match error {
        cause @ WalkError::Expired { role: RoleName::Timestamp | RoleName::Snapshot, .. } => TrustError::Frozen { gun, cause },
        cause @ WalkError::Expired { .. } => TrustError::Expired { gun, cause },
        cause @ WalkError::Rollback { .. } => TrustError::Rollback { gun, cause: cause.to_string() },
        cause @ WalkError::FastForward { .. } => TrustError::FastForward { gun, cause },
        cause @ WalkError::Recreated { .. } => TrustError::Recreated { gun, cause },
        cause @ WalkError::NotPinned => TrustError::NotPinned { gun, cause },
        cause @ (WalkError::RootChanged { .. } | WalkError::RootCertificate(_)) => {
            TrustError::RootChanged { gun, cause: cause.to_string() }
        }
        cause => TrustError::Invalid { gun, cause },
    }
}
