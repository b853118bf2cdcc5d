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
    async fn load(&self) -> Result<StoredSettings>;

    /// Replaces the document if its revision still is `expected`, and answers the new revision.
    /// Otherwise [`crate::StorageError::Conflict`], and nothing is changed.
    async fn replace(&self, expected: i64, document: &str) -> Result<i64>;
}
