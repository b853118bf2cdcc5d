//! `/manage/workloads`: what runs, which image exactly, who signed it, and what a deployment of it would meet now.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use wharfinger_gate::Explanation;

use crate::error::Refused;
use crate::page::{Page, Section, shown};
use crate::routes::House;
use crate::running::{Decided, decided};
use crate::visitor::Admin;

/// What is not decided by then is said to be open.
const PATIENCE: Duration = Duration::from_secs(10);

struct Row {
    kind: &'static str,
    name: String,
    image: String,
    /// What names exactly the image that runs.
    runs: Option<String>,
    /// The accounts of this cluster whose keys signed it, and how many other keys did.
    signers: String,
    explanation: Option<Explanation>,
}

#[derive(Template)]
#[template(path = "workloads.html")]
struct WorkloadsPage {
    page: Page,
    rows: Result<Vec<Row>, String>,
}

pub(crate) async fn show(State(house): State<Arc<House>>, Admin(visitor): Admin) -> Result<Response, Refused> {
    let rows = decided(&house, &visitor, PATIENCE).await?.map(|all| all.into_iter().map(row).collect());
    let page = Page::of(&house, &visitor, Section::Workloads, "Workloads").await;
    Ok(shown(&WorkloadsPage { page, rows }))
}

fn row(Decided { running, explanation }: Decided) -> Row {
    let signers = explanation.as_ref().map(signers).unwrap_or_default();
    let runs = running.pinned();
    Row { kind: running.kind.as_str(), name: running.name, image: running.image, runs, signers, explanation }
}

fn signers(explanation: &Explanation) -> String {
    let mut names: Vec<String> = explanation.signers.iter().filter_map(|signer| signer.user.clone()).collect();
    names.sort_unstable();
    names.dedup();
    let strangers = explanation.signers.iter().filter(|signer| signer.user.is_none()).count();
    if strangers > 0 {
        names.push(crate::words::count(strangers, "key of nobody here", "keys of nobody here"));
    }
    names.join(", ")
}
