//! May this image run, given who signed it?
//!
//! Evidence (whose keys signed which digest of which name) and the cluster's trust policy come in, a [`Verdict`] goes out.
//! This room knows no signature format, reads no file and asks no clock; it cannot be reached by anything undecided.

mod configuration;
mod evaluate;
mod exemptions;
mod image_path;
mod kubernetes;
mod namespace;
mod pattern;
mod pinned_root;
mod rules;

pub use configuration::{
    AuthSettings, Configuration, ConfigurationError, Registration, RequiredTeam, Signers, Staleness, TrustConfiguration,
    TrustDocument, WrittenConfiguration,
};
pub use evaluate::{Evidence, Owner, SignedBy, Verdict, evaluate};
pub use exemptions::{Exemption, ExemptionDocument, ExemptionFault, Moment};
pub use image_path::{ImagePath, ImagePathError, TooMuch};
pub use kubernetes::{ImageResource, KubernetesFault, KubernetesSettings};
pub use namespace::{NamespaceError, NamespacePattern};
pub use pattern::{PatternError, RepositoryPattern};
pub use pinned_root::{PinError, PinnedRoot};
pub use rules::{Mode, NamedUser, RequireDocument, Requirement, Rule, RuleDocument, RuleFault, Subject};
