//! `/manage/audit/export`: everything that a search finds, newest first, as a file. It is sent while it is read: however long the log
//! is, no more than a handful of entries is in memory.

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream::{self, StreamExt as _};
use http::header;
use serde_json::json;
use time::format_description::well_known::Rfc3339;
use wharfinger_storage::audit::Recorded;

use crate::error::Refused;
use crate::posted::Fields;
use crate::routes::House;
use crate::visitor::Admin;

pub(crate) const PATH: &str = "/manage/audit/export";
/// How many entries are read at once.
const AT_ONCE: u32 = 500;

/// How the file is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Format {
    /// One entry a line, with everything that is recorded.
    JsonLines,
    /// RFC 4180, for spreadsheets.
    Csv,
}

impl Format {
    fn parse(text: &str) -> Result<Self, Refused> {
        match text {
            "jsonl" => Ok(Self::JsonLines),
            "csv" => Ok(Self::Csv),
            _ => Err(Refused::mistake("Choose how the file is written: format=jsonl or format=csv.")),
        }
    }

    /// The media type, and what the file is called.
    fn file(self) -> (&'static str, &'static str) {
        match self {
            Self::JsonLines => ("application/jsonl; charset=utf-8", "attachment; filename=\"audit.jsonl\""),
            Self::Csv => ("text/csv; charset=utf-8; header=present", "attachment; filename=\"audit.csv\""),
        }
    }

    fn head(self) -> &'static str {
        match self {
            Self::JsonLines => "",
            Self::Csv => "id,at,actor,action,object,outcome,detail,link\r\n",
        }
    }

    fn line(self, Recorded { id, act, link }: &Recorded) -> String {
        let (at, link) = (act.at.format(&Rfc3339).unwrap_or_default(), hex::encode(link.0));
        match self {
            Self::JsonLines => {
                // As it was recorded: the link is a hash over exactly this text.
                let entry = json!({
                    "id": id, "at": at, "actor": act.actor, "action": act.action, "object": act.object,
                    "outcome": act.outcome, "detail": act.detail, "link": link,
                });
                format!("{entry}\n")
            }
            Self::Csv => {
                let cells = [&at, &act.actor, &act.action, &act.object, &act.outcome, &act.detail, &link];
                let cells: Vec<String> = cells.into_iter().map(|text| cell(text)).collect();
                format!("{id},{}\r\n", cells.join(","))
            }
        }
    }
}

/// A cell that a spreadsheet takes for text: what begins like a formula gets an apostrophe before it. The `-` for the house itself
/// is none.
fn cell(text: &str) -> String {
    const BEGINS: &[char] = &['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];
    let safe: Cow<'_, str> =
        if text != "-" && text.trim_start_matches(' ').starts_with(BEGINS) { format!("'{text}").into() } else { text.into() };
    format!("\"{}\"", safe.replace('"', "\"\""))
}

pub(crate) async fn export(
    State(house): State<Arc<House>>,
    Admin(_): Admin,
    Query(asked): Query<Vec<(String, String)>>,
) -> Result<Response, Refused> {
    let asked = Fields::from(asked);
    let (search, format) = (super::search(&asked)?, Format::parse(asked.text("format"))?);
    let audit = house.console.audit.clone();
    // What is recorded while it is sent is not in it.
    let (last, _) = audit.head().await?;
    let pieces = stream::try_unfold(Some(last.saturating_add(1)), move |before| {
        let (audit, search) = (audit.clone(), search.clone());
        async move {
            let Some(before) = before else { return Ok(None) };
            // When this fails the answer breaks off: a file that is not whole does not look like one.
            let entries = audit.search(&search, Some(before), AT_ONCE).await?;
            let next = (entries.len() == AT_ONCE as usize).then(|| entries.last().map(|entry| entry.id)).flatten();
            let lines: String = entries.iter().map(|entry| format.line(entry)).collect();
            Ok::<_, wharfinger_storage::StorageError>(Some((Bytes::from(lines), next)))
        }
    });
    let (kind, disposition) = format.file();
    let body = stream::once(async move { Ok(Bytes::from(format.head())) }).chain(pieces);
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, disposition)], Body::from_stream(body)).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_or_ends_before_its_text_does() {
        for formula in ["=1+1", "+1", "-1+cmd|' /C calc'!A0", "@SUM(1)", "\t=1", "\r=1", "  =1", "＝1"] {
            assert!(cell(formula).starts_with("\"'"), "{formula}");
        }
        assert_eq!(cell("dtr.test/acme/app:1"), "\"dtr.test/acme/app:1\"");
        assert_eq!(cell("-"), "\"-\"");
        assert_eq!(cell("a\",\"=1\r\nb"), "\"a\"\",\"\"=1\r\nb\"");
    }
}
