//! Repair: the next root of a repository is trusted at first use, because somebody says that it was made anew on purpose.

use wharfinger_oci::Reference;
use wharfinger_storage::audit::Act;
use wharfinger_trust::Gun;

use crate::{Cluster, ClusterError};

/// The longest reason that is recorded.
const LONGEST_REASON: usize = 1000;

impl Cluster {
    /// Forgets the root and the versions of `gun`. Signed statements stay bound to where they were seen: a replay is still noticed.
    /// Recorded before it is done: what cannot be recorded is not done.
    pub async fn repin(&self, actor: &str, gun: &str, reason: &str) -> Result<(), ClusterError> {
        let reason = reason.trim();
        if reason.is_empty() {
            return Err(ClusterError::NoReason);
        }
        let refuse = || ClusterError::NotARepository(gun.chars().take(300).collect());
        let reference: Reference = gun.parse().map_err(|_| refuse())?;
        if reference.tag.is_some() || reference.digest.is_some() {
            return Err(refuse());
        }
        let gun: Gun = format!("{}/{}", reference.host, reference.repository).parse().map_err(|_| refuse())?;
        let resolver = self.resolver.as_ref().ok_or(ClusterError::NoMemory)?;
        let Some(trusted) = resolver.trusted_root(&gun).await? else {
            return Err(ClusterError::NothingPinned(gun.to_string()));
        };
        let detail = serde_json::json!({
            "reason": reason.chars().take(LONGEST_REASON).collect::<String>(),
            "root.version": trusted.version,
            "root.keys": trusted.keys.iter().map(ToString::to_string).collect::<Vec<_>>(),
        });
        let act = Act {
            at: (self.clock)(),
            actor: actor.to_owned(),
            action: "trust.repin".to_owned(),
            object: gun.to_string(),
            outcome: "done".to_owned(),
            detail: detail.to_string(),
        };
        self.audit.append(&act).await?;
        resolver.forget(&gun).await?;
        tracing::warn!(principal = actor, %gun, "the root of a repository was forgotten: the next one is trusted at first use");
        Ok(())
    }
}
