//! What runs, and what a deployment of it would meet now.

use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use wharfinger_cluster::Running;
use wharfinger_gate::Explanation;

use crate::difference::question;
use crate::error::Refused;
use crate::routes::House;
use crate::visitor::Visitor;

/// One workload with its verdict; none where that did not come in time.
pub(crate) struct Decided {
    pub(crate) running: Running,
    pub(crate) explanation: Option<Explanation>,
}

/// Everything that runs, decided within `patience`. `Err` within: why the engine did not say what runs.
pub(crate) async fn decided(
    house: &House,
    visitor: &Visitor,
    patience: Duration,
) -> Result<Result<Vec<Decided>, String>, Refused> {
    let console = &house.console;
    let configuration = console.cluster.current().await?.configuration;
    let runs = match console.cluster.running().await {
        Ok(runs) => runs,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let (end, mut all) = (Instant::now() + patience, Vec::with_capacity(runs.len()));
    for running in runs {
        let (asked, standing) = (question(visitor, &running.image), running.standing());
        let explanation = timeout_at(end, console.gate.foresee(&configuration, &asked, &standing)).await.ok();
        all.push(Decided { running, explanation });
    }
    Ok(Ok(all))
}
