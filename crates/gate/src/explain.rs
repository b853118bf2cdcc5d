//! The decision with its grounds, for people: what was required, what was found, what is missing, what to do.

use serde::Serialize;
use wharfinger_policy::{NamedUser, RequiredTeam, SignedBy, TrustConfiguration};

use crate::denial::{Said, WITHHELD};
use crate::judge::Judgement;
use crate::{Denial, Pin};

/// The answer of `POST /api/trust/explain`.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    pub image: String,
    /// `allow`, `deny`, or `audit` (allowed, because the rule only records what it would deny): what a deployment would meet now
    /// if the switch is on.
    pub verdict: &'static str,
    pub code: &'static str,
    pub message: String,
    /// What to do about a denial; empty when allowed.
    pub remedy: String,
    /// Whether *Run only signed images* is on: when it is off, even a `deny` runs.
    pub enforced: bool,
    pub digest: Option<String>,
    pub signers: Vec<ExplainedSigner>,
    /// Signers that stand on another digest of the tag.
    pub elsewhere: Vec<String>,
    /// The rule that applies, such as `rule 2 (dtr.example.com/qa/*)`; none: `require_signature_from` does.
    pub rule: Option<String>,
    /// How many of `required` must have signed.
    pub at_least: usize,
    /// Teams, as `organization/team`, and users.
    pub required: Vec<String>,
    /// Those of `required` that have not signed; empty when enough have.
    pub missing: Vec<String>,
    /// The registry does not answer: for how long nothing has been heard of what this rests on.
    pub stale_seconds: Option<u64>,
    /// Whether what was found is left out, because the caller may not read the repository.
    pub withheld: bool,
}

#[derive(Clone, Debug, Serialize)]
pub struct ExplainedSigner {
    /// The name in the trust data; it proves nothing.
    pub name: String,
    /// The key's canonical id.
    pub key: String,
    /// The account of this cluster the key belongs to.
    pub user: Option<String>,
    /// Which of the required teams this signature stands for.
    pub teams: Vec<String>,
}

impl Explanation {
    pub(crate) fn of(image: &str, trust: &TrustConfiguration, judgement: Judgement) -> Self {
        let (verdict, said) = match (&judgement.audited, &judgement.outcome) {
            (Some(would_be), _) => ("audit", Said::from(would_be)),
            (None, Ok(Pin::Signed(_))) => {
                let signed = "signed as the policy requires".to_owned();
                let message = judgement.stale_seconds.map_or(signed.clone(), |seconds| {
                    format!("{signed}, as far as was known {seconds} s ago: since then the registry does not answer")
                });
                ("allow", Said { code: "signed", message, remedy: String::new() })
            }
            (None, Ok(Pin::Exempt(_) | Pin::Unenforced)) => {
                let by = judgement.exempted_by.as_deref().unwrap_or("the switch");
                ("allow", Said { code: "exempt", message: format!("exempt from the policy by {by}"), remedy: String::new() })
            }
            (None, Err(denial)) => ("deny", Said::from(denial)),
        };
        let (teams, users, at_least) = match &judgement.rule {
            Some((_, rule)) => (&rule.require.teams[..], &rule.require.users[..], rule.require.at_least),
            None => (&trust.require_signature_from[..], &[][..], trust.require_signature_from.len()),
        };
        let signer = |signed: &SignedBy| ExplainedSigner {
            name: signed.name.clone(),
            key: signed.key.clone(),
            user: signed.owner.as_ref().map(|owner| owner.name.clone()),
            teams: satisfied(teams, signed),
        };
        let evidence = &judgement.evidence;
        let team = |team: &RequiredTeam| (team.name.clone(), evidence.has_team(&team.id));
        let user = |user: &NamedUser| (user.name.clone(), evidence.has_user(&user.id));
        let required: Vec<(String, bool)> = teams.iter().map(team).chain(users.iter().map(user)).collect();
        let enough = required.iter().filter(|(_, signed)| *signed).count() >= at_least;
        let missing = required.iter().filter(|(_, signed)| !signed && !enough).map(|(name, _)| name.clone()).collect();
        let signers = evidence.signed_by.iter().map(signer).collect();
        Self {
            image: image.to_owned(),
            verdict,
            code: said.code,
            message: said.message,
            remedy: said.remedy,
            enforced: trust.require_content_trust,
            digest: judgement.digest.map(|digest| digest.to_string()),
            signers,
            elsewhere: judgement.elsewhere,
            rule: judgement.rule.map(|(name, _)| name),
            at_least,
            required: required.into_iter().map(|(name, _)| name).collect(),
            missing,
            stale_seconds: judgement.stale_seconds,
            withheld: false,
        }
    }

    /// Without what only the readers of the repository may know: who signed, what, and who has not.
    pub(crate) fn withheld(self) -> Self {
        let (message, remedy) = match (self.code, self.verdict) {
            // Nothing of a repository is in these.
            ("malformed" | "not-registered" | "undecided" | "outdated", _) => (self.message, self.remedy),
            ("exempt", _) => ("exempt from the policy".to_owned(), String::new()),
            (_, "allow") => (self.message, String::new()),
            ("no-trust-data" | "not-released" | "deleted" | "local-only" | "policy-not-met" | "other-digest" | "replayed", _) => {
                (self.message, WITHHELD.to_owned())
            }
            _ => (format!("trust could not be decided for {} ({})", self.image, self.code), WITHHELD.to_owned()),
        };
        Self {
            message,
            remedy,
            digest: None,
            signers: Vec::new(),
            elsewhere: Vec::new(),
            missing: Vec::new(),
            withheld: true,
            ..self
        }
    }

    /// What a deployment meets where the switch is off.
    pub(crate) fn off(image: &str) -> Self {
        let message = "`Run only signed images` is off".to_owned();
        let said = Said { code: "off", message, remedy: String::new() };
        Self { verdict: "allow", enforced: false, ..Self::said(image, said) }
    }

    pub(crate) fn undecided(image: &str, denial: &Denial) -> Self {
        Self::said(image, Said::from(denial))
    }

    fn said(image: &str, said: Said) -> Self {
        Self {
            image: image.to_owned(),
            verdict: "deny",
            code: said.code,
            message: said.message,
            remedy: said.remedy,
            enforced: true,
            digest: None,
            signers: Vec::new(),
            elsewhere: Vec::new(),
            rule: None,
            at_least: 0,
            required: Vec::new(),
            missing: Vec::new(),
            stale_seconds: None,
            withheld: false,
        }
    }
}

/// The required teams that `signed` stands for: those its owner, if active, is a member of.
fn satisfied(teams: &[RequiredTeam], signed: &SignedBy) -> Vec<String> {
    let Some(owner) = signed.owner.as_ref().filter(|owner| owner.is_active) else {
        return Vec::new();
    };
    teams.iter().filter(|team| owner.teams.contains(&team.id)).map(|team| team.name.clone()).collect()
}
