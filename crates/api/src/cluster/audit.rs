//! `GET /api/audit`: what was decided and changed, newest first, by actor, action, object, outcome and time.

use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use serde::Serialize;
use time::format_description::well_known::Rfc3339;
use wharfinger_storage::audit::{Recorded, Search};

use super::{Admin, ClusterApi};
use crate::error::ApiError;

/// What is asked for, as `name=value` in the address.
struct Asked {
    search: Search,
    /// Entries before this id.
    before: Option<i64>,
    limit: u32,
}

impl Asked {
    fn read(fields: &[(String, String)]) -> Result<Self, ApiError> {
        let bad = |message: String| ApiError::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST", message);
        let mut asked = Self { search: Search::default(), before: None, limit: 100 };
        for (name, text) in fields {
            let no_number = |_| bad(format!("{name}: `{text}` is no number"));
            match name.as_str() {
                _ if text.is_empty() => return Err(bad(format!("{name} is empty: leave it out to see everything"))),
                "before" => asked.before = Some(text.parse().map_err(no_number)?),
                "limit" => asked.limit = text.parse().map_err(no_number)?,
                _ => {
                    if !asked.search.narrow(name, text).map_err(|error| bad(error.to_string()))? {
                        return Err(bad(format!("`{name}` is none of actor, action, object, outcome, since, before, limit")));
                    }
                }
            }
        }
        Ok(asked)
    }
}

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
    Query(fields): Query<Vec<(String, String)>>,
) -> Result<Json<AuditPage>, ApiError> {
    let Asked { search, before, limit } = Asked::read(&fields)?;
    let limit = limit.clamp(1, 1000);
    let entries = api.audit.search(&search, before, limit).await?;
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

    fn read(query: &str) -> Result<Asked, ()> {
        let uri: axum::http::Uri = format!("/api/audit?{query}").parse().unwrap();
        let Query(fields) = Query::<Vec<(String, String)>>::try_from_uri(&uri).map_err(drop)?;
        Asked::read(&fields).map_err(drop)
    }

    #[test]
    fn every_filter_reaches_the_search() {
        let asked = read("actor=olga&limit=3&before=7&since=2026-01-31T12:00:00Z").unwrap();
        let since = Some(time::macros::datetime!(2026-01-31 12:00 UTC));
        assert_eq!(asked.search, Search { actor: Some("olga".to_owned()), since, ..Search::default() });
        assert_eq!((asked.before, asked.limit), (Some(7), 3));
        assert_eq!(read("").unwrap().search, Search::default());
    }

    #[test]
    fn a_filter_that_would_silently_find_nothing_or_everything_is_refused() {
        for query in ["outcome=denied", "since=yesterday", "user=olga", "actor=a&actor=b", "limit=many", "before=", "actor="] {
            assert!(read(query).is_err(), "{query}");
        }
    }
}
