//! `[kubernetes]` of a configuration: its CA read before it is kept, and said aloud what is not looked at any more.

use wharfinger_keys::Certificate;
use wharfinger_policy::{Configuration, ImageResource, KubernetesSettings};
use wharfinger_storage::accounts::Accounts;

use crate::{ClusterError, teams};

/// Whether the CA of the API server is one, and its account is there.
pub(crate) async fn check(directory: &dyn Accounts, settings: &KubernetesSettings) -> Result<(), ClusterError> {
    if !settings.ca_bundle.trim().is_empty() {
        Certificate::all_from_pem(&settings.ca_bundle).map_err(ClusterError::KubernetesCa)?;
    }
    if !settings.api_server_account.is_empty() {
        teams::user(directory, &settings.api_server_account).await?;
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
