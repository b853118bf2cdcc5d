//! What another configuration would mean for what runs now.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use wharfinger_cluster::WhatRuns;
use wharfinger_gate::{Explanation, Workload};
use wharfinger_policy::Configuration;

use crate::routes::House;
use crate::running::Named;
use crate::visitor::Visitor;

/// What is not decided by then is said to be open.
const PATIENCE: Duration = Duration::from_secs(10);

/// Something that runs and would meet another verdict.
pub(crate) struct Compared {
    pub(crate) named: Named,
    pub(crate) message: String,
    pub(crate) remedy: String,
}

/// What a change of the configuration means for what runs.
pub(crate) struct Difference {
    pub(crate) refused: Vec<Compared>,
    pub(crate) allowed: Vec<Compared>,
    pub(crate) same: usize,
    pub(crate) undecided: usize,
    /// Why not all that runs is known.
    pub(crate) unseen: Vec<String>,
}

/// Each workload decided by the configuration as it is and as it would be. Nothing is recorded.
pub(crate) async fn difference(house: &House, visitor: &Visitor, now: &Configuration, then: &Configuration) -> Difference {
    let console = &house.console;
    let WhatRuns { present, unseen } = console.cluster.what_runs().await;
    let mut difference = Difference { refused: Vec::new(), allowed: Vec::new(), same: 0, undecided: 0, unseen };
    let end = Instant::now() + PATIENCE;
    for running in present {
        let of_visitor = question(visitor, &running.image);
        let (asked, standing) = (running.question.as_ref().unwrap_or(&of_visitor), &running.standing);
        let both =
            async { (console.gate.foresee(now, asked, standing).await, console.gate.foresee(then, asked, standing).await) };
        let Ok((before, after)) = timeout_at(end, both).await else {
            difference.undecided += 1;
            continue;
        };
        let allowed = |explanation: &Explanation| explanation.verdict != "deny";
        let verdicts = (allowed(&before), allowed(&after));
        let compared = Compared { named: Named::of(&running), message: after.message, remedy: after.remedy };
        match verdicts {
            (true, false) => difference.refused.push(compared),
            (false, true) => difference.allowed.push(compared),
            _ => difference.same += 1,
        }
    }
    difference
}

/// A question about an image as this visitor may ask it.
pub(crate) fn question(visitor: &Visitor, image: &str) -> Workload {
    let account = &visitor.principal.account;
    Workload { is_admin: account.is_admin, ..Workload::question(image, account.id.clone(), account.name.as_str()) }
}
