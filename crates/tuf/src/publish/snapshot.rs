//! A snapshot that the client made, because the root gives the role to a key the client holds.

use std::collections::BTreeMap;

use time::OffsetDateTime;

use super::{Invalid, reasonable, unexpired, unreadable, unsigned};
use crate::{Hashes, Limits, RoleName, Root, Signed, Snapshot, verify_signatures};

pub(super) fn load(
    root: &Signed<Root>,
    bytes: &[u8],
    loaded: &BTreeMap<RoleName, Vec<u8>>,
    previous: Option<&Signed<Snapshot>>,
    now: OffsetDateTime,
) -> Result<Signed<Snapshot>, Invalid> {
    check(root, bytes, loaded, previous, now).map_err(Invalid::Snapshot)
}

fn check(
    root: &Signed<Root>,
    bytes: &[u8],
    loaded: &BTreeMap<RoleName, Vec<u8>>,
    previous: Option<&Signed<Snapshot>>,
    now: OffsetDateTime,
) -> Result<Signed<Snapshot>, String> {
    let role = RoleName::Snapshot;
    let snapshot = Signed::<Snapshot>::parse(bytes).map_err(|error| unreadable(&role, &error))?;
    reasonable(&role, &snapshot, Limits::default().file)?;
    let keys = root.signed.role(&role).ok_or("snapshot is not a role of the root")?;
    verify_signatures(&snapshot, keys, &root.signed.keys).map_err(|error| unsigned(&role, &error))?;
    unexpired(&role, &snapshot.signed, now)?;
    let meta = &snapshot.signed.meta;
    for (role, bytes) in loaded {
        let named = meta.get(role).ok_or_else(|| format!("no checksums for supported algorithms were provided for {role}"))?;
        matches(role, &named.hashes, bytes)?;
        if named.length != bytes.len() as u64 {
            return Err(format!("length for {role} did not match: expected {}", named.length));
        }
    }
    // Mix-and-match: of what is not in this upload it may name the current files only. (The stock server lets it name any, and then
    // serves a collection that no client can read, or an old one.)
    for (role, named) in meta.iter().filter(|(role, _)| !loaded.contains_key(role)) {
        if previous
            .and_then(|previous| previous.signed.meta.get(role))
            .is_none_or(|current| !same(&current.hashes, &named.hashes))
        {
            return Err(format!("it names a file of {role} that is neither in this update nor the current one"));
        }
    }
    Ok(snapshot)
}

fn matches(role: &RoleName, expected: &Hashes, bytes: &[u8]) -> Result<(), String> {
    let found = Hashes::of(bytes);
    let mismatch = |algorithm: &str, expected: &[u8]| {
        Err(format!("{algorithm} checksum for {role} did not match: expected {}", hex::encode(expected)))
    };
    match expected.sha256 {
        Some(expected) if found.sha256 != Some(expected) => return mismatch("sha256", &expected),
        None => return Err(format!("no checksums for supported algorithms were provided for {role}")),
        Some(_) => {}
    }
    match expected.sha512 {
        Some(expected) if found.sha512 != Some(expected) => mismatch("sha512", &expected),
        _ => Ok(()),
    }
}

fn same(current: &Hashes, named: &Hashes) -> bool {
    named.sha256.is_some() && named.sha256 == current.sha256
}
