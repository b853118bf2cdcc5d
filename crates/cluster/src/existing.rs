//! What the engine runs, and what it ran when the policy came.
//!
//! The record is taken when *Run only signed images* is turned on. A service that names its image by the tag alone goes on with the
//! digest on record whatever is changed of it; what is not on record is decided like anything new.

use std::sync::Arc;

use async_trait::async_trait;
use serde::Serialize;
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
        let reference = self.image.parse::<Reference>().ok();
        if reference.as_ref().is_some_and(|reference| reference.digest.is_some()) {
            return Some(self.image.clone());
        }
        let digest = reference.as_ref().and_then(|reference| Some(reference.pinned(&reference.digest_among(&self.digests)?)));
        digest.or_else(|| self.image_id.clone())
    }

    /// What a decision on it is to be made by.
    pub fn standing(&self) -> Standing {
        match self.pinned() {
            Some(named) if named.contains('@') => Standing::Named(named),
            Some(_) => Standing::Local { asked: self.image.clone(), repo_digests: self.digests.clone() },
            None => Standing::Named(self.image.clone()),
        }
    }

    fn recorded(&self) -> RanBefore {
        let Self { kind, id, name, image, .. } = self.clone();
        RanBefore { kind, id, name, image, pinned: self.pinned() }
    }
}

/// The engine and the record of what it ran.
pub(crate) struct Existing {
    pub(crate) runner: Arc<dyn Runner>,
    pub(crate) record: Arc<dyn Workloads>,
}

/// One line of `GET /api/workloads`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadRow {
    pub kind: &'static str,
    pub id: String,
    pub name: String,
    pub image: String,
    /// What names exactly the image that runs now; none where it cannot be told.
    pub runs: Option<String>,
    /// Whether it names no digest: the swarm fetches such an image anew whenever a task starts, without asking anybody.
    pub by_tag: bool,
    /// What it ran when the policy came, if it is on record: changes of the service go on with that.
    pub ran_before: Option<String>,
}

impl Cluster {
    /// What the engine runs; empty where no engine was given.
    pub async fn running(&self) -> Result<Vec<Running>, ClusterError> {
        match &self.existing {
            Some(existing) => Ok(existing.runner.running().await?),
            None => Ok(Vec::new()),
        }
    }

    /// What the engine runs beside what is on record of it.
    pub async fn workloads(&self) -> Result<Vec<WorkloadRow>, ClusterError> {
        let Some(existing) = &self.existing else { return Ok(Vec::new()) };
        let census = existing.record.census().await?;
        let recorded = census.iter().flat_map(|census| &census.workloads);
        let ran_before = |running: &Running| {
            let same = |known: &&RanBefore| known.kind == running.kind && known.id == running.id && known.image == running.image;
            recorded.clone().find(same).and_then(|known| known.pinned.clone())
        };
        let row = |running: Running| WorkloadRow {
            runs: running.pinned(),
            by_tag: running.kind == WorkloadKind::Service && running.pinned().as_ref() != Some(&running.image),
            ran_before: ran_before(&running),
            kind: running.kind.as_str(),
            id: running.id,
            name: running.name,
            image: running.image,
        };
        Ok(self.running().await?.into_iter().map(row).collect())
    }

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
