//! Credentials a pod brings: the secrets it and its service account name.

use std::sync::Arc;

use async_trait::async_trait;
use wharfinger_gate::{Presented, PresentedError};
use wharfinger_oci::Reference;
use wharfinger_trust::Credentials;

use crate::walk::Found;

/// Who reads pull secrets.
#[async_trait]
pub trait PullSecrets: Send + Sync {
    /// The credentials for `reference`'s registry in the secrets `named`, and in those of the service account (empty: `default`),
    /// all of them in `namespace`.
    async fn credentials(
        &self,
        namespace: &str,
        named: &[String],
        service_account: &str,
        reference: &Reference,
    ) -> Result<Vec<Credentials>, PresentedError>;
}

/// What one object brings. Read when a registry has to be asked, and not before.
pub(crate) struct OfPod {
    pub(crate) secrets: Option<Arc<dyn PullSecrets>>,
    pub(crate) namespace: String,
    pub(crate) named: Vec<String>,
    pub(crate) service_account: String,
}

impl OfPod {
    pub(crate) fn new(secrets: Option<Arc<dyn PullSecrets>>, namespace: &str, found: &Found) -> Self {
        let (named, service_account) = (found.pull_secrets.clone(), found.service_account.clone());
        Self { secrets, namespace: namespace.to_owned(), named, service_account }
    }
}

#[async_trait]
impl Presented for OfPod {
    async fn for_image(&self, reference: &Reference) -> Result<Vec<Credentials>, PresentedError> {
        // What lies in no namespace has no secrets.
        let Some(secrets) = self.secrets.as_ref().filter(|_| !self.namespace.is_empty()) else { return Ok(Vec::new()) };
        secrets.credentials(&self.namespace, &self.named, &self.service_account, reference).await
    }
}
