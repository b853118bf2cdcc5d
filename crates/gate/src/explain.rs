//! The decision with its grounds, for people: what was required, what was found, what is missing, what to do.

use serde::Serialize;
use wharfinger_policy::{SignedBy, TrustConfiguration};

use crate::denial::Said;
use crate::judge::Judgement;
use crate::{Denial, Pin};

/// The answer of `POST /api/trust/explain`.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    pub image: String,
    /// `allow` or `deny`: what a deployment would meet now if the switch is on.
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
    pub required: Vec<String>,
    pub missing: Vec<String>,
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
        let (verdict, said) = match &judgement.outcome {
            Ok(Pin::Signed(_)) => {
                ("allow", Said { code: "signed", message: "signed as the policy requires".to_owned(), remedy: String::new() })
            }
            Ok(Pin::Exempt(_) | Pin::Unenforced) => (
                "allow",
                Said { code: "exempt", message: "exempt from the policy by allow_repos".to_owned(), remedy: String::new() },
            ),
            Err(denial) => ("deny", Said::from(denial)),
        };
        let signer = |signed: &SignedBy| ExplainedSigner {
            name: signed.name.clone(),
            key: signed.key.clone(),
            user: signed.owner.as_ref().map(|owner| owner.name.clone()),
            teams: satisfied(trust, signed),
        };
        let signers: Vec<_> = judgement.evidence.signed_by.iter().map(signer).collect();
        let required: Vec<_> = trust.require_signature_from.iter().map(|team| team.name.clone()).collect();
        let found = |team: &&String| signers.iter().any(|signer| signer.teams.contains(team));
        let missing = required.iter().filter(|team| !found(team)).cloned().collect();
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
            required,
            missing,
        }
    }

    pub(crate) fn undecided(image: &str, denial: &Denial) -> Self {
        let said = Said::from(denial);
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
            required: Vec::new(),
            missing: Vec::new(),
        }
    }
}

/// The required teams that `signed` stands for: those its owner, if active, is a member of.
fn satisfied(trust: &TrustConfiguration, signed: &SignedBy) -> Vec<String> {
    let Some(owner) = signed.owner.as_ref().filter(|owner| owner.is_active) else {
        return Vec::new();
    };
    let member = trust.require_signature_from.iter().filter(|team| owner.teams.contains(&team.id));
    member.map(|team| team.name.clone()).collect()
}
