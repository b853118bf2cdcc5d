//! Ordered rules by image: the first that matches says who has to have signed, and whether that is enforced yet.

use serde::{Deserialize, Deserializer, Serialize};
use wharfinger_identity::AccountId;
use wharfinger_oci::Reference;

use crate::configuration::RequiredTeam;
use crate::pattern::{PatternError, RepositoryPattern};

/// Whether a rule refuses, or only records what it would have refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    #[default]
    Enforce,
    Audit,
}

impl Mode {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Audit => "audit",
        }
    }
}

/// As it is stored: a mode that nobody knows means enforce.
impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(if String::deserialize(deserializer)? == "audit" { Self::Audit } else { Self::Enforce })
    }
}

/// A person the policy names: the id decides, the name is what was written.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NamedUser {
    pub id: AccountId,
    pub name: String,
}

/// Who has to have signed: at least `at_least` of the teams and users, a team by any active member.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    pub teams: Vec<RequiredTeam>,
    pub users: Vec<NamedUser>,
    pub at_least: usize,
}

/// One rule with every name resolved.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub images: Vec<RepositoryPattern>,
    pub require: Requirement,
    pub mode: Mode,
}

impl Rule {
    pub fn matches(&self, reference: &Reference) -> bool {
        self.images.iter().any(|pattern| pattern.matches(reference))
    }

    /// What people call the rule at `index`, counted from 0.
    pub fn label(&self, index: usize) -> String {
        label(index, self.images.iter().map(ToString::to_string))
    }
}

/// `[[trust_configuration.rules]]` as a person writes it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleDocument {
    #[serde(default)]
    pub images: Vec<String>,
    #[serde(default)]
    pub require: RequireDocument,
    #[serde(default = "enforce")]
    pub mode: String,
    /// Whether it was written at all: it belongs to Kubernetes.
    #[serde(default, skip_serializing, deserialize_with = "written")]
    pub namespace: bool,
    #[serde(default, skip_serializing, deserialize_with = "written")]
    pub namespaces: bool,
}

#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequireDocument {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub teams: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<String>,
    /// Absent: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<usize>,
}

/// Why a rule is refused when it is written.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleFault {
    #[error("`images` is empty, so it would never apply: write host/namespace/repository or host/namespace/*")]
    NoImages,
    #[error(transparent)]
    Pattern(#[from] PatternError),
    #[error("`require` names nobody: list teams or users, or leave the rule out and `require_signature_from` applies")]
    Nobody,
    #[error("`at_least` is {at_least} of {of}: write a number from 1 to {of}, or leave it out to require all")]
    AtLeast { at_least: usize, of: usize },
    #[error("unknown mode `{0}`: write `enforce` or `audit`")]
    Mode(String),
    #[error("rules by namespace are for Kubernetes and not built yet: leave `namespace` out")]
    Namespace,
    #[error("it is never reached: an earlier rule matches each of its images first")]
    NeverReached,
}

impl RuleDocument {
    /// What people call the rule at `index`, counted from 0.
    pub fn label(&self, index: usize) -> String {
        label(index, self.images.iter().map(|image| image.chars().filter(|c| !c.is_control()).collect()))
    }

    /// What the rule means, given whom its names resolved to and the rules before it.
    pub fn resolved(&self, teams: Vec<RequiredTeam>, users: Vec<NamedUser>, earlier: &[Rule]) -> Result<Rule, RuleFault> {
        if self.namespace || self.namespaces {
            return Err(RuleFault::Namespace);
        }
        let mode = match self.mode.as_str() {
            "enforce" => Mode::Enforce,
            "audit" => Mode::Audit,
            other => return Err(RuleFault::Mode(other.chars().take(100).collect())),
        };
        if self.images.is_empty() {
            return Err(RuleFault::NoImages);
        }
        let images = self.images.iter().map(|text| text.parse()).collect::<Result<Vec<RepositoryPattern>, _>>()?;
        let matched_before =
            |image: &RepositoryPattern| earlier.iter().any(|rule| rule.images.iter().any(|pattern| pattern.covers(image)));
        if images.iter().all(matched_before) {
            return Err(RuleFault::NeverReached);
        }
        let of = teams.len() + users.len();
        if of == 0 {
            return Err(RuleFault::Nobody);
        }
        let at_least = self.require.at_least.unwrap_or(of);
        if at_least == 0 || at_least > of {
            return Err(RuleFault::AtLeast { at_least, of });
        }
        Ok(Rule { images, require: Requirement { teams, users, at_least }, mode })
    }
}

impl From<&Rule> for RuleDocument {
    fn from(rule: &Rule) -> Self {
        let Requirement { teams, users, at_least } = &rule.require;
        Self {
            images: rule.images.iter().map(ToString::to_string).collect(),
            require: RequireDocument {
                teams: teams.iter().map(|team| team.name.clone()).collect(),
                users: users.iter().map(|user| user.name.clone()).collect(),
                at_least: Some(*at_least).filter(|at_least| *at_least != teams.len() + users.len()),
            },
            mode: rule.mode.as_str().to_owned(),
            namespace: false,
            namespaces: false,
        }
    }
}

fn enforce() -> String {
    Mode::Enforce.as_str().to_owned()
}

fn written<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    serde::de::IgnoredAny::deserialize(deserializer).map(|_| true)
}

fn label(index: usize, images: impl Iterator<Item = String>) -> String {
    let images: Vec<String> = images.collect();
    let images: String = images.join(", ").chars().take(200).collect();
    format!("rule {} ({images})", index + 1)
}

#[cfg(test)]
mod tests {
    use wharfinger_identity::TeamId;

    use super::*;

    fn document(text: &str) -> RuleDocument {
        toml::from_str(text).unwrap()
    }

    fn team(name: &str) -> RequiredTeam {
        RequiredTeam { id: TeamId::stored(name), name: name.to_owned() }
    }

    fn resolved(text: &str) -> Result<Rule, RuleFault> {
        let document = document(text);
        let teams = document.require.teams.iter().map(|name| team(name)).collect();
        document.resolved(teams, Vec::new(), &[])
    }

    const WHOLE: &str = r#"
        images = ["dtr.test/qa/*"]
        require = { teams = ["org/qa", "org/sec"], at_least = 1 }
        mode = "audit"
    "#;

    #[test]
    fn what_a_rule_says_is_what_it_means_and_can_be_read_again() {
        let rule = resolved(WHOLE).unwrap();
        assert_eq!((rule.require.at_least, rule.mode), (1, Mode::Audit));
        assert_eq!(rule.label(1), "rule 2 (dtr.test/qa/*)");
        assert_eq!(RuleDocument::from(&rule), document(WHOLE));
        let all = resolved(&WHOLE.replace(", at_least = 1", "").replace("mode", "#")).unwrap();
        assert_eq!((all.require.at_least, all.mode), (2, Mode::Enforce), "all of them, enforced, unless it says otherwise");
    }

    #[test]
    fn invalid_empty_and_vacuous_rules_are_refused() {
        let fault = |from: &str, to: &str| resolved(&WHOLE.replace(from, to)).unwrap_err();
        assert_eq!(fault("\"dtr.test/qa/*\"", ""), RuleFault::NoImages);
        assert!(matches!(fault("dtr.test/qa/*", "*"), RuleFault::Pattern(_)));
        assert_eq!(fault("\"org/qa\", \"org/sec\"", ""), RuleFault::Nobody);
        assert_eq!(fault("at_least = 1", "at_least = 0"), RuleFault::AtLeast { at_least: 0, of: 2 });
        assert_eq!(fault("at_least = 1", "at_least = 3"), RuleFault::AtLeast { at_least: 3, of: 2 });
        assert_eq!(fault("\"audit\"", "\"warn\""), RuleFault::Mode("warn".to_owned()));
        assert_eq!(fault("mode", "namespace = \"prod\"\nmode"), RuleFault::Namespace);
        assert_eq!(fault("mode", "namespaces = [\"prod\"]\nmode"), RuleFault::Namespace);
        assert!(toml::from_str::<RuleDocument>(&WHOLE.replace("images", "image")).is_err());
        assert!(toml::from_str::<RuleDocument>(&WHOLE.replace("teams", "team")).is_err());
    }

    #[test]
    fn a_rule_that_an_earlier_one_hides_is_refused() {
        let earlier = [resolved(WHOLE).unwrap()];
        let hidden = document(&WHOLE.replace("qa/*", "qa/app"));
        assert_eq!(hidden.resolved(vec![team("org/qa")], Vec::new(), &earlier), Err(RuleFault::NeverReached));
        let partly = document(&WHOLE.replace("\"dtr.test/qa/*\"", "\"dtr.test/qa/app\", \"dtr.test/dev/*\""));
        assert!(partly.resolved(vec![team("org/qa")], Vec::new(), &earlier).is_ok());
    }

    #[test]
    fn a_stored_mode_that_nobody_knows_means_enforce() {
        #[derive(Deserialize)]
        struct Stored {
            mode: Mode,
        }
        for (mode, means) in [("audit", Mode::Audit), ("enforce", Mode::Enforce), ("Audit", Mode::Enforce), ("", Mode::Enforce)] {
            assert_eq!(toml::from_str::<Stored>(&format!("mode = \"{mode}\"")).unwrap().mode, means, "{mode}");
        }
    }
}
