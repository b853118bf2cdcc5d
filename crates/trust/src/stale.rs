//! When a registry does not answer: what was proven before, and how old that is. What it answered wrongly is no part of this.

use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use wharfinger_storage::StorageError;
use wharfinger_storage::memory::Proven;
use wharfinger_tuf::{Collection, Gun};

use crate::{Registration, Resolver, TrustError};

/// A proof is dated anew by a decision when it is older than this.
const DATED: Duration = Duration::from_mins(5);

/// Trust data that was current some time ago.
#[derive(Clone, Debug)]
pub struct Stale {
    pub collection: Arc<Collection>,
    /// For how long nothing has been heard of it. None: nothing was, since the process began.
    pub unheard: Option<Duration>,
}

impl Resolver {
    /// What is remembered of `gun`, verified as of now, for when the registry does not answer. None also when the feed has told of a
    /// change that could not be read.
    pub async fn stale(&self, registration: &Registration, gun: &Gun) -> Option<Stale> {
        if self.mirror.line(&registration.host).is_some_and(|line| line.doubts(gun)) {
            return None;
        }
        let collection = self.recall(registration, gun).await?;
        self.mirror.recall(&collection);
        Some(Stale { collection, unheard: self.mirror.unheard(registration, gun, self.moment()) })
    }

    /// Notes that `pinned` of `gun` was allowed by `policy` on trust data that was current. What cannot be noted is only not allowed
    /// later.
    pub async fn prove(&self, gun: &Gun, pinned: &str, policy: i64) {
        let at = self.now();
        if let Some(known) = self.proofs.get(pinned).await
            && known.policy == policy
            && at >= known.at
            && at - known.at < DATED
        {
            return;
        }
        let proven = Proven { gun: gun.to_string(), image: pinned.to_owned(), policy, at };
        match self.memory().prove(&proven).await {
            Ok(()) => self.proofs.insert(pinned.to_owned(), proven).await,
            Err(error) => tracing::warn!(%gun, %error, "a proof could not be kept"),
        }
    }

    /// When `pinned` was last noted as allowed by `policy`.
    pub async fn proven(&self, pinned: &str, policy: i64) -> Result<Option<OffsetDateTime>, StorageError> {
        let proven = self.memory().proven(pinned).await?;
        Ok(proven.filter(|proven| proven.policy == policy).map(|proven| proven.at))
    }

    pub(crate) async fn disprove(&self, gun: &Gun) {
        self.drop_proofs(gun);
        if let Err(error) = self.memory().disprove(gun.as_str()).await {
            tracing::error!(%gun, %error, "proofs could not be dropped");
        }
    }

    pub(crate) fn drop_proofs(&self, gun: &Gun) {
        let gun = gun.to_string();
        // Fails only for caches built without closures; this one is.
        let _ = self.proofs.invalidate_entries_if(move |_, proven| proven.gun == gun);
    }

    /// An answer, and not a good one: nothing rests on what was before. A reader who was not let in says nothing about the others'
    /// decisions of this moment.
    pub(crate) async fn doubt(&self, gun: &Gun, error: &TrustError) {
        match error {
            TrustError::Unreachable { .. } | TrustError::Storage(_) => return,
            TrustError::Absent { credentials_refused: true } => {}
            _ => self.mirror.let_go(gun).await,
        }
        self.disprove(gun).await;
    }
}
