//! The policy in the words of people.

use time::OffsetDateTime;
use wharfinger_policy::{ExemptionDocument, Mode, RequireDocument, RuleDocument, Signers, TrustConfiguration};

use crate::words::{count, moment};

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

/// What one rule says.
pub(crate) fn rule(rule: &RuleDocument) -> String {
    let RequireDocument { teams, users, at_least } = &rule.require;
    let teams = teams.iter().map(|team| format!("a member of {team}"));
    let named: Vec<String> = teams.chain(users.iter().cloned()).collect();
    let required = match (named.len(), at_least.unwrap_or(named.len())) {
        (1, _) => format!("the signature of {}", named.join("")),
        (all, least) if all == least => format!("the signatures of {}", joined(&named)),
        (_, least) => format!("the signatures of at least {least} of these: {}", named.join(", ")),
    };
    let audit = if rule.mode == Mode::Audit.as_str() {
        " For now that is only recorded: without them they run all the same."
    } else {
        ""
    };
    format!("Images of {}{} need {required}.{audit}", joined(&rule.images), place(rule.namespaces.as_deref()))
}

/// What one exemption says, and who is behind it. `now`: whether it has ended.
pub(crate) fn exemption(exemption: &ExemptionDocument, now: OffsetDateTime) -> String {
    let ExemptionDocument { digest, repository, namespaces, reason, requested_by, approved_by, expires } = exemption;
    let images = match (repository, digest) {
        (Some(repository), Some(digest)) => format!("images of {repository} that are deployed by the digest {digest}"),
        (Some(repository), None) => format!("images of {repository}"),
        (None, digest) => format!("images that are deployed by the digest {}", digest.as_deref().unwrap_or_default()),
    };
    let ends = moment(expires.0);
    let until =
        if expires.0 <= now { format!("It ended on {ends}: it exempted") } else { format!("Until {ends} nobody has to sign") };
    let by = approved_by.as_deref().map_or("approved by whoever saves this".to_owned(), |by| format!("approved by {by}"));
    let reason = reason.trim().trim_end_matches('.');
    format!("{until} {images}{}. Why: {reason}. Asked for by {requested_by}, {by}.", place(namespaces.as_deref()))
}

/// ` in the Kubernetes namespaces a and b`; nothing where it is for everywhere.
fn place(namespaces: Option<&[String]>) -> String {
    match namespaces {
        None | Some([]) => String::new(),
        Some([one]) => format!(" in the Kubernetes namespace {one}"),
        Some(some) => format!(" in the Kubernetes namespaces {}", joined(some)),
    }
}

/// `a`, `a and b`, `a, b and c`.
fn joined(all: &[String]) -> String {
    match all {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
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

    #[test]
    fn a_rule_is_one_sentence_that_leaves_nothing_out() {
        let said = |text: &str| {
            let document: RuleDocument = serde_json::from_str(text).unwrap();
            rule(&document)
        };
        assert_eq!(
            said(r#"{"images": ["dtr.test/pay/*"], "require": {"teams": ["acme/qa"]}}"#),
            "Images of dtr.test/pay/* need the signature of a member of acme/qa."
        );
        assert_eq!(
            said(
                r#"{"images": ["dtr.test/pay/*", "dtr.test/a/b"], "namespaces": ["pay"], "require": {"teams": ["acme/qa"], "users": ["quinn"]}}"#
            ),
            "Images of dtr.test/pay/* and dtr.test/a/b in the Kubernetes namespace pay need the signatures of a member of acme/qa and quinn."
        );
        assert_eq!(
            said(
                r#"{"images": ["dtr.test/pay/*"], "namespaces": ["a", "b", "c-*"], "mode": "audit",
                    "require": {"teams": ["acme/qa", "acme/dev"], "users": ["quinn"], "at_least": 2}}"#
            ),
            "Images of dtr.test/pay/* in the Kubernetes namespaces a, b and c-* need the signatures of at least 2 of these: a member of \
             acme/qa, a member of acme/dev, quinn. For now that is only recorded: without them they run all the same."
        );
    }

    #[test]
    fn an_exemption_is_a_sentence_with_its_end_its_reason_and_two_people() {
        let said = |text: &str| {
            let document: ExemptionDocument = serde_json::from_str(text).unwrap();
            exemption(&document, time::macros::datetime!(2027-01-01 00:00 UTC))
        };
        assert_eq!(
            said(
                r#"{"repository": "dtr.test/vendor/*", "namespaces": ["kube-system"], "reason": "they sign soon.",
                    "requested_by": "quinn", "approved_by": "ann", "expires": "2027-01-31T01:00:00+01:00"}"#
            ),
            "Until 2027-01-31 00:00 UTC nobody has to sign images of dtr.test/vendor/* in the Kubernetes namespace kube-system. Why: they \
             sign soon. Asked for by quinn, approved by ann."
        );
        assert_eq!(
            said(r#"{"digest": "sha256:aa", "reason": "r", "requested_by": "quinn", "expires": "2026-01-31T00:00:00Z"}"#),
            "It ended on 2026-01-31 00:00 UTC: it exempted images that are deployed by the digest sha256:aa. Why: r. Asked for by quinn, \
             approved by whoever saves this."
        );
        let both = said(
            r#"{"digest": "sha256:aa", "repository": "dtr.test/a/b", "reason": "r", "requested_by": "quinn",
                "expires": "2028-01-31T00:00:00Z"}"#,
        );
        assert!(both.contains("images of dtr.test/a/b that are deployed by the digest sha256:aa"), "{both}");
    }
}
