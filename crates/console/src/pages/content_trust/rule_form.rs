//! One rule while somebody writes it: every field as it was typed.

use wharfinger_cluster::TeamError;
use wharfinger_policy::{Mode, NamespacePattern, RepositoryPattern, RequireDocument, RuleDocument, RuleFault};

use super::wrong::{Wrong, lines, unless_empty};
use crate::posted::Fields;

#[derive(Default)]
pub(crate) struct RuleForm {
    /// Which rule of the draft it takes the place of; none: it becomes the last.
    pub(crate) place: Option<usize>,
    /// A pattern a line.
    pub(crate) images: String,
    pub(crate) namespaces: String,
    /// `organization/team` a line.
    pub(crate) teams: String,
    pub(crate) users: String,
    /// Empty: all of them.
    pub(crate) at_least: String,
    pub(crate) audit: bool,
    pub(crate) wrong: Wrong,
}

impl RuleForm {
    pub(crate) fn of(place: usize, rule: &RuleDocument) -> Self {
        Self {
            place: Some(place),
            images: rule.images.join("\n"),
            namespaces: rule.namespaces.as_deref().unwrap_or_default().join("\n"),
            teams: rule.require.teams.join("\n"),
            users: rule.require.users.join("\n"),
            at_least: rule.require.at_least.map(|least| least.to_string()).unwrap_or_default(),
            audit: rule.mode == Mode::Audit.as_str(),
            wrong: Wrong::default(),
        }
    }

    /// Nothing where none is being written.
    pub(crate) fn read(fields: &Fields) -> Option<Self> {
        let place = match fields.text("rule-form") {
            "" => return None,
            "new" => None,
            place => Some(place.parse().ok()?),
        };
        let text = |name| fields.text(name).to_owned();
        Some(Self {
            place,
            images: text("rule-images"),
            namespaces: text("rule-namespaces"),
            teams: text("rule-teams"),
            users: text("rule-users"),
            at_least: text("rule-at-least"),
            audit: fields.text("rule-mode") == Mode::Audit.as_str(),
            wrong: Wrong::default(),
        })
    }

    /// What is typed, if each field by itself could be right; else what is wrong stands at the fields.
    pub(crate) fn document(&mut self) -> Option<RuleDocument> {
        self.wrong = Wrong::default();
        let images = lines(&self.images);
        if images.is_empty() {
            self.wrong.put("images", "Write at least one: host/namespace/repository or host/namespace/*");
        }
        if let Some(error) = images.iter().find_map(|text| text.parse::<RepositoryPattern>().err()) {
            self.wrong.put("images", error.to_string());
        }
        let namespaces = lines(&self.namespaces);
        if let Some(error) = namespaces.iter().find_map(|text| text.parse::<NamespacePattern>().err()) {
            self.wrong.put("namespaces", error.to_string());
        }
        let (teams, users) = (lines(&self.teams), lines(&self.users));
        if teams.is_empty() && users.is_empty() {
            self.wrong.put("teams", "Name a team or a user whose signature is required");
        }
        let at_least = match self.at_least.as_str() {
            "" => None,
            text => {
                let number = text.parse().ok();
                if number.is_none() {
                    self.wrong.put("at-least", "Write a number, or nothing for all of them");
                }
                number
            }
        };
        let mode = if self.audit { Mode::Audit } else { Mode::Enforce }.as_str().to_owned();
        let require = RequireDocument { teams, users, at_least };
        let document = RuleDocument { images, require, mode, namespaces: unless_empty(namespaces) };
        self.wrong.is_empty().then_some(document)
    }

    /// What the cluster says of it.
    pub(crate) fn faulty(&mut self, fault: &RuleFault) {
        let field = match fault {
            RuleFault::NoImages | RuleFault::Pattern(_) | RuleFault::NeverReached => "images",
            RuleFault::Nobody => "teams",
            RuleFault::AtLeast { .. } => "at-least",
            RuleFault::Mode(_) => "mode",
            RuleFault::NoNamespaces | RuleFault::Namespace(_) => "namespaces",
        };
        self.wrong.put(field, fault.to_string());
    }

    pub(crate) fn unknown(&mut self, error: &TeamError) {
        let field = if matches!(error, TeamError::UnknownUser(_) | TeamError::InactiveUser(_)) { "users" } else { "teams" };
        self.wrong.put(field, error.to_string());
    }
}
