//! What a pod would pull its images with: the imagePullSecrets it names, and those of its service account.
//!
//! Asked for in the namespace of the review and nowhere else. Each entry is bound to the host it was written for, and to the path
//! if it has one; a host with a `*` in it is nobody's.

mod read;

use async_trait::async_trait;
use futures_util::future::try_join_all;
use serde_json::Value;
use wharfinger_gate::PresentedError;
use wharfinger_oci::{Host, Reference};
use wharfinger_trust::Credentials;

use crate::{
    api_server::{ApiServer, ApiServerError, label, subdomain},
    presented::PullSecrets,
};

/// A call for each of them is made while a review waits.
pub(crate) const MOST: usize = 32;

/// One entry of a pull secret.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PullSecret {
    host: Host,
    /// The images' repositories begin with it: whole components, none at all for every repository of the host.
    path: Vec<String>,
    credentials: Credentials,
}

impl PullSecret {
    /// The credentials, if they are for this image.
    pub fn for_image(&self, image: &Reference) -> Option<Credentials> {
        let mut components = image.repository.as_str().split('/');
        let within = self.path.iter().all(|expected| components.next() == Some(expected));
        (self.host == image.host && within).then(|| self.credentials.clone())
    }
}

#[async_trait]
impl PullSecrets for ApiServer {
    async fn credentials(
        &self,
        namespace: &str,
        named: &[String],
        service_account: &str,
        reference: &Reference,
    ) -> Result<Vec<Credentials>, PresentedError> {
        let account = if service_account.is_empty() { "default" } else { service_account };
        let secrets = self.pull_secrets(namespace, named, account).await;
        let secrets = secrets.map_err(|error| PresentedError(format!("its imagePullSecrets cannot be read: {error}")))?;
        Ok(secrets.iter().filter_map(|secret| secret.for_image(reference)).collect())
    }
}

impl ApiServer {
    /// The pull secrets of a pod that names `named` and runs as `service_account`: the most particular first.
    ///
    /// A secret that is not there, is of another type or cannot be read counts as nothing, as it does to the kubelet; so does one
    /// that this process may not read. An API server that does not answer is an error.
    pub async fn pull_secrets(
        &self,
        namespace: &str,
        named: &[String],
        service_account: &str,
    ) -> Result<Vec<PullSecret>, ApiServerError> {
        let namespace = label(namespace)?;
        let mut asked = named.to_vec();
        asked.extend(self.of_service_account(namespace, service_account).await?);
        asked.sort();
        asked.dedup();
        if asked.len() > MOST {
            return Err(ApiServerError::TooManySecrets(asked.len()));
        }
        let secrets = try_join_all(asked.iter().map(|name| self.pull_secret(namespace, name))).await?;
        let mut entries: Vec<PullSecret> = secrets.into_iter().flatten().collect();
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.path.len()));
        Ok(entries)
    }

    async fn of_service_account(&self, namespace: &str, name: &str) -> Result<Vec<String>, ApiServerError> {
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{}", subdomain(name)?);
        Ok(self.if_allowed(&path).await?.as_ref().map(read::secrets_of_account).unwrap_or_default())
    }

    async fn pull_secret(&self, namespace: &str, name: &str) -> Result<Vec<PullSecret>, ApiServerError> {
        let path = format!("/api/v1/namespaces/{namespace}/secrets/{}", subdomain(name)?);
        Ok(self.if_allowed(&path).await?.as_ref().map(read::secret).unwrap_or_default())
    }

    /// Whoever let this process read the secrets of some namespaces only wants the others' workloads to be judged without them.
    async fn if_allowed(&self, path: &str) -> Result<Option<Value>, ApiServerError> {
        match self.get(path).await {
            Err(error) if error.is_forbidden() => {
                tracing::warn!(path, "this process may not read it: private repositories are read without it");
                Ok(None)
            }
            answered => answered,
        }
    }
}

#[cfg(feature = "fuzzing")]
pub(crate) use read::secret as read_secret;
