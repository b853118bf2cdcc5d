//! `/manage/audit`: what was decided and changed, newest first; whether the log is whole; and all of it as a file.

mod export;
mod found;
mod whole;

use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use wharfinger_storage::audit::{OUTCOMES, Recorded, Search};

pub(crate) use export::{PATH as EXPORT_PATH, export};

use self::found::{Found, find};
use crate::error::Refused;
use crate::page::{Page, Section, render, shown};
use crate::posted::Fields;
use crate::routes::House;
use crate::visitor::Admin;
use crate::words::{count, moment};

pub(crate) const PATH: &str = "/manage/audit";
const MANY: u32 = 50;

/// The fields of the search, as the form and its links name them.
const FIELDS: [&str; 5] = ["actor", "action", "object", "outcome", "since"];

/// What somebody looks for: an empty field narrows nothing, and a part of a name is enough.
fn search(asked: &Fields) -> Result<Search, Refused> {
    let mut search = Search { parts: true, ..Search::default() };
    for name in FIELDS {
        let text = asked.text(name);
        if !text.is_empty() {
            search.narrow(name, text).map_err(|error| Refused::mistake(error.to_string()))?;
        }
    }
    Ok(search)
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
    asked: Fields,
    outcomes: [&'static str; 5],
    rows: Vec<Row>,
    /// How many these are, in words.
    many: String,
    /// What the next page begins before.
    next: Option<i64>,
    chain: Option<Result<String, String>>,
    wrong: Option<String>,
}

pub(crate) async fn show(
    State(house): State<Arc<House>>,
    Admin(visitor): Admin,
    Query(asked): Query<Vec<(String, String)>>,
) -> Result<Response, Refused> {
    let (audit, asked) = (&*house.console.audit, Fields::from(asked));
    let chain = if asked.checked("verify") { Some(whole::verify(audit).await?) } else { None };
    let (found, wrong) = match search(&asked) {
        Ok(search) => (find(audit, search, asked.text("before").parse().ok(), MANY).await?, None),
        Err(refused) => (Found::default(), Some(refused.in_form()?)),
    };
    let status = wrong.as_ref().map(|(status, _)| *status);
    let many = count(found.entries.len(), "entry", "entries");
    let many = match (found.as_far_as, found.next) {
        (Some(entry), _) => format!("{many}, looked for as far back as entry {entry}: there are older ones"),
        (None, Some(_)) => format!("{many}, and there are older ones"),
        (None, None) => many,
    };
    let page = AuditPage {
        page: Page::of(&house, &visitor, Section::Audit, "Audit log").await,
        asked,
        outcomes: OUTCOMES,
        rows: found.entries.into_iter().map(row).collect(),
        many,
        next: found.next,
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
