//! What was decided and changed, by whom: appended, never altered.

use async_trait::async_trait;
use time::OffsetDateTime;

use crate::Result;

/// One act to record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Act {
    pub at: OffsetDateTime,
    /// The account's name; `-` for the house itself and for people at the machine.
    pub actor: String,
    /// What was done, such as `deploy`, `policy.change`, `key.delete`.
    pub action: String,
    /// What it was done to: an image, an account, a registry.
    pub object: String,
    /// `allow`, `deny` or `done`.
    pub outcome: String,
    /// JSON with the particulars. Never a secret.
    pub detail: String,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recorded {
    /// Grows with every entry.
    pub id: i64,
    pub act: Act,
}

#[async_trait]
pub trait Audit: Send + Sync {
    /// Records `act`; once this returns it is on disk.
    async fn append(&self, act: &Act) -> Result<i64>;

    /// Entries with an id below `before`, newest first.
    async fn newest(&self, before: Option<i64>, limit: u32) -> Result<Vec<Recorded>>;
}
