//! What asks to run, and the proof that it may.

use std::collections::BTreeMap;
use std::sync::Arc;

use wharfinger_identity::AccountId;
use wharfinger_oci::{Digest, Reference};
use wharfinger_trust::Collection;

use crate::{Denial, Presented};

/// Why images are asked about; recorded, and never a reason to decide otherwise.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    Pull,
    Create,
    Service,
    Inspect,
    Explain,
    /// A Kubernetes object is to be stored.
    Admission,
}

impl Purpose {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Create => "create",
            Self::Service => "service",
            Self::Inspect => "inspect",
            Self::Explain => "explain",
            Self::Admission => "admission",
        }
    }
}

/// Everything one request would make run.
pub struct Workload {
    /// The references exactly as the request holds them.
    pub images: Vec<String>,
    /// Who asks; none for somebody whom another system knows (a Kubernetes user), who may what anybody may.
    pub account: Option<AccountId>,
    /// What the audit log calls them.
    pub account_name: String,
    /// An administrator of this cluster, who is told everything.
    pub is_admin: bool,
    /// What came with the request.
    pub credentials: Arc<dyn Presented>,
    pub purpose: Purpose,
    /// The Kubernetes namespace it is to run in; none outside Kubernetes.
    pub namespace: Option<String>,
    /// Nothing will run of it: it is decided, and nothing is recorded, counted or remembered.
    pub dry_run: bool,
}

/// What the gate found for one image.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Pin {
    /// The switch is off: forward the reference as it came.
    Unenforced,
    /// It needs no signature, by an exemption or because its rule is in audit mode: what its registry has there may run, and
    /// nothing else that is called so.
    Exempt(Reference),
    /// Run this digest and no other.
    Signed(SignedPin),
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignedPin {
    pub reference: Reference,
    /// The signed manifest.
    pub digest: Digest,
    /// The manifest's signed length in bytes.
    pub length: u64,
    /// `host/repo:tag@sha256:…`: what has to stand where `reference` stood.
    pub pinned: String,
}

/// Proof that every image of a workload was decided, and how.
#[derive(Clone, Debug)]
pub struct Admitted {
    pub(crate) pins: BTreeMap<String, Pin>,
    pub(crate) basis: Basis,
    /// The trust data the pins come from.
    pub(crate) collections: Vec<Arc<Collection>>,
    /// What is allowed only because its rule is in audit mode: what would have been the denials.
    pub(crate) warnings: Vec<Denial>,
}

/// The revisions a decision rests on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Basis {
    pub(crate) policy: i64,
    pub(crate) directory: i64,
}

impl Admitted {
    /// The pin of `image`, spelled as in the workload; `None` if it was not part of it.
    pub fn pin(&self, image: &str) -> Option<&Pin> {
        self.pins.get(image)
    }

    /// Which images run only because their rule is in audit mode, and why they would have been denied.
    pub fn warnings(&self) -> &[Denial] {
        &self.warnings
    }
}

#[cfg(feature = "testing")]
impl Admitted {
    /// What a test wants a gate to have said. The doors' tests stand on it; there is no other way around the gate.
    pub fn forged_for_tests(pins: impl IntoIterator<Item = (String, Pin)>) -> Self {
        Self {
            pins: pins.into_iter().collect(),
            basis: Basis { policy: 0, directory: 0 },
            collections: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// The same, allowed only because a rule is in audit mode.
    #[must_use]
    pub fn with_warning_for_tests(mut self, denial: Denial) -> Self {
        self.warnings.push(denial);
        self
    }
}
