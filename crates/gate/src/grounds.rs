//! What a decision rests on, as it is recorded: enough to reach it again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use wharfinger_identity::{AccountId, TeamId};
use wharfinger_policy::{Configuration, Evidence, Owner, SignedBy, TrustConfiguration};
use wharfinger_tuf::{Collection, Metadata, Verified};

use crate::judge::Judgement;
use crate::workload::Basis;
use crate::{Cause, Denial, Workload};

/// The part of a configuration that decisions follow from: no secret, and nothing of how trust data is read.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    pub trust: TrustConfiguration,
    /// The registered hosts.
    pub registries: Vec<String>,
}

impl Policy {
    pub fn of(configuration: &Configuration) -> Self {
        let registries = configuration.registries.iter().map(|registration| registration.host_address.clone()).collect();
        Self { trust: configuration.trust.clone(), registries }
    }

    /// As it is recorded with the change that brought it.
    pub fn document(&self) -> Value {
        // Plain data always has a JSON form; what had none would match no fingerprint.
        serde_json::to_value(self).unwrap_or_default()
    }

    /// sha256 of that document, hex: two policies of one revision are told apart by it.
    pub fn fingerprint(document: &Value) -> String {
        hex::encode(Sha256::digest(document.to_string()))
    }
}

/// The `detail` of a decision's entry in the audit log.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Grounds {
    pub purpose: String,
    /// The Kubernetes namespace; none outside Kubernetes.
    #[serde(default)]
    pub namespace: Option<String>,
    pub code: String,
    pub cause: Option<String>,
    #[serde(rename = "policy.revision")]
    pub policy_revision: i64,
    #[serde(rename = "policy.sha256")]
    pub policy_sha256: String,
    #[serde(rename = "directory.revision")]
    pub directory_revision: i64,
    /// The reference that was judged; none where an image by id or local name has none.
    pub judged: Option<String>,
    /// Why there was no trust data to judge by, as a code; none where there was, or none was needed.
    pub no_evidence: Option<String>,
    /// The tag whose signatures were counted.
    pub tag: Option<String>,
    /// The signed digest.
    pub digest: Option<String>,
    pub signers: Vec<Signer>,
    /// sha256 of each file of the trust data, by role.
    pub files: BTreeMap<String, String>,
    pub rule: Option<String>,
    pub exempted_by: Option<String>,
    /// The registry did not answer: for how long nothing had been heard of the trust data.
    pub stale_seconds: Option<u64>,
}

/// A key that counted, and whose it was.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Signer {
    pub name: String,
    pub key: String,
    pub owner: Option<SignerOwner>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SignerOwner {
    pub id: AccountId,
    pub name: String,
    pub is_active: bool,
    pub teams: Vec<TeamId>,
}

impl Grounds {
    pub(crate) fn of(workload: &Workload, code: &str, basis: &Basis, fingerprint: String, judgement: &Judgement) -> Self {
        let denied = judgement.audited.as_ref().or(judgement.outcome.as_ref().err());
        Self {
            purpose: workload.purpose.as_str().to_owned(),
            namespace: workload.namespace.clone(),
            code: code.to_owned(),
            cause: denied.map(|denial| format!("{:?}", denial.cause)),
            policy_revision: basis.policy,
            policy_sha256: fingerprint,
            directory_revision: basis.directory,
            judged: judgement.judged.clone(),
            no_evidence: denied.filter(|denial| !follows(denial)).map(|denial| denial.code().to_owned()),
            tag: judgement.tag.clone(),
            digest: judgement.digest.as_ref().map(ToString::to_string),
            signers: judgement.evidence.signed_by.iter().map(Signer::from).collect(),
            files: judgement.collection.as_deref().map(files).unwrap_or_default(),
            rule: judgement.rule.as_ref().map(|(name, _)| name.clone()),
            exempted_by: judgement.exempted_by.clone(),
            stale_seconds: judgement.stale_seconds,
        }
    }

    pub(crate) fn evidence(&self) -> Evidence {
        Evidence { signed_by: self.signers.iter().cloned().map(SignedBy::from).collect() }
    }
}

/// Whether a denial follows from the policy and what was signed; else it says that the latter could not be known.
fn follows(denial: &Denial) -> bool {
    matches!(
        denial.cause,
        Cause::Malformed { .. }
            | Cause::NotRegistered { .. }
            | Cause::NotReleased
            | Cause::OtherDigest { .. }
            | Cause::PolicyNotMet { .. }
            | Cause::RuleNotMet { .. }
            | Cause::LocalOnly
    )
}

fn files(collection: &Collection) -> BTreeMap<String, String> {
    fn hash<T: Metadata>(file: &Verified<T>) -> String {
        hex::encode(file.file().sha256())
    }
    let mut files = BTreeMap::from([
        ("root".to_owned(), hash(collection.root())),
        ("timestamp".to_owned(), hash(collection.timestamp())),
        ("snapshot".to_owned(), hash(collection.snapshot())),
        ("targets".to_owned(), hash(collection.targets())),
    ]);
    files.extend(collection.delegations().map(|(role, file)| (role.to_string(), hash(file))));
    files
}

impl From<&SignedBy> for Signer {
    fn from(signed: &SignedBy) -> Self {
        let owner = signed.owner.as_ref().map(|owner| SignerOwner {
            id: owner.account.clone(),
            name: owner.name.clone(),
            is_active: owner.is_active,
            teams: owner.teams.clone(),
        });
        Self { name: signed.name.clone(), key: signed.key.clone(), owner }
    }
}

impl From<Signer> for SignedBy {
    fn from(signer: Signer) -> Self {
        let owner = signer.owner.map(|owner| Owner {
            account: owner.id,
            name: owner.name,
            is_active: owner.is_active,
            teams: owner.teams,
        });
        Self { name: signer.name, key: signer.key, owner }
    }
}
