//! The present state of a collection: what the snapshot that the newest timestamp names, names.

use std::collections::BTreeMap;

use wharfinger_storage::collections::{Head, StoredFile};
use wharfinger_tuf::publish::{Named, State};
use wharfinger_tuf::{Gun, RoleName};

use crate::Notary;
use crate::error::Fault;

impl Notary {
    /// The current file of a role, never merely the one with the highest version.
    pub(crate) async fn current(&self, gun: &Gun, head: &Head, role: &RoleName) -> Result<Option<StoredFile>, Fault> {
        let sha256 = match role {
            RoleName::Timestamp => head.timestamp_sha256.clone(),
            RoleName::Snapshot => head.snapshot_sha256.clone(),
            _ => match self.named(gun, head).await?.sha256(role) {
                Some(sha256) => sha256,
                None => return Ok(None),
            },
        };
        Ok(self.collections().by_hash(gun.as_str(), role.as_str(), &sha256).await?)
    }

    async fn named(&self, gun: &Gun, head: &Head) -> Result<Named, Fault> {
        let snapshot = self.collections().by_hash(gun.as_str(), RoleName::Snapshot.as_str(), &head.snapshot_sha256).await?;
        // Gone between two reads: deleted meanwhile.
        let Some(snapshot) = snapshot else { return Ok(Named::default()) };
        Named::parse(&snapshot.bytes).map_err(|error| Fault::Damaged(format!("snapshot of {gun}: {error}")))
    }

    /// The current root, snapshot and timestamp, and of `roles` those that there are.
    pub(crate) async fn state(
        &self,
        gun: &Gun,
        roles: impl IntoIterator<Item = RoleName>,
    ) -> Result<(Option<Head>, State), Fault> {
        let Some(head) = self.collections().head(gun.as_str()).await? else { return Ok((None, State::default())) };
        let named = self.named(gun, &head).await?;
        let by_hash = async |role: &RoleName, sha256: Option<String>| -> Result<Option<Vec<u8>>, Fault> {
            let Some(sha256) = sha256 else { return Ok(None) };
            let file = self.collections().by_hash(gun.as_str(), role.as_str(), &sha256).await?;
            Ok(file.map(|file| file.bytes))
        };
        let mut delegated = BTreeMap::new();
        for role in roles {
            if let Some(bytes) = by_hash(&role, named.sha256(&role)).await? {
                delegated.insert(role, bytes);
            }
        }
        let state = State {
            root: by_hash(&RoleName::Root, named.sha256(&RoleName::Root)).await?,
            snapshot: by_hash(&RoleName::Snapshot, Some(head.snapshot_sha256.clone())).await?,
            timestamp: by_hash(&RoleName::Timestamp, Some(head.timestamp_sha256.clone())).await?,
            delegated,
        };
        Ok((Some(head), state))
    }
}
