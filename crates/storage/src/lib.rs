//! What the house remembers: one port per domain, each method one atomic intent.
//!
//! The traits are implemented by `storage-sql` and `storage-blob`; every implementation passes the same conformance suite.
//! No transaction object leaves an implementation, and what a method acknowledges is on disk.

pub mod accounts;
pub mod audit;
pub mod blobs;
pub mod collections;
pub mod memory;
pub mod repositories;
pub mod secrets;
pub mod sessions;
pub mod settings;
pub mod workloads;

/// Why a storage call failed. Absence is `Ok(None)`, never an error.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The store did not answer or could not write: nothing was changed.
    #[error("storage is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What is stored cannot be what we wrote.
    #[error("stored data is damaged: {0}")]
    Damaged(String),
    /// Something with this name or key is there already, or was changed meanwhile: nothing was changed.
    #[error("{0}")]
    Conflict(String),
}

impl StorageError {
    pub fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable(source.into())
    }
}

pub type Result<T> = std::result::Result<T, StorageError>;
