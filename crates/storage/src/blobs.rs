//! The bytes of blobs, once each, under the digest of their content; and the uploads they grow from.
//!
//! Which repository a blob belongs to, and whose an upload is, is not known here (see [`crate::repositories::Content`]).

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use wharfinger_oci::Digest;

use crate::{Result, StorageError};

/// Content as it streams by.
pub type ByteStream = BoxStream<'static, std::io::Result<Bytes>>;

/// Names one upload. Random, and not a permission: the door checks whose it is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct UploadId(uuid::Uuid);

impl UploadId {
    pub fn generate() -> Self {
        Self(uuid::Uuid::new_v4())
    }
}

impl fmt::Display for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("this is not the id of an upload")]
pub struct UploadIdError;

impl FromStr for UploadId {
    type Err = UploadIdError;

    fn from_str(text: &str) -> std::result::Result<Self, UploadIdError> {
        let id = Self(text.parse().map_err(|_| UploadIdError)?);
        // One id, one spelling: it becomes a file name.
        if id.to_string() == text { Ok(id) } else { Err(UploadIdError) }
    }
}

/// Why bytes were not (all) added to an upload.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    #[error("there is no such upload")]
    Absent,
    /// Nothing was added: the upload has this size, and the bytes were meant for another place.
    #[error("the upload has {0} bytes, the content begins elsewhere")]
    OutOfOrder(u64),
    /// Nothing was added: another request is adding to this upload.
    #[error("another request is adding to this upload")]
    Busy,
    /// The sender's stream broke off; what came before is kept.
    #[error("the content broke off")]
    Interrupted(#[source] std::io::Error),
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// What became of [`Blobs::finish`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Finished {
    /// The blob is stored; it has this size. The upload is gone.
    Stored(u64),
    /// The content is not what the digest names: upload and content are gone.
    Mismatch,
    Absent,
    /// Nothing was done: another request is adding to this upload.
    Busy,
}

/// An open blob.
pub struct Opened {
    /// The whole blob's size.
    pub size: u64,
    /// The bytes asked for. When all were asked for they are checked against the digest on the way: the stream of
    /// a damaged blob ends in an error, before its last bytes.
    pub content: ByteStream,
}

/// Where blobs are kept.
#[async_trait]
pub trait Blobs: Send + Sync {
    /// Begins an empty upload.
    async fn begin(&self, upload: &UploadId) -> Result<()>;

    /// How many bytes of an upload are kept; they survive a restart.
    async fn received(&self, upload: &UploadId) -> Result<Option<u64>>;

    /// Adds content to an upload and answers its size then. With `at`, the content has to begin there.
    async fn append(&self, upload: &UploadId, at: Option<u64>, content: ByteStream) -> std::result::Result<u64, AppendError>;

    /// Makes an upload the blob `expected`, if its content is that.
    async fn finish(&self, upload: &UploadId, expected: &Digest) -> Result<Finished>;

    /// Forgets an upload; it need not exist.
    async fn discard(&self, upload: &UploadId) -> Result<()>;

    /// Every upload that is kept.
    async fn uploads(&self) -> Result<Vec<UploadId>>;

    async fn size(&self, digest: &Digest) -> Result<Option<u64>>;

    /// Opens a blob, whole or the given bytes of it; the range has to lie within its size.
    async fn open(&self, digest: &Digest, range: Option<RangeInclusive<u64>>) -> Result<Option<Opened>>;

    /// Removes a blob; it need not exist.
    async fn remove(&self, digest: &Digest) -> Result<()>;
}
