//! What the engine runs, and what it ran when the policy came.
//!
//! The record is taken when *Run only signed images* is turned on. A service that names its image by the tag alone goes on with the
//! digest on record whatever is changed of it; what is not on record is decided like anything new.

use std::sync::Arc;

use async_trait::async_trait;
use wharfinger_gate::Standing;
use wharfinger_oci::Reference;
use wharfinger_storage::audit::Act;
use wharfinger_storage::workloads::{Census, RanBefore, WorkloadKind, Workloads};

use crate::{Cluster, ClusterError};

/// Whoever runs workloads: the engine.
#[async_trait]
pub trait Runner: Send + Sync {
    /// The containers that run, but for those of services; and the services.
    async fn running(&self) -> Result<Vec<Running>, RunnerSilent>;
}

#[derive(Debug, thiserror::Error)]
#[error("the engine did not say what it runs: {0}")]
pub struct RunnerSilent(pub Box<dyn std::error::Error + Send + Sync>);

/// A workload, and what it really runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Running {
    pub kind: WorkloadKind,
    pub id: String,
    pub name: String,
    /// The image as the workload names it.
    pub image: String,
    /// The id of the image that runs; none where that cannot be told.
    pub image_id: Option<String>,
    /// The digests the engine got that image by, as `host/repository@sha256:…`.
    pub digests: Vec<String>,
}

impl Running {
    /// What names exactly the image that runs: the workload's own words where they do, else its name with the digest that its
    /// repository has it by, else the image's id.
    pub fn pinned(&self) -> Option<String> {
        pinned(&self.image, self.image_id.as_deref(), &self.digests)
    }

    fn recorded(&self) -> RanBefore {
        let Self { kind, id, name, image, .. } = self.clone();
        RanBefore { kind, id, name, image, pinned: self.pinned() }
    }
}

/// What names exactly the image that runs under the name `image`: that name where it says a digest, else with the digest that its
/// repository has among `digests`, else the image's id.
pub(crate) fn pinned(image: &str, image_id: Option<&str>, digests: &[String]) -> Option<String> {
    let reference = image.parse::<Reference>().ok();
    if reference.as_ref().is_some_and(|reference| reference.digest.is_some()) {
        return Some(image.to_owned());
    }
    let digest = reference.as_ref().and_then(|reference| Some(reference.pinned(&reference.digest_among(digests)?)));
    digest.or_else(|| image_id.map(str::to_owned))
}

/// What a decision on it is to be made by.
pub(crate) fn standing(image: &str, pinned: Option<&str>, digests: &[String]) -> Standing {
    match pinned {
        Some(named) if named.contains('@') => Standing::Named(named.to_owned()),
        Some(_) => Standing::Local { asked: image.to_owned(), repo_digests: digests.to_vec() },
        None => Standing::Named(image.to_owned()),
    }
}

/// The engine and the record of what it ran.
pub(crate) struct Existing {
    pub(crate) runner: Arc<dyn Runner>,
    pub(crate) record: Arc<dyn Workloads>,
}

impl Cluster {
    /// Takes the record of what runs, if the switch is on and there is none yet.
    pub async fn record_existing(&self) -> Result<(), ClusterError> {
        let Some(existing) = &self.existing else { return Ok(()) };
        if existing.record.census().await?.is_some() || !self.current().await?.configuration.trust.require_content_trust {
            return Ok(());
        }
        let running = existing.runner.running().await?;
        let unknown = |kind| running.iter().filter(move |running| running.kind == kind && running.pinned().is_none()).count();
        let act = Act {
            at: (self.clock)(),
            actor: "-".to_owned(),
            action: "workloads.record".to_owned(),
            object: "engine".to_owned(),
            outcome: "done".to_owned(),
            detail: serde_json::json!({
                "workloads": running.len(),
                "unknown": unknown(WorkloadKind::Service) + unknown(WorkloadKind::Container),
            })
            .to_string(),
        };
        self.audit.append(&act).await?;
        let census = Census { taken: act.at, workloads: running.iter().map(Running::recorded).collect() };
        existing.record.take(&census).await?;
        tracing::info!(workloads = running.len(), "what ran before the policy is on record");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running(image: &str, image_id: Option<&str>, digests: &[String]) -> Running {
        Running {
            kind: WorkloadKind::Service,
            id: "s1".to_owned(),
            name: "web".to_owned(),
            image: image.to_owned(),
            image_id: image_id.map(str::to_owned),
            digests: digests.to_vec(),
        }
    }

    #[test]
    fn what_runs_is_named_by_its_own_repository_or_by_its_id_and_never_by_a_guess() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let got = [format!("other.test/qa/app@sha256:{}", "b".repeat(64)), format!("dtr.test/qa/app@{digest}")];
        let pinned = |image: &str, id, digests: &[String]| running(image, id, digests).pinned();
        let id = Some("sha256:id");
        assert_eq!(pinned("dtr.test/qa/app:1", id, &got), Some(format!("dtr.test/qa/app:1@{digest}")));
        assert_eq!(pinned("dtr.test/qa/app", id, &got), Some(format!("dtr.test/qa/app:latest@{digest}")));
        let own = format!("dtr.test/qa/app:1@{digest}");
        assert_eq!(pinned(&own, None, &[]), Some(own.clone()), "it says so itself");
        assert_eq!(pinned("dtr.test/qa/built:1", id, &got), Some("sha256:id".to_owned()), "of no registry");
        assert_eq!(pinned("dtr.test/qa/app:1", None, &[]), None);
    }
}
