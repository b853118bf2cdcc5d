//! All that runs, on the engine and in Kubernetes, and what of it cannot be seen.

use serde::Serialize;
use wharfinger_gate::{Standing, Workload};
use wharfinger_storage::workloads::{RanBefore, WorkloadKind};

use crate::existing::{pinned, standing};
use crate::{Cluster, ClusterError, Running, RunningPods};

/// Something that runs, whoever runs it.
pub struct Present {
    /// `container`, `service`, or as Kubernetes calls it: `Deployment`.
    pub kind: String,
    /// The engine's id; of Kubernetes `namespace/kind/name`.
    pub id: String,
    /// Of Kubernetes.
    pub namespace: Option<String>,
    pub name: String,
    /// What in its pods has the image.
    pub parts: Vec<String>,
    /// How many pods it is; none outside Kubernetes.
    pub pods: Option<usize>,
    /// The image as it is named there.
    pub image: String,
    /// What names exactly the image that runs; none where it cannot be told, or nothing has started.
    pub runs: Option<String>,
    /// Whether nodes have begun to run it; outside Kubernetes it always is so.
    pub started: bool,
    /// What a decision on it is to be made by.
    pub standing: Standing,
    /// How its own door would ask; none: as whoever looks asks.
    pub question: Option<Workload>,
}

impl From<Running> for Present {
    fn from(running: Running) -> Self {
        let runs = running.pinned();
        Self {
            kind: running.kind.as_str().to_owned(),
            standing: standing(&running.image, runs.as_deref(), &running.digests),
            id: running.id,
            namespace: None,
            name: running.name,
            parts: Vec::new(),
            pods: None,
            image: running.image,
            runs,
            started: true,
            question: None,
        }
    }
}

impl From<RunningPods> for Present {
    fn from(pods: RunningPods) -> Self {
        let RunningPods { namespace, kind, name, parts, image, image_id, digests, started, pods, question } = pods;
        let exactly = pinned(&image, image_id.as_deref(), &digests);
        Self {
            id: format!("{namespace}/{kind}/{name}"),
            standing: standing(&image, exactly.as_deref(), &digests),
            runs: exactly.filter(|_| started),
            namespace: Some(namespace),
            kind,
            name,
            parts,
            pods: Some(pods),
            image,
            started,
            question: Some(question),
        }
    }
}

/// What runs, and why some of it is not among it.
#[derive(Default)]
pub struct WhatRuns {
    pub present: Vec<Present>,
    /// A sentence each, with what to do.
    pub unseen: Vec<String>,
}

/// One line of `GET /api/workloads`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadRow {
    pub kind: String,
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    pub name: String,
    /// Of pods: what in them has the image.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<String>,
    /// How many pods it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pods: Option<usize>,
    pub image: String,
    /// What names exactly the image that runs now; none where it cannot be told, or no node has started it.
    pub runs: Option<String>,
    pub started: bool,
    /// Whether it names no digest: the swarm fetches such an image anew whenever a task starts, without asking anybody.
    pub by_tag: bool,
    /// What it ran when the policy came, if it is on record: changes of the service go on with that.
    pub ran_before: Option<String>,
}

impl Cluster {
    /// What runs on the engine and in Kubernetes, as far as each is there and answers.
    pub async fn what_runs(&self) -> WhatRuns {
        let engine = async {
            match &self.existing {
                Some(existing) => Some(existing.runner.running().await),
                None => None,
            }
        };
        let pods = async {
            match &self.pods {
                Some(pods) => Some(pods.running().await),
                None => None,
            }
        };
        let (engine, pods) = tokio::join!(engine, pods);
        let mut what = WhatRuns::default();
        match engine {
            Some(Ok(running)) => what.present.extend(running.into_iter().map(Present::from)),
            Some(Err(error)) => {
                let remedy = "Look whether the engine that --engine names is up: `wharfinger doctor` tells";
                what.unseen.push(format!("{error}. {remedy}"));
            }
            None => {}
        }
        match pods {
            Some(Ok(listed)) => {
                what.present.extend(listed.pods.into_iter().map(Present::from));
                what.unseen.extend(listed.cut);
            }
            Some(Err(error)) => what.unseen.push(error.to_string()),
            None => {}
        }
        what
    }

    /// What runs, beside what is on record of it; and why some of it is not among it.
    pub async fn workloads(&self) -> Result<(Vec<WorkloadRow>, Vec<String>), ClusterError> {
        let census = match &self.existing {
            Some(existing) => existing.record.census().await?,
            None => None,
        };
        let recorded = census.iter().flat_map(|census| &census.workloads);
        let ran_before = |present: &Present| {
            let same = |known: &&RanBefore| {
                present.namespace.is_none()
                    && known.kind.as_str() == present.kind
                    && known.id == present.id
                    && known.image == present.image
            };
            recorded.clone().find(same).and_then(|known| known.pinned.clone())
        };
        let row = |present: Present| WorkloadRow {
            by_tag: present.namespace.is_none()
                && present.kind == WorkloadKind::Service.as_str()
                && present.runs.as_ref() != Some(&present.image),
            ran_before: ran_before(&present),
            kind: present.kind,
            id: present.id,
            namespace: present.namespace,
            name: present.name,
            parts: present.parts,
            pods: present.pods,
            image: present.image,
            runs: present.runs,
            started: present.started,
        };
        let WhatRuns { present, unseen } = self.what_runs().await;
        Ok((present.into_iter().map(row).collect(), unseen))
    }
}
