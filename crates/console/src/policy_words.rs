//! The policy in the words of people.

use wharfinger_policy::{Mode, Rule, Signers, TrustConfiguration};

use crate::words::count;

/// What may run, in one sentence, and another one where some images are decided otherwise.
pub(crate) fn sentence(trust: &TrustConfiguration) -> String {
    if !trust.require_content_trust {
        return "Any image may run: Run only signed images is off.".to_owned();
    }
    let mut words = match (&trust.require_signature_from[..], trust.signers) {
        ([], Signers::Any) => "Only signed images may run, whoever signed them.".to_owned(),
        ([], Signers::Cluster) => "Only images that a user of this cluster signed may run.".to_owned(),
        (teams, _) => {
            let teams: Vec<String> = teams.iter().map(|team| format!("a member of {}", team.name)).collect();
            format!("Only images signed by {} may run.", teams.join(" and by "))
        }
    };
    let others = [
        (trust.rules.len(), "rule", "rules"),
        (trust.exemptions.len(), "exemption", "exemptions"),
        (trust.allow_repos.len(), "exempt repository", "exempt repositories"),
    ];
    let others: Vec<String> = others.iter().filter(|other| other.0 > 0).map(|other| count(other.0, other.1, other.2)).collect();
    if !others.is_empty() {
        words = format!("{words} For some images that is different: {}.", others.join(", "));
    }
    words
}

/// What one rule asks for.
pub(crate) fn requirement(rule: &Rule) -> String {
    let teams = rule.require.teams.iter().map(|team| team.name.clone());
    let named: Vec<String> = teams.chain(rule.require.users.iter().map(|user| user.name.clone())).collect();
    let required = match named.len() {
        all if all == rule.require.at_least => format!("all of {}", named.join(", ")),
        _ => format!("at least {} of {}", rule.require.at_least, named.join(", ")),
    };
    match rule.mode {
        Mode::Enforce => required,
        Mode::Audit => format!("{required} (only recorded, not enforced)"),
    }
}

#[cfg(test)]
mod tests {
    use wharfinger_identity::TeamId;
    use wharfinger_policy::RequiredTeam;

    use super::*;

    #[test]
    fn the_sentence_says_who_has_to_have_signed() {
        let mut trust = TrustConfiguration::default();
        assert!(sentence(&trust).starts_with("Any image may run"));
        trust.require_content_trust = true;
        assert_eq!(sentence(&trust), "Only signed images may run, whoever signed them.");
        trust.signers = Signers::Cluster;
        assert_eq!(sentence(&trust), "Only images that a user of this cluster signed may run.");
        let team = |name: &str| RequiredTeam { id: TeamId::generate(), name: name.to_owned() };
        trust.require_signature_from = vec![team("acme/qa"), team("acme/security")];
        trust.allow_repos = vec!["dtr.test/infra/*".to_owned()];
        assert_eq!(
            sentence(&trust),
            "Only images signed by a member of acme/qa and by a member of acme/security may run. For some images that is \
             different: 1 exempt repository."
        );
    }
}
