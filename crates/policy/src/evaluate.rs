//! The rule itself: *AND over the required teams, each satisfied by a counted key of an active member.*

use wharfinger_identity::{AccountId, TeamId};

use crate::configuration::{RequiredTeam, Signers, TrustConfiguration};

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
}

/// Decides by `policy` on `evidence`. Pure: the same arguments give the same verdict.
pub fn evaluate(policy: &TrustConfiguration, evidence: &Evidence) -> Verdict {
    if policy.require_signature_from.is_empty() {
        let counts = |signed: &SignedBy| match policy.signers {
            Signers::Any => true,
            Signers::Cluster => signed.owner.as_ref().is_some_and(|owner| owner.is_active),
        };
        return if evidence.signed_by.iter().any(counts) { Verdict::Allow } else { Verdict::NotSigned };
    }
    let signed = |team: &RequiredTeam| {
        let owners = evidence.signed_by.iter().filter_map(|signed| signed.owner.as_ref());
        owners.filter(|owner| owner.is_active).any(|owner| owner.teams.contains(&team.id))
    };
    let missing: Vec<_> = policy.require_signature_from.iter().filter(|team| !signed(team)).cloned().collect();
    if missing.is_empty() { Verdict::Allow } else { Verdict::TeamsMissing(missing) }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        evaluate(policy, &Evidence { signed_by })
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
