//! Exemptions that somebody asked for, somebody else approved, and that end.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use wharfinger_oci::Digest;

use crate::namespace::{NamespaceError, NamespacePattern};
use crate::pattern::{PatternError, RepositoryPattern};
use crate::rules::{NamedUser, Subject};

/// One exemption with every name resolved. Where both are given, digest and repository have to match.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exemption {
    /// As it was written; it parses as a [`Digest`].
    pub digest: Option<String>,
    pub repository: Option<RepositoryPattern>,
    /// Empty: wherever it is to run. Else only in these, and nowhere outside Kubernetes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<NamespacePattern>,
    pub reason: String,
    pub requested_by: NamedUser,
    pub approved_by: NamedUser,
    #[serde(with = "time::serde::rfc3339")]
    pub expires: OffsetDateTime,
}

impl Exemption {
    /// Whether it exempts `subject` at `now`. By digest only what is asked for by that digest: what a tag means can change.
    pub fn exempts(&self, subject: Subject<'_>, now: OffsetDateTime) -> bool {
        let Subject { reference, namespace } = subject;
        let digest = |digest: &String| reference.digest.as_ref().is_some_and(|asked| asked.as_str() == digest);
        let here = |namespace| self.namespaces.iter().any(|pattern| pattern.matches(namespace));
        now < self.expires
            && (self.digest.is_some() || self.repository.is_some())
            && self.digest.as_ref().is_none_or(digest)
            && self.repository.as_ref().is_none_or(|pattern| pattern.matches(reference))
            && (self.namespaces.is_empty() || namespace.is_some_and(here))
    }

    /// Whether it holds for images of registries that are not registered, too: it names their very bytes and where these may run,
    /// so a registration would add nothing.
    pub fn needs_no_registration(&self) -> bool {
        self.digest.is_some() && !self.namespaces.is_empty()
    }

    /// What people call the exemption at `index`, counted from 0.
    pub fn label(&self, index: usize) -> String {
        ExemptionDocument::from(self).label(index)
    }
}

/// `[[trust_configuration.exemptions]]` as a person writes it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExemptionDocument {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// Kubernetes namespaces, or beginnings of their names with a `*`; left out: wherever it is to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespaces: Option<Vec<String>>,
    #[serde(default)]
    pub reason: String,
    pub requested_by: String,
    /// Absent: whoever writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
    pub expires: Moment,
}

/// A moment as RFC 3339 text or a date-time of TOML.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Moment(pub OffsetDateTime);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        time::serde::rfc3339::serialize(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Text(String),
            Toml(toml::value::Datetime),
        }
        let text = match Written::deserialize(deserializer)? {
            Written::Text(text) => text,
            Written::Toml(moment) => moment.to_string(),
        };
        let expected = |_| serde::de::Error::custom("write the moment with its zone, such as 2027-01-31T12:00:00Z");
        OffsetDateTime::parse(&text, &Rfc3339).map(Self).map_err(expected)
    }
}

/// Why an exemption is refused when it is written.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExemptionFault {
    #[error("it exempts nothing: write a `digest`, a `repository` or both")]
    Nothing,
    #[error("`{0}` is not a digest: write sha256: and 64 hex digits")]
    Digest(String),
    #[error(transparent)]
    Pattern(#[from] PatternError),
    #[error("`namespaces` is empty, so it would never apply: name some, or leave it out")]
    NoNamespaces,
    #[error(transparent)]
    Namespace(#[from] NamespaceError),
    #[error("`reason` is empty: say why, it is what the audit log will show")]
    NoReason,
    #[error("`expires` is in the past")]
    Expired,
    #[error("`{0}` asked for it: somebody else has to approve it")]
    OwnRequest(String),
    #[error("it is approved by whoever writes it, so `approved_by` is `{writer}` or left out, not `{written}`")]
    NotTheWriter { writer: String, written: String },
}

impl ExemptionDocument {
    /// What people call the exemption at `index`, counted from 0.
    pub fn label(&self, index: usize) -> String {
        let what: Vec<&str> = self.repository.iter().chain(&self.digest).map(String::as_str).collect();
        let namespaces: Vec<&str> = self.namespaces.iter().flatten().map(String::as_str).collect();
        let place = if namespaces.is_empty() { String::new() } else { format!(" in {}", namespaces.join(", ")) };
        let what: String = format!("{}{place}", what.join(" ")).chars().filter(|c| !c.is_control()).take(200).collect();
        format!("exemption {} ({what})", index + 1)
    }

    /// What it means when `writer` writes it at `now`, given whom its names resolved to.
    pub fn resolved(
        &self,
        requested_by: NamedUser,
        approved_by: Option<&NamedUser>,
        writer: &NamedUser,
        now: OffsetDateTime,
    ) -> Result<Exemption, ExemptionFault> {
        if self.digest.is_none() && self.repository.is_none() {
            return Err(ExemptionFault::Nothing);
        }
        if let Some(digest) = &self.digest
            && digest.parse::<Digest>().is_err()
        {
            return Err(ExemptionFault::Digest(digest.chars().take(100).collect()));
        }
        if self.namespaces.as_ref().is_some_and(Vec::is_empty) {
            return Err(ExemptionFault::NoNamespaces);
        }
        if self.reason.trim().is_empty() {
            return Err(ExemptionFault::NoReason);
        }
        if self.expires.0 <= now {
            return Err(ExemptionFault::Expired);
        }
        if let Some(written) = approved_by.filter(|approver| approver.id != writer.id) {
            return Err(ExemptionFault::NotTheWriter { writer: writer.name.clone(), written: written.name.clone() });
        }
        if requested_by.id == writer.id {
            return Err(ExemptionFault::OwnRequest(requested_by.name));
        }
        Ok(Exemption {
            digest: self.digest.clone(),
            repository: self.repository.as_deref().map(str::parse).transpose()?,
            namespaces: self.namespaces.iter().flatten().map(|text| text.parse()).collect::<Result<_, _>>()?,
            reason: self.reason.clone(),
            requested_by,
            approved_by: writer.clone(),
            expires: self.expires.0,
        })
    }
}

impl From<&Exemption> for ExemptionDocument {
    fn from(exemption: &Exemption) -> Self {
        Self {
            digest: exemption.digest.clone(),
            repository: exemption.repository.as_ref().map(ToString::to_string),
            namespaces: Some(exemption.namespaces.iter().map(ToString::to_string).collect())
                .filter(|names: &Vec<_>| !names.is_empty()),
            reason: exemption.reason.clone(),
            requested_by: exemption.requested_by.name.clone(),
            approved_by: Some(exemption.approved_by.name.clone()),
            expires: Moment(exemption.expires),
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use wharfinger_identity::AccountId;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);
    const WHOLE: &str = r#"
        repository = "dtr.test/qa/*"
        reason = "the vendor signs from next week"
        requested_by = "quinn"
        approved_by = "ann"
        expires = 2026-11-28T12:00:00Z
    "#;

    fn user(name: &str) -> NamedUser {
        NamedUser { id: AccountId::stored(name), name: name.to_owned() }
    }

    fn resolved(text: &str) -> Result<Exemption, ExemptionFault> {
        let document: ExemptionDocument = toml::from_str(text).unwrap();
        let approved_by = document.approved_by.as_deref().map(user);
        document.resolved(user(&document.requested_by), approved_by.as_ref(), &user("ann"), NOW)
    }

    #[test]
    fn an_exemption_ends_and_matches_whole_components_and_digests() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let exempts = |text: &str, image: &str, now| {
            let subject = Subject { reference: &image.parse().unwrap(), namespace: None };
            resolved(text).unwrap().exempts(subject, now)
        };
        assert!(exempts(WHOLE, "dtr.test/qa/app:v1", NOW));
        assert!(!exempts(WHOLE, "dtr.test/qa/app:v1", datetime!(2026-11-28 12:00 UTC)));
        assert!(!exempts(WHOLE, "dtr.test/qa2/app:v1", NOW));
        let both = format!("digest = \"{digest}\"\n{WHOLE}");
        assert!(exempts(&both, &format!("dtr.test/qa/app:v1@{digest}"), NOW));
        assert!(!exempts(&both, "dtr.test/qa/app:v1", NOW));
        assert!(!exempts(&both, &format!("dtr.test/dev/app@{digest}"), NOW));
        assert!(!exempts(&both, &format!("dtr.test/qa/app@sha256:{}", "b".repeat(64)), NOW));
        let alone = both.replace("repository", "#");
        assert!(exempts(&alone, &format!("dtr.test/dev/app@{digest}"), NOW));
    }

    #[test]
    fn an_exemption_for_namespaces_holds_in_these_and_nowhere_outside_kubernetes() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let within = format!("namespaces = [\"kube-system\", \"infra-*\"]\n{WHOLE}");
        let exempts = |text: &str, namespace: Option<&str>| {
            let reference = format!("dtr.test/qa/app@{digest}").parse().unwrap();
            resolved(text).unwrap().exempts(Subject { reference: &reference, namespace }, NOW)
        };
        for (namespace, holds) in [
            (Some("kube-system"), true),
            (Some("infra-a"), true),
            (Some("kube-system-2"), false),
            (Some("qa"), false),
            (None, false),
        ] {
            assert_eq!(exempts(&within, namespace), holds, "{namespace:?}");
            assert!(exempts(WHOLE, namespace), "{namespace:?}");
        }
        let document = ExemptionDocument::from(&resolved(&within).unwrap());
        assert_eq!(document, toml::from_str(&within).unwrap());
        assert_eq!(document.label(0), "exemption 1 (dtr.test/qa/* in kube-system, infra-*)");
        let by_digest = within.replace("repository = \"dtr.test/qa/*\"", &format!("digest = \"{digest}\""));
        assert!(resolved(&by_digest).unwrap().needs_no_registration());
        for text in [within, by_digest.replace("namespaces", "#"), WHOLE.to_owned()] {
            assert!(!resolved(&text).unwrap().needs_no_registration(), "{text}");
        }
    }

    #[test]
    fn what_was_written_can_be_read_again_as_toml_and_as_json() {
        let document = ExemptionDocument::from(&resolved(WHOLE).unwrap());
        assert_eq!(document, toml::from_str(WHOLE).unwrap());
        assert_eq!(document, toml::from_str(&toml::to_string(&document).unwrap()).unwrap());
    }

    #[test]
    fn an_exemption_that_is_not_somebody_elses_bounded_and_reasoned_is_refused() {
        let fault = |from: &str, to: &str| resolved(&WHOLE.replace(from, to)).unwrap_err();
        assert_eq!(fault("repository", "#"), ExemptionFault::Nothing);
        assert!(matches!(fault("dtr.test/qa/*", "*"), ExemptionFault::Pattern(_)));
        assert_eq!(
            fault("repository = \"dtr.test/qa/*\"", "digest = \"sha256:1\""),
            ExemptionFault::Digest("sha256:1".to_owned())
        );
        assert_eq!(fault("reason", "namespaces = []\nreason"), ExemptionFault::NoNamespaces);
        assert!(matches!(fault("reason", "namespaces = [\"*\"]\nreason"), ExemptionFault::Namespace(_)));
        assert_eq!(fault("the vendor signs from next week", " "), ExemptionFault::NoReason);
        assert_eq!(fault("2026-11-28", "2026-11-21"), ExemptionFault::Expired);
        assert_eq!(fault("\"quinn\"", "\"ann\""), ExemptionFault::OwnRequest("ann".to_owned()));
        assert!(matches!(fault("\"ann\"", "\"bob\""), ExemptionFault::NotTheWriter { .. }));
        for (from, to) in [("expires", "#"), ("requested_by", "#"), ("12:00:00Z", "12:00:00"), ("reason", "reasons")] {
            assert!(toml::from_str::<ExemptionDocument>(&WHOLE.replace(from, to)).is_err(), "{to}");
        }
    }
}
