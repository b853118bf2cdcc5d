//! Every change of the cluster's configuration: checked, written as a whole, recorded.

use std::path::PathBuf;
use std::sync::Arc;

use sha2::Digest as _;
use time::OffsetDateTime;
use wharfinger_gate::Policy;
use wharfinger_keys::{CertificateError, SealKey};
use wharfinger_oci::{Host, HostError};
use wharfinger_policy::{
    Configuration, ConfigurationError, Exemption, ExemptionDocument, NamedUser, TrustConfiguration, TrustDocument,
};
use wharfinger_storage::StorageError;
use wharfinger_storage::accounts::Accounts;
use wharfinger_storage::audit::{Act, Audit};
use wharfinger_storage::settings::Settings;
use wharfinger_storage::workloads::Workloads;
use wharfinger_trust::Resolver;

use crate::existing::{Existing, Runner, RunnerSilent};
use crate::kubernetes;
use crate::registrations::notary;
use crate::teams::{self, TeamError};
use crate::{EngineCa, InstallError, Installed, PodRunner};

#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    #[error(transparent)]
    Configuration(#[from] ConfigurationError),
    #[error(transparent)]
    Host(#[from] HostError),
    #[error(transparent)]
    Team(#[from] TeamError),
    #[error("in {entry}: {source}")]
    Named {
        /// Which rule or exemption, as people call it.
        entry: String,
        #[source]
        source: TeamError,
    },
    #[error("trusted registry not added: {host}: {cause}")]
    NotAdded { host: Host, cause: String },
    #[error("in `[kubernetes]`: the ca_bundle is not PEM of certificates: {0}")]
    KubernetesCa(#[source] CertificateError),
    #[error("{0}: read_username and read_password go together")]
    HalfCredentials(Host),
    #[error("{0} is not a registered trusted registry")]
    NotRegistered(Host),
    /// The caller's `If-Match`, or somebody who was faster.
    #[error("the configuration was changed meanwhile: read it again and repeat your change")]
    Changed,
    #[error("the stored configuration is damaged: write a whole one with PUT /api/ucp/config-toml")]
    Damaged,
    #[error("give a reason: it is what the audit log will say")]
    NoReason,
    #[error("`{0}` is no repository's name: write host/namespace/repository, without a tag")]
    NotARepository(String),
    #[error("nothing is remembered of {0}: its root is trusted at first use anyway")]
    NothingPinned(String),
    #[error("what is remembered of trust data cannot be changed here")]
    NoMemory,
    #[error(transparent)]
    Engine(#[from] RunnerSilent),
    #[error("could not keep the configuration")]
    Storage(#[source] StorageError),
}

impl ClusterError {
    /// A name in `entry` that cannot be resolved; that the directory did not answer is nobody's mistake.
    fn named(entry: &str, source: TeamError) -> Self {
        match source {
            TeamError::Storage(error) => error.into(),
            source => Self::Named { entry: entry.to_owned(), source },
        }
    }
}

impl From<StorageError> for ClusterError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Conflict(_) => Self::Changed,
            other => Self::Storage(other),
        }
    }
}

/// The configuration at one revision.
#[derive(Clone, Debug)]
pub struct Current {
    pub revision: i64,
    pub configuration: Configuration,
}

/// A change that was made.
#[derive(Clone, Debug)]
pub struct Change {
    pub revision: i64,
    /// Sections that were kept without effect.
    pub without_effect: Vec<String>,
    /// What else people should know, such as a CA that could not be put into the engine's folder.
    pub notes: Vec<String>,
}

/// The cluster's own settings.
pub struct Cluster {
    settings: Arc<dyn Settings>,
    directory: Arc<dyn Accounts>,
    pub(crate) audit: Arc<dyn Audit>,
    seal: Arc<SealKey>,
    /// Where a local engine looks for CAs; `None` when the engine is elsewhere or it is not wanted.
    engine_ca: Option<EngineCa>,
    /// Told when a registry is removed; `None` where nobody decides (the operator's commands).
    pub(crate) resolver: Option<Arc<Resolver>>,
    pub(crate) clock: fn() -> OffsetDateTime,
    /// `None` where no engine is looked at.
    pub(crate) existing: Option<Existing>,
    /// `None` where no Kubernetes is looked at.
    pub(crate) pods: Option<Arc<dyn PodRunner>>,
    /// One change at a time: whoever comes too late must not have forgotten what the other has just recorded.
    writing: tokio::sync::Mutex<()>,
}

impl Cluster {
    pub fn new(
        settings: Arc<dyn Settings>,
        directory: Arc<dyn Accounts>,
        audit: Arc<dyn Audit>,
        seal: Arc<SealKey>,
        engine_ca: Option<PathBuf>,
        resolver: Option<Arc<Resolver>>,
        clock: fn() -> OffsetDateTime,
    ) -> Self {
        Self {
            settings,
            directory,
            audit,
            seal,
            engine_ca: engine_ca.map(EngineCa::new),
            resolver,
            clock,
            existing: None,
            pods: None,
            writing: tokio::sync::Mutex::default(),
        }
    }

    /// Keeps a record of what `runner` runs when the switch is turned on.
    #[must_use]
    pub fn in_front_of(self, runner: Arc<dyn Runner>, record: Arc<dyn Workloads>) -> Self {
        Self { existing: Some(Existing { runner, record }), ..self }
    }

    /// Looks at what runs in Kubernetes, too.
    #[must_use]
    pub fn beside(self, pods: Arc<dyn PodRunner>) -> Self {
        Self { pods: Some(pods), ..self }
    }

    pub async fn current(&self) -> Result<Current, ClusterError> {
        let stored = self.settings.load().await?;
        let configuration = match stored.document.as_str() {
            "" if stored.revision == 0 => Configuration::default(),
            text => serde_json::from_str(text).map_err(|_| ClusterError::Damaged)?,
        };
        Ok(Current { revision: stored.revision, configuration })
    }

    /// Replaces everything by a file as people write it. `expected`: the revision of their `If-Match`.
    pub async fn replace_file(&self, actor: &str, text: &str, expected: Option<i64>) -> Result<Change, ClusterError> {
        let current = self.replaceable().await?;
        if expected.is_some_and(|expected| expected != current.revision) {
            return Err(ClusterError::Changed);
        }
        let configuration = self.read_file(actor, text, &current).await?;
        self.write(actor, "configuration.replace", "config-toml", &current, configuration).await
    }

    /// What [`Cluster::replace_file`] would make of a file, with every check it makes; nothing is changed.
    pub async fn candidate(&self, actor: &str, text: &str) -> Result<Configuration, ClusterError> {
        let current = self.replaceable().await?;
        self.read_file(actor, text, &current).await
    }

    /// What a whole new file replaces: it is the remedy for a damaged one, too.
    async fn replaceable(&self) -> Result<Current, ClusterError> {
        match self.current().await {
            Err(ClusterError::Damaged) => {
                Ok(Current { revision: self.settings.load().await?.revision, configuration: Configuration::default() })
            }
            other => other,
        }
    }

    async fn read_file(&self, actor: &str, text: &str, current: &Current) -> Result<Configuration, ClusterError> {
        let written = Configuration::read(text)?;
        kubernetes::check(&*self.directory, &written.kubernetes).await?;
        // A file is edited as a whole: a rule that is not in it any more was taken out.
        let trust = TrustDocument { rules: Some(written.trust.rules.clone().unwrap_or_default()), ..written.trust };
        let mut configuration = Configuration {
            registries: written.registries,
            trust: self.meaning(actor, current, trust).await?,
            auth: written.auth,
            kubernetes: written.kubernetes,
            kept: written.kept,
        };
        self.check_registrations(&current.configuration, &mut configuration).await?;
        Ok(configuration)
    }

    /// Replaces the trust section.
    pub async fn replace_trust(
        &self,
        actor: &str,
        document: TrustDocument,
        expected: Option<i64>,
    ) -> Result<Change, ClusterError> {
        let current = self.current().await?;
        if expected.is_some_and(|expected| expected != current.revision) {
            return Err(ClusterError::Changed);
        }
        let configuration = self.with_trust(actor, &current, document).await?;
        self.replace(actor, "policy.change", "trust_configuration", &current, configuration).await
    }

    /// What [`Cluster::replace_trust`] would make of a trust section, with every check it makes; nothing is changed.
    pub async fn candidate_trust(&self, actor: &str, document: TrustDocument) -> Result<Configuration, ClusterError> {
        let current = self.current().await?;
        self.with_trust(actor, &current, document).await
    }

    async fn with_trust(&self, actor: &str, current: &Current, document: TrustDocument) -> Result<Configuration, ClusterError> {
        Ok(Configuration { trust: self.meaning(actor, current, document).await?, ..current.configuration.clone() })
    }

    /// What a policy written by `actor` means, given the directory as it is now.
    async fn meaning(&self, actor: &str, current: &Current, document: TrustDocument) -> Result<TrustConfiguration, ClusterError> {
        let teams = match &document.require_signature_from {
            Some(names) => Some(teams::resolve(&*self.directory, names).await?),
            None => None,
        };
        let mut rules = Vec::new();
        for (index, rule) in document.rules.iter().flatten().enumerate() {
            let entry = rule.label(index);
            let named = |source| ClusterError::named(&entry, source);
            let teams = teams::resolve(&*self.directory, &rule.require.teams).await.map_err(named)?;
            let users = teams::resolve_users(&*self.directory, &rule.require.users).await.map_err(named)?;
            match rule.resolved(teams, users, &rules) {
                Ok(rule) => rules.push(rule),
                Err(fault) => return Err(ConfigurationError::Rule { rule: entry, fault }.into()),
            }
        }
        let mut exemptions = Vec::new();
        for (index, written) in document.exemptions.iter().enumerate() {
            // What stands there already was approved by whoever wrote it first, and may have ended since.
            let present = current.configuration.trust.exemptions.iter();
            let exemption = match present.into_iter().find(|present| ExemptionDocument::from(*present) == *written) {
                Some(present) => present.clone(),
                None => self.exemption(actor, index, written).await?,
            };
            exemptions.push(exemption);
        }
        let rules = document.rules.is_some().then_some(rules);
        Ok(document.resolved(teams, rules, exemptions, &current.configuration.trust)?)
    }

    /// A new or changed exemption: `actor` approves it.
    async fn exemption(&self, actor: &str, index: usize, written: &ExemptionDocument) -> Result<Exemption, ClusterError> {
        let entry = written.label(index);
        let named = async |name: &str| match teams::user(&*self.directory, name).await {
            Ok(account) => Ok(NamedUser { id: account.id, name: account.name.to_string() }),
            Err(source) => Err(ClusterError::named(&entry, source)),
        };
        let requested_by = named(&written.requested_by).await?;
        let approved_by = match &written.approved_by {
            Some(name) => Some(named(name).await?),
            None => None,
        };
        let writer = named(actor).await?;
        let resolved = written.resolved(requested_by, approved_by.as_ref(), &writer, (self.clock)());
        resolved.map_err(|fault| ConfigurationError::Exemption { exemption: entry.clone(), fault }.into())
    }

    /// Break glass: the switch off, the reason recorded. For the operator at the machine.
    pub async fn switch_off(&self, reason: &str) -> Result<Change, ClusterError> {
        let current = self.current().await?;
        let trust = TrustConfiguration { require_content_trust: false, ..current.configuration.trust.clone() };
        let configuration = Configuration { trust, ..current.configuration.clone() };
        self.replace("-", "policy.off", reason, &current, configuration).await
    }

    pub(crate) async fn replace(
        &self,
        actor: &str,
        action: &str,
        object: &str,
        current: &Current,
        mut next: Configuration,
    ) -> Result<Change, ClusterError> {
        self.check_registrations(&current.configuration, &mut next).await?;
        self.write(actor, action, object, current, next).await
    }

    /// Writes what was checked.
    pub(crate) async fn write(
        &self,
        actor: &str,
        action: &str,
        object: &str,
        current: &Current,
        next: Configuration,
    ) -> Result<Change, ClusterError> {
        let writing = self.writing.lock().await;
        if self.settings.revision().await? != current.revision {
            return Err(ClusterError::Changed);
        }
        // Recorded before it is done: a change that cannot be recorded is not made.
        self.record(actor, action, object, current, &next).await?;
        let turned_on = next.trust.require_content_trust && !current.configuration.trust.require_content_trust;
        if let Some(existing) = self.existing.as_ref().filter(|_| turned_on) {
            // Before the switch: after a crash between the two, the next start takes the record.
            existing.record.forget().await?;
        }
        let document = serde_json::to_string(&next).map_err(|_| ClusterError::Damaged)?;
        let revision = match self.settings.replace(current.revision, &document).await {
            Ok(revision) => revision,
            Err(error) => {
                self.record_failure(actor, action, object, &error).await;
                return Err(error.into());
            }
        };
        drop(writing);
        self.forget_credentials(&current.configuration, &next);
        let mut notes = self.tell_engine(&current.configuration, &next);
        notes.extend(kubernetes::no_longer_decided(&current.configuration, &next));
        if turned_on && let Err(error) = self.record_existing().await {
            tracing::warn!(%error, "what runs is not on record yet");
            notes.push(format!(
                "what runs is not on record yet, and is tried every minute ({error}): until then, changes of services that name a \
                 tag alone are decided as new deployments"
            ));
        }
        Ok(Change { revision, without_effect: next.without_effect(), notes })
    }

    async fn record(
        &self,
        actor: &str,
        action: &str,
        object: &str,
        from: &Current,
        to: &Configuration,
    ) -> Result<(), ClusterError> {
        let summary = |configuration: &Configuration| {
            serde_json::json!({
                "trust": TrustDocument::from(&configuration.trust),
                "registries": configuration.registries.iter().map(|registration| serde_json::json!({
                    "host": registration.host_address,
                    "ca_sha256": hex::encode(sha2::Sha256::digest(registration.ca_bundle.trim())),
                    "notary_url": registration.notary_url,
                    "notary_ca_sha256": hex::encode(sha2::Sha256::digest(notary(registration).1)),
                    "token_realm": registration.token_realm,
                    "pinned_roots": registration.pinned_roots.iter().map(|entry| serde_json::json!({
                        "pattern": entry.pattern,
                        "keys": entry.keys,
                        "ca_sha256": (!entry.ca.is_empty()).then(|| hex::encode(sha2::Sha256::digest(entry.ca.trim()))),
                    })).collect::<Vec<_>>(),
                })).collect::<Vec<_>>(),
                "default_new_user_role": configuration.auth.default_new_user_role,
                "kubernetes": {
                    "server": configuration.kubernetes.server,
                    "ca_sha256": hex::encode(sha2::Sha256::digest(configuration.kubernetes.ca_bundle.trim())),
                    "api_server_account": configuration.kubernetes.api_server_account,
                    "recheck_unchanged": configuration.kubernetes.recheck_unchanged,
                    "resources": configuration.kubernetes.resources,
                },
            })
        };
        let act = Act {
            at: (self.clock)(),
            actor: actor.to_owned(),
            action: action.to_owned(),
            object: object.to_owned(),
            outcome: "done".to_owned(),
            detail: serde_json::json!({
                "from": summary(&from.configuration),
                "to": summary(to),
                // By which decisions under this revision can be replayed.
                "revision": from.revision + 1,
                "policy": Policy::of(to).document(),
            })
            .to_string(),
        };
        self.audit.append(&act).await?;
        tracing::info!(principal = actor, action, object, "configuration changed");
        Ok(())
    }

    /// Says that what was just recorded was not done. It was not, whether this is recorded or not.
    async fn record_failure(&self, actor: &str, action: &str, object: &str, error: &StorageError) {
        let act = Act {
            at: (self.clock)(),
            actor: actor.to_owned(),
            action: action.to_owned(),
            object: object.to_owned(),
            outcome: "failed".to_owned(),
            detail: serde_json::json!({ "error": error.to_string() }).to_string(),
        };
        if let Err(error) = self.audit.append(&act).await {
            tracing::error!(%error, action, "that it failed could not be recorded");
        }
    }

    /// What requests brought along for a host that is not registered any more, or under another CA, is not kept.
    fn forget_credentials(&self, before: &Configuration, next: &Configuration) {
        let Some(resolver) = &self.resolver else { return };
        for registration in &before.registries {
            if let Ok(host) = registration.host()
                && next.registration(&host).is_none_or(|next| {
                    next.ca_bundle != registration.ca_bundle
                        || notary(next) != notary(registration)
                        || next.token_realm != registration.token_realm
                })
            {
                resolver.forget_credentials(&host);
            }
        }
    }

    /// Puts the CAs of `next` where a local engine finds them and takes those of removed registries away.
    pub(crate) fn tell_engine(&self, before: &Configuration, next: &Configuration) -> Vec<String> {
        let Some(engine_ca) = &self.engine_ca else { return Vec::new() };
        let mut notes = Vec::new();
        let mut note = |text: String| {
            tracing::warn!("{text}");
            notes.push(text);
        };
        for registration in &next.registries {
            let Ok(host) = registration.host() else { continue };
            if registration.ca_bundle.trim().is_empty() {
                continue;
            }
            match engine_ca.install(&host, &registration.ca_bundle) {
                Ok(Installed::Written) => tracing::info!(registry = %host, "the engine's CA file was written"),
                Ok(Installed::Unchanged) => {}
                Err(error @ InstallError::NotOurs(_)) => note(format!("the engine keeps another CA for {host}: {error}")),
                Err(error) => note(format!("the engine may not trust {host} yet: {error}")),
            }
        }
        for registration in &before.registries {
            if let Ok(host) = registration.host()
                && next.registration(&host).is_none()
                && let Err(error) = engine_ca.remove(&host)
            {
                note(format!("the engine's CA file for {host} could not be removed: {error}"));
            }
        }
        notes
    }

    pub(crate) fn seal_read_password(&self, host: &Host, password: &str) -> String {
        hex::encode(self.seal.seal(&wharfinger_gate::read_password_context(host), password.as_bytes()))
    }
}
