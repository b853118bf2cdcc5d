//! `POST /api/trust/diff`: which of the workloads running now a new configuration would refuse. Nothing is saved or recorded.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use serde::Serialize;
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
}

#[derive(Serialize)]
struct Compared {
    kind: &'static str,
    id: String,
    name: String,
    image: String,
    /// What names exactly the image that runs; none where it cannot be told.
    runs: Option<String>,
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
    let mut workloads = Vec::new();
    for running in api.cluster.running().await? {
        let (question, standing) = (admin.question(&running.image), running.standing());
        let now = Foreseen::from(api.gate.foresee(&current.configuration, &question, &standing).await);
        let new = Foreseen::from(api.gate.foresee(&candidate, &question, &standing).await);
        let change = match (now.passes(), new.passes()) {
            (true, false) => Change::Refused,
            (false, true) => Change::Allowed,
            _ => Change::Same,
        };
        let (kind, runs) = (running.kind.as_str(), running.pinned());
        workloads.push(Compared { kind, id: running.id, name: running.name, image: running.image, runs, now, new, change });
    }
    let count = |change| workloads.iter().filter(|compared| compared.change == change).count();
    let (refused, allowed) = (count(Change::Refused), count(Change::Allowed));
    Ok(Json(Difference { revision: current.revision, workloads, refused, allowed }))
}
