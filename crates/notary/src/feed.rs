//! The changefeed: one line per new timestamp and per deletion.
//!
//! With `wait=SECONDS` it says more than the stock server's, and holds its answer until there is a line or the time is over: `next` is
//! where to go on from (lower than `change_id` only when the feed began anew), `rights` changes whenever the caller may have lost the
//! right to read something, of which no line tells. Who may not see everything is shown the lines of what they may pull now. Lines are
//! numbered over the whole registry: that there are others is no secret, whose they are is.

use std::collections::HashMap;
use std::time::Duration;

use axum::body::Body;
use http::Response;
use http::request::Parts;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::{Instant, timeout_at};
use wharfinger_oci::Repository;
use wharfinger_storage::collections::{Change, Window};
use wharfinger_tuf::Gun;

use crate::access::{EVERYTHING, Follower};
use crate::error::{Fault, Refusal};
use crate::http_door::{bearer, plain};
use crate::{Need, Notary};

/// How many lines `records=0` means.
const DEFAULT_RECORDS: u32 = 100;
/// The most that one answer holds, however many were asked for.
const MOST_RECORDS: u32 = 10_000;
/// Lines read at once for somebody who may not see all of them.
const PAGE: u32 = 1_000;
/// How many such pages one answer looks through; `next` says where to go on.
const MOST_PAGES: usize = 20;
/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Query {
    window: Window,
    records: u32,
    wait: Option<Duration>,
}

impl Query {
    /// `records` is required; negative: the newest ones. `change_id` is where to start, exclusive; negative: from the newest.
    pub(crate) fn parse(query: &str) -> Result<Self, Refusal> {
        let mut records = String::new();
        let mut change_id = String::new();
        let mut wait = None;
        for pair in query.split('&') {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            // Like Go's `Get`, the first one counts.
            match key {
                "records" if records.is_empty() => value.clone_into(&mut records),
                "change_id" if change_id.is_empty() => value.clone_into(&mut change_id),
                "wait" if wait.is_none() => wait = Some(value.to_owned()),
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
        let wait = match wait {
            Some(text) => {
                let seconds: u64 = text.parse().map_err(|_| {
                    Refusal::InvalidParameters(format!("invalid wait parameter: {text:?} is not a number of seconds"))
                })?;
                Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
            }
            None => None,
        };
        Ok(Self { window, records, wait })
    }
}

#[derive(Serialize)]
struct Answer {
    count: usize,
    records: Vec<Record>,
    #[serde(flatten)]
    more: Option<More>,
}

/// What only those are told who ask with `wait`.
#[derive(Serialize)]
struct More {
    next: String,
    rights: String,
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

/// The lines for somebody, and the last one that was looked at.
struct Page {
    changes: Vec<Change>,
    next: i64,
}

impl Notary {
    pub(crate) async fn changes(&self, head: &Parts, of: Option<(&Gun, &Repository)>) -> Result<Response<Body>, Refusal> {
        let mut query = Query::parse(head.uri.query().unwrap_or_default())?;
        let feed = &self.inner.feed;
        let (mut changed, mut ended) = (feed.changed.subscribe(), feed.ended.subscribe());
        let place = query.wait.and_then(|_| feed.waiting.try_acquire().ok());
        let until = Instant::now() + query.wait.filter(|_| place.is_some()).unwrap_or_default();
        loop {
            changed.borrow_and_update();
            // Asked anew each time: what counts is the right to read when the answer goes out.
            let (page, rights) = match of {
                Some((gun, repository)) => {
                    self.permit(head, gun, repository, Need::Pull).await?;
                    (self.page(Some(gun), None, query).await?, EVERYTHING.to_owned())
                }
                None => {
                    let follower = self.inner.access.follower(bearer(&head.headers)).await?;
                    let rights = follower.rights().await?;
                    let all = rights == EVERYTHING;
                    (self.page(None, Some(&*follower).filter(|_| !all), query).await?, rights)
                }
            };
            let Window::After(after) = query.window else { return answer(page, rights, query) };
            if !page.changes.is_empty() || page.next < after {
                return answer(page, rights, query);
            }
            query.window = Window::After(page.next);
            let more = async {
                tokio::select! { _ = changed.changed() => true, _ = ended.wait_for(|ended| *ended) => false }
            };
            if !timeout_at(until, more).await.unwrap_or(false) {
                return answer(page, rights, query);
            }
        }
    }

    /// One answer's lines. Those `follower` may not see are passed over.
    async fn page(&self, gun: Option<&Gun>, follower: Option<&dyn Follower>, query: Query) -> Result<Page, Fault> {
        let gun = gun.map(Gun::as_str);
        let Some(follower) = follower else {
            let changes = self.collections().changes(gun, query.window, query.records).await?;
            let next = changes.last().map(|change| change.id);
            return Ok(Page { next: self.next(query.window, next).await?, changes });
        };
        let mut window = query.window;
        let (mut changes, mut seen, mut last) = (Vec::new(), HashMap::new(), None);
        let wanted = usize::try_from(query.records).unwrap_or(usize::MAX);
        for _ in 0..MOST_PAGES {
            let mut lines = self.collections().changes(gun, window, PAGE).await?;
            let (first, end) = (lines.first().map(|line| line.id), lines.last().map(|line| line.id));
            let backwards = matches!(window, Window::Before(_));
            let ended = lines.len() < PAGE as usize;
            if backwards {
                lines.reverse();
                last = last.or(end);
            }
            for line in lines {
                if changes.len() == wanted {
                    break;
                }
                if !backwards {
                    last = Some(line.id);
                }
                if !seen.contains_key(&line.gun) {
                    let follows = match self.repository(&line.gun) {
                        Ok((_, repository)) => follower.follows(&repository).await?,
                        // Of a name this registry had before.
                        Err(_) => false,
                    };
                    seen.insert(line.gun.clone(), follows);
                }
                if seen.get(&line.gun) == Some(&true) {
                    changes.push(line);
                }
            }
            if ended || changes.len() == wanted {
                break;
            }
            window = match window {
                Window::After(_) => Window::After(end.unwrap_or_default()),
                Window::Before(_) => Window::Before(first),
            };
        }
        changes.sort_by_key(|change| change.id);
        Ok(Page { next: self.next(query.window, last).await?, changes })
    }

    /// Where to go on from: the last line looked at; without one, the place asked for, unless the feed does not reach so far.
    async fn next(&self, window: Window, last: Option<i64>) -> Result<i64, Fault> {
        match (last, window) {
            (Some(last), _) => Ok(last),
            (None, Window::Before(_)) => Ok(0),
            (None, Window::After(after)) => {
                let newest = self.collections().changes(None, Window::Before(None), 1).await?;
                Ok(newest.last().map_or(0, |change| change.id).min(after))
            }
        }
    }
}

fn answer(page: Page, rights: String, query: Query) -> Result<Response<Body>, Refusal> {
    let records = page.changes.into_iter().map(record).collect::<Result<Vec<_>, Fault>>()?;
    let more = query.wait.map(|_| More { next: page.next.to_string(), rights });
    let answer = Answer { count: records.len(), records, more };
    Ok(plain(serde_json::to_vec(&answer).map_err(|error| Fault::Damaged(error.to_string()))?))
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
        // What it does not know it passes over, and so do we; `wait` is ours.
        assert_eq!(parse("records=5&wait=1&x=y"), (Window::After(0), 5));
    }

    #[test]
    fn a_wait_is_bounded() {
        let wait = |query: &str| Query::parse(query).unwrap().wait;
        assert_eq!(wait("records=1"), None);
        assert_eq!(wait("records=1&wait=0"), Some(Duration::ZERO));
        assert_eq!(wait("records=1&wait=7"), Some(Duration::from_secs(7)));
        assert_eq!(wait("records=1&wait=99999"), Some(LONGEST_WAIT));
    }

    #[test]
    fn records_are_required_and_both_are_numbers() {
        for bad in
            ["", "records=", "records=x", "records=1&change_id=x", "records=99999999999", "records=1&wait=x", "records=1&wait="]
        {
            assert!(matches!(Query::parse(bad), Err(Refusal::InvalidParameters(_))), "{bad}");
        }
    }
}
