//! Why something may not run: a stable code, the wire's status, and the sentence people see.

use serde::Serialize;

/// What is said instead of what only the readers of a repository may know.
pub(crate) const WITHHELD: &str =
    "you may not read this repository here, so what was found in it is not shown: ask its owner or an administrator";

/// What kept an image from running. Exhaustive: each cause has one code, one status and one sentence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Cause {
    /// The text is no image reference.
    Malformed { why: String },
    /// The image's registry is not registered with this cluster.
    NotRegistered { host: String },
    /// No signing data for this name: none there, or not for this reader.
    NoTrustData { credentials_refused: bool },
    /// The tag (or digest) is not in the signed data.
    NotReleased,
    /// The reference names another digest than the signed one.
    OtherDigest { signed: String },
    /// Signed, but not by whom the policy requires.
    PolicyNotMet { missing: Vec<String> },
    /// Signed, but not by as many as the rule for the image requires: `more` of the missing teams and users still have to.
    RuleNotMet { rule: String, missing: Vec<String>, more: usize },
    /// An image by id or local name that stems from no signed digest of a registered registry.
    LocalOnly,
    /// Signed files of elsewhere or of yesterday were served.
    Replayed { why: String },
    /// The repository had trust data once.
    Deleted { remedy: String },
    /// The registry answers, and its answer is not to be trusted: what is wrong has a word, and a way to repair it.
    Distrusted { code: &'static str, why: String, remedy: String },
    /// Trust could not be decided: the registry, its data or our own memory did not answer well.
    Undecided { why: String },
    /// Policy or directory changed while the decision was made.
    Outdated,
    /// Why is not for this caller to know, who may not read the repository.
    Withheld(Box<Cause>),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Denial {
    /// The image as the person typed it.
    pub image: String,
    pub cause: Cause,
}

impl Denial {
    /// The status towards an engine's client.
    pub fn status(&self) -> u16 {
        self.cause.status()
    }

    /// A stable word for scripts.
    pub fn code(&self) -> &'static str {
        self.cause.code()
    }

    /// What the engine's clients print. The first three sentences are UCP's, verbatim: people and scripts know them.
    pub fn message(&self) -> String {
        let image = &self.image;
        match &self.cause {
            Cause::NoTrustData { .. } | Cause::Deleted { .. } | Cause::NotReleased | Cause::LocalOnly => {
                format!("image or trust data does not exist for {image}")
            }
            Cause::PolicyNotMet { .. } | Cause::RuleNotMet { .. } | Cause::OtherDigest { .. } | Cause::Replayed { .. } => {
                format!("image did not meet required signing policy\n\n{image}: image did not meet required signing policy")
            }
            Cause::NotRegistered { host } => format!("{host} must be a registered trusted registry"),
            Cause::Malformed { why } => why.clone(),
            Cause::Distrusted { why, .. } | Cause::Undecided { why } => format!("trust could not be decided for {image}: {why}"),
            Cause::Outdated => format!("the policy changed while {image} was being decided: try again"),
            Cause::Withheld(cause) => match &**cause {
                Cause::Distrusted { code, .. } => {
                    format!("trust could not be decided for {image}: its trust data is not to be trusted ({code})")
                }
                cause => Self { image: image.clone(), cause: cause.clone() }.message(),
            },
        }
    }

    /// Why, where the image is named beside it.
    pub fn reason(&self) -> String {
        match &self.cause {
            Cause::NoTrustData { .. } | Cause::Deleted { .. } | Cause::NotReleased | Cause::LocalOnly => {
                "image or trust data does not exist".to_owned()
            }
            Cause::PolicyNotMet { .. } | Cause::RuleNotMet { .. } | Cause::OtherDigest { .. } | Cause::Replayed { .. } => {
                "image did not meet required signing policy".to_owned()
            }
            Cause::NotRegistered { .. } | Cause::Malformed { .. } => self.message(),
            Cause::Distrusted { why, .. } | Cause::Undecided { why } => format!("trust could not be decided: {why}"),
            Cause::Outdated => "the policy changed while it was being decided".to_owned(),
            Cause::Withheld(cause) => match &**cause {
                Cause::Distrusted { code, .. } => {
                    format!("trust could not be decided: its trust data is not to be trusted ({code})")
                }
                cause => Self { image: self.image.clone(), cause: cause.clone() }.reason(),
            },
        }
    }

    /// What else `explain` and the log say: what was found, and what to do.
    pub fn remedy(&self) -> String {
        let image = &self.image;
        match &self.cause {
            Cause::Malformed { .. } => "write host/namespace/repository:tag".to_owned(),
            Cause::NotRegistered { host } => format!(
                "an admin registers {host} with POST /api/config/trustedregistry_, or the image is copied to a registered registry and signed there"
            ),
            Cause::NoTrustData { credentials_refused: true } => {
                format!("credentials for {image} were missing or refused: docker login, then --with-registry-auth for services")
            }
            Cause::NoTrustData { credentials_refused: false } | Cause::NotReleased => {
                format!("sign it: docker trust sign {image}")
            }
            Cause::OtherDigest { signed } => {
                format!("the signed digest is {signed}: leave the digest out, or sign what you mean")
            }
            Cause::PolicyNotMet { missing } if missing.is_empty() => {
                format!("nobody whose signature counts has signed: docker trust signer add, then docker trust sign {image}")
            }
            Cause::PolicyNotMet { missing } => {
                format!("a member of {} signs it: docker trust sign {image}", missing.join(" and a member of "))
            }
            Cause::RuleNotMet { rule, missing, more } => {
                format!("{rule} asks for {more} more of {}: docker trust sign {image}", missing.join(", "))
            }
            Cause::LocalOnly => "push it to a registered registry, sign it there, and use that name".to_owned(),
            Cause::Replayed { why } => format!("{why}: sign again, and find out who put old files there"),
            Cause::Deleted { remedy } | Cause::Distrusted { remedy, .. } => remedy.clone(),
            Cause::Undecided { .. } => "try again; if it stays, ask the registry's operator".to_owned(),
            Cause::Outdated => "try again".to_owned(),
            Cause::Withheld(_) => WITHHELD.to_owned(),
        }
    }
}

impl Cause {
    fn status(&self) -> u16 {
        match self {
            Self::Malformed { .. } => 400,
            Self::NoTrustData { .. } | Self::Deleted { .. } | Self::NotReleased | Self::LocalOnly => 404,
            Self::NotRegistered { .. }
            | Self::OtherDigest { .. }
            | Self::PolicyNotMet { .. }
            | Self::RuleNotMet { .. }
            | Self::Replayed { .. } => 403,
            Self::Distrusted { .. } | Self::Undecided { .. } | Self::Outdated => 503,
            Self::Withheld(cause) => cause.status(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "malformed",
            Self::NotRegistered { .. } => "not-registered",
            Self::NoTrustData { .. } => "no-trust-data",
            Self::Deleted { .. } => "deleted",
            Self::Distrusted { code, .. } => code,
            Self::NotReleased => "not-released",
            Self::OtherDigest { .. } => "other-digest",
            Self::PolicyNotMet { .. } | Self::RuleNotMet { .. } => "policy-not-met",
            Self::LocalOnly => "local-only",
            Self::Replayed { .. } => "replayed",
            Self::Undecided { .. } => "undecided",
            Self::Outdated => "outdated",
            Self::Withheld(cause) => cause.code(),
        }
    }
}

/// A denial as `explain` returns it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Said {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) remedy: String,
}

impl From<&Denial> for Said {
    fn from(denial: &Denial) -> Self {
        Self { code: denial.code(), message: denial.message(), remedy: denial.remedy() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denial(cause: Cause) -> Denial {
        Denial { image: "dtr.example.com/admin/trustdemo:1".to_owned(), cause }
    }

    #[test]
    fn the_three_sentences_are_verbatim() {
        let absent = denial(Cause::NoTrustData { credentials_refused: false });
        assert_eq!(absent.message(), "image or trust data does not exist for dtr.example.com/admin/trustdemo:1");
        assert_eq!(absent.status(), 404);
        let policy = denial(Cause::PolicyNotMet { missing: vec![] });
        assert_eq!(
            policy.message(),
            "image did not meet required signing policy\n\ndtr.example.com/admin/trustdemo:1: image did not meet required signing policy"
        );
        assert_eq!(policy.status(), 403);
        let host = denial(Cause::NotRegistered { host: "dtr.example.com".to_owned() });
        assert_eq!(host.message(), "dtr.example.com must be a registered trusted registry");
        assert_eq!(host.status(), 403);
    }

    #[test]
    fn undecided_is_refused_as_unavailable() {
        assert_eq!(denial(Cause::Undecided { why: "no answer".to_owned() }).status(), 503);
    }
}
