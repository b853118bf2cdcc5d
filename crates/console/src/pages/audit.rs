//! `/manage/audit`: what was decided and changed, newest first; and whether the log is whole.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime};
use tokio::time::Instant;
use wharfinger_storage::audit::{Audit, Broken, Chain, Recorded, Search};

use crate::error::Refused;
use crate::page::{Page, Section, render, shown};
use crate::routes::House;
use crate::visitor::Admin;
use crate::words::moment;

pub(crate) const PATH: &str = "/manage/audit";
const MANY: u32 = 50;
/// How many entries are read at once when the chain is verified, and for how long.
const AT_ONCE: u32 = 1000;
const PATIENCE: Duration = Duration::from_secs(20);

/// How an act can have ended.
const OUTCOMES: [&str; 5] = ["allow", "deny", "audit", "done", "failed"];

#[derive(Deserialize, Clone, Default)]
pub(crate) struct Asked {
    #[serde(default)]
    actor: String,
    #[serde(default)]
    action: String,
    #[serde(default)]
    object: String,
    #[serde(default)]
    outcome: String,
    /// A day, or a moment in RFC 3339.
    #[serde(default)]
    since: String,
    before: Option<i64>,
    /// Whether the whole chain is to be verified.
    #[serde(default)]
    verify: String,
}

impl Asked {
    fn search(&self) -> Result<Search, Refused> {
        let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let outcome = given(&self.outcome);
        if outcome.as_deref().is_some_and(|outcome| !OUTCOMES.contains(&outcome)) {
            return Err(Refused::mistake(format!("An outcome is one of {}.", OUTCOMES.join(", "))));
        }
        let since = given(&self.since).map(|text| {
            let day = || Date::parse(&text, format_description!("[year]-[month]-[day]")).map(|day| day.midnight().assume_utc());
            OffsetDateTime::parse(&text, &Rfc3339).or_else(|_| day())
        });
        let since = since.transpose().map_err(|_| Refused::mistake("Write the day as 2026-01-31."))?;
        Ok(Search { actor: given(&self.actor), action: given(&self.action), object: given(&self.object), outcome, since })
    }
}

struct Row {
    id: i64,
    at: String,
    actor: String,
    action: String,
    object: String,
    outcome: String,
    detail: String,
}

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    page: Page,
    asked: Asked,
    outcomes: [&'static str; 5],
    rows: Vec<Row>,
    /// What the next page begins before.
    next: Option<i64>,
    chain: Option<Result<String, String>>,
    wrong: Option<String>,
}

pub(crate) async fn show(
    State(house): State<Arc<House>>,
    Admin(visitor): Admin,
    Query(asked): Query<Asked>,
) -> Result<Response, Refused> {
    let audit = &*house.console.audit;
    let chain = if asked.verify.is_empty() { None } else { Some(verify(audit).await?) };
    let (rows, wrong) = match asked.search() {
        Ok(search) => (audit.search(&search, asked.before, MANY).await?, None),
        Err(refused) => (Vec::new(), Some(refused.in_form()?)),
    };
    let next = (rows.len() == MANY as usize).then(|| rows.last().map(|row| row.id)).flatten();
    let status = wrong.as_ref().map(|(status, _)| *status);
    let page = AuditPage {
        page: Page::of(&house, &visitor, Section::Audit, "Audit log").await,
        asked,
        outcomes: OUTCOMES,
        rows: rows.into_iter().map(row).collect(),
        next,
        chain,
        wrong: wrong.map(|(_, wrong)| wrong),
    };
    Ok(status.map_or_else(|| shown(&page), |status| render(status, &page)))
}

fn row(recorded: Recorded) -> Row {
    let Recorded { id, act, .. } = recorded;
    let detail: serde_json::Value = serde_json::from_str(&act.detail).unwrap_or_default();
    let detail = serde_json::to_string_pretty(&detail).unwrap_or(act.detail);
    Row { id, at: moment(act.at), actor: act.actor, action: act.action, object: act.object, outcome: act.outcome, detail }
}

/// Follows the chain from its first entry to its noted head: as far as was come in time, or what is broken.
async fn verify(audit: &dyn Audit) -> Result<Result<String, String>, Refused> {
    let broken = |error: Broken| Ok(Err(format!("The log was changed: {error}.")));
    let end = Instant::now() + PATIENCE;
    // Read first: what is recorded meanwhile comes after it.
    let (last, link) = audit.head().await?;
    let mut chain = Chain::default();
    while chain.head().0 < last {
        if Instant::now() > end {
            let so_far = chain.head().0;
            return Ok(Ok(format!(
                "Whole up to entry {so_far} of {last}; for the rest, run wharfinger audit verify on the machine."
            )));
        }
        let entries = audit.oldest(chain.head().0, AT_ONCE).await?;
        if entries.is_empty() {
            return broken(Broken::CutOff { expected: last, found: chain.head().0 });
        }
        for entry in entries.iter().filter(|entry| entry.id <= last) {
            if let Err(error) = chain.follow(entry) {
                return broken(error);
            }
        }
    }
    if chain.head() != (last, link) {
        return broken(Broken::Changed(last));
    }
    let link = hex::encode(link.0);
    Ok(Ok(format!(
        "Whole: all {last} entries are as they were recorded. The last link is {link}: keep it elsewhere, for whoever can write \
                   the database can write a whole new log, but not this link."
    )))
}
