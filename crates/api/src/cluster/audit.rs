//! `GET /api/audit`: what was decided and changed, newest first, by actor, action, object, outcome and time.

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use wharfinger_storage::audit::{Recorded, Search};

use super::{Admin, ClusterApi};
use crate::error::ApiError;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AuditQuery {
    /// Entries before this id.
    before: Option<i64>,
    limit: Option<u32>,
    actor: Option<String>,
    action: Option<String>,
    object: Option<String>,
    outcome: Option<String>,
    /// RFC 3339.
    since: Option<String>,
}

impl AuditQuery {
    fn search(self) -> Result<Search, ApiError> {
        let bad = |message: String| ApiError::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST", message);
        let since = self.since.map(|text| {
            let wrong = |_| bad(format!("since: `{text}` is no time; write it as 2026-01-31T12:00:00Z"));
            OffsetDateTime::parse(&text, &Rfc3339).map_err(wrong)
        });
        if let Some(other) = self.outcome.as_deref().filter(|outcome| !OUTCOMES.contains(outcome)) {
            return Err(bad(format!("outcome: `{other}` is none of {}", OUTCOMES.join(", "))));
        }
        Ok(Search {
            actor: self.actor,
            action: self.action,
            object: self.object,
            outcome: self.outcome,
            since: since.transpose()?,
        })
    }
}

/// How an act can have ended.
const OUTCOMES: [&str; 5] = ["allow", "deny", "audit", "done", "failed"];

#[derive(Serialize)]
pub(super) struct AuditPage {
    entries: Vec<AuditEntry>,
    /// Pass it as `before` for the next page; none at the end.
    next: Option<i64>,
}

#[derive(Serialize)]
pub(super) struct AuditEntry {
    id: i64,
    at: String,
    actor: String,
    action: String,
    object: String,
    outcome: String,
    detail: serde_json::Value,
}

pub(super) async fn list(
    State(api): State<ClusterApi>,
    _admin: Admin,
    Query(query): Query<AuditQuery>,
) -> Result<Json<AuditPage>, ApiError> {
    let limit = query.limit.unwrap_or(100).clamp(1, 1000);
    let before = query.before;
    let entries = api.audit.search(&query.search()?, before, limit).await?;
    let next = (entries.len() == limit as usize).then(|| entries.last().map(|entry| entry.id)).flatten();
    let entry = |recorded: Recorded| AuditEntry {
        id: recorded.id,
        at: recorded.act.at.format(&Rfc3339).unwrap_or_default(),
        actor: recorded.act.actor,
        action: recorded.act.action,
        object: recorded.act.object,
        outcome: recorded.act.outcome,
        detail: serde_json::from_str(&recorded.act.detail).unwrap_or(serde_json::Value::Null),
    };
    Ok(Json(AuditPage { entries: entries.into_iter().map(entry).collect(), next }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Search, ()> {
        let uri: axum::http::Uri = format!("/api/audit?{query}").parse().unwrap();
        let Query(query) = Query::<AuditQuery>::try_from_uri(&uri).map_err(drop)?;
        query.search().map_err(drop)
    }

    #[test]
    fn every_filter_reaches_the_search() {
        let all = read("actor=olga&action=deploy&object=dtr/qa/app:1&outcome=deny&since=2026-01-31T12:00:00Z").unwrap();
        let some = |text: &str| Some(text.to_owned());
        let expected = Search {
            actor: some("olga"),
            action: some("deploy"),
            object: some("dtr/qa/app:1"),
            outcome: some("deny"),
            since: Some(time::macros::datetime!(2026-01-31 12:00 UTC)),
        };
        assert_eq!(all, expected);
        assert_eq!(read("limit=3&before=7").unwrap(), Search::default());
    }

    #[test]
    fn a_filter_that_would_silently_find_nothing_or_everything_is_refused() {
        for query in ["outcome=denied", "since=yesterday", "user=olga", "actor=a&actor=b", "limit=many"] {
            assert!(read(query).is_err(), "{query}");
        }
    }
}
