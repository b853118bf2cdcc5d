//! `[kubernetes]` of a configuration: its CA read before it is kept, and said aloud what is not looked at any more.

use wharfinger_keys::Certificate;
use wharfinger_policy::{Configuration, ImageResource, KubernetesSettings};

use crate::ClusterError;

/// Whether the CA of the API server is one.
pub(crate) fn check(settings: &KubernetesSettings) -> Result<(), ClusterError> {
    if !settings.ca_bundle.trim().is_empty() {
        Certificate::all_from_pem(&settings.ca_bundle).map_err(ClusterError::KubernetesCa)?;
    }
    Ok(())
}

/// For people: each resource whose images `next` does not decide on any more.
pub(crate) fn no_longer_decided(before: &Configuration, next: &Configuration) -> Vec<String> {
    let gone = |known: &&ImageResource| next.kubernetes.resource(&known.group, &known.resource).is_none();
    let gone = before.kubernetes.resources.iter().filter(gone);
    gone.map(|known| format!("images of {} are not decided on any more: it is not in [[kubernetes.resources]]", known.name()))
        .collect()
}
