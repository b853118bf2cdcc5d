//! Reading and deleting. Every read is bound to one GUN and one role, those by hash too: the right to read one collection opens no other.

use wharfinger_storage::collections::{Publisher, StoredFile};
use wharfinger_tuf::{Gun, RoleName};

use crate::Notary;
use crate::error::Fault;
use crate::routes::Which;

impl Notary {
    pub(crate) async fn file(&self, gun: &Gun, role: &RoleName, which: &Which) -> Result<Option<StoredFile>, Fault> {
        match which {
            Which::Hash(sha256) => Ok(self.collections().by_hash(gun.as_str(), role.as_str(), sha256).await?),
            Which::Version(version) => Ok(self.collections().by_version(gun.as_str(), role.as_str(), *version).await?),
            Which::Current => {
                let Some(mut head) = self.collections().head(gun.as_str()).await? else { return Ok(None) };
                if matches!(role, RoleName::Timestamp | RoleName::Snapshot) && head.resign_at <= self.now() {
                    // Whatever keeps us from signing anew, what there is is served: the client judges its expiry.
                    if let Err(error) = self.resign(gun).await {
                        tracing::error!(%gun, error = &error as &dyn std::error::Error, "could not sign anew");
                    }
                    let Some(renewed) = self.collections().head(gun.as_str()).await? else { return Ok(None) };
                    head = renewed;
                }
                self.current(gun, &head, role).await
            }
        }
    }

    pub(crate) async fn delete(&self, gun: &Gun, by: Option<&Publisher>) -> Result<bool, Fault> {
        let deleted = self.collections().delete(gun.as_str(), by, self.now()).await?;
        if deleted {
            self.tell_of_change();
            tracing::info!(%gun, "trust data deleted");
        }
        Ok(deleted)
    }
}
