//! Which tags are in the trust data of a repository: for the doors that show or protect them. What a signature is *worth* is not said here.

use std::collections::BTreeMap;

use async_trait::async_trait;
use wharfinger_auth::RepositoryTrust;
use wharfinger_identity::Account;
use wharfinger_oci::{Digest, Repository, Tag};
use wharfinger_storage::StorageError;
use wharfinger_storage::collections::Head;
use wharfinger_tuf::{Gun, RoleName, Signed, Targets};

use crate::Notary;
use crate::access::publisher;
use crate::error::Fault;

impl Notary {
    /// The released tags and the digests they are signed for: the entries of `targets/releases`, or of `targets` when the
    /// collection has no delegations. Empty when nothing was ever signed. Expired entries are among them: they are in the notary.
    pub async fn signed_tags(&self, repository: &Repository) -> Result<BTreeMap<Tag, Digest>, Fault> {
        let gun = self.gun(repository)?;
        let Some(head) = self.collections().head(gun.as_str()).await? else { return Ok(BTreeMap::new()) };
        let Some(targets) = self.targets(&gun, &head, &RoleName::Targets).await? else { return Ok(BTreeMap::new()) };
        if targets.delegations.roles.is_empty() {
            return Ok(entries(&targets).collect());
        }
        let releases = RoleName::releases();
        let Some(delegation) = targets.delegations.find(&releases) else { return Ok(BTreeMap::new()) };
        let Some(file) = self.targets(&gun, &head, &releases).await? else { return Ok(BTreeMap::new()) };
        Ok(entries(&file).filter(|(tag, _)| delegation.admits(tag.as_str())).collect())
    }

    async fn targets(&self, gun: &Gun, head: &Head, role: &RoleName) -> Result<Option<Targets>, Fault> {
        let Some(file) = self.current(gun, head, role).await? else { return Ok(None) };
        let parsed = Signed::<Targets>::parse(&file.bytes);
        parsed.map(|file| Some(file.signed)).map_err(|error| Fault::Damaged(format!("{role} of {gun}: {error}")))
    }
}

/// As whoever removes a repository or a tag has to know it.
#[async_trait]
impl RepositoryTrust for Notary {
    async fn released(&self, repository: &Repository) -> Result<BTreeMap<String, Digest>, StorageError> {
        let signed = self.signed_tags(repository).await.map_err(StorageError::unavailable)?;
        Ok(signed.into_iter().map(|(tag, digest)| (tag.to_string(), digest)).collect())
    }

    async fn forget(&self, repository: &Repository, by: Option<&Account>) -> Result<(), StorageError> {
        let gun = self.gun(repository).map_err(StorageError::unavailable)?;
        self.delete(&gun, by.map(publisher).as_ref()).await.map(drop).map_err(StorageError::unavailable)
    }
}

/// Targets that are no tags, or carry no digest, are none of an image.
fn entries(targets: &Targets) -> impl Iterator<Item = (Tag, Digest)> {
    targets.targets.iter().filter_map(|(name, entry)| Some((name.parse().ok()?, Digest::from_sha256(&entry.hashes.sha256?))))
}
