//! Trusted registries: added when they prove themselves under the given CA, removed at once.

use serde::Deserialize;
use wharfinger_keys::Certificate;
use wharfinger_oci::Host;
use wharfinger_policy::{Configuration, PinnedRoot, Registration};
use wharfinger_trust::{NotaryUrl, TokenRealm};

use crate::probe::{probe, probe_at};
use crate::{Change, Cluster, ClusterError};

/// The body of `POST /api/config/trustedregistry_`, by UCP's names.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewRegistration {
    #[serde(rename = "hostAddress")]
    pub host_address: String,
    /// PEM; absent or empty: the system's roots.
    #[serde(rename = "caBundle", default)]
    pub ca_bundle: String,
    #[serde(rename = "serviceID", default)]
    pub service_id: String,
    /// Accepted for UCP's scripts; image scanning does not exist here.
    #[serde(rename = "batchScanningDataEnabled", default)]
    pub batch_scanning_data_enabled: Option<bool>,
    /// Where its trust data is served, when that is not the registry itself.
    #[serde(rename = "notaryURL", alias = "notaryUrl", alias = "notary_url", default)]
    pub notary_url: String,
    /// PEM for it; absent or empty: the same as for the registry.
    #[serde(rename = "notaryCABundle", alias = "notaryCaBundle", alias = "notary_ca_bundle", default)]
    pub notary_ca_bundle: String,
    #[serde(rename = "tokenRealm", alias = "token_realm", default)]
    pub token_realm: String,
    #[serde(rename = "pinnedRoots", alias = "pinned_roots", default)]
    pub pinned_roots: Vec<PinnedRoot>,
    /// Credentials to read private repositories' trust data. The password is write-only.
    #[serde(rename = "readUsername", default)]
    pub read_username: String,
    #[serde(rename = "readPassword", default)]
    pub read_password: String,
}

impl Cluster {
    pub async fn registrations(&self) -> Result<Vec<Registration>, ClusterError> {
        Ok(self.current().await?.configuration.registries)
    }

    /// Adds a registry, or replaces the CA and credentials of a known one. Only one whose certificate the given CA verifies, now.
    pub async fn register(&self, actor: &str, new: NewRegistration) -> Result<Change, ClusterError> {
        let host: Host = new.host_address.parse()?;
        let registration = Registration {
            service_id: new.service_id,
            notary_url: new.notary_url,
            notary_ca_bundle: new.notary_ca_bundle,
            token_realm: new.token_realm,
            pinned_roots: new.pinned_roots,
            read_username: new.read_username,
            read_password: new.read_password,
            ..Registration::new(&host, new.ca_bundle)
        };
        let current = self.current().await?;
        let mut configuration = current.configuration.clone();
        configuration.registries.retain(|known| known.host().as_ref() != Ok(&host));
        configuration.registries.push(registration);
        self.replace(actor, "registry.add", host.as_str(), &current, configuration).await
    }

    /// Registers the registry of the same process, which is not serving yet when it starts. `instance` marks the entry, so that a
    /// changed public host replaces it.
    pub async fn register_own(&self, host: &Host, ca_bundle: &str, instance: &str) -> Result<(), ClusterError> {
        let current = match self.current().await {
            // The cluster has to come up for an admin to write a whole one; until then everything is refused.
            Err(damaged @ ClusterError::Damaged) => {
                tracing::error!("{damaged}");
                return Ok(());
            }
            other => other?,
        };
        let mut configuration = current.configuration.clone();
        let present = configuration.registration(host).cloned();
        let own = Registration {
            service_id: instance.to_owned(),
            // What an admin pinned stays pinned.
            pinned_roots: present.as_ref().map(|present| present.pinned_roots.clone()).unwrap_or_default(),
            ..Registration::new(host, ca_bundle)
        };
        if present.is_some_and(|present| present.service_id == own.service_id && present.ca_bundle == own.ca_bundle) {
            self.tell_engine(&current.configuration, &current.configuration);
            return Ok(());
        }
        let other = |known: &Registration| known.service_id != instance && known.host().as_ref() != Ok(host);
        configuration.registries.retain(other);
        configuration.registries.insert(0, own);
        self.write("-", "registry.own", host.as_str(), &current, configuration).await.map(drop)
    }

    /// Removes a registry. What runs goes on; pinned roots and versions are kept for when it comes back.
    pub async fn deregister(&self, actor: &str, host: &str) -> Result<Change, ClusterError> {
        let host: Host = host.parse()?;
        let current = self.current().await?;
        let mut configuration = current.configuration.clone();
        configuration.registries.retain(|known| known.host().as_ref() != Ok(&host));
        if configuration.registries.len() == current.configuration.registries.len() {
            return Err(ClusterError::NotRegistered(host));
        }
        self.replace(actor, "registry.remove", host.as_str(), &current, configuration).await
    }

    /// Every registration of `next` that is new or has another CA has to verify its live host; passwords that were not written again
    /// are kept for the same user.
    pub(crate) async fn check_registrations(
        &self,
        present: &Configuration,
        next: &mut Configuration,
    ) -> Result<(), ClusterError> {
        for registration in &mut next.registries {
            let host = registration.host()?;
            let known = present.registration(&host);
            registration.check_pinned_roots()?;
            let refused = |cause: String| {
                let refused = ClusterError::NotAdded { host: host.clone(), cause };
                tracing::warn!("{refused}");
                refused
            };
            for entry in registration.pinned_roots.iter().filter(|entry| entry.keys.is_empty()) {
                let bad = |error| refused(format!("the `ca` of pinned_roots `{}` is not one: {error}", entry.pattern));
                let authorities = Certificate::all_from_pem(&entry.ca).map_err(bad)?;
                if let Some(leaf) = authorities.iter().find(|certificate| !certificate.is_ca()) {
                    let name = leaf.common_name();
                    return Err(refused(format!(
                        "in the `ca` of pinned_roots `{}`, the certificate `{name}` is not a CA's",
                        entry.pattern
                    )));
                }
            }
            if !registration.token_realm.is_empty() {
                let parsed = registration.token_realm.parse::<TokenRealm>();
                parsed.map_err(|error| refused(format!("token_realm: {error}")))?;
            }
            if registration.notary_url.is_empty() && !registration.notary_ca_bundle.trim().is_empty() {
                return Err(refused("a notary_ca_bundle without a notary_url has no effect: write both or neither".to_owned()));
            }
            if !registration.notary_url.is_empty() && known.is_none_or(|known| notary(known) != notary(registration)) {
                let url: NotaryUrl = registration.notary_url.parse().map_err(|error| refused(format!("notary_url: {error}")))?;
                let (_, ca_bundle) = notary(registration);
                probe_at(&url.ping_address(), ca_bundle).await.map_err(|cause| refused(format!("notary_url: {cause}")))?;
            }
            if known.is_none_or(|known| known.ca_bundle.trim() != registration.ca_bundle.trim()) {
                probe(&host, &registration.ca_bundle).await.map_err(refused)?;
            }
            // A kept password must not be sent to a place it was not given for.
            let kept = known.filter(|known| {
                known.read_username == registration.read_username
                    && known.notary_url == registration.notary_url
                    && known.token_realm == registration.token_realm
            });
            match kept {
                Some(known) if registration.read_password.is_empty() || registration.read_password == known.read_password => {
                    registration.read_password.clone_from(&known.read_password);
                }
                _ if registration.read_username.is_empty() != registration.read_password.is_empty() => {
                    return Err(ClusterError::HalfCredentials(host));
                }
                _ if registration.read_username.is_empty() => {}
                _ => registration.read_password = self.seal_read_password(&host, &registration.read_password),
            }
        }
        Ok(())
    }
}

/// Where trust data is read, and under which CA.
pub(crate) fn notary(registration: &Registration) -> (&str, &str) {
    let own = registration.notary_ca_bundle.trim();
    (&registration.notary_url, if own.is_empty() { registration.ca_bundle.trim() } else { own })
}
