//! What a policy says of what runs, also before it is the policy.

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

impl Standing {
    /// As it is named.
    pub fn asked(&self) -> &str {
        match self {
            Self::Named(image) => image,
            Self::Local { asked, .. } => asked,
        }
    }
}

impl Gate {
    /// The decision that `configuration` would come to for what stands there, by trust data as it is now. Nothing is recorded.
    pub async fn foresee(&self, configuration: &Configuration, workload: &Workload, standing: &Standing) -> Explanation {
        self.standing(configuration, None, workload, standing).await
    }

    /// The decision that the policy in force comes to now for what stands there: while a registry does not answer, by what was proven
    /// under it. Nothing is recorded.
    pub async fn appraise(&self, workload: &Workload, standing: &Standing) -> Explanation {
        match self.ground(standing.asked()).await {
            Ok((basis, configuration)) => self.standing(&configuration, Some(basis.policy), workload, standing).await,
            Err(denial) => Explanation::undecided(standing.asked(), &denial),
        }
    }

    async fn standing(
        &self,
        configuration: &Configuration,
        policy: Option<i64>,
        workload: &Workload,
        standing: &Standing,
    ) -> Explanation {
        if !configuration.trust.require_content_trust {
            return Explanation::off(standing.asked());
        }
        let judgement = match standing {
            Standing::Named(image) => self.judge(configuration, policy, workload, image).await,
            Standing::Local { asked, repo_digests } => {
                self.judge_local(configuration, policy, workload, asked, repo_digests).await
            }
        };
        Explanation::of(standing.asked(), &configuration.trust, judgement)
    }
}
