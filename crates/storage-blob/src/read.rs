//! Reading blobs. Whole ones are hashed on the way out.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::RangeInclusive;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream;
use wharfinger_oci::{Digest, Hasher};
use wharfinger_storage::blobs::{ByteStream, Opened};
use wharfinger_storage::{Result, StorageError};

use crate::CHUNK;
use crate::place::{Place, blocking, there};

/// A blob being read.
struct Reading {
    file: File,
    /// How many bytes are still to come.
    left: u64,
    /// What they have to amount to; a part of a blob cannot be checked.
    check: Option<(Hasher, Digest)>,
}

pub(crate) async fn open(place: &Place, digest: &Digest, range: Option<RangeInclusive<u64>>) -> Result<Option<Opened>> {
    let (path, digest) = (place.blob(digest), digest.clone());
    let opened = blocking(move || {
        let Some(mut file) = there(File::open(path))? else { return Ok(None) };
        let size = file.metadata()?.len();
        let reading = match range {
            None => Reading { file, left: size, check: Some((digest.hasher(), digest)) },
            Some(range) => {
                file.seek(SeekFrom::Start(*range.start()))?;
                let end = (*range.end()).min(size.saturating_sub(1));
                let left = if size == 0 { 0 } else { (end + 1).saturating_sub(*range.start()) };
                Reading { file, left, check: None }
            }
        };
        Ok(Some((size, reading)))
    })
    .await?;
    let Some((size, reading)) = opened else { return Ok(None) };
    if size == 0 {
        return reading.end().map(|()| Some(Opened { size, content: stream::empty().boxed() })).map_err(|error| damaged(&error));
    }
    Ok(Some(Opened { size, content: reading.stream() }))
}

fn damaged(error: &io::Error) -> StorageError {
    StorageError::Damaged(error.to_string())
}

impl Reading {
    fn stream(self) -> ByteStream {
        stream::unfold(Some(self), |reading| async {
            let reading = reading.filter(|reading| reading.left > 0)?;
            match tokio::task::spawn_blocking(move || reading.next()).await {
                Ok(Ok((bytes, rest))) => Some((Ok(bytes), Some(rest))),
                Ok(Err(error)) => Some((Err(error), None)),
                Err(stopped) => Some((Err(io::Error::other(stopped)), None)),
            }
        })
        .boxed()
    }

    /// The next bytes. The last ones come only when all of them were right, so nobody can take a damaged blob for whole.
    fn next(mut self) -> io::Result<(Bytes, Self)> {
        let wanted = usize::try_from(self.left).unwrap_or(CHUNK).min(CHUNK);
        let mut buffer = vec![0; wanted];
        self.file.read_exact(&mut buffer)?;
        self.left -= wanted as u64;
        if let Some((hasher, _)) = &mut self.check {
            hasher.update(&buffer);
        }
        if self.left == 0 {
            self.end()?;
        }
        Ok((Bytes::from(buffer), self))
    }

    fn end(&self) -> io::Result<()> {
        match &self.check {
            Some((hasher, digest)) if hasher.clone().finish() != *digest => {
                tracing::error!(blob.digest = %digest, "a stored blob is damaged; push it again, or restore it from a backup");
                Err(io::Error::new(io::ErrorKind::InvalidData, format!("the stored blob {digest} is damaged")))
            }
            _ => Ok(()),
        }
    }
}
