//! What another configuration would mean for what runs now.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use wharfinger_gate::{Explanation, Workload};
use wharfinger_policy::Configuration;

use crate::routes::House;
use crate::visitor::Visitor;

/// What is not decided by then is said to be open.
const PATIENCE: Duration = Duration::from_secs(10);

/// Something that runs and would meet another verdict.
pub(crate) struct Compared {
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) image: String,
    pub(crate) message: String,
    pub(crate) remedy: String,
}

/// What a change of the configuration means for what runs.
pub(crate) struct Difference {
    pub(crate) refused: Vec<Compared>,
    pub(crate) allowed: Vec<Compared>,
    pub(crate) same: usize,
    pub(crate) undecided: usize,
    /// Why what runs is not known.
    pub(crate) silent: Option<String>,
}

/// Each workload decided by the configuration as it is and as it would be. Nothing is recorded.
pub(crate) async fn difference(house: &House, visitor: &Visitor, now: &Configuration, then: &Configuration) -> Difference {
    let console = &house.console;
    let mut difference = Difference { refused: Vec::new(), allowed: Vec::new(), same: 0, undecided: 0, silent: None };
    let runs = match console.cluster.running().await {
        Ok(runs) => runs,
        Err(error) => return Difference { silent: Some(error.to_string()), ..difference },
    };
    let end = Instant::now() + PATIENCE;
    for running in runs {
        let (asked, standing) = (question(visitor, &running.image), running.standing());
        let both =
            async { (console.gate.foresee(now, &asked, &standing).await, console.gate.foresee(then, &asked, &standing).await) };
        let Ok((before, after)) = timeout_at(end, both).await else {
            difference.undecided += 1;
            continue;
        };
        let allowed = |explanation: &Explanation| explanation.verdict != "deny";
        let verdicts = (allowed(&before), allowed(&after));
        let kind = running.kind.as_str();
        let compared = Compared { kind, name: running.name, image: running.image, message: after.message, remedy: after.remedy };
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
