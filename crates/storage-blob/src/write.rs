//! Uploads: begun, grown by one request at a time, finished or forgotten.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::StreamExt as _;
use wharfinger_oci::{Digest, Hasher};
use wharfinger_storage::Result;
use wharfinger_storage::blobs::{AppendError, ByteStream, Finished, UploadId};

use crate::CHUNK;
use crate::place::{Place, blocking, sync_folder, there};
use crate::running::{Running, each_chunk};

/// Which uploads a request is at work on.
#[derive(Clone, Default, Debug)]
pub(crate) struct Turns(Arc<Mutex<HashSet<UploadId>>>);

/// The only right to touch an upload's file, until dropped. It travels with the file into blocking work, so a request that
/// is given up does not hand its turn on before its last write has landed.
pub(crate) struct Turn {
    upload: UploadId,
    turns: Turns,
}

impl Turns {
    pub(crate) fn take(&self, upload: UploadId) -> Option<Turn> {
        let free = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(upload);
        free.then(|| Turn { upload, turns: self.clone() })
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.upload);
    }
}

pub(crate) async fn begin(place: &Place, upload: UploadId) -> Result<()> {
    let file = place.upload(&upload);
    blocking(move || {
        File::create_new(&file)?.sync_all()?;
        file.parent().map_or(Ok(()), sync_folder)
    })
    .await
}

/// An upload's file at its end, with the hash of what is in it.
struct Growing {
    file: File,
    running: Running,
    place: Place,
    turn: Turn,
}

impl Growing {
    fn open(place: Place, turn: Turn) -> io::Result<Option<Self>> {
        let open = OpenOptions::new().read(true).append(true).open(place.upload(&turn.upload));
        let Some(mut file) = there(open)? else { return Ok(None) };
        let running = Running::resume(&place.running(&turn.upload), &mut file)?;
        Ok(Some(Self { file, running, place, turn }))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.running.update(bytes);
        Ok(())
    }

    fn keep(&mut self) -> io::Result<()> {
        self.file.sync_data()?;
        self.running.save(&self.place.running(&self.turn.upload))
    }
}

pub(crate) async fn append(
    place: &Place,
    turn: Turn,
    at: Option<u64>,
    mut content: ByteStream,
) -> std::result::Result<u64, AppendError> {
    let place = place.clone();
    let Some(mut growing) = blocking(move || Growing::open(place, turn)).await? else { return Err(AppendError::Absent) };
    let length = growing.running.length();
    if at.is_some_and(|at| at != length) {
        return Err(AppendError::OutOfOrder(length));
    }
    let mut buffer = Vec::with_capacity(CHUNK);
    let mut broken = None;
    while let Some(bytes) = content.next().await {
        match bytes {
            Ok(bytes) => buffer.extend_from_slice(&bytes),
            Err(error) => {
                broken = Some(error);
                break;
            }
        }
        if buffer.len() >= CHUNK {
            let full = mem::replace(&mut buffer, Vec::with_capacity(CHUNK));
            growing = blocking(move || growing.write(&full).map(|()| growing)).await?;
        }
    }
    let length = blocking(move || {
        growing.write(&buffer)?;
        growing.keep()?;
        Ok(growing.running.length())
    })
    .await?;
    match broken {
        Some(error) => Err(AppendError::Interrupted(error)),
        None => Ok(length),
    }
}

pub(crate) async fn finish(place: &Place, turn: Turn, expected: &Digest) -> Result<Finished> {
    let (place, expected) = (place.clone(), expected.clone());
    blocking(move || {
        let Some(mut growing) = Growing::open(place, turn)? else { return Ok(Finished::Absent) };
        let size = growing.running.length();
        let actual = match expected.hasher() {
            Hasher::Sha256(_) => Digest::from_sha256(&growing.running.clone().finish()),
            mut hasher @ Hasher::Sha512(_) => {
                each_chunk(&mut growing.file, |bytes| hasher.update(bytes))?;
                hasher.finish()
            }
        };
        let upload = growing.turn.upload;
        if actual != expected {
            growing.place.forget(&upload)?;
            return Ok(Finished::Mismatch);
        }
        growing.file.sync_all()?;
        growing.place.settle(&upload, &expected)?;
        Ok(Finished::Stored(size))
    })
    .await
}
