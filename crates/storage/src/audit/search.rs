//! Which entries somebody looks for, and how they write it.

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime};

/// How an act can have ended.
pub const OUTCOMES: [&str; 5] = ["allow", "deny", "audit", "done", "failed"];

/// Which entries somebody looks for. Each field that is given narrows it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Search {
    pub actor: Option<String>,
    pub action: Option<String>,
    pub object: Option<String>,
    pub outcome: Option<String>,
    /// Recorded at this time or later.
    pub since: Option<OffsetDateTime>,
    /// The newest entry that is not looked at any more; 0: all are.
    pub after: i64,
    /// Whether it is enough that actor, action and object hold what is looked for; else they are compared exactly.
    pub parts: bool,
}

/// What nobody can be looking for.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unsearchable {
    #[error("outcome: `{0}` is none of {all}", all = OUTCOMES.join(", "))]
    Outcome(String),
    #[error("since: `{0}` is no time; write it as 2026-01-31 or 2026-01-31T12:00:00Z")]
    Since(String),
    #[error("{0} is given twice")]
    Twice(String),
}

impl Search {
    /// Narrows it by a field as it is written in a form or an address. `false`: there is no field of that name.
    pub fn narrow(&mut self, name: &str, text: &str) -> Result<bool, Unsearchable> {
        let field = match name {
            "actor" => &mut self.actor,
            "action" => &mut self.action,
            "object" => &mut self.object,
            "outcome" if OUTCOMES.contains(&text) => &mut self.outcome,
            "outcome" => return Err(Unsearchable::Outcome(text.to_owned())),
            "since" if self.since.is_some() => return Err(Unsearchable::Twice(name.to_owned())),
            "since" => {
                self.since = Some(moment(text).ok_or_else(|| Unsearchable::Since(text.to_owned()))?);
                return Ok(true);
            }
            _ => return Ok(false),
        };
        if field.replace(text.to_owned()).is_some() {
            return Err(Unsearchable::Twice(name.to_owned()));
        }
        Ok(true)
    }
}

/// A moment, or the beginning of a day in UTC.
fn moment(text: &str) -> Option<OffsetDateTime> {
    let day = || Date::parse(text, format_description!("[year]-[month]-[day]")).map(|day| day.midnight().assume_utc());
    OffsetDateTime::parse(text, &Rfc3339).or_else(|_| day()).ok()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn read(fields: &[(&str, &str)]) -> Result<Search, Unsearchable> {
        let mut search = Search::default();
        for (name, text) in fields {
            assert!(search.narrow(name, text)?, "{name}");
        }
        Ok(search)
    }

    #[test]
    fn every_field_reaches_the_search() {
        let some = |text: &str| Some(text.to_owned());
        let all = [
            ("actor", "olga"),
            ("action", "deploy"),
            ("object", "dtr/qa/app:1"),
            ("outcome", "deny"),
            ("since", "2026-01-31T12:00:00Z"),
        ];
        let expected = Search {
            actor: some("olga"),
            action: some("deploy"),
            object: some("dtr/qa/app:1"),
            outcome: some("deny"),
            since: Some(datetime!(2026-01-31 12:00 UTC)),
            after: 0,
            parts: false,
        };
        assert_eq!(read(&all), Ok(expected));
        assert_eq!(read(&[("since", "2026-01-31")]).unwrap().since, Some(datetime!(2026-01-31 00:00 UTC)));
        assert_eq!(Search::default().narrow("user", "olga"), Ok(false));
    }

    #[test]
    fn what_would_silently_find_nothing_or_something_else_is_refused() {
        for field in [("outcome", "denied"), ("outcome", ""), ("since", "yesterday"), ("since", "2026-02-30")] {
            assert!(read(&[field]).is_err(), "{field:?}");
        }
        for name in ["actor", "action", "object"] {
            assert_eq!(read(&[(name, "a"), (name, "b")]), Err(Unsearchable::Twice(name.to_owned())));
        }
        assert!(read(&[("since", "2026-01-31"), ("since", "2026-01-30")]).is_err());
    }
}
