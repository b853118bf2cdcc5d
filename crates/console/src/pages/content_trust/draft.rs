//! The policy as the form on the page says it, before it is saved.

use wharfinger_cluster::Current;
use wharfinger_policy::{Signers, TrustConfiguration, TrustDocument};

use crate::error::Refused;
use crate::posted::Fields;

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Draft {
    /// What it was begun from: the places below are those of this revision.
    pub(crate) revision: i64,
    pub(crate) require: bool,
    pub(crate) signers: Signers,
    /// `organization/team`.
    pub(crate) teams: Vec<String>,
    pub(crate) without_rules: Vec<usize>,
    pub(crate) without_exemptions: Vec<usize>,
    pub(crate) without_repositories: Vec<usize>,
}

impl Draft {
    /// What is in force.
    pub(crate) fn of(current: &Current) -> Self {
        let trust = &current.configuration.trust;
        Self {
            revision: current.revision,
            require: trust.require_content_trust,
            signers: trust.signers,
            teams: trust.require_signature_from.iter().map(|team| team.name.clone()).collect(),
            without_rules: Vec::new(),
            without_exemptions: Vec::new(),
            without_repositories: Vec::new(),
        }
    }

    pub(crate) fn read(fields: &Fields) -> Result<Self, Refused> {
        let incomplete = || Refused::mistake("the form is incomplete: load the page anew");
        let places = |name| {
            let places: Result<Vec<usize>, _> = fields.all(name).iter().map(|place| place.parse()).collect();
            places.map_err(|_| incomplete())
        };
        Ok(Self {
            revision: fields.text("revision").parse().map_err(|_| incomplete())?,
            require: fields.checked("require"),
            signers: match fields.text("signers") {
                "any" => Signers::Any,
                "cluster" => Signers::Cluster,
                _ => return Err(incomplete()),
            },
            teams: fields.all("team"),
            without_rules: places("without-rule")?,
            without_exemptions: places("without-exemption")?,
            without_repositories: places("without-repository")?,
        })
    }

    /// `false`: it was there already.
    pub(crate) fn add(&mut self, team: &str) -> bool {
        let new = !self.teams.iter().any(|known| known == team);
        if new {
            self.teams.push(team.to_owned());
        }
        new
    }

    /// What a remove button says: `remove-team:acme/qa`, `remove-rule:0`. Anything else removes nothing.
    pub(crate) fn remove(&mut self, button: &str) {
        let Some((kind, which)) = button.split_once(':') else { return };
        let places = match kind {
            "remove-team" => return self.teams.retain(|team| team != which),
            "remove-rule" => &mut self.without_rules,
            "remove-exemption" => &mut self.without_exemptions,
            "remove-repository" => &mut self.without_repositories,
            _ => return,
        };
        places.extend(which.parse::<usize>());
    }

    /// The policy that it means in place of `present`, of the same revision.
    pub(crate) fn document(&self, present: &TrustConfiguration) -> TrustDocument {
        let document = TrustDocument::from(present);
        TrustDocument {
            require_content_trust: self.require,
            require_signature_from: Some(self.teams.clone()),
            signers: Some(self.signers),
            rules: document.rules.map(|rules| left(rules, &self.without_rules)),
            exemptions: left(document.exemptions, &self.without_exemptions),
            allow_repos: left(document.allow_repos, &self.without_repositories),
            ..document
        }
    }
}

fn left<T>(all: Vec<T>, without: &[usize]) -> Vec<T> {
    all.into_iter().enumerate().filter(|(place, _)| !without.contains(place)).map(|(_, one)| one).collect()
}

#[cfg(test)]
mod tests {
    use wharfinger_policy::Configuration;

    use super::*;

    #[test]
    fn what_the_form_does_not_speak_of_stays_as_it_is() {
        let trust = TrustConfiguration {
            allow_repos: vec!["dtr.test/a/*".to_owned(), "dtr.test/b/*".to_owned()],
            allow_builds: true,
            delegate_membership: true,
            signers: Signers::Cluster,
            ..TrustConfiguration::default()
        };
        let current = Current { revision: 7, configuration: Configuration { trust, ..Configuration::default() } };
        let present = &current.configuration.trust;
        let mut draft = Draft::of(&current);
        assert_eq!(draft.document(present), TrustDocument::from(present));
        assert!(draft.add("acme/qa") && !draft.add("acme/qa") && draft.add("acme/dev"));
        draft.remove("remove-team:acme/dev");
        draft.remove("remove-repository:0");
        draft.remove("remove-everything:0");
        let document = draft.document(present);
        assert_eq!(document.require_signature_from, Some(vec!["acme/qa".to_owned()]));
        assert_eq!(document.allow_repos, ["dtr.test/b/*"]);
        assert!(document.allow_builds && document.delegate_membership && document.signers == Some(Signers::Cluster));
    }
}
