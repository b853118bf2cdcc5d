//! What the server makes: always the timestamp, the snapshot where the root gives it a key for it.

use std::collections::BTreeMap;

use time::{Duration, OffsetDateTime};
use wharfinger_keys::{KeyId, PrivateKey};

use super::{Accepted, AcceptedFile, Invalid, PublishError, ServerKeys, State, made, stored};
use crate::{Meta, Metadata, RoleName, Root, Signed, Snapshot, Timestamp};

/// How long the server's files hold, and how much of that may be left before they are made anew.
#[derive(Clone, Copy, Debug)]
pub struct Lifetimes;

impl Lifetimes {
    pub const TIMESTAMP: Duration = Duration::days(14);
    pub const SNAPSHOT: Duration = Duration::days(3 * 365);
    const TIMESTAMP_LEFT: Duration = Duration::seconds(Self::TIMESTAMP.whole_seconds() / 3);
    /// Stock clients begin to warn half a year before.
    const SNAPSHOT_LEFT: Duration = Duration::days(365);
}

pub(super) fn snapshot(
    root: &Signed<Root>,
    loaded: &BTreeMap<RoleName, Vec<u8>>,
    previous: Option<&Signed<Snapshot>>,
    keys: &[PrivateKey],
    now: OffsetDateTime,
) -> Result<Signed<Snapshot>, PublishError> {
    if previous.is_none() && !loaded.contains_key(&RoleName::Targets) {
        return Err(Invalid::Validation("targets must be loaded first".to_owned()).into());
    }
    let Some(signers) = signers(root, &RoleName::Snapshot, keys) else {
        let message = "no snapshot was included in update and server does not hold current snapshot key for repository";
        return Err(Invalid::MissingSnapshot(message.to_owned()).into());
    };
    let mut meta = previous.map(|previous| previous.signed.meta.clone()).unwrap_or_default();
    meta.extend(loaded.iter().map(|(role, bytes)| (role.clone(), Meta::of(bytes))));
    let version = previous.map_or(0, |previous| previous.signed.version) + 1;
    let snapshot = Snapshot { expires: now + Lifetimes::SNAPSHOT, meta, version };
    sign(RoleName::Snapshot, &snapshot, &signers)
}

/// Adds the timestamp of `snapshot` to `files`.
pub(super) fn finish(
    root: &Signed<Root>,
    snapshot: &Signed<Snapshot>,
    mut files: Vec<AcceptedFile>,
    state: &State,
    keys: &ServerKeys,
    now: OffsetDateTime,
) -> Result<Accepted, PublishError> {
    // The words, with both spaces, are the stock server's.
    let keyless = || Invalid::Root("no  timestamp keys exist on the server".to_owned());
    let timestamp_signers = signers(root, &RoleName::Timestamp, &keys.timestamp).ok_or_else(keyless)?;
    let previous = state.timestamp.as_deref().map(|bytes| stored::<Timestamp>(RoleName::Timestamp, bytes)).transpose()?;
    let timestamp = Timestamp {
        expires: now + Lifetimes::TIMESTAMP,
        meta: BTreeMap::from([(RoleName::Snapshot, Meta::of(snapshot.bytes()))]),
        version: previous.map_or(0, |previous| previous.signed.version) + 1,
    };
    let timestamp = sign(RoleName::Timestamp, &timestamp, &timestamp_signers)?;
    let snapshot_signers = signers(root, &RoleName::Snapshot, &keys.snapshot).unwrap_or_default();
    let mut resign_at = timestamp.signed.expires - Lifetimes::TIMESTAMP_LEFT;
    if !snapshot_signers.is_empty() {
        resign_at = resign_at.min(snapshot.signed.expires - Lifetimes::SNAPSHOT_LEFT);
    }
    files.push(made(RoleName::Timestamp, &timestamp));
    Ok(Accepted {
        files,
        timestamp_sha256: hex::encode(timestamp.sha256()),
        snapshot_sha256: hex::encode(snapshot.sha256()),
        resign_at,
        used_keys: timestamp_signers.iter().chain(&snapshot_signers).map(|(id, _)| *id).collect(),
    })
}

/// Makes a new timestamp, and a new snapshot if the server may and it is about to expire. Nothing else changes.
pub fn resign(state: &State, keys: &ServerKeys, now: OffsetDateTime) -> Result<Accepted, PublishError> {
    let missing = |role: &str| Invalid::Validation(format!("there is no {role} to sign anew"));
    let root = stored::<Root>(RoleName::Root, state.root.as_deref().ok_or_else(|| missing("root"))?)?;
    let current = stored::<Snapshot>(RoleName::Snapshot, state.snapshot.as_deref().ok_or_else(|| missing("snapshot"))?)?;
    let due = current.signed.expires - Lifetimes::SNAPSHOT_LEFT <= now;
    if due && signers(&root, &RoleName::Snapshot, &keys.snapshot).is_some() {
        let renewed = snapshot(&root, &BTreeMap::new(), Some(&current), &keys.snapshot, now)?;
        let files = vec![made(RoleName::Snapshot, &renewed)];
        return finish(&root, &renewed, files, state, keys, now);
    }
    finish(&root, &current, Vec::new(), state, keys, now)
}

/// Those of `keys` that `root` names for `role`; none when they are fewer than the role's threshold.
fn signers<'a>(root: &Signed<Root>, role: &RoleName, keys: &'a [PrivateKey]) -> Option<Vec<(KeyId, &'a PrivateKey)>> {
    let role = root.signed.role(role)?;
    let named = keys.iter().map(|key| (key.public_key().canonical_id(), key)).filter(|(id, key)| {
        // The id alone would do, were it not for the type: what is signed has to verify.
        role.keyids.contains(id) && root.signed.keys.get(id).and_then(crate::TufKey::public_key) == Some(key.public_key())
    });
    let named: Vec<_> = named.collect();
    (!named.is_empty() && named.len() as u64 >= role.threshold).then_some(named)
}

fn sign<T: Metadata>(role: RoleName, value: &T, signers: &[(KeyId, &PrivateKey)]) -> Result<Signed<T>, PublishError> {
    Signed::sign(value, signers).map_err(|source| PublishError::Sign { role, source })
}
