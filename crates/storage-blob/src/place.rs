//! Which file is which, and how a file gets there for good.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use wharfinger_oci::Digest;
use wharfinger_storage::blobs::UploadId;
use wharfinger_storage::{Result, StorageError};

#[derive(Clone, Debug)]
pub(crate) struct Place(Arc<Path>);

impl Place {
    pub(crate) fn new(folder: &Path) -> Self {
        Self(folder.into())
    }

    pub(crate) fn prepare(&self) -> io::Result<()> {
        fs::create_dir_all(self.uploads_folder())?;
        for algorithm in ["sha256", "sha512"] {
            fs::create_dir_all(self.0.join(algorithm))?;
        }
        // Private repositories' content is nobody else's on the machine, whatever the folder around it lets in.
        fs::set_permissions(&*self.0, fs::Permissions::from_mode(0o700))?;
        sync_folder(&self.0)
    }

    fn uploads_folder(&self) -> PathBuf {
        self.0.join("uploads")
    }

    pub(crate) fn upload(&self, id: &UploadId) -> PathBuf {
        self.uploads_folder().join(id.to_string())
    }

    /// Where the running hash of an upload is kept.
    pub(crate) fn running(&self, id: &UploadId) -> PathBuf {
        self.uploads_folder().join(format!("{id}.hash"))
    }

    /// A digest is parsed text: an algorithm we know and hex digits, so it cannot leave the folder.
    pub(crate) fn blob(&self, digest: &Digest) -> PathBuf {
        let hex = digest.hex();
        self.0.join(digest.algorithm()).join(hex.get(..2).unwrap_or("__")).join(hex)
    }

    pub(crate) async fn length(&self, file: PathBuf) -> Result<Option<u64>> {
        blocking(move || Ok(there(fs::metadata(file))?.map(|metadata| metadata.len()))).await
    }

    pub(crate) fn uploads(&self) -> io::Result<Vec<UploadId>> {
        let mut uploads = Vec::new();
        for entry in fs::read_dir(self.uploads_folder())? {
            if let Some(id) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) {
                uploads.push(id);
            }
        }
        Ok(uploads)
    }

    pub(crate) fn forget(&self, id: &UploadId) -> io::Result<()> {
        remove(&self.running(id))?;
        remove(&self.upload(id))
    }

    /// Moves a synced upload to where the blob belongs. A blob that is there already holds the same content, or damaged
    /// content that this replaces.
    pub(crate) fn settle(&self, id: &UploadId, digest: &Digest) -> io::Result<()> {
        let blob = self.blob(digest);
        let folder = blob.parent().ok_or_else(|| io::Error::other("a blob without a folder"))?;
        if !folder.exists() {
            fs::create_dir_all(folder)?;
            sync_folder(&self.0.join(digest.algorithm()))?;
        }
        fs::rename(self.upload(id), &blob)?;
        sync_folder(folder)?;
        remove(&self.running(id))
    }
}

/// Absence is `None`.
pub(crate) fn there<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes a file that may be absent.
pub(crate) fn remove(file: &Path) -> io::Result<()> {
    there(fs::remove_file(file)).map(drop)
}

/// A new name in a folder is on disk only once the folder is (fsync(2)).
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Runs file work off the async threads. Once begun it runs to its end, whether or not somebody still waits.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result.map_err(StorageError::unavailable),
        Err(stopped) => Err(StorageError::unavailable(stopped)),
    }
}
