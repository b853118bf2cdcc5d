//! What clients left lying about.

use time::Duration;
use wharfinger_storage::StorageError;

use crate::registry::Registry;

/// An upload nobody finished within this is not resumed any more.
const UPLOAD_LIFETIME: Duration = Duration::days(7);

impl Registry {
    /// Forgets uploads that are too old, and bytes of uploads nobody knows of. For start and once in a while.
    pub async fn sweep(&self) -> Result<(), StorageError> {
        for upload in self.content.uploads_before(self.clock.now() - UPLOAD_LIFETIME).await? {
            self.blobs.discard(&upload.id).await?;
            self.content.end_upload(&upload.id).await?;
        }
        // An upload is recorded before its file is made, so a file without a record belongs to nobody.
        for id in self.blobs.uploads().await? {
            if self.content.upload(&id).await?.is_none() {
                self.blobs.discard(&id).await?;
            }
        }
        Ok(())
    }
}
