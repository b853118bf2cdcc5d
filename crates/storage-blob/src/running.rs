//! The running hash of an upload, kept beside it so that a resumed upload is not read again from its beginning.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use sha2::digest::common::hazmat::{SerializableState as _, SerializedState};
use sha2::{Digest as _, Sha256};

use crate::CHUNK;
use crate::place::there;

/// SHA-256 of the first `length` bytes of an upload.
#[derive(Clone)]
pub(crate) struct Running {
    hasher: Sha256,
    length: u64,
}

impl Running {
    pub(crate) fn new() -> Self {
        Self { hasher: Sha256::new(), length: 0 }
    }

    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.length += bytes.len() as u64;
    }

    pub(crate) fn finish(self) -> [u8; 32] {
        self.hasher.finalize().into()
    }

    /// Keeps the state. It only saves work: a state that is lost or does not fit is made again from the bytes.
    pub(crate) fn save(&self, file: &Path) -> io::Result<()> {
        let mut state = self.length.to_le_bytes().to_vec();
        state.extend_from_slice(&self.hasher.serialize());
        let fresh = file.with_extension("hash.new");
        fs::write(&fresh, state)?;
        fs::rename(fresh, file)
    }

    /// The running hash of the open upload `content`: the kept one if it covers all that is there, else made again.
    pub(crate) fn resume(file: &Path, content: &mut File) -> io::Result<Self> {
        let length = content.metadata()?.len();
        if length == 0 {
            return Ok(Self::new());
        }
        match Self::load(file)? {
            Some(running) if running.length == length => Ok(running),
            _ => {
                let mut running = Self::new();
                each_chunk(content, |bytes| running.update(bytes))?;
                Ok(running)
            }
        }
    }

    fn load(file: &Path) -> io::Result<Option<Self>> {
        let Some(kept) = there(fs::read(file))? else { return Ok(None) };
        let Some((length, state)) = kept.split_first_chunk::<8>() else { return Ok(None) };
        let Ok(state) = SerializedState::<Sha256>::try_from(state) else { return Ok(None) };
        let hasher = Sha256::deserialize(&state).ok();
        Ok(hasher.map(|hasher| Self { hasher, length: u64::from_le_bytes(*length) }))
    }
}

/// Reads a file from its beginning to its end.
pub(crate) fn each_chunk(file: &mut File, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    io::Seek::rewind(file)?;
    let mut buffer = vec![0; CHUNK];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        take(buffer.get(..read).unwrap_or_default());
    }
}
