//! The cluster's configuration: the policy, the registries it trusts, and what UCP's file held besides.
//!
//! [`TrustDocument`] is what a person wrote (teams by name); [`TrustConfiguration`] is what it means (teams by id). Only the
//! caller, who knows the directory, can turn one into the other.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use wharfinger_identity::{Role, TeamId};
use wharfinger_oci::{Host, HostError, Repository};

use crate::exemptions::{Exemption, ExemptionDocument, ExemptionFault};
use crate::kubernetes::{KubernetesFault, KubernetesSettings};
use crate::pattern::{PatternError, RepositoryPattern};
use crate::pinned_root::{self, PinError, PinnedRoot};
use crate::rules::{Rule, RuleDocument, RuleFault, Subject};

/// Whose signature is enough when the policy names no team.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Signers {
    /// Any valid delegation signature, whoever's: UCP's documented reading.
    #[default]
    Any,
    /// A key of an active account of this cluster.
    Cluster,
}

/// A team whose signature is required: the id decides, the name is what was written.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RequiredTeam {
    pub id: TeamId,
    /// `organization/team`.
    pub name: String,
}

/// For how many minutes what was proven goes on being allowed while its registry does not answer; 0: not at all.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Staleness(u32);

impl Staleness {
    /// A week.
    const MOST: u32 = 7 * 24 * 60;

    pub fn bound(self) -> std::time::Duration {
        std::time::Duration::from_mins(self.0.into())
    }
}

impl Default for Staleness {
    fn default() -> Self {
        Self(60)
    }
}

impl TryFrom<u32> for Staleness {
    type Error = String;

    fn try_from(minutes: u32) -> Result<Self, String> {
        match minutes {
            0..=Self::MOST => Ok(Self(minutes)),
            _ => Err(format!("max_staleness_minutes is at most {} (a week)", Self::MOST)),
        }
    }
}

impl From<Staleness> for u32 {
    fn from(staleness: Staleness) -> Self {
        staleness.0
    }
}

/// `[trust_configuration]` with every name resolved.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustConfiguration {
    /// *Run only signed images*.
    pub require_content_trust: bool,
    /// AND over the list.
    pub require_signature_from: Vec<RequiredTeam>,
    pub signers: Signers,
    /// Repositories exempt from the check, as they were written; each parses as a [`RepositoryPattern`].
    pub allow_repos: Vec<String>,
    /// Lets builds through while the switch is on. They run code that nobody signed.
    pub allow_builds: bool,
    /// Lets organization admins change members and keys of teams that the policy names.
    pub delegate_membership: bool,
    #[serde(default)]
    pub max_staleness_minutes: Staleness,
    /// In order: the first that matches an image takes the place of `require_signature_from` and `signers` for it.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// Exemptions with an end and two people behind them.
    #[serde(default)]
    pub exemptions: Vec<Exemption>,
}

impl TrustConfiguration {
    /// The rule for `subject`, and its place in the list; `None`: the plain list applies.
    pub fn rule_for(&self, subject: Subject<'_>) -> Option<(usize, &Rule)> {
        self.rules.iter().enumerate().find(|(_, rule)| rule.matches(subject))
    }

    /// Every team that the plain list or a rule names.
    pub fn named_teams(&self) -> impl Iterator<Item = &RequiredTeam> {
        self.require_signature_from.iter().chain(self.rules.iter().flat_map(|rule| &rule.require.teams))
    }

    /// What exempts an image of a registered registry at `now`, as people call it. What does not parse exempts nothing.
    pub fn exempted_by(&self, subject: Subject<'_>, now: OffsetDateTime) -> Option<String> {
        let parsed = |text: &String| text.parse::<RepositoryPattern>().ok();
        if self.allow_repos.iter().filter_map(parsed).any(|pattern| pattern.matches(subject.reference)) {
            return Some("allow_repos".to_owned());
        }
        let (index, exemption) = self.exemptions.iter().enumerate().find(|(_, exemption)| exemption.exempts(subject, now))?;
        Some(exemption.label(index))
    }

    /// What exempts an image whose registry is not registered at `now`, as people call it.
    pub fn exempted_unregistered_by(&self, subject: Subject<'_>, now: OffsetDateTime) -> Option<String> {
        let exempts = |exemption: &Exemption| exemption.needs_no_registration() && exemption.exempts(subject, now);
        let (index, exemption) = self.exemptions.iter().enumerate().find(|(_, exemption)| exempts(exemption))?;
        Some(exemption.label(index))
    }
}

/// `[trust_configuration]` as a person writes it, in TOML or JSON. What is left out never makes the policy weaker: teams,
/// signers, rules and the bound of staleness stay as they are, exemptions and permissions end.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustDocument {
    pub require_content_trust: bool,
    #[serde(default)]
    pub require_signature_from: Option<Vec<String>>,
    #[serde(default)]
    pub signers: Option<Signers>,
    #[serde(default)]
    pub allow_repos: Vec<String>,
    #[serde(default)]
    pub allow_builds: bool,
    #[serde(default)]
    pub delegate_membership: bool,
    #[serde(default)]
    pub max_staleness_minutes: Option<Staleness>,
    #[serde(default, skip_serializing_if = "no_rules")]
    pub rules: Option<Vec<RuleDocument>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exemptions: Vec<ExemptionDocument>,
}

impl TrustDocument {
    /// What the policy means in place of `present`, given what its team names, rules and exemptions
    /// resolved to, in their order.
    pub fn resolved(
        self,
        teams: Option<Vec<RequiredTeam>>,
        rules: Option<Vec<Rule>>,
        exemptions: Vec<Exemption>,
        present: &TrustConfiguration,
    ) -> Result<TrustConfiguration, ConfigurationError> {
        for text in &self.allow_repos {
            text.parse::<RepositoryPattern>()?;
        }
        Ok(TrustConfiguration {
            require_content_trust: self.require_content_trust,
            require_signature_from: teams.unwrap_or_else(|| present.require_signature_from.clone()),
            signers: self.signers.unwrap_or(present.signers),
            allow_repos: self.allow_repos,
            allow_builds: self.allow_builds,
            delegate_membership: self.delegate_membership,
            max_staleness_minutes: self.max_staleness_minutes.unwrap_or(present.max_staleness_minutes),
            rules: rules.unwrap_or_else(|| present.rules.clone()),
            exemptions,
        })
    }
}

#[expect(clippy::ref_option, reason = "serde hands a reference to the field")]
fn no_rules(rules: &Option<Vec<RuleDocument>>) -> bool {
    rules.as_ref().is_none_or(Vec::is_empty)
}

impl From<&TrustConfiguration> for TrustDocument {
    fn from(trust: &TrustConfiguration) -> Self {
        Self {
            require_content_trust: trust.require_content_trust,
            require_signature_from: Some(trust.require_signature_from.iter().map(|team| team.name.clone()).collect()),
            signers: Some(trust.signers),
            allow_repos: trust.allow_repos.clone(),
            allow_builds: trust.allow_builds,
            delegate_membership: trust.delegate_membership,
            max_staleness_minutes: Some(trust.max_staleness_minutes),
            rules: Some(trust.rules.iter().map(RuleDocument::from).collect()),
            exemptions: trust.exemptions.iter().map(ExemptionDocument::from).collect(),
        }
    }
}

/// One registered trusted registry.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// In canonical form (see [`Host`]).
    pub host_address: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub service_id: String,
    /// PEM; empty means the system's roots.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub ca_bundle: String,
    /// Where its trust data is served, when that is not the registry itself: `https://host[:port][/path]`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub notary_url: String,
    /// PEM for `notary_url`; empty means the same as for the registry.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub notary_ca_bundle: String,
    /// The token service, when it is neither on the registry's host nor on the Notary server's: exactly the realm they challenge with.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub token_realm: String,
    /// Roots given beforehand, by pattern of repositories; the others are trusted at first use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pinned_roots: Vec<PinnedRoot>,
    /// User name for reading private repositories' trust data.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub read_username: String,
    /// Its password: write-only for people, sealed where it is stored (hex).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub read_password: String,
}

impl Registration {
    pub fn new(host: &Host, ca_bundle: impl Into<String>) -> Self {
        Self {
            host_address: host.to_string(),
            service_id: String::new(),
            ca_bundle: ca_bundle.into(),
            notary_url: String::new(),
            notary_ca_bundle: String::new(),
            token_realm: String::new(),
            pinned_roots: Vec::new(),
            read_username: String::new(),
            read_password: String::new(),
        }
    }

    pub fn host(&self) -> Result<Host, HostError> {
        self.host_address.parse()
    }

    /// The entry of `pinned_roots` that decides for a repository of this registry.
    pub fn pinned_root(&self, host: &Host, repository: &Repository) -> Result<Option<&PinnedRoot>, PatternError> {
        pinned_root::find(&self.pinned_roots, host, repository)
    }

    /// What is wrong with its `pinned_roots`, if anything is.
    pub fn check_pinned_roots(&self) -> Result<(), ConfigurationError> {
        Ok(pinned_root::check(&self.host()?, &self.pinned_roots)?)
    }
}

/// `[auth]`, as far as it has an effect here.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthSettings {
    pub default_new_user_role: Role,
}

impl Default for AuthSettings {
    fn default() -> Self {
        Self { default_new_user_role: Role::RestrictedControl }
    }
}

/// Everything `GET|PUT /api/ucp/config-toml` speaks of.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Configuration {
    pub registries: Vec<Registration>,
    pub trust: TrustConfiguration,
    #[serde(default)]
    pub auth: AuthSettings,
    #[serde(default)]
    pub kubernetes: KubernetesSettings,
    /// UCP's sections that mean nothing here: kept and returned.
    #[serde(default)]
    pub kept: toml::Table,
}

#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    #[error("the file is not TOML: {0}")]
    NotToml(#[source] Box<toml::de::Error>),
    #[error("the file has no `{0}`: start from the one that GET /api/ucp/config-toml returns, it always has it")]
    Missing(&'static str),
    #[error("in `{section}`: {source}")]
    Section {
        section: &'static str,
        #[source]
        source: Box<toml::de::Error>,
    },
    #[error(transparent)]
    Host(#[from] HostError),
    #[error("the registry `{0}` is listed twice")]
    Twice(Host),
    #[error(transparent)]
    Pattern(#[from] PatternError),
    #[error("in {rule}: {fault}")]
    Rule {
        rule: String,
        #[source]
        fault: RuleFault,
    },
    #[error("in {exemption}: {fault}")]
    Exemption {
        exemption: String,
        #[source]
        fault: ExemptionFault,
    },
    #[error(transparent)]
    PinnedRoot(#[from] PinError),
    #[error("in `[kubernetes]`: {0}")]
    Kubernetes(#[from] KubernetesFault),
}

/// A configuration file as it was written: teams still by name.
#[derive(Debug)]
pub struct WrittenConfiguration {
    pub registries: Vec<Registration>,
    pub trust: TrustDocument,
    pub auth: AuthSettings,
    pub kubernetes: KubernetesSettings,
    pub kept: toml::Table,
}

impl Configuration {
    /// Reads a whole file. Sections of ours are strict; the rest is kept.
    pub fn read(text: &str) -> Result<WrittenConfiguration, ConfigurationError> {
        let mut file: toml::Table = text.parse().map_err(|error| ConfigurationError::NotToml(Box::new(error)))?;
        let trust = file.remove("trust_configuration").ok_or(ConfigurationError::Missing("[trust_configuration]"))?;
        let registries = file.remove("registries").ok_or(ConfigurationError::Missing("registries"))?;
        let mut registries: Vec<Registration> = section("[[registries]]", registries)?;
        let mut seen = Vec::new();
        for registration in &mut registries {
            let host = registration.host()?;
            if seen.contains(&host) {
                return Err(ConfigurationError::Twice(host));
            }
            registration.host_address = host.to_string();
            registration.check_pinned_roots()?;
            seen.push(host);
        }
        let auth = take_auth(&mut file)?;
        let kubernetes: KubernetesSettings = match file.remove("kubernetes") {
            Some(written) => section("[kubernetes]", written)?,
            None => KubernetesSettings::default(),
        };
        kubernetes.check()?;
        Ok(WrittenConfiguration { registries, trust: section("[trust_configuration]", trust)?, auth, kubernetes, kept: file })
    }

    /// The file's text: what [`Configuration::read`] takes, without secrets.
    pub fn write(&self) -> String {
        let mut file = self.kept.clone();
        let mut auth = match file.remove("auth") {
            Some(toml::Value::Table(table)) => table,
            _ => toml::Table::new(),
        };
        auth.insert("default_new_user_role".to_owned(), self.auth.default_new_user_role.as_str().into());
        file.insert("auth".to_owned(), auth.into());
        let trust = toml::Value::try_from(TrustDocument::from(&self.trust)).expect("the trust section is plain data");
        file.insert("trust_configuration".to_owned(), trust);
        if self.kubernetes != KubernetesSettings::default() {
            let kubernetes = toml::Value::try_from(&self.kubernetes).expect("the section is plain data");
            file.insert("kubernetes".to_owned(), kubernetes);
        }
        let without_secret = |registration: &Registration| {
            let shown = Registration { read_password: String::new(), ..registration.clone() };
            toml::Value::try_from(shown).expect("a registration is plain data")
        };
        file.insert("registries".to_owned(), self.registries.iter().map(without_secret).collect::<Vec<_>>().into());
        toml::to_string_pretty(&file).expect("a table of plain data is TOML")
    }

    /// The names of the kept sections: they have no effect here.
    pub fn without_effect(&self) -> Vec<String> {
        let name = |(key, value): (&String, &toml::Value)| match value {
            toml::Value::Table(inner) if key == "auth" => inner.keys().map(|inner| format!("auth.{inner}")).collect(),
            _ => vec![key.clone()],
        };
        self.kept.iter().flat_map(name).collect()
    }

    pub fn registration(&self, host: &Host) -> Option<&Registration> {
        self.registries.iter().find(|registration| registration.host().as_ref() == Ok(host))
    }
}

fn section<T: serde::de::DeserializeOwned>(section: &'static str, value: toml::Value) -> Result<T, ConfigurationError> {
    value.try_into().map_err(|error| ConfigurationError::Section { section, source: Box::new(error) })
}

/// Takes our keys out of `[auth]` and leaves the others of UCP (backends, sessions, …) where they are kept.
fn take_auth(file: &mut toml::Table) -> Result<AuthSettings, ConfigurationError> {
    let Some(toml::Value::Table(auth)) = file.get_mut("auth") else {
        return Ok(AuthSettings::default());
    };
    let mut ours = toml::Table::new();
    if let Some(role) = auth.remove("default_new_user_role") {
        ours.insert("default_new_user_role".to_owned(), role);
    }
    if auth.is_empty() {
        file.remove("auth");
    }
    if ours.is_empty() { Ok(AuthSettings::default()) } else { section("[auth]", ours.into()) }
}

#[cfg(test)]
mod tests;
