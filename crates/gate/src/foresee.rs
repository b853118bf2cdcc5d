//! What a policy would say of what runs, before it is the policy.

use wharfinger_policy::Configuration;

use crate::{Explanation, Gate, Workload};

/// What stands somewhere and runs: how it is named, and the names that it can be decided by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Standing {
    /// By a reference; where it is known, with the digest that runs.
    Named(String),
    /// By id or local name; the digests the engine got it by, as `host/repository@sha256:…`.
    Local { asked: String, repo_digests: Vec<String> },
}

impl Gate {
    /// The decision that `configuration` would come to for what stands there, by trust data as it is now. Nothing is recorded.
    pub async fn foresee(&self, configuration: &Configuration, workload: &Workload, standing: &Standing) -> Explanation {
        let image = match standing {
            Standing::Named(image) => image,
            Standing::Local { asked, .. } => asked,
        };
        if !configuration.trust.require_content_trust {
            return Explanation::off(image);
        }
        let judgement = match standing {
            Standing::Named(image) => self.judge(configuration, None, workload, image).await,
            Standing::Local { asked, repo_digests } => self.judge_local(configuration, None, workload, asked, repo_digests).await,
        };
        Explanation::of(image, &configuration.trust, judgement)
    }
}
