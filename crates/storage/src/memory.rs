//! What a cluster remembers of the trust data it has verified: roots, versions, and which statement was made where.
//!
//! It outlives restarts, so that a rollback, another root and a file republished elsewhere are noticed.

use async_trait::async_trait;
use time::OffsetDateTime;

use crate::Result;

/// A verified file, as it is kept to be read again without asking the server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RememberedFile {
    /// `root`, `timestamp`, `targets/qa` …
    pub role: String,
    pub version: u64,
    /// sha256 of what was signed; equal for the same statement under other signatures.
    pub statement: [u8; 32],
    pub bytes: Vec<u8>,
    /// What the server called this state of it (only the timestamp is asked for by it).
    pub etag: Option<String>,
}

/// A key that signed a signer's role.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RememberedSigning {
    pub role: String,
    /// Canonical id of the bare key.
    pub key: String,
    pub version: u64,
    pub expires: OffsetDateTime,
}

/// All that is remembered of one GUN.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Remembered {
    /// The files of the last accepted walk, the root among them.
    pub files: Vec<RememberedFile>,
    /// The highest version ever accepted, by role; also of roles that are no longer there.
    pub versions: Vec<(String, u64)>,
    pub signings: Vec<RememberedSigning>,
}

/// A statement that was made before, under another name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SeenElsewhere {
    pub role: String,
    pub earlier_gun: String,
    pub earlier_role: String,
}

/// Whether what was learned was taken in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Remembering {
    Done,
    /// A statement of these files was seen in an earlier walk, and not under this GUN and role. Nothing was changed.
    Replayed(SeenElsewhere),
    /// A higher version of this role was accepted meanwhile. Nothing was changed.
    Older {
        role: String,
        known: u64,
    },
    /// The GUN was forgotten since it was recalled. Nothing was changed.
    Forgotten,
}

/// An image that was allowed: what may be allowed once more while its registry does not answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proven {
    pub gun: String,
    /// As it was pinned: `host/repository:tag@sha256:…`.
    pub image: String,
    /// Revision of the policy by which it was allowed.
    pub policy: i64,
    /// When it was last allowed on fresh trust data.
    pub at: OffsetDateTime,
}

#[async_trait]
pub trait TrustMemory: Send + Sync {
    async fn recall(&self, gun: &str) -> Result<Option<Remembered>>;

    /// Takes in the files of an accepted walk: replaces the files kept, raises versions and signings, and binds each statement of
    /// targets and delegations to its GUN and role for ever. All or nothing. `recalled`: whether the walk began from what
    /// [`TrustMemory::recall`] gave.
    async fn remember(
        &self,
        gun: &str,
        files: &[RememberedFile],
        signings: &[RememberedSigning],
        recalled: bool,
    ) -> Result<Remembering>;

    /// The GUNs of which something is remembered.
    async fn guns(&self) -> Result<Vec<String>>;

    /// Forgets root, files, versions and proofs of a GUN, so that its next root is trusted at first use. Statements stay bound.
    async fn forget(&self, gun: &str) -> Result<bool>;

    /// Keeps the newest proof of an image, and none that is older than a week before it.
    async fn prove(&self, proven: &Proven) -> Result<()>;

    async fn proven(&self, image: &str) -> Result<Option<Proven>>;

    /// Drops the proofs of a GUN: what they rest on is in doubt.
    async fn disprove(&self, gun: &str) -> Result<()>;
}
