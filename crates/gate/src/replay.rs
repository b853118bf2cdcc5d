//! A recorded decision, reached again from what was recorded: does the verdict follow?
//!
//! What was found (whose keys signed which digest, or why that could not be known) is taken as the entry has it; everything that
//! was made of it is made anew, by the policy of that moment.

use std::collections::VecDeque;

use serde_json::Value;
use wharfinger_oci::Reference;
use wharfinger_policy::{Mode, Subject, Verdict, evaluate};
use wharfinger_storage::audit::{Act, Broken, Chain, Recorded};

use crate::grounds::{Grounds, Policy};

/// What a replay comes to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Replayed {
    pub recorded: Outcome,
    pub replayed: Outcome,
    /// The entry of the change that brought the policy.
    pub policy_entry: i64,
    pub policy_revision: i64,
}

/// `allow`, `deny` or `audit`, and its code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    pub verdict: String,
    pub code: String,
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.verdict, self.code)
    }
}

impl Replayed {
    pub fn follows(&self) -> bool {
        self.recorded == self.replayed
    }
}

/// Why a decision cannot be replayed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ReplayRefused {
    #[error("the audit log is not what was recorded: {0}")]
    Broken(#[from] Broken),
    #[error("there is no entry {0}")]
    NoSuchEntry(i64),
    #[error("entry {0} is no decision: {1} decides nothing")]
    NoDecision(i64, String),
    #[error("entry {0} does not say what it rests on: it was recorded by an earlier version")]
    NoGrounds(i64),
    #[error("the policy of revision {0} is not in the log: it was written by an earlier version")]
    NoPolicy(i64),
}

/// Follows the log from its beginning and keeps what a replay of one entry needs.
#[derive(Debug)]
pub struct Replay {
    wanted: i64,
    chain: Chain,
    /// The policies that came before the entry.
    policies: VecDeque<(i64, i64, Value)>,
    entry: Option<Act>,
}

impl Replay {
    /// More policies than are tried out between two decisions of one revision.
    const KEPT: usize = 1000;

    pub fn of(entry: i64) -> Self {
        Self { wanted: entry, chain: Chain::default(), policies: VecDeque::new(), entry: None }
    }

    /// The last entry that was taken; 0 before the first.
    pub fn last(&self) -> i64 {
        self.chain.head().0
    }

    /// Takes the next entry, oldest first. All have to be taken, also those after the wanted one: a change of any breaks the chain.
    pub fn take(&mut self, entry: &Recorded) -> Result<(), ReplayRefused> {
        self.chain.follow(entry)?;
        if entry.id == self.wanted {
            self.entry = Some(entry.act.clone());
        }
        if entry.id < self.wanted
            && let Some((revision, document)) = policy(&entry.act)
        {
            self.policies.push_back((entry.id, revision, document));
            if self.policies.len() > Self::KEPT {
                self.policies.pop_front();
            }
        }
        Ok(())
    }

    /// Replays the entry, given the id of the last entry as it was noted beside the log.
    pub fn finish(self, noted: i64) -> Result<Replayed, ReplayRefused> {
        let found = self.last();
        if found < noted {
            return Err(Broken::CutOff { expected: noted, found }.into());
        }
        let id = self.wanted;
        let act = self.entry.ok_or(ReplayRefused::NoSuchEntry(id))?;
        if act.action != "deploy" {
            return Err(ReplayRefused::NoDecision(id, act.action));
        }
        let grounds: Grounds = serde_json::from_str(&act.detail).map_err(|_| ReplayRefused::NoGrounds(id))?;
        let revision = grounds.policy_revision;
        let same = |(_, written, document): &&(i64, i64, Value)| {
            *written == revision && Policy::fingerprint(document) == grounds.policy_sha256
        };
        let (policy_entry, _, document) = self.policies.iter().rev().find(same).ok_or(ReplayRefused::NoPolicy(revision))?;
        let policy: Policy = serde_json::from_value(document.clone()).map_err(|_| ReplayRefused::NoPolicy(revision))?;
        Ok(Replayed {
            recorded: Outcome { verdict: act.outcome.clone(), code: grounds.code.clone() },
            replayed: decide(&policy, &act, &grounds),
            policy_entry: *policy_entry,
            policy_revision: revision,
        })
    }
}

/// The revision and the policy that a change brought.
fn policy(act: &Act) -> Option<(i64, Value)> {
    let mut detail: Value = serde_json::from_str(&act.detail).ok()?;
    let revision = detail.get("revision")?.as_i64()?;
    Some((revision, detail.get_mut("policy")?.take()))
}

fn decide(policy: &Policy, act: &Act, grounds: &Grounds) -> Outcome {
    let outcome = |verdict: &str, code: &str| Outcome { verdict: verdict.to_owned(), code: code.to_owned() };
    if !policy.trust.require_content_trust {
        return outcome("allow", "off");
    }
    let Some(judged) = &grounds.judged else { return outcome("deny", "local-only") };
    let Ok(reference) = judged.parse::<Reference>() else { return outcome("deny", "malformed") };
    let subject = Subject { reference: &reference, namespace: grounds.namespace.as_deref() };
    if !policy.registries.iter().any(|host| host.parse().as_ref() == Ok(&reference.host)) {
        return match policy.trust.exempted_unregistered_by(subject, act.at) {
            Some(_) => outcome("allow", "exempt"),
            None => outcome("deny", "not-registered"),
        };
    }
    if policy.trust.exempted_by(subject, act.at).is_some() {
        return outcome("allow", "exempt");
    }
    let code = denied(policy, subject, grounds);
    let audited = policy.trust.rule_for(subject).is_some_and(|(_, rule)| rule.mode == Mode::Audit);
    match code {
        None => outcome("allow", "signed"),
        Some(code) if audited => outcome("audit", &code),
        Some(code) => outcome("deny", &code),
    }
}

/// The code of the denial that follows; none where the image was signed as required.
fn denied(policy: &Policy, subject: Subject<'_>, grounds: &Grounds) -> Option<String> {
    if let Some(code) = &grounds.no_evidence {
        return Some(code.clone());
    }
    let Some(digest) = &grounds.digest else { return Some("not-released".to_owned()) };
    if subject.reference.digest.as_ref().is_some_and(|asked| asked.as_str() != digest) {
        return Some("other-digest".to_owned());
    }
    match evaluate(&policy.trust, subject, &grounds.evidence()) {
        Verdict::Allow => None,
        Verdict::NotSigned | Verdict::TeamsMissing(_) | Verdict::RuleNotMet { .. } => Some("policy-not-met".to_owned()),
    }
}
