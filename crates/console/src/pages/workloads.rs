//! `/manage/workloads?find=…&verdict=…`: what runs, which image exactly, who signed it, and what a deployment of it would meet now.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;
use wharfinger_gate::Explanation;

use crate::error::Refused;
use crate::page::{Page, Section, shown};
use crate::routes::House;
use crate::running::{Decided, Named, Seen, decided};
use crate::visitor::Admin;

/// What is not decided by then is said to be open.
const PATIENCE: Duration = Duration::from_secs(10);
/// Rows of one page.
const MOST: usize = 500;

/// Which of them to show; empty fields show all.
#[derive(Deserialize)]
pub(crate) struct Wanted {
    /// In any of a row's words.
    #[serde(default)]
    find: String,
    #[serde(default)]
    verdict: String,
}

/// What can be chosen of verdicts, and in which words.
const VERDICTS: [(&str, &str); 5] =
    [("", "Any"), ("allow", "May run"), ("audit", "Only recorded"), ("deny", "Refused"), ("open", "Not decided in time")];

struct Row {
    named: Named,
    /// What names exactly the image that runs: the digest, where the rest is as it is named.
    runs: Option<String>,
    started: bool,
    /// The accounts of this cluster whose keys signed it, and how many other keys did.
    signers: String,
    explanation: Option<Explanation>,
}

#[derive(Template)]
#[template(path = "workloads.html")]
struct WorkloadsPage {
    page: Page,
    find: String,
    verdict: String,
    /// How many run.
    all: usize,
    rows: Vec<Row>,
    /// How many more there are like these.
    more: usize,
    unseen: Vec<String>,
}

pub(crate) async fn show(
    State(house): State<Arc<House>>,
    Admin(visitor): Admin,
    Query(Wanted { find, verdict }): Query<Wanted>,
) -> Result<Response, Refused> {
    let Seen { all, unseen } = decided(&house, &visitor, PATIENCE).await;
    let number = all.len();
    let find = find.trim().to_owned();
    let wanted = find.to_lowercase();
    let mut rows: Vec<Row> = all.into_iter().map(row).filter(|row| row.is(&wanted, &verdict)).collect();
    let more = rows.len().saturating_sub(MOST);
    rows.truncate(MOST);
    let page = Page::of(&house, &visitor, Section::Workloads, "Workloads").await;
    Ok(shown(&WorkloadsPage { page, find, verdict, all: number, rows, more, unseen }))
}

fn row(Decided { running, explanation }: Decided) -> Row {
    let signers = explanation.as_ref().map(signers).unwrap_or_default();
    let digest = |runs: String| match runs.split_once('@') {
        Some((name, digest)) if name == running.image.split('@').next().unwrap_or_default() => digest.to_owned(),
        _ => runs,
    };
    Row { named: Named::of(&running), runs: running.runs.clone().map(digest), started: running.started, signers, explanation }
}

impl Row {
    fn is(&self, find: &str, verdict: &str) -> bool {
        let Named { name, kind, image, digest, .. } = &self.named;
        let code = self.explanation.as_ref().map_or("", |why| why.code);
        let digest = digest.as_deref().unwrap_or_default();
        let words = [name, kind, image, digest, self.runs.as_deref().unwrap_or_default(), &self.signers, code];
        let found = find.is_empty() || words.iter().any(|words| words.to_lowercase().contains(find));
        let its = self.explanation.as_ref().map_or("open", |why| why.verdict);
        found && (verdict.is_empty() || verdict == its)
    }
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
