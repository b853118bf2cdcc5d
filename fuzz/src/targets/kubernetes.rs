//! What comes from a Kubernetes API server, or tells where it is.

use std::sync::LazyLock;

use wharfinger_oci::Reference;

/// An image of the host that the corpus has credentials for, and one of another host.
static IMAGES: LazyLock<[Reference; 2]> =
    LazyLock::new(|| ["dtr.test:5443/qa/app:1", "evil.test/qa/app:1"].map(|text| text.parse().expect("a reference")));

pub fn pull_secret(bytes: &[u8]) {
    for image in IMAGES.iter() {
        let credentials = wharfinger_admission::fuzzing::pull_secret(bytes, image);
        assert!(!format!("{credentials:?}").contains("hunter2"), "a password is shown");
    }
}

pub fn pods(bytes: &[u8]) {
    let rows = wharfinger_admission::fuzzing::pods(bytes);
    assert!(rows <= bytes.len(), "rows of nothing");
}

pub fn kubeconfig(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        wharfinger_admission::fuzzing::kubeconfig(text);
    }
}
