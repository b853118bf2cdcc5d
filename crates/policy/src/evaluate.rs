//! The rule itself: *AND over the required teams, each satisfied by a counted key of an active member*; or, where a rule of the
//! policy names the image, *k of its teams and users*.

use wharfinger_identity::{AccountId, TeamId};

use crate::configuration::{RequiredTeam, Signers, TrustConfiguration};
use crate::rules::{Requirement, Subject};

/// Whose signatures stand on one digest of one name. Only counted signatures are in here: see `tuf::Collection::counted`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Evidence {
    pub signed_by: Vec<SignedBy>,
}

/// One distinct key that signed, and the account of this cluster it belongs to, if any.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignedBy {
    /// The name the signature carries in the trust data. It proves nothing.
    pub name: String,
    /// The key's canonical id, hex.
    pub key: String,
    pub owner: Option<Owner>,
}

/// An account of this cluster, as the directory knew it when the evidence was gathered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Owner {
    pub account: AccountId,
    pub name: String,
    pub is_active: bool,
    pub teams: Vec<TeamId>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    Allow,
    /// Nobody who counts has signed.
    NotSigned,
    /// These teams have not signed, in the policy's order; never empty.
    TeamsMissing(Vec<RequiredTeam>),
    /// Of these teams and users of the rule, which have not signed, `more` still have to.
    RuleNotMet {
        missing: Vec<String>,
        more: usize,
    },
}

impl Evidence {
    fn owners(&self) -> impl Iterator<Item = &Owner> {
        self.signed_by.iter().filter_map(|signed| signed.owner.as_ref()).filter(|owner| owner.is_active)
    }

    /// Whether an active member of `team` has signed.
    pub fn has_team(&self, team: &TeamId) -> bool {
        self.owners().any(|owner| owner.teams.contains(team))
    }

    /// Whether `account`, if active, has signed.
    pub fn has_user(&self, account: &AccountId) -> bool {
        self.owners().any(|owner| owner.account == *account)
    }
}

/// Decides for `subject` by `policy` on `evidence`. Pure: the same arguments give the same verdict.
pub fn evaluate(policy: &TrustConfiguration, subject: Subject<'_>, evidence: &Evidence) -> Verdict {
    if let Some((_, rule)) = policy.rule_for(subject) {
        return required(&rule.require, evidence);
    }
    if policy.require_signature_from.is_empty() {
        let counts = |signed: &SignedBy| match policy.signers {
            Signers::Any => true,
            Signers::Cluster => signed.owner.as_ref().is_some_and(|owner| owner.is_active),
        };
        return if evidence.signed_by.iter().any(counts) { Verdict::Allow } else { Verdict::NotSigned };
    }
    let missing: Vec<_> = policy.require_signature_from.iter().filter(|team| !evidence.has_team(&team.id)).cloned().collect();
    if missing.is_empty() { Verdict::Allow } else { Verdict::TeamsMissing(missing) }
}

fn required(require: &Requirement, evidence: &Evidence) -> Verdict {
    let teams = require.teams.iter().map(|team| (&team.name, evidence.has_team(&team.id)));
    let users = require.users.iter().map(|user| (&user.name, evidence.has_user(&user.id)));
    let (found, missing): (Vec<_>, Vec<_>) = teams.chain(users).partition(|(_, signed)| *signed);
    // A stored rule that asks for nothing was not written by anybody: it is met by nothing.
    match require.at_least.max(1).checked_sub(found.len()) {
        None | Some(0) => Verdict::Allow,
        Some(more) => Verdict::RuleNotMet { missing: missing.into_iter().map(|(name, _)| name.clone()).collect(), more },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{Mode, NamedUser, Rule};

    fn team(name: &str) -> RequiredTeam {
        RequiredTeam { id: TeamId::stored(name), name: format!("org/{name}") }
    }

    fn policy(teams: &[&str], signers: Signers) -> TrustConfiguration {
        TrustConfiguration {
            require_content_trust: true,
            require_signature_from: teams.iter().map(|name| team(name)).collect(),
            signers,
            ..TrustConfiguration::default()
        }
    }

    fn signed(owner: Option<(&str, bool, &[&str])>) -> SignedBy {
        let owner = owner.map(|(name, is_active, teams)| Owner {
            account: AccountId::stored(name),
            name: name.to_owned(),
            is_active,
            teams: teams.iter().map(|team| TeamId::stored(*team)).collect(),
        });
        SignedBy { name: "whatever".to_owned(), key: "00".to_owned(), owner }
    }

    fn verdict(policy: &TrustConfiguration, signed_by: Vec<SignedBy>) -> Verdict {
        verdict_on(policy, "dtr.test/qa/app:v1", signed_by)
    }

    fn verdict_on(policy: &TrustConfiguration, image: &str, signed_by: Vec<SignedBy>) -> Verdict {
        evaluate(policy, Subject { reference: &image.parse().unwrap(), namespace: None }, &Evidence { signed_by })
    }

    fn rule(images: &[&str], teams: &[&str], users: &[&str], at_least: usize) -> Rule {
        let user = |name: &&str| NamedUser { id: AccountId::stored(*name), name: (*name).to_owned() };
        Rule {
            images: images.iter().map(|image| image.parse().unwrap()).collect(),
            namespaces: Vec::new(),
            require: Requirement {
                teams: teams.iter().map(|name| team(name)).collect(),
                users: users.iter().map(user).collect(),
                at_least,
            },
            mode: Mode::Enforce,
        }
    }

    fn not_met(missing: &[&str], more: usize) -> Verdict {
        Verdict::RuleNotMet { missing: missing.iter().map(ToString::to_string).collect(), more }
    }

    #[test]
    fn the_first_rule_that_matches_takes_the_lists_place_and_no_other_is_looked_at() {
        let rules = vec![rule(&["dtr.test/qa/app"], &["sec"], &[], 1), rule(&["dtr.test/qa/*"], &["qa"], &[], 1)];
        let policy = TrustConfiguration { rules, ..policy(&["ops"], Signers::Any) };
        let ann = || vec![signed(Some(("ann", true, &["qa"])))];
        assert_eq!(verdict_on(&policy, "dtr.test/qa/app:v1", ann()), not_met(&["org/sec"], 1));
        assert_eq!(verdict_on(&policy, "dtr.test/qa/other:v1", ann()), Verdict::Allow);
        assert_eq!(verdict_on(&policy, "dtr.test/qa2/app:v1", ann()), Verdict::TeamsMissing(vec![team("ops")]));
        assert_eq!(verdict_on(&policy, "evil.test/dtr.test/qa/app", ann()), Verdict::TeamsMissing(vec![team("ops")]));
    }

    #[test]
    fn k_of_n_counts_each_team_and_user_that_has_signed() {
        let two = TrustConfiguration {
            rules: vec![rule(&["dtr.test/qa/*"], &["qa", "sec"], &["bob"], 2)],
            ..TrustConfiguration::default()
        };
        let ann = || signed(Some(("ann", true, &["qa"][..])));
        assert_eq!(verdict(&two, vec![]), not_met(&["org/qa", "org/sec", "bob"], 2));
        assert_eq!(verdict(&two, vec![ann(), ann()]), not_met(&["org/sec", "bob"], 1), "twice the same counts once");
        assert_eq!(verdict(&two, vec![ann(), signed(Some(("bob", true, &[])))]), Verdict::Allow);
        assert_eq!(verdict(&two, vec![ann(), signed(Some(("bob", false, &[])))]), not_met(&["org/sec", "bob"], 1));
        assert_eq!(verdict(&two, vec![ann(), signed(Some(("eve", true, &[])))]), not_met(&["org/sec", "bob"], 1));
    }

    #[test]
    fn a_stored_rule_that_asks_for_nothing_is_met_by_nothing() {
        let vacuous = TrustConfiguration { rules: vec![rule(&["dtr.test/qa/*"], &[], &[], 0)], ..TrustConfiguration::default() };
        assert_eq!(verdict(&vacuous, vec![signed(Some(("ann", true, &["qa"])))]), not_met(&[], 1));
    }

    #[test]
    fn without_teams_any_means_anyones_signature_and_none_is_never_enough() {
        let any = policy(&[], Signers::Any);
        assert_eq!(verdict(&any, vec![]), Verdict::NotSigned);
        assert_eq!(verdict(&any, vec![signed(None)]), Verdict::Allow);
    }

    #[test]
    fn without_teams_cluster_means_an_active_account_of_this_cluster() {
        let cluster = policy(&[], Signers::Cluster);
        assert_eq!(verdict(&cluster, vec![signed(None)]), Verdict::NotSigned);
        assert_eq!(verdict(&cluster, vec![signed(Some(("ann", false, &[])))]), Verdict::NotSigned);
        assert_eq!(verdict(&cluster, vec![signed(Some(("ann", true, &[])))]), Verdict::Allow);
    }

    #[test]
    fn every_team_must_have_signed_by_an_active_member() {
        let both = policy(&["qa", "sec"], Signers::Any);
        let ann = || signed(Some(("ann", true, &["qa"][..])));
        let bob = || signed(Some(("bob", true, &["sec"][..])));
        assert_eq!(verdict(&both, vec![ann(), bob()]), Verdict::Allow);
        assert_eq!(verdict(&both, vec![ann()]), Verdict::TeamsMissing(vec![team("sec")]));
        assert_eq!(verdict(&both, vec![signed(None)]), Verdict::TeamsMissing(vec![team("qa"), team("sec")]));
        assert_eq!(verdict(&both, vec![ann(), signed(Some(("bob", false, &["sec"])))]), Verdict::TeamsMissing(vec![team("sec")]));
    }

    #[test]
    fn one_person_in_all_teams_suffices() {
        let both = policy(&["qa", "sec"], Signers::Any);
        assert_eq!(verdict(&both, vec![signed(Some(("eve", true, &["sec", "qa"])))]), Verdict::Allow);
    }
}
