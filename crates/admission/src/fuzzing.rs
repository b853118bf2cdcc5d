//! Doors for whoever throws bytes at this room's readers. Only with the feature `fuzzing`, which the product is built without.

use wharfinger_oci::Reference;
use wharfinger_trust::Credentials;

/// Whether a kubeconfig can be understood, without what it names being read.
pub fn kubeconfig(text: &str) -> bool {
    crate::api_server::readable(text)
}

/// How many rows a list of pods, as the API server answers it, comes to.
pub fn pods(answer: &[u8]) -> usize {
    let list = serde_json::from_slice(answer).ok().and_then(crate::pods::listed);
    list.map_or(0, |list| list.pods.len())
}

/// The credentials for `image` of a `Secret`, as the API server answers it.
pub fn pull_secret(secret: &[u8], image: &Reference) -> Vec<Credentials> {
    let Ok(secret) = serde_json::from_slice(secret) else { return Vec::new() };
    crate::pull_secrets::read_secret(&secret).iter().filter_map(|entry| entry.for_image(image)).collect()
}
