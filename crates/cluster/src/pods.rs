//! What runs in a Kubernetes cluster, as far as it is told. Nothing of it is kept: the record of what ran before the policy is of
//! the engine alone, because there is nothing in Kubernetes that goes on by a tag.

use async_trait::async_trait;
use wharfinger_gate::Workload;

/// Whoever runs pods: a Kubernetes API server.
#[async_trait]
pub trait PodRunner: Send + Sync {
    /// The pods that have not ended, by what made them.
    async fn running(&self) -> Result<PodList, PodsUnknown>;
}

/// Pods of one maker with one image, and the same bytes of it.
pub struct RunningPods {
    pub namespace: String,
    /// What made them, such as `Deployment`; `Pod` where nothing did.
    pub kind: String,
    pub name: String,
    /// What in them has the image: `container app`, `init container wait`.
    pub parts: Vec<String>,
    /// The image as the pods name it.
    pub image: String,
    /// The image's id, where nodes say no digest of a repository.
    pub image_id: Option<String>,
    /// The digest by which nodes got it, as `host/repository@sha256:…`.
    pub digests: Vec<String>,
    /// Whether a node has begun with it.
    pub started: bool,
    /// How many they are.
    pub pods: usize,
    /// What the gate is asked when such a pod is to be stored.
    pub question: Workload,
}

/// All that was told.
pub struct PodList {
    pub pods: Vec<RunningPods>,
    /// Why some are not in it.
    pub cut: Option<String>,
}

/// Why nothing was told.
#[derive(Debug, thiserror::Error)]
pub enum PodsUnknown {
    #[error(
        "what runs in Kubernetes is not shown: this process may not list pods there. Run `wharfinger kubernetes install` again, or \
         let its account `list` `pods` in all namespaces by a ClusterRole"
    )]
    Forbidden,
    #[error("what runs in Kubernetes is not shown: {0}. `wharfinger kubernetes doctor` tells what is wrong")]
    Silent(Box<dyn std::error::Error + Send + Sync>),
}
