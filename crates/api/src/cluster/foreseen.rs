//! `POST /api/trust/diff`: which of the workloads running now a new configuration would refuse. Nothing is saved or recorded.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use serde::Serialize;
use wharfinger_cluster::{Present, WhatRuns};
use wharfinger_gate::Explanation;

use super::configuration::text;
use super::{Admin, ClusterApi};
use crate::error::ApiError;

#[derive(Serialize)]
pub(super) struct Difference {
    /// The revision it was compared with.
    revision: i64,
    workloads: Vec<Compared>,
    /// How many pass now and would be refused.
    refused: usize,
    /// How many are refused now and would pass.
    allowed: usize,
    /// Why some of what runs was not looked at; empty when all of it was.
    unseen: Vec<String>,
}

#[derive(Serialize)]
struct Compared {
    kind: String,
    id: String,
    /// Of Kubernetes.
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    name: String,
    /// What in its pods has the image.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parts: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pods: Option<usize>,
    image: String,
    /// What names exactly the image that runs; none where it cannot be told, or no node has started it.
    runs: Option<String>,
    started: bool,
    now: Foreseen,
    new: Foreseen,
    change: Change,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Change {
    Refused,
    Allowed,
    Same,
}

/// What a deployment of exactly what runs would meet.
#[derive(Serialize)]
struct Foreseen {
    verdict: &'static str,
    code: &'static str,
    message: String,
    remedy: String,
    /// The digest that is signed for it.
    digest: Option<String>,
    rule: Option<String>,
    missing: Vec<String>,
}

impl Foreseen {
    fn passes(&self) -> bool {
        self.verdict != "deny"
    }
}

impl From<Explanation> for Foreseen {
    fn from(explanation: Explanation) -> Self {
        let Explanation { verdict, code, message, remedy, digest, rule, missing, .. } = explanation;
        Self { verdict, code, message, remedy, digest, rule, missing }
    }
}

pub(super) async fn diff(State(api): State<ClusterApi>, admin: Admin, body: Bytes) -> Result<Json<Difference>, ApiError> {
    let candidate = api.cluster.candidate(admin.name(), text(&body)?).await?;
    let current = api.cluster.current().await?;
    let WhatRuns { present, unseen } = api.cluster.what_runs().await;
    let mut workloads = Vec::new();
    for running in present {
        let of_admin = admin.question(&running.image);
        let (question, standing) = (running.question.as_ref().unwrap_or(&of_admin), &running.standing);
        let now = Foreseen::from(api.gate.foresee(&current.configuration, question, standing).await);
        let new = Foreseen::from(api.gate.foresee(&candidate, question, standing).await);
        let change = match (now.passes(), new.passes()) {
            (true, false) => Change::Refused,
            (false, true) => Change::Allowed,
            _ => Change::Same,
        };
        let Present { kind, id, namespace, name, parts, pods, image, runs, started, .. } = running;
        workloads.push(Compared { kind, id, namespace, name, parts, pods, image, runs, started, now, new, change });
    }
    let count = |change| workloads.iter().filter(|compared| compared.change == change).count();
    let (refused, allowed) = (count(Change::Refused), count(Change::Allowed));
    Ok(Json(Difference { revision: current.revision, workloads, refused, allowed, unseen }))
}
