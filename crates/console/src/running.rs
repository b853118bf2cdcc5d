//! What runs, and what a deployment of it would meet now.

use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::time::{Instant, timeout_at};
use wharfinger_cluster::{Present, WhatRuns};
use wharfinger_gate::Explanation;

use crate::difference::question;
use crate::routes::House;
use crate::visitor::Visitor;
use crate::words::count;

/// Containers of a pod that are named where it stands in a table.
const MOST_PARTS: usize = 4;

/// One workload with its verdict; none where that did not come in time.
pub(crate) struct Decided {
    pub(crate) running: Present,
    pub(crate) explanation: Option<Explanation>,
}

/// All that runs, as far as it is known.
pub(crate) struct Seen {
    pub(crate) all: Vec<Decided>,
    /// Why it is not all.
    pub(crate) unseen: Vec<String>,
}

/// Everything that runs, decided within `patience`: each as its own door would ask.
pub(crate) async fn decided(house: &House, visitor: &Visitor, patience: Duration) -> Seen {
    let console = &house.console;
    let WhatRuns { present, unseen } = console.cluster.what_runs().await;
    let (end, mut all) = (Instant::now() + patience, Vec::with_capacity(present.len()));
    for running in present {
        let of_visitor = question(visitor, &running.image);
        let asked = running.question.as_ref().unwrap_or(&of_visitor);
        let explanation = timeout_at(end, console.gate.appraise(asked, &running.standing)).await.ok();
        all.push(Decided { running, explanation });
    }
    Seen { all, unseen }
}

/// As a table shows it.
pub(crate) struct Named {
    /// Of Kubernetes with its namespace: `shop/web`.
    pub(crate) name: String,
    /// `service`; `Deployment, 3 pods: container app`.
    pub(crate) kind: String,
    /// Without the digest.
    pub(crate) image: String,
    /// The digest that it is named by, if it is.
    pub(crate) digest: Option<String>,
    /// Asks why.
    pub(crate) why: String,
}

impl Named {
    pub(crate) fn of(running: &Present) -> Self {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let mut why = format!("/manage/why?image={}", encode(running.standing.asked()));
        let mut name = running.name.clone();
        let mut kind = running.kind.clone();
        if let Some(namespace) = &running.namespace {
            why = format!("{why}&namespace={}", encode(namespace));
            name = format!("{namespace}/{name}");
        }
        let more = running.parts.len().saturating_sub(MOST_PARTS);
        let mut parts: Vec<String> = running.parts.iter().take(MOST_PARTS).cloned().collect();
        if more > 0 {
            parts.push(format!("{more} more"));
        }
        match running.pods {
            Some(_) if running.kind == "Pod" => kind = format!("{kind}: {}", parts.join(", ")),
            Some(pods) => kind = format!("{kind}, {}: {}", count(pods, "pod", "pods"), parts.join(", ")),
            None => {}
        }
        let (image, digest) = match running.image.split_once('@') {
            Some((image, digest)) => (image, Some(digest.to_owned())),
            None => (running.image.as_str(), None),
        };
        Self { name, kind, image: image.to_owned(), digest, why }
    }
}
