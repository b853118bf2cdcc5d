//! The cluster's configuration: one document, replaced as a whole.

use async_trait::async_trait;

use crate::Result;

/// The configuration as it was last written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredSettings {
    /// Grows by one with each replacement; 0 before the first.
    pub revision: i64,
    /// The document's text; empty before the first replacement.
    pub document: String,
}

#[async_trait]
pub trait Settings: Send + Sync {
    /// The revision alone. It is asked for with every decision, and costs next to nothing: a change by this process is seen at
    /// once, one by another process on the same store within a fraction of a second.
    async fn revision(&self) -> Result<i64>;

    async fn load(&self) -> Result<StoredSettings>;

    /// Replaces the document if its revision still is `expected`, and answers the new revision.
    /// Otherwise [`crate::StorageError::Conflict`], and nothing is changed.
    async fn replace(&self, expected: i64, document: &str) -> Result<i64>;
}
