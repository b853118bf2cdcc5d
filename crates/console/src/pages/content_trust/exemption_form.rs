//! One exemption while somebody writes it: every field as it was typed.

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};
use wharfinger_policy::{ExemptionDocument, ExemptionFault, Moment, NamespacePattern, RepositoryPattern};

use super::wrong::{Wrong, lines, unless_empty};
use crate::posted::Fields;

#[derive(Default)]
pub(crate) struct ExemptionForm {
    /// Which exemption of the draft it takes the place of; none: it becomes the last.
    pub(crate) place: Option<usize>,
    pub(crate) repository: String,
    pub(crate) digest: String,
    /// A pattern a line.
    pub(crate) namespaces: String,
    pub(crate) reason: String,
    pub(crate) requested_by: String,
    /// In UTC, as `2027-01-31 12:00`.
    pub(crate) expires: String,
    pub(crate) wrong: Wrong,
}

impl ExemptionForm {
    pub(crate) fn of(place: usize, exemption: &ExemptionDocument) -> Self {
        let text = |given: &Option<String>| given.clone().unwrap_or_default();
        Self {
            place: Some(place),
            repository: text(&exemption.repository),
            digest: text(&exemption.digest),
            namespaces: exemption.namespaces.as_deref().unwrap_or_default().join("\n"),
            reason: exemption.reason.clone(),
            requested_by: exemption.requested_by.clone(),
            expires: written(exemption.expires.0),
            wrong: Wrong::default(),
        }
    }

    /// Nothing where none is being written.
    pub(crate) fn read(fields: &Fields) -> Option<Self> {
        let place = match fields.text("exemption-form") {
            "" => return None,
            "new" => None,
            place => Some(place.parse().ok()?),
        };
        let text = |name| fields.text(name).to_owned();
        Some(Self {
            place,
            repository: text("exemption-repository"),
            digest: text("exemption-digest"),
            namespaces: text("exemption-namespaces"),
            reason: text("exemption-reason"),
            requested_by: text("exemption-requested-by"),
            expires: text("exemption-expires"),
            wrong: Wrong::default(),
        })
    }

    /// What is typed, if each field by itself could be right; else what is wrong stands at the fields.
    pub(crate) fn document(&mut self) -> Option<ExemptionDocument> {
        self.wrong = Wrong::default();
        let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let (repository, digest) = (given(&self.repository), given(&self.digest));
        match &repository {
            None if digest.is_none() => self.wrong.put("repository", "Write a repository, a digest or both"),
            Some(text) => {
                if let Err(error) = text.parse::<RepositoryPattern>() {
                    self.wrong.put("repository", error.to_string());
                }
            }
            None => {}
        }
        let namespaces = lines(&self.namespaces);
        if let Some(error) = namespaces.iter().find_map(|text| text.parse::<NamespacePattern>().err()) {
            self.wrong.put("namespaces", error.to_string());
        }
        if self.reason.is_empty() {
            self.wrong.put("reason", "Say why: it is what the audit log will show");
        }
        if self.requested_by.is_empty() {
            self.wrong.put("requested-by", "Name the user who asked for it: somebody else than you, who approve it");
        }
        let expires = read(&self.expires);
        if expires.is_none() {
            self.wrong.put("expires", "Write day and time in UTC, such as 2027-01-31 12:00");
        }
        let document = ExemptionDocument {
            digest,
            repository,
            namespaces: unless_empty(namespaces),
            reason: self.reason.clone(),
            requested_by: self.requested_by.clone(),
            approved_by: None,
            expires: Moment(expires?),
        };
        self.wrong.is_empty().then_some(document)
    }

    /// What the cluster says of it.
    pub(crate) fn faulty(&mut self, fault: &ExemptionFault) {
        let field = match fault {
            ExemptionFault::Nothing | ExemptionFault::Pattern(_) => "repository",
            ExemptionFault::Digest(_) => "digest",
            ExemptionFault::NoNamespaces | ExemptionFault::Namespace(_) => "namespaces",
            ExemptionFault::NoReason => "reason",
            ExemptionFault::Expired => "expires",
            ExemptionFault::OwnRequest(_) | ExemptionFault::NotTheWriter { .. } => "requested-by",
        };
        self.wrong.put(field, fault.to_string());
    }

    pub(crate) fn unknown(&mut self, error: &dyn std::error::Error) {
        self.wrong.put("requested-by", error.to_string());
    }
}

/// As people write it; to the second, where it is of seconds.
fn written(at: OffsetDateTime) -> String {
    let at = at.to_offset(UtcOffset::UTC);
    let whole = at.second() == 0 && at.nanosecond() == 0;
    let minutes = at.format(format_description!("[year]-[month]-[day] [hour]:[minute]")).ok().filter(|_| whole);
    minutes.or_else(|| at.format(&Rfc3339).ok()).unwrap_or_default()
}

fn read(text: &str) -> Option<OffsetDateTime> {
    let minutes = PrimitiveDateTime::parse(text, format_description!("[year]-[month]-[day] [hour]:[minute]"));
    minutes.map(PrimitiveDateTime::assume_utc).ok().or_else(|| OffsetDateTime::parse(text, &Rfc3339).ok())
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_moment_that_is_shown_is_read_as_the_same_and_one_without_its_time_is_none() {
        for at in [datetime!(2027-01-31 12:00 UTC), datetime!(2027-01-31 12:00:07.5 UTC), datetime!(2027-01-31 01:00 +1)] {
            assert_eq!(read(&written(at)), Some(at));
        }
        assert_eq!(written(datetime!(2027-01-31 01:00 +1)), "2027-01-31 00:00");
        for none in ["", "2027-01-31", "tomorrow", "2027-02-30 12:00", "2027-01-31 12:00 CET", "31.01.2027 12:00"] {
            assert_eq!(read(none), None, "{none}");
        }
    }
}
