//! What ran before the policy came: of each workload, which image it really ran when *Run only signed images* was turned on.

use async_trait::async_trait;
use time::OffsetDateTime;

use crate::Result;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum WorkloadKind {
    Container,
    Service,
}

impl WorkloadKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Service => "service",
        }
    }
}

/// One workload as it was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RanBefore {
    pub kind: WorkloadKind,
    /// The engine's id of it, which is never given twice.
    pub id: String,
    pub name: String,
    /// The image as the workload names it.
    pub image: String,
    /// What names exactly the image it ran: `host/repo:tag@sha256:…`, or the id of an image that came from no registry. None where
    /// that could not be told.
    pub pinned: Option<String>,
}

/// The whole record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Census {
    pub taken: OffsetDateTime,
    /// By kind, name and id.
    pub workloads: Vec<RanBefore>,
}

#[async_trait]
pub trait Workloads: Send + Sync {
    /// Forgets the record: the switch is about to be turned on, and another is to be taken.
    async fn forget(&self) -> Result<()>;

    /// Takes the record, unless there is one: a later one would be of what came after the policy. Answers whether it was taken.
    async fn take(&self, census: &Census) -> Result<bool>;

    async fn census(&self) -> Result<Option<Census>>;

    /// What names exactly the image that the service `id` ran by the name `image`, if it is on record.
    async fn ran(&self, id: &str, image: &str) -> Result<Option<String>>;
}
