//! What rests on these keys? Asked before a key goes, from what is remembered and without a network.

use std::collections::BTreeSet;

use wharfinger_keys::KeyId;
use wharfinger_tuf::{RoleName, Signed, Targets};

use crate::{Resolver, TrustError};

impl Resolver {
    /// The tags, as `gun:tag`, that a signature by one of `keys` (canonical ids) stood on when their repository was last verified.
    pub async fn signed_by(&self, keys: &[KeyId]) -> Result<Vec<String>, TrustError> {
        let keys: BTreeSet<String> = keys.iter().map(ToString::to_string).collect();
        let mut tags = BTreeSet::new();
        for gun in self.memory().guns().await? {
            let Some(remembered) = self.memory().recall(&gun).await? else { continue };
            let signed =
                |role: &str| remembered.signings.iter().any(|signing| signing.role == role && keys.contains(&signing.key));
            let is_signer = |role: &str| role.parse::<RoleName>().is_ok_and(|role| role.is_signer());
            for file in remembered.files.iter().filter(|file| is_signer(&file.role) && signed(&file.role)) {
                // A file that was verified when it was remembered and does not parse now names no tag.
                let Ok(targets) = Signed::<Targets>::parse(&file.bytes) else { continue };
                tags.extend(targets.signed.targets.keys().map(|tag| format!("{gun}:{tag}")));
            }
        }
        Ok(tags.into_iter().collect())
    }
}
