//! The root of an upload: the stored one, or its successor.

use time::OffsetDateTime;

use super::{Invalid, PublishError, State, reasonable, stored, unexpired, unreadable};
use crate::{Gun, Limits, RoleName, Root, Signed, leaf_keys, verify_signatures};

/// The root by which the rest of the upload is judged.
pub(super) fn load(
    gun: &Gun,
    upload: Option<&Vec<u8>>,
    state: &State,
    now: OffsetDateTime,
) -> Result<Signed<Root>, PublishError> {
    // The stored root may have expired: it only has to vouch for its successor.
    let old = state.root.as_deref().map(|bytes| stored::<Root>(RoleName::Root, bytes)).transpose()?;
    match (upload, old) {
        (None, Some(old)) => Ok(old),
        (None, None) => Err(Invalid::Validation("no pre-existing root and no root provided in update.".to_owned()).into()),
        (Some(bytes), old) => successor(gun, bytes, old.as_ref(), now).map_err(|message| Invalid::Root(message).into()),
    }
}

fn successor(gun: &Gun, bytes: &[u8], old: Option<&Signed<Root>>, now: OffsetDateTime) -> Result<Signed<Root>, String> {
    let new = Signed::<Root>::parse(bytes).map_err(|error| unreadable(&RoleName::Root, &error))?;
    reasonable(&RoleName::Root, &new, Limits::default().root)?;
    let (current, version) = (old.map_or(1, |old| old.signed.version), new.signed.version);
    // Clients fetch every root between the one they trust and the newest. Equality is judged when it is stored.
    if version != current && Some(version) != current.checked_add(1) {
        return Err(format!("Root modifications must increment the version. Current {current}, new {version}"));
    }
    let own = leaf_keys(&new.signed, gun, now)
        .map_err(|_| "could not validate the path to a trusted root: unable to retrieve valid leaf certificates")?;
    // TUF § 5.3.4: signed by the threshold of keys of the root before it (CVE-2025-2885) …
    if let Some(old) = old {
        let trusted = old.signed.role(&RoleName::Root).and_then(|role| verify_signatures(&new, role, &old.signed.keys).ok());
        trusted
            .ok_or("could not rotate trust to a new trusted root: failed to validate data with current trusted certificates")?;
    }
    // … and by its own.
    verify_signatures(&new, &own, &new.signed.keys)
        .map_err(|_| "could not validate the path to a trusted root: failed to validate integrity of roots")?;
    unexpired(&RoleName::Root, &new.signed, now)?;
    Ok(new)
}
