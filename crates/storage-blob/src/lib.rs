//! Where are the bytes of this blob? In a file named after their digest.
//!
//! Uploads come in and grow in `uploads/<id>`; a finished one is renamed to `<algorithm>/<first two digits>/<hex>` and is
//! immutable from then on. Content is hashed while it is written, and whole blobs are hashed again while they are read.
//! What is acknowledged has been synced, files and directories. Which repository a blob is part of, and whose an upload is,
//! is never asked here.

mod place;
mod read;
mod running;
mod write;

use std::ops::RangeInclusive;
use std::path::Path;

use async_trait::async_trait;
use wharfinger_oci::Digest;
use wharfinger_storage::Result;
use wharfinger_storage::blobs::{AppendError, Blobs, ByteStream, Finished, Opened, UploadId};

use self::place::{Place, blocking};

/// How much is read, hashed and written at once.
const CHUNK: usize = 256 * 1024;

/// Blobs as files in a folder. Cheap to clone; every clone is the same store. One process uses a folder at a time.
#[derive(Clone, Debug)]
pub struct BlobFiles {
    place: Place,
    turns: write::Turns,
}

impl BlobFiles {
    /// Opens (and if need be makes) the store in `folder`.
    pub async fn open(folder: &Path) -> Result<Self> {
        let place = Place::new(folder);
        let made = place.clone();
        blocking(move || made.prepare()).await?;
        Ok(Self { place, turns: write::Turns::default() })
    }
}

#[async_trait]
impl Blobs for BlobFiles {
    async fn begin(&self, upload: &UploadId) -> Result<()> {
        write::begin(&self.place, *upload).await
    }

    async fn received(&self, upload: &UploadId) -> Result<Option<u64>> {
        self.place.length(self.place.upload(upload)).await
    }

    async fn append(&self, upload: &UploadId, at: Option<u64>, content: ByteStream) -> std::result::Result<u64, AppendError> {
        let turn = self.turns.take(*upload).ok_or(AppendError::Busy)?;
        write::append(&self.place, turn, at, content).await
    }

    async fn finish(&self, upload: &UploadId, expected: &Digest) -> Result<Finished> {
        let Some(turn) = self.turns.take(*upload) else { return Ok(Finished::Busy) };
        write::finish(&self.place, turn, expected).await
    }

    async fn discard(&self, upload: &UploadId) -> Result<()> {
        let (place, upload) = (self.place.clone(), *upload);
        blocking(move || place.forget(&upload)).await
    }

    async fn uploads(&self) -> Result<Vec<UploadId>> {
        let place = self.place.clone();
        blocking(move || place.uploads()).await
    }

    async fn size(&self, digest: &Digest) -> Result<Option<u64>> {
        self.place.length(self.place.blob(digest)).await
    }

    async fn open(&self, digest: &Digest, range: Option<RangeInclusive<u64>>) -> Result<Option<Opened>> {
        read::open(&self.place, digest, range).await
    }

    async fn remove(&self, digest: &Digest) -> Result<()> {
        let blob = self.place.blob(digest);
        blocking(move || place::remove(&blob)).await
    }
}
