//! Root keys are certificates made for one GUN: what makes such a certificate count.

use time::{Duration, OffsetDateTime};
use wharfinger_keys::Certificate;

use crate::{Gun, RoleKeys, RoleName, Root};

/// Clocks differ: a certificate may begin up to a day from now.
const LEEWAY: Duration = Duration::days(1);

#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("unable to retrieve valid leaf certificates: no root key is an unexpired certificate for {0}")]
pub struct RootCertificateError(String);

/// The root role with only those keys whose certificate holds for `gun`: not a CA, common name equal to the GUN (or a prefix of it
/// followed by `*`), valid at `now`, not signed with SHA-1. The threshold stays.
pub fn leaf_keys(root: &Root, gun: &Gun, now: OffsetDateTime) -> Result<RoleKeys, RootCertificateError> {
    let refuse = || RootCertificateError(gun.to_string());
    let role = root.role(&RoleName::Root).ok_or_else(refuse)?;
    let holds = |certificate: Certificate| {
        let name = certificate.common_name();
        let named = name == gun.as_str() || name.strip_suffix('*').is_some_and(|prefix| gun.as_str().starts_with(prefix));
        named
            && !certificate.is_ca()
            && !certificate.has_weak_signature()
            && certificate.not_before() - LEEWAY <= now
            && now <= certificate.not_after()
    };
    let leaf = |id: &&wharfinger_keys::KeyId| root.keys.get(*id).and_then(crate::TufKey::certificate).is_some_and(holds);
    let keyids: Vec<_> = role.keyids.iter().filter(leaf).copied().collect();
    if keyids.is_empty() { Err(refuse()) } else { Ok(RoleKeys { keyids, threshold: role.threshold }) }
}
