//! The changefeed: one line per new timestamp and per deletion.

use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use wharfinger_storage::collections::{Change, Collections, Window};

use crate::error::{Fault, Refusal};

/// How many lines `records=0` means.
const DEFAULT_RECORDS: u32 = 100;
/// The most that one answer holds, however many were asked for.
const MOST_RECORDS: u32 = 10_000;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Query {
    window: Window,
    records: u32,
}

impl Query {
    /// `records` is required; negative: the newest ones. `change_id` is where to start, exclusive; negative: from the newest.
    pub(crate) fn parse(query: &str) -> Result<Self, Refusal> {
        let mut records = String::new();
        let mut change_id = String::new();
        for pair in query.split('&') {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            // Like Go's `Get`, the first one counts.
            match key {
                "records" if records.is_empty() => value.clone_into(&mut records),
                "change_id" if change_id.is_empty() => value.clone_into(&mut change_id),
                _ => {}
            }
        }
        let number = |name: &str, text: &str| -> Result<i32, Refusal> {
            text.parse().map_err(|_| Refusal::InvalidParameters(format!("invalid {name} parameter: {text:?} is not a number")))
        };
        let records = number("records", &records)?;
        let id = if change_id.is_empty() { 0 } else { number("change_id", &change_id)? };
        let window = match id {
            1.. if records < 0 => Window::Before(Some(id.into())),
            _ if records < 0 || id < 0 => Window::Before(None),
            _ => Window::After(id.into()),
        };
        let records = match records.unsigned_abs() {
            0 => DEFAULT_RECORDS,
            some => some.min(MOST_RECORDS),
        };
        Ok(Self { window, records })
    }
}

#[derive(Serialize)]
struct Answer {
    count: usize,
    records: Vec<Record>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Record {
    #[serde(rename = "ID")]
    id: String,
    created_at: String,
    #[serde(rename = "GUN")]
    gun: String,
    version: i64,
    #[serde(rename = "SHA256")]
    sha256: String,
    category: &'static str,
}

pub(crate) async fn answer(collections: &dyn Collections, gun: Option<&str>, query: Query) -> Result<Vec<u8>, Refusal> {
    let changes = collections.changes(gun, query.window, query.records).await?;
    let records = changes.into_iter().map(record).collect::<Result<Vec<_>, Fault>>()?;
    let answer = Answer { count: records.len(), records };
    Ok(serde_json::to_vec(&answer).map_err(|error| Fault::Damaged(error.to_string()))?)
}

fn record(change: Change) -> Result<Record, Fault> {
    let category = if change.timestamp.is_some() { "update" } else { "deletion" };
    let (version, sha256) = change.timestamp.unwrap_or_default();
    let created_at = seconds(change.at).format(&Rfc3339).map_err(|error| Fault::Damaged(error.to_string()))?;
    Ok(Record { id: change.id.to_string(), created_at, gun: change.gun, version, sha256, category })
}

fn seconds(time: OffsetDateTime) -> OffsetDateTime {
    time.replace_nanosecond(0).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_read_as_the_stock_server_reads_them() {
        let parse = |query: &str| Query::parse(query).map(|query| (query.window, query.records)).unwrap();
        assert_eq!(parse("records=5"), (Window::After(0), 5));
        assert_eq!(parse("records=0&change_id=7"), (Window::After(7), 100));
        assert_eq!(parse("records=-5"), (Window::Before(None), 5));
        assert_eq!(parse("records=-5&change_id=7"), (Window::Before(Some(7)), 5));
        assert_eq!(parse("records=5&change_id=-1"), (Window::Before(None), 5));
        assert_eq!(parse("records=2147483647"), (Window::After(0), MOST_RECORDS));
        assert_eq!(parse("records=-2147483648"), (Window::Before(None), MOST_RECORDS));
    }

    #[test]
    fn records_are_required_and_both_are_numbers() {
        for bad in ["", "records=", "records=x", "records=1&change_id=x", "records=99999999999"] {
            assert!(matches!(Query::parse(bad), Err(Refusal::InvalidParameters(_))), "{bad}");
        }
    }
}
