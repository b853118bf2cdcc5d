//! Ordered rules by image: the first that matches says who has to have signed, and whether that is enforced yet.

use serde::{Deserialize, Deserializer, Serialize};
use wharfinger_identity::AccountId;
use wharfinger_oci::Reference;

use crate::configuration::RequiredTeam;
use crate::namespace::{NamespaceError, NamespacePattern};
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

/// What a rule is asked about: an image, and the Kubernetes namespace it is to run in; none outside Kubernetes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Subject<'a> {
    pub reference: &'a Reference,
    pub namespace: Option<&'a str>,
}

/// One rule with every name resolved.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub images: Vec<RepositoryPattern>,
    /// Empty: wherever it is to run. Else only in these, and nowhere outside Kubernetes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<NamespacePattern>,
    pub require: Requirement,
    pub mode: Mode,
}

impl Rule {
    pub fn matches(&self, subject: Subject<'_>) -> bool {
        let here = |namespace| self.namespaces.iter().any(|pattern| pattern.matches(namespace));
        let somewhere = self.namespaces.is_empty() || subject.namespace.is_some_and(here);
        somewhere && self.images.iter().any(|pattern| pattern.matches(subject.reference))
    }

    /// Whether it matches all that a rule for this image in these namespaces would.
    fn covers(&self, image: &RepositoryPattern, namespaces: &[NamespacePattern]) -> bool {
        let covered = |namespace| self.namespaces.iter().any(|pattern| pattern.covers(namespace));
        let everywhere = self.namespaces.is_empty() || (!namespaces.is_empty() && namespaces.iter().all(covered));
        everywhere && self.images.iter().any(|pattern| pattern.covers(image))
    }

    /// What people call the rule at `index`, counted from 0.
    pub fn label(&self, index: usize) -> String {
        label(index, self.images.iter().map(ToString::to_string), self.namespaces.iter().map(ToString::to_string))
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
    /// Kubernetes namespaces, or beginnings of their names with a `*`; left out: wherever it is to run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespaces: Option<Vec<String>>,
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
    #[error("`namespaces` is empty, so it would never apply: name some, or leave it out")]
    NoNamespaces,
    #[error(transparent)]
    Namespace(#[from] NamespaceError),
    #[error("it is never reached: an earlier rule matches each of its images first")]
    NeverReached,
}

impl RuleDocument {
    /// What people call the rule at `index`, counted from 0.
    pub fn label(&self, index: usize) -> String {
        let plain = |text: &String| text.chars().filter(|c| !c.is_control()).collect();
        label(index, self.images.iter().map(plain), self.namespaces.iter().flatten().map(plain))
    }

    /// What the rule means, given whom its names resolved to and the rules before it.
    pub fn resolved(&self, teams: Vec<RequiredTeam>, users: Vec<NamedUser>, earlier: &[Rule]) -> Result<Rule, RuleFault> {
        let mode = match self.mode.as_str() {
            "enforce" => Mode::Enforce,
            "audit" => Mode::Audit,
            other => return Err(RuleFault::Mode(other.chars().take(100).collect())),
        };
        if self.images.is_empty() {
            return Err(RuleFault::NoImages);
        }
        let images = self.images.iter().map(|text| text.parse()).collect::<Result<Vec<RepositoryPattern>, _>>()?;
        if self.namespaces.as_ref().is_some_and(Vec::is_empty) {
            return Err(RuleFault::NoNamespaces);
        }
        let namespaces = self.namespaces.iter().flatten().map(|text| text.parse());
        let namespaces = namespaces.collect::<Result<Vec<NamespacePattern>, _>>()?;
        let matched_before = |image: &RepositoryPattern| earlier.iter().any(|rule| rule.covers(image, &namespaces));
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
        Ok(Rule { images, namespaces, require: Requirement { teams, users, at_least }, mode })
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
            namespaces: Some(rule.namespaces.iter().map(ToString::to_string).collect())
                .filter(|names: &Vec<_>| !names.is_empty()),
        }
    }
}

fn enforce() -> String {
    Mode::Enforce.as_str().to_owned()
}

fn label(index: usize, images: impl Iterator<Item = String>, namespaces: impl Iterator<Item = String>) -> String {
    let images: Vec<String> = images.collect();
    let namespaces: Vec<String> = namespaces.collect();
    let place = if namespaces.is_empty() { String::new() } else { format!(" in {}", namespaces.join(", ")) };
    let what: String = format!("{}{place}", images.join(", ")).chars().take(200).collect();
    format!("rule {} ({what})", index + 1)
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
        assert_eq!(fault("mode", "namespaces = []\nmode"), RuleFault::NoNamespaces);
        assert!(matches!(fault("mode", "namespaces = [\"*\"]\nmode"), RuleFault::Namespace(_)));
        assert!(toml::from_str::<RuleDocument>(&WHOLE.replace("mode", "namespace = \"prod\"\nmode")).is_err());
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
    fn a_rule_for_namespaces_is_for_these_and_for_nothing_outside_kubernetes() {
        let text = WHOLE.replace("mode", "namespaces = [\"payments\", \"team-*\"]\nmode");
        let rule = resolved(&text).unwrap();
        assert_eq!(RuleDocument::from(&rule), document(&text));
        assert_eq!(rule.label(0), "rule 1 (dtr.test/qa/* in payments, team-*)");
        let reference = "dtr.test/qa/app:1".parse().unwrap();
        let matches = |namespace| rule.matches(Subject { reference: &reference, namespace });
        assert!(matches(Some("payments")) && matches(Some("team-a")));
        assert!(!matches(Some("dev")) && !matches(None));
        let other = "dtr.test/dev/app:1".parse().unwrap();
        assert!(!rule.matches(Subject { reference: &other, namespace: Some("payments") }));
    }

    #[test]
    fn a_rule_is_hidden_only_where_an_earlier_one_is_for_all_its_namespaces() {
        let within = |namespaces: &str| WHOLE.replace("mode", &format!("namespaces = [{namespaces}]\nmode"));
        let after = |earlier: &str, text: &str| {
            let earlier = [resolved(earlier).unwrap()];
            document(text).resolved(vec![team("org/qa")], Vec::new(), &earlier).map(drop)
        };
        assert_eq!(after(WHOLE, &within("\"a\"")), Err(RuleFault::NeverReached));
        assert_eq!(after(&within("\"team-*\""), &within("\"team-a\", \"team-b*\"")), Err(RuleFault::NeverReached));
        assert_eq!(after(&within("\"team-*\""), &within("\"team-a\", \"dev\"")), Ok(()));
        assert_eq!(after(&within("\"team-*\""), WHOLE), Ok(()));
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
