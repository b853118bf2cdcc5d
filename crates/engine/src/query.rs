//! The query of a call that carries images, read in one way only.

use std::fmt::Write as _;

use percent_encoding::{NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};
use thiserror::Error;

/// Parameters in the order they came. What is forwarded is [`Query::encoded`].
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

#[derive(Debug, PartialEq, Eq, Error)]
pub enum QueryRefused {
    #[error(
        "the query parameter `{0}` is not known in this call; it may belong to a newer version of the engine's API than is supported"
    )]
    Unknown(String),
    #[error("the query parameter `{0}` stands twice")]
    Twice(String),
    #[error("the query is malformed")]
    Malformed,
}

impl Query {
    /// Only the parameters in `known`, each at most once, but those in `lists`.
    pub(crate) fn parse(raw: Option<&str>, known: &[&str], lists: &[&str]) -> Result<Self, QueryRefused> {
        let mut query = Self::default();
        for pair in raw.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name)?, decode(value)?);
            if lists.contains(&name.as_str()) {
                query.0.push((name, value));
                continue;
            }
            if !known.contains(&name.as_str()) {
                return Err(QueryRefused::Unknown(name.chars().take(100).collect()));
            }
            if query.get(&name).is_some() {
                return Err(QueryRefused::Twice(name));
            }
            query.0.push((name, value));
        }
        Ok(query)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The value, unless it is absent or empty: to the engine that is the same.
    pub(crate) fn some(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    pub(crate) fn set(&mut self, name: &str, value: String) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, present)) => *present = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    pub(crate) fn encoded(&self) -> String {
        let mut text = String::new();
        for (name, value) in &self.0 {
            let separator = if text.is_empty() { "" } else { "&" };
            let escaped = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
            // Writing to a String cannot fail.
            let _ = write!(text, "{separator}{}={}", escaped(name), escaped(value));
        }
        text
    }
}

/// As Go's `QueryUnescape`: `+` is a space, `;` is no separator (it refuses it), and an escape has two hex digits.
fn decode(raw: &str) -> Result<String, QueryRefused> {
    if raw.contains(';') {
        return Err(QueryRefused::Malformed);
    }
    let mut rest = raw;
    while let Some((_, after)) = rest.split_once('%') {
        if !after.bytes().take(2).all(|byte| byte.is_ascii_hexdigit()) || after.len() < 2 {
            return Err(QueryRefused::Malformed);
        }
        rest = after;
    }
    let spaced = raw.replace('+', " ");
    percent_decode(spaced.as_bytes()).decode_utf8().map(std::borrow::Cow::into_owned).map_err(|_| QueryRefused::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_stands_once_and_is_known() {
        let known = ["fromImage", "tag"];
        let query = Query::parse(Some("fromImage=dtr.test%3A5443%2Fqa%2Fapp&tag=v1"), &known, &[]).unwrap();
        assert_eq!(query.get("fromImage"), Some("dtr.test:5443/qa/app"));
        assert_eq!(query.encoded(), "fromImage=dtr%2Etest%3A5443%2Fqa%2Fapp&tag=v1");
        assert_eq!(Query::parse(None, &known, &[]).unwrap(), Query::default());
        for (raw, why) in [
            ("tag=a&tag=b", QueryRefused::Twice("tag".into())),
            ("tag=a&%74ag=b", QueryRefused::Twice("tag".into())),
            ("Tag=a", QueryRefused::Unknown("Tag".into())),
            ("x=1", QueryRefused::Unknown("x".into())),
            ("tag=a;fromImage=b", QueryRefused::Malformed),
            ("tag=%zz", QueryRefused::Malformed),
            ("tag=%4", QueryRefused::Malformed),
            ("tag=%ff", QueryRefused::Malformed),
        ] {
            assert_eq!(Query::parse(Some(raw), &known, &[]), Err(why), "{raw}");
        }
        assert!(Query::parse(Some("c=1&c=2"), &known, &["c"]).is_ok());
        assert_eq!(Query::parse(Some("tag=a+b%2B"), &known, &[]).unwrap().get("tag"), Some("a b+"));
    }
}
