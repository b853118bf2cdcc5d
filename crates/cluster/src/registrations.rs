//! Trusted registries: added when they prove themselves under the given CA, removed at once.

use serde::Deserialize;
use wharfinger_oci::Host;
use wharfinger_policy::{Configuration, Registration};

use crate::probe;
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
        let own = Registration { service_id: instance.to_owned(), ..Registration::new(host, ca_bundle) };
        let mut configuration = current.configuration.clone();
        let present = configuration.registration(host).cloned();
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
            if known.is_none_or(|known| known.ca_bundle.trim() != registration.ca_bundle.trim()) {
                probe(&host, &registration.ca_bundle).await.map_err(|cause| {
                    let refused = ClusterError::NotAdded { host: host.clone(), cause };
                    tracing::warn!("{refused}");
                    refused
                })?;
            }
            let kept = known.filter(|known| known.read_username == registration.read_username);
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
