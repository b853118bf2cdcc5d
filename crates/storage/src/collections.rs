//! Signed collections: the files of each GUN as they were received, the server's keys, the changefeed.
//!
//! Files are never changed, only added and (with all of their GUN) deleted. Whoever publishes says on which timestamp the
//! publication rests; if that is no longer the newest one, nothing is stored and the caller looks again.

use async_trait::async_trait;
use time::OffsetDateTime;
use wharfinger_identity::AccountId;

use crate::Result;

/// A metadata file, byte for byte as it was published or made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredFile {
    pub role: String,
    pub version: i64,
    /// Lower-case hex sha256 of `bytes`.
    pub sha256: String,
    pub bytes: Vec<u8>,
    pub stored_at: OffsetDateTime,
}

/// The newest state of a collection.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Head {
    pub timestamp_sha256: String,
    /// The snapshot which that timestamp names.
    pub snapshot_sha256: String,
    /// From when on the server wants to sign its files anew.
    pub resign_at: OffsetDateTime,
}

/// A file of a publication.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewFile {
    pub role: String,
    pub version: i64,
    pub sha256: String,
    /// Hash of the signed bytes: once known they may never appear under another GUN or role. `None` for what the server
    /// itself made.
    pub signed_sha256: Option<String>,
    pub bytes: Vec<u8>,
}

/// Who published or deleted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Publisher {
    pub id: AccountId,
    /// As the account was called then: somebody else may be called so now.
    pub name: String,
}

/// What one publish (or one signing anew) adds, all of it or nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Publication {
    pub gun: String,
    /// The newest timestamp the publication was made from; `None` for a first publish.
    pub based_on: Option<String>,
    pub files: Vec<NewFile>,
    pub head: Head,
    /// Server keys that the root now names: they are no longer pending.
    pub used_keys: Vec<String>,
    /// `None`: the server itself.
    pub by: Option<Publisher>,
    pub at: OffsetDateTime,
}

/// One thing that was done to a collection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Past {
    /// Larger than that of everything before it.
    pub id: i64,
    pub at: OffsetDateTime,
    /// `None`: it was not kept then.
    pub by: Option<Publisher>,
    pub done: Done,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Done {
    /// These files were published, the server's own left out.
    Published(Vec<PastFile>),
    /// All of it was deleted: nothing is known of what was there before.
    Deleted,
}

/// Which file was published, in place of which.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PastFile {
    pub role: String,
    pub version: i64,
    pub sha256: String,
    /// The sha256 of the file of this role before it.
    pub before: Option<String>,
}

/// How a publication ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Published {
    Stored,
    /// The newest timestamp is not the one it was based on. Nothing was stored.
    Moved,
    /// The role has a version that is not lower. Nothing was stored.
    OldVersion {
        role: String,
    },
    /// The signed bytes of this file are known under another GUN or role, or from a collection that was deleted. Nothing was stored.
    Replayed {
        role: String,
        known_as: Vec<(String, String)>,
    },
}

/// A key of the server's own, for the timestamp or the snapshot of one GUN. The private half is sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerKey {
    pub gun: String,
    pub role: String,
    pub key_id: String,
    /// The public key as DER `SubjectPublicKeyInfo`.
    pub public: Vec<u8>,
    pub sealed_private: Vec<u8>,
    pub created_at: OffsetDateTime,
}

impl std::fmt::Debug for ServerKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("ServerKey");
        shown.field("gun", &self.gun).field("role", &self.role).field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

/// One line of the changefeed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    pub id: i64,
    pub at: OffsetDateTime,
    pub gun: String,
    /// Version and sha256 of the new timestamp; `None` when the collection was deleted.
    pub timestamp: Option<(i64, String)>,
}

/// Which part of the changefeed is asked for. Answers are always oldest first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Window {
    /// The first lines after this id.
    After(i64),
    /// The last lines before this id; `None`: the newest.
    Before(Option<i64>),
}

#[async_trait]
pub trait Collections: Send + Sync {
    async fn head(&self, gun: &str) -> Result<Option<Head>>;

    async fn by_hash(&self, gun: &str, role: &str, sha256: &str) -> Result<Option<StoredFile>>;

    async fn by_version(&self, gun: &str, role: &str, version: i64) -> Result<Option<StoredFile>>;

    /// The newest file of the role that was there at that time.
    async fn by_time(&self, gun: &str, role: &str, at: OffsetDateTime) -> Result<Option<StoredFile>>;

    /// What people did to a collection, newest first: up to `limit` with an id below `before`. What the server signed anew is left out.
    async fn past(&self, gun: &str, before: Option<i64>, limit: u32) -> Result<Vec<Past>>;

    /// Adds all files, moves the head, takes the keys out of pending and writes the changefeed, or does nothing.
    async fn publish(&self, publication: &Publication) -> Result<Published>;

    /// Removes every file of the GUN; whether there was any. Server keys and what is known of signed bytes stay: but for the root's,
    /// these are not taken a second time.
    async fn delete(&self, gun: &str, by: Option<&Publisher>, at: OffsetDateTime) -> Result<bool>;

    /// Collections whose `resign_at` is not after `now`, in the order of their names, from after `after` on.
    async fn due(&self, now: OffsetDateTime, after: Option<&str>, limit: u32) -> Result<Vec<String>>;

    /// The server's keys for a role, newest first.
    async fn server_keys(&self, gun: &str, role: &str) -> Result<Vec<ServerKey>>;

    /// The one pending key of the role: `candidate`, unless there is one already.
    async fn pending_key(&self, candidate: &ServerKey) -> Result<ServerKey>;

    async fn changes(&self, gun: Option<&str>, window: Window, limit: u32) -> Result<Vec<Change>>;
}
