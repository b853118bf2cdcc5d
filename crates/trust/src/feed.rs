//! A registry's changefeed, as its reader sees it. Ours says with `next` where to go on and with `rights` that readers may have changed;
//! a stock one has neither.

use serde::Deserialize;

use crate::TrustError;
use crate::credentials::Credentials;
use crate::server::{Answer, Server};

/// What is asked of token services: all changes, or those of what one may read.
pub(crate) const SCOPE: &str = "registry:catalog:* registry:changes:pull";
/// Lines asked for at once.
pub(crate) const LINES: usize = 1_000;
/// A line has about 250 bytes.
const LARGEST: u64 = 2 << 20;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Line {
    pub(crate) id: i64,
    pub(crate) gun: String,
    pub(crate) sha256: String,
}

#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Page {
    pub(crate) lines: Vec<Line>,
    /// Where to go on from, and whose rights it shows: what ours adds.
    pub(crate) ours: Option<(i64, String)>,
}

#[derive(Deserialize)]
struct Raw {
    records: Option<Vec<RawLine>>,
    next: Option<String>,
    rights: Option<String>,
}

#[derive(Deserialize)]
struct RawLine {
    #[serde(rename = "ID")]
    id: String,
    #[serde(rename = "GUN")]
    gun: String,
    #[serde(rename = "SHA256", default)]
    sha256: String,
}

/// `query` is the parameters' text. What cannot be read as a feed is an error: then nothing is followed.
pub(crate) async fn ask(server: &Server<'_>, query: &str, credentials: Option<&Credentials>) -> Result<Page, TrustError> {
    match server.get(&format!("_trust/changefeed?{query}"), LARGEST, None, credentials).await? {
        Answer::Found { bytes, .. } if bytes.len() as u64 > LARGEST => Err(server.unusable("its changefeed is too long")),
        Answer::Found { bytes, .. } => read(&bytes).ok_or_else(|| server.unusable("its changefeed cannot be read")),
        Answer::Refused => Err(TrustError::Absent { credentials_refused: true }),
        Answer::Missing => Err(TrustError::Absent { credentials_refused: false }),
        Answer::Unchanged => Err(server.unusable("it answered 304 to what was not known")),
    }
}

pub(crate) fn read(bytes: &[u8]) -> Option<Page> {
    let raw: Raw = serde_json::from_slice(bytes).ok()?;
    let mut lines = Vec::new();
    for line in raw.records.unwrap_or_default() {
        lines.push(Line { id: line.id.parse().ok()?, gun: line.gun, sha256: line.sha256 });
    }
    if !lines.is_sorted_by_key(|line| line.id) {
        return None;
    }
    let next: Option<i64> = raw.next.map(|next| next.parse()).transpose().ok()?;
    Some(Page { lines, ours: next.zip(raw.rights) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_feed_are_read() {
        let stock =
            br#"{"count":1,"records":[{"ID":"7","CreatedAt":"x","GUN":"h/a","Version":1,"SHA256":"ab","Category":"update"}]}"#;
        let line = Line { id: 7, gun: "h/a".to_owned(), sha256: "ab".to_owned() };
        assert_eq!(read(stock), Some(Page { lines: vec![line], ours: None }));
        assert_eq!(read(br#"{"count":0,"records":null}"#), Some(Page { lines: vec![], ours: None }));
        let ours = br#"{"count":0,"records":[],"next":"9","rights":"everything"}"#;
        assert_eq!(read(ours), Some(Page { lines: vec![], ours: Some((9, "everything".to_owned())) }));
    }

    #[test]
    fn what_is_no_feed_is_none() {
        for bad in [
            "",
            "[]x",
            r#"{"records":[{"ID":"x","GUN":"h/a"}]}"#,
            r#"{"records":[{"ID":"2","GUN":"a"},{"ID":"1","GUN":"a"}]}"#,
            r#"{"records":[],"next":"x","rights":""}"#,
        ] {
            assert_eq!(read(bad.as_bytes()), None, "{bad}");
        }
    }
}
