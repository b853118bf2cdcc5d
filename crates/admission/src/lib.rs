//! May this Kubernetes object be stored, and with which digests?
//!
//! The API server asks with an `AdmissionReview`, twice: first to have every image pinned to its signed digest, then, when all
//! others had their say, whether the final object still holds nothing else. Every decision is the gate's; this room knows only
//! where in an object images stand. What it cannot read it refuses.

mod api_server;
mod caller;
mod check;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod judge;
mod manifests;
mod patch;
mod pods;
mod presented;
mod pull_secrets;
mod question;
mod review;
mod routes;
mod secret;
mod walk;
mod webhooks;

pub use api_server::{ApiServer, ApiServerError, Keep, KubeconfigError};
pub use caller::Callers;
pub use check::{Finding, check};
pub use manifests::{Installation, InstallationError, Manifest, ROLE_BINDINGS, is_ours};
pub use pods::Pods;
pub use presented::PullSecrets;
pub use pull_secrets::PullSecret;
pub use routes::{Admission, routes};
pub use secret::{WebhookSecret, WebhookSecretError};
pub use webhooks::{Kept, Phase, Place, Webhooks};
