//! Whose keys they are, kept as long as nothing changes in the directory: every call over a client certificate and every signature
//! that counts asks for one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wharfinger_storage::StorageError;
use wharfinger_storage::accounts::{Accounts, KeyOwnerRecord};

/// Keys of one revision that are kept: whoever signs with ever new keys does not fill the memory.
const MOST: usize = 10_000;

/// The owners of keys, as one revision of the directory has them.
#[derive(Default)]
pub(super) struct Owners(Mutex<Known>);

#[derive(Default)]
struct Known {
    revision: u64,
    /// By SPKI; keys that nobody has are among them.
    owners: HashMap<Vec<u8>, Option<Arc<KeyOwnerRecord>>>,
}

impl Owners {
    pub(super) async fn of(&self, directory: &dyn Accounts, spki: &[u8]) -> Result<Option<Arc<KeyOwnerRecord>>, StorageError> {
        // Before the row is read: what is kept under a revision is never older than it.
        let revision = directory.revision().await?;
        let known = { self.at(revision).owners.get(spki).cloned() };
        if let Some(known) = known {
            return Ok(known);
        }
        let owner = directory.owner_of(spki).await?.map(Arc::new);
        let mut known = self.at(revision);
        if known.owners.len() >= MOST {
            known.owners.clear();
        }
        known.owners.insert(spki.to_owned(), owner.clone());
        Ok(owner)
    }

    /// What is known of `revision`; what is kept of any other is not worth anything then.
    fn at(&self, revision: u64) -> MutexGuard<'_, Known> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.revision != revision {
            *known = Known { revision, owners: HashMap::new() };
        }
        known
    }
}
