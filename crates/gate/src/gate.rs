//! The gate itself: policy, directory and verified trust data brought together for one image at a time.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use time::OffsetDateTime;
use wharfinger_identity::AccountId;
use wharfinger_keys::SealKey;
use wharfinger_oci::Reference;
use wharfinger_policy::{Configuration, KubernetesSettings};
use wharfinger_storage::audit::{Act, Audit};
use wharfinger_storage::settings::Settings;
use wharfinger_trust::Resolver;

use crate::grounds::Grounds;
use crate::judge::Judgement;
use crate::workload::Basis;
use crate::{Admitted, Cause, Decide, Denial, Directory, Explanation, LocalRegistry, Pin, Policy, Purpose, Workload};

/// Decides for one cluster.
pub struct Gate {
    pub(crate) settings: Arc<dyn Settings>,
    pub(crate) directory: Arc<dyn Directory>,
    pub(crate) resolver: Arc<Resolver>,
    pub(crate) audit: Arc<dyn Audit>,
    pub(crate) local: Option<Arc<dyn LocalRegistry>>,
    pub(crate) seal: Arc<SealKey>,
    pub(crate) clock: fn() -> OffsetDateTime,
    parsed: Mutex<Option<(i64, Arc<Configuration>)>>,
    /// Of the policy at the revision decided by last.
    fingerprint: Mutex<Option<(i64, String)>>,
    allowed: AtomicU64,
    denied: AtomicU64,
    undecided: AtomicU64,
    stale: AtomicU64,
}

/// How many images were decided since the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Decisions {
    pub allowed: u64,
    pub denied: u64,
    /// Refused because trust could not be decided.
    pub undecided: u64,
    /// Allowed while the registry did not answer, because it was proven before.
    pub stale: u64,
}

impl Gate {
    pub fn new(
        settings: Arc<dyn Settings>,
        directory: Arc<dyn Directory>,
        resolver: Arc<Resolver>,
        audit: Arc<dyn Audit>,
        local: Option<Arc<dyn LocalRegistry>>,
        seal: Arc<SealKey>,
        clock: fn() -> OffsetDateTime,
    ) -> Self {
        let count = AtomicU64::default;
        let (allowed, denied, undecided, stale) = (count(), count(), count(), count());
        Self {
            settings,
            directory,
            resolver,
            audit,
            local,
            seal,
            clock,
            parsed: Mutex::new(None),
            fingerprint: Mutex::new(None),
            allowed,
            denied,
            undecided,
            stale,
        }
    }

    pub fn decisions(&self) -> Decisions {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Decisions {
            allowed: read(&self.allowed),
            denied: read(&self.denied),
            undecided: read(&self.undecided),
            stale: read(&self.stale),
        }
    }

    /// What `POST /api/trust/explain` answers: the decision for `image`, with its grounds. Nothing is recorded.
    pub async fn explain(&self, workload: &Workload, image: &str) -> Explanation {
        match self.ground(image).await {
            Ok((basis, configuration)) => {
                let judgement = self.judge(&configuration, Some(basis.policy), workload, image).await;
                let explanation = Explanation::of(image, &configuration.trust, judgement);
                if self.may_read(workload, image).await { explanation } else { explanation.withheld() }
            }
            Err(denial) => Explanation::undecided(image, &denial),
        }
    }

    /// The fingerprint of the policy at that revision.
    fn fingerprint(&self, revision: i64, configuration: &Configuration) -> String {
        let mut known = self.fingerprint.lock().unwrap_or_else(PoisonError::into_inner);
        match known.as_ref() {
            Some((of, fingerprint)) if *of == revision => fingerprint.clone(),
            _ => {
                let fingerprint = Policy::fingerprint(&Policy::of(configuration).document());
                *known = Some((revision, fingerprint.clone()));
                fingerprint
            }
        }
    }

    /// The configuration as it stands, and the revisions a decision by it rests on.
    pub(crate) async fn ground(&self, image: &str) -> Result<(Basis, Arc<Configuration>), Denial> {
        let undecided = |why: String| Denial { image: image.to_owned(), cause: Cause::Undecided { why } };
        let directory = self.directory.revision().await.map_err(|error| undecided(error.to_string()))?;
        let policy = self.settings.revision().await.map_err(|error| undecided(error.to_string()))?;
        if let Some(configuration) = self.parsed(policy) {
            return Ok((Basis { policy, directory }, configuration));
        }
        let stored = self.settings.load().await.map_err(|error| undecided(error.to_string()))?;
        // Empty is what nobody has written yet; of one that was written, nothing left is damage.
        let configuration = if stored.document.is_empty() && stored.revision == 0 {
            Configuration::default()
        } else {
            // A document that cannot be read may have said "enforce": everything is refused until an admin replaces it.
            serde_json::from_str(&stored.document).map_err(|error| undecided(format!("the stored policy is damaged: {error}")))?
        };
        let configuration = Arc::new(configuration);
        *self.parsed.lock().unwrap_or_else(PoisonError::into_inner) = Some((stored.revision, Arc::clone(&configuration)));
        Ok((Basis { policy: stored.revision, directory }, configuration))
    }

    /// The configuration of that revision, if it is the one read last.
    fn parsed(&self, revision: i64) -> Option<Arc<Configuration>> {
        let parsed = self.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        parsed.as_ref().filter(|(known, _)| *known == revision).map(|(_, configuration)| Arc::clone(configuration))
    }

    /// What stays of a judgement: its record, and what it proved. Of a dry run, nothing.
    async fn keep(
        &self,
        workload: &Workload,
        image: &str,
        basis: &Basis,
        configuration: &Configuration,
        judgement: &Judgement,
    ) -> Result<(), Denial> {
        if !workload.dry_run {
            self.record(workload, image, basis, configuration, judgement).await?;
            self.prove(judgement, basis.policy).await;
        }
        Ok(())
    }

    /// What is allowed now on fresh trust data may be allowed for a while when the registry does not answer.
    async fn prove(&self, judgement: &Judgement, policy: i64) {
        if let (Ok(Pin::Signed(pin)), Some(collection), None) =
            (&judgement.outcome, &judgement.collection, judgement.stale_seconds)
        {
            self.resolver.prove(collection.gun(), &pin.pinned, policy).await;
        }
    }

    /// Records the judgement; an act that cannot be recorded is refused.
    async fn record(
        &self,
        workload: &Workload,
        image: &str,
        basis: &Basis,
        configuration: &Configuration,
        judgement: &Judgement,
    ) -> Result<(), Denial> {
        let counter = match &judgement.outcome {
            Ok(_) => &self.allowed,
            Err(Denial { cause: Cause::Undecided { .. } | Cause::Distrusted { .. }, .. }) => &self.undecided,
            Err(_) => &self.denied,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        if judgement.outcome.is_ok() && judgement.stale_seconds.is_some() {
            self.stale.fetch_add(1, Ordering::Relaxed);
        }
        let (outcome, code) = match (&judgement.audited, &judgement.outcome) {
            (Some(would_be), _) => ("audit", would_be.code()),
            (None, Ok(Pin::Exempt(_))) => ("allow", "exempt"),
            (None, Ok(Pin::Unenforced)) => ("allow", "off"),
            (None, Ok(Pin::Signed(_))) => ("allow", "signed"),
            (None, Err(denial)) => ("deny", denial.code()),
        };
        let fingerprint = self.fingerprint(basis.policy, configuration);
        let grounds = Grounds::of(workload, code, basis, fingerprint, judgement);
        let detail = serde_json::to_string(&grounds).unwrap_or_default();
        let act = Act {
            at: (self.clock)(),
            actor: workload.account_name.clone(),
            action: "deploy".to_owned(),
            object: image.to_owned(),
            outcome: outcome.to_owned(),
            detail,
        };
        tracing::info!(image.reference = image, principal = %workload.account_name, verdict = outcome, denial.code = code, purpose = workload.purpose.as_str(), cause = grounds.cause.unwrap_or_default(), "decided");
        let failed = |error: wharfinger_storage::StorageError| Denial {
            image: image.to_owned(),
            cause: Cause::Undecided { why: format!("the decision could not be recorded: {error}") },
        };
        self.audit.append(&act).await.map(drop).map_err(failed)
    }
}

#[async_trait]
impl Decide for Gate {
    async fn admit(&self, workload: &Workload) -> Result<Admitted, Denial> {
        let first = workload.images.first().map_or("", String::as_str);
        let (basis, configuration) = self.ground(first).await?;
        let mut pins = BTreeMap::new();
        let (mut collections, mut warnings) = (Vec::new(), Vec::new());
        for image in &workload.images {
            if !configuration.trust.require_content_trust {
                pins.insert(image.clone(), Pin::Unenforced);
                continue;
            }
            let judgement = self.judge(&configuration, Some(basis.policy), workload, image).await;
            self.keep(workload, image, &basis, &configuration, &judgement).await?;
            match judgement.outcome {
                Ok(pin) => drop(pins.insert(image.clone(), pin)),
                Err(denial) => return Err(self.told(workload, judgement.judged.as_deref(), denial).await),
            }
            if let Some(would_be) = judgement.audited {
                warnings.push(self.told(workload, judgement.judged.as_deref(), would_be).await);
            }
            collections.extend(judgement.collection);
        }
        Ok(Admitted { pins, basis, collections, warnings })
    }

    async fn admit_local(&self, workload: &Workload, asked: &str, repo_digests: &[String]) -> Result<Admitted, Denial> {
        let (basis, configuration) = self.ground(asked).await?;
        if !configuration.trust.require_content_trust {
            let pins = BTreeMap::from([(asked.to_owned(), Pin::Unenforced)]);
            return Ok(Admitted { pins, basis, collections: Vec::new(), warnings: Vec::new() });
        }
        let judgement = self.judge_local(&configuration, Some(basis.policy), workload, asked, repo_digests).await;
        self.keep(workload, asked, &basis, &configuration, &judgement).await?;
        let pins = match judgement.outcome {
            Ok(pin) => BTreeMap::from([(asked.to_owned(), pin)]),
            Err(denial) => return Err(self.told(workload, judgement.judged.as_deref(), denial).await),
        };
        let warnings = judgement.audited.into_iter().collect();
        Ok(Admitted { pins, basis, collections: judgement.collection.into_iter().collect(), warnings })
    }

    async fn still_current(&self, admitted: &Admitted) -> Result<(), Denial> {
        let image = admitted.pins.keys().next().map_or("", String::as_str);
        let (basis, _) = self.ground(image).await?;
        let outdated = || Denial { image: image.to_owned(), cause: Cause::Outdated };
        if basis != admitted.basis {
            return Err(outdated());
        }
        for collection in &admitted.collections {
            if !self.resolver.is_current(collection) {
                return Err(outdated());
            }
        }
        Ok(())
    }

    async fn enforcing(&self) -> Result<bool, Denial> {
        Ok(self.ground("").await?.1.trust.require_content_trust)
    }

    async fn kubernetes(&self) -> Result<KubernetesSettings, Denial> {
        Ok(self.ground("").await?.1.kubernetes.clone())
    }

    async fn builds_allowed(&self) -> Result<bool, Denial> {
        let trust = &self.ground("").await?.1.trust;
        Ok(!trust.require_content_trust || trust.allow_builds)
    }

    async fn record_build(&self, account_name: &str, call: &str) -> Result<(), Denial> {
        let act = Act {
            at: (self.clock)(),
            actor: account_name.to_owned(),
            action: "build".to_owned(),
            object: call.to_owned(),
            outcome: "allow".to_owned(),
            detail: serde_json::json!({ "code": "allow-builds" }).to_string(),
        };
        self.audit.append(&act).await.map(drop).map_err(|error| Denial {
            image: "a build".to_owned(),
            cause: Cause::Undecided { why: format!("it could not be recorded: {error}") },
        })
    }

    async fn registry_auth(&self, account: &AccountId, reference: &Reference) -> Option<String> {
        let local = self.local.as_ref().filter(|local| *local.host() == reference.host)?;
        let token = local.pull_token(Some(account), &reference.repository, reference.repository.as_str()).await?;
        let value = serde_json::json!({ "registrytoken": token, "serveraddress": reference.host.as_str() });
        Some(base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE, value.to_string()))
    }
}

impl Workload {
    /// A workload of one image that is only asked about.
    pub fn question(image: &str, account: AccountId, account_name: &str) -> Self {
        Self {
            images: vec![image.to_owned()],
            account: Some(account),
            account_name: account_name.to_owned(),
            is_admin: false,
            credentials: Arc::new(Vec::new()),
            purpose: Purpose::Explain,
            namespace: None,
            dry_run: false,
        }
    }
}
