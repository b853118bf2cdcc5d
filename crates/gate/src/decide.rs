//! The one question the doors put.

use async_trait::async_trait;
use wharfinger_identity::AccountId;
use wharfinger_oci::Reference;
use wharfinger_policy::KubernetesSettings;

use crate::{Admitted, Denial, Workload};

/// What a door needs of the gate. Implemented by [`crate::Gate`].
#[async_trait]
pub trait Decide: Send + Sync {
    /// Decides every image of `workload`; one that may not run denies it all.
    async fn admit(&self, workload: &Workload) -> Result<Admitted, Denial>;

    /// Decides an image given by id or local name, `asked`, by the digests under which the engine got it
    /// (`host/repo@sha256:…`). The pin is found under `asked`.
    async fn admit_local(&self, workload: &Workload, asked: &str, repo_digests: &[String]) -> Result<Admitted, Denial>;

    /// Whether what `admitted` rests on still stands. Asked once more before the first byte goes to the engine.
    async fn still_current(&self, admitted: &Admitted) -> Result<(), Denial>;

    /// Whether *Run only signed images* is on.
    async fn enforcing(&self) -> Result<bool, Denial>;

    /// What is configured of Kubernetes.
    async fn kubernetes(&self) -> Result<KubernetesSettings, Denial>;

    /// Whether builds pass while it is on.
    async fn builds_allowed(&self) -> Result<bool, Denial>;

    /// Records that somebody builds while it is on: code runs that nobody signed. What cannot be recorded is refused.
    async fn record_build(&self, account_name: &str, call: &str) -> Result<(), Denial>;

    /// A value for `X-Registry-Auth` with which `account` may pull `reference`, where the registry shares our accounts.
    async fn registry_auth(&self, account: &AccountId, reference: &Reference) -> Option<String>;
}
