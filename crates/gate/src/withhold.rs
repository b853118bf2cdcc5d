//! Who may not read a repository learns the verdict, and nothing of what is in it.

use wharfinger_oci::Reference;

use crate::{Cause, Denial, Gate, Workload};

impl Gate {
    /// Whether `workload`'s account may read what is known of `image`'s repository. Administrators may; others where a registry that
    /// shares our accounts lets them. Of any other registry nobody here can say who may read there.
    pub(crate) async fn may_read(&self, workload: &Workload, image: &str) -> bool {
        if workload.is_admin {
            return true;
        }
        let (Ok(reference), Some(local)) = (image.parse::<Reference>(), &self.local) else { return false };
        let name = reference.repository.as_str();
        *local.host() == reference.host
            && local.pull_token(workload.account.as_ref(), &reference.repository, name).await.is_some()
    }

    /// `denial` as `workload`'s account may see it: `judged` is the reference it comes from.
    pub(crate) async fn told(&self, workload: &Workload, judged: Option<&str>, denial: Denial) -> Denial {
        let tells = denial.cause.tells_of_the_repository();
        if !tells || self.may_read(workload, judged.unwrap_or(&denial.image)).await { denial } else { denial.withheld() }
    }
}

impl Denial {
    fn withheld(self) -> Self {
        Self { image: self.image, cause: Cause::Withheld(Box::new(self.cause)) }
    }
}

impl Cause {
    /// Whether its sentence or its remedy says something that only the repository's readers know: signers, digests, keys, versions.
    fn tells_of_the_repository(&self) -> bool {
        match self {
            Self::OtherDigest { .. }
            | Self::PolicyNotMet { .. }
            | Self::RuleNotMet { .. }
            | Self::Replayed { .. }
            | Self::Deleted { .. }
            | Self::Distrusted { .. } => true,
            Self::Malformed { .. }
            | Self::NotRegistered { .. }
            | Self::NoTrustData { .. }
            | Self::NotReleased
            | Self::LocalOnly
            | Self::Undecided { .. }
            | Self::Outdated
            | Self::Withheld(_) => false,
        }
    }
}
