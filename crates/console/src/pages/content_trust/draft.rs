//! The policy as the form on the page says it, before it is saved.

use serde::de::DeserializeOwned;
use wharfinger_cluster::Current;
use wharfinger_policy::{ExemptionDocument, RuleDocument, Signers, TrustConfiguration, TrustDocument};

use crate::error::Refused;
use crate::posted::Fields;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Draft {
    /// What it was begun from.
    pub(crate) revision: i64,
    pub(crate) require: bool,
    pub(crate) signers: Signers,
    /// `organization/team`.
    pub(crate) teams: Vec<String>,
    /// The first that matches an image decides.
    pub(crate) rules: Vec<RuleDocument>,
    pub(crate) exemptions: Vec<ExemptionDocument>,
    /// `allow_repos`.
    pub(crate) repositories: Vec<String>,
}

impl Draft {
    /// What is in force.
    pub(crate) fn of(current: &Current) -> Self {
        let document = TrustDocument::from(&current.configuration.trust);
        Self {
            revision: current.revision,
            require: document.require_content_trust,
            signers: document.signers.unwrap_or_default(),
            teams: document.require_signature_from.unwrap_or_default(),
            rules: document.rules.unwrap_or_default(),
            exemptions: document.exemptions,
            repositories: document.allow_repos,
        }
    }

    pub(crate) fn read(fields: &Fields, current: &Current) -> Result<Self, Refused> {
        let incomplete = || Refused::mistake("the form is incomplete: load the page anew");
        let draft = Self {
            revision: fields.text("revision").parse().map_err(|_| incomplete())?,
            require: fields.checked("require"),
            signers: match fields.text("signers") {
                "any" => Signers::Any,
                "cluster" => Signers::Cluster,
                _ => return Err(incomplete()),
            },
            teams: fields.all("team"),
            rules: written(fields, "rule").ok_or_else(incomplete)?,
            exemptions: written(fields, "exemption").ok_or_else(incomplete)?,
            repositories: fields.all("repository"),
        };
        // A form that was cut off, or knows nothing of lists, must not empty them.
        let told = match fields.text("entries") {
            "" if draft.revision == current.revision => Self::of(current).entries(),
            "" => 0,
            told => told.parse().map_err(|_| incomplete())?,
        };
        if told == draft.entries() { Ok(draft) } else { Err(incomplete()) }
    }

    /// How many rules, exemptions and exempt repositories there are.
    pub(crate) fn entries(&self) -> usize {
        self.rules.len() + self.exemptions.len() + self.repositories.len()
    }

    /// Each as it stands in a hidden field.
    pub(crate) fn written_rules(&self) -> Vec<String> {
        self.rules.iter().filter_map(|rule| serde_json::to_string(rule).ok()).collect()
    }

    pub(crate) fn written_exemptions(&self) -> Vec<String> {
        self.exemptions.iter().filter_map(|exemption| serde_json::to_string(exemption).ok()).collect()
    }

    /// `false`: it was there already.
    pub(crate) fn add(&mut self, team: &str) -> bool {
        add(&mut self.teams, team)
    }

    /// `false`: it was there already.
    pub(crate) fn exempt(&mut self, repository: &str) -> bool {
        add(&mut self.repositories, repository)
    }

    /// What a button of a row says: `remove-team:acme/qa`, `remove-rule:0`, `rule-up:1`. Anything else changes nothing.
    pub(crate) fn press(&mut self, button: &str) {
        let Some((act, which)) = button.split_once(':') else { return };
        if act == "remove-team" {
            return self.teams.retain(|team| team != which);
        }
        let Ok(place) = which.parse::<usize>() else { return };
        match act {
            "remove-rule" => drop_at(&mut self.rules, place),
            "remove-exemption" => drop_at(&mut self.exemptions, place),
            "remove-repository" => drop_at(&mut self.repositories, place),
            "rule-up" if (1..self.rules.len()).contains(&place) => self.rules.swap(place, place - 1),
            "rule-down" if place < self.rules.len().saturating_sub(1) => self.rules.swap(place, place + 1),
            _ => {}
        }
    }

    /// The policy that it means in place of `present`, of the same revision.
    pub(crate) fn document(&self, present: &TrustConfiguration) -> TrustDocument {
        TrustDocument {
            require_content_trust: self.require,
            require_signature_from: Some(self.teams.clone()),
            signers: Some(self.signers),
            rules: Some(self.rules.clone()),
            exemptions: self.exemptions.clone(),
            allow_repos: self.repositories.clone(),
            ..TrustDocument::from(present)
        }
    }
}

/// The values of the fields of that name, each a document. Nothing where one is not.
fn written<T: DeserializeOwned>(fields: &Fields, name: &str) -> Option<Vec<T>> {
    fields.all(name).iter().map(|text| serde_json::from_str(text).ok()).collect()
}

fn add(list: &mut Vec<String>, one: &str) -> bool {
    let new = !list.iter().any(|known| known == one);
    if new {
        list.push(one.to_owned());
    }
    new
}

fn drop_at<T>(list: &mut Vec<T>, place: usize) {
    if place < list.len() {
        list.remove(place);
    }
}

#[cfg(test)]
mod tests {
    use wharfinger_policy::Configuration;

    use super::*;

    fn current() -> Current {
        let trust = TrustConfiguration {
            allow_repos: vec!["dtr.test/a/*".to_owned(), "dtr.test/b/*".to_owned()],
            allow_builds: true,
            delegate_membership: true,
            signers: Signers::Cluster,
            max_staleness_minutes: 5.try_into().unwrap(),
            ..TrustConfiguration::default()
        };
        Current { revision: 7, configuration: Configuration { trust, ..Configuration::default() } }
    }

    #[test]
    fn what_the_form_does_not_speak_of_stays_as_it_is() {
        let current = current();
        let present = &current.configuration.trust;
        let mut draft = Draft::of(&current);
        assert_eq!(draft.document(present), TrustDocument::from(present));
        assert!(draft.add("acme/qa") && !draft.add("acme/qa") && draft.add("acme/dev"));
        assert!(draft.exempt("dtr.test/c/*") && !draft.exempt("dtr.test/a/*"));
        draft.press("remove-team:acme/dev");
        draft.press("remove-repository:0");
        draft.press("remove-everything:0");
        draft.press("remove-repository:9");
        let document = draft.document(present);
        assert_eq!(document.require_signature_from, Some(vec!["acme/qa".to_owned()]));
        assert_eq!(document.allow_repos, ["dtr.test/b/*", "dtr.test/c/*"]);
        assert!(document.allow_builds && document.delegate_membership && document.signers == Some(Signers::Cluster));
        assert_eq!(document.max_staleness_minutes, Some(present.max_staleness_minutes));
    }

    #[test]
    fn rules_change_places_and_no_button_leads_out_of_the_list() {
        let mut draft = Draft::of(&current());
        draft.rules = ["a", "b", "c"].map(|name| serde_json::from_value(serde_json::json!({ "images": [name] })).unwrap()).into();
        let order = |draft: &Draft| draft.rules.iter().map(|rule| rule.images[0].clone()).collect::<String>();
        for (button, then) in [
            ("rule-up:2", "acb"),
            ("rule-down:0", "cab"),
            ("rule-up:0", "cab"),
            ("rule-down:2", "cab"),
            ("rule-up:3", "cab"),
            ("rule-down:18446744073709551615", "cab"),
            ("rule-up:-1", "cab"),
            ("remove-rule:1", "cb"),
            ("remove-rule:2", "cb"),
        ] {
            draft.press(button);
            assert_eq!(order(&draft), then, "{button}");
        }
    }
}
