//! What one version of a file changes of the version before: for people who ask who signed or revoked what.
//!
//! It tells what the files say. Whether their signatures hold was asked when they were published.

use std::collections::BTreeMap;

use wharfinger_keys::KeyId;

use crate::{Delegation, Delegations, RoleKeys, RoleName, Root, TargetFile, Targets, TufKey};

/// One thing that is different. Keys are named by the ids of the bare keys.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Change {
    /// A tag stands on this digest; before on another one, or on none.
    Signed {
        tag: String,
        digest: String,
        before: Option<String>,
    },
    /// A tag, which stood on this digest, stands there no more.
    Withdrawn {
        tag: String,
        digest: String,
    },
    RoleAdded {
        role: RoleName,
        keys: Vec<KeyId>,
        threshold: u64,
        paths: Vec<String>,
    },
    RoleRemoved {
        role: RoleName,
    },
    KeyAdded {
        role: RoleName,
        key: KeyId,
    },
    KeyRemoved {
        role: RoleName,
        key: KeyId,
    },
    /// How many of its keys have to sign.
    Threshold {
        role: RoleName,
        now: u64,
        before: u64,
    },
    /// The beginnings of the tags it may speak of.
    Paths {
        role: RoleName,
        now: Vec<String>,
    },
}

/// What a file of `targets` or of a delegation changes. Without a file before it, everything in it is new.
pub fn of_targets(before: Option<&Targets>, now: &Targets) -> Vec<Change> {
    let (no_tags, nobody) = (BTreeMap::new(), Delegations::default());
    let mut changes = tags(before.map_or(&no_tags, |before| &before.targets), &now.targets);
    let before = before.map_or(&nobody, |before| &before.delegations);
    let gone = before.roles.iter().filter(|role| now.delegations.find(&role.name).is_none());
    changes.extend(gone.map(|role| Change::RoleRemoved { role: role.name.clone() }));
    for role in &now.delegations.roles {
        let name = &role.name;
        match before.find(name) {
            Some(old) => {
                changes.extend(keys(name, (&old.keys, &before.keys), (&role.keys, &now.delegations.keys)));
                if old.paths != role.paths {
                    changes.push(Change::Paths { role: name.clone(), now: role.paths.clone() });
                }
            }
            None => changes.push(added(role, &now.delegations.keys)),
        }
    }
    changes
}

/// What a root changes: whose keys those of the base roles are. Of the first one nothing was before.
pub fn of_root(before: Option<&Root>, now: &Root) -> Vec<Change> {
    let mut changes = Vec::new();
    for (name, role) in &now.roles {
        match before.and_then(|before| Some((before.role(name)?, &before.keys))) {
            Some(old) => changes.extend(keys(name, old, (role, &now.keys))),
            None => changes.push(Change::RoleAdded {
                role: name.clone(),
                keys: ids(role, &now.keys),
                threshold: role.threshold,
                paths: Vec::new(),
            }),
        }
    }
    changes
}

fn tags(before: &BTreeMap<String, TargetFile>, now: &BTreeMap<String, TargetFile>) -> Vec<Change> {
    // An entry without sha256 is no image; it is told apart by what it has.
    let digest = |entry: &TargetFile| entry.digest().unwrap_or_default();
    let gone = before.iter().filter(|(tag, _)| !now.contains_key(*tag));
    let gone = gone.map(|(tag, entry)| Change::Withdrawn { tag: tag.clone(), digest: digest(entry) });
    let set = now.iter().filter_map(|(tag, entry)| {
        let old = before.get(tag);
        let same = old.is_some_and(|old| old.hashes == entry.hashes && old.length == entry.length);
        (!same).then(|| Change::Signed { tag: tag.clone(), digest: digest(entry), before: old.map(digest) })
    });
    gone.chain(set).collect()
}

fn added(role: &Delegation, known: &BTreeMap<KeyId, TufKey>) -> Change {
    Change::RoleAdded {
        role: role.name.clone(),
        keys: ids(&role.keys, known),
        threshold: role.keys.threshold,
        paths: role.paths.clone(),
    }
}

type Keys<'a> = (&'a RoleKeys, &'a BTreeMap<KeyId, TufKey>);

fn keys(role: &RoleName, (old, old_known): Keys<'_>, (new, new_known): Keys<'_>) -> Vec<Change> {
    let (before, now) = (ids(old, old_known), ids(new, new_known));
    let gone = before.iter().filter(|key| !now.contains(key));
    let gone = gone.map(|key| Change::KeyRemoved { role: role.clone(), key: *key });
    let come = now.iter().filter(|key| !before.contains(key));
    let come = come.map(|key| Change::KeyAdded { role: role.clone(), key: *key });
    let threshold = (old.threshold != new.threshold).then(|| Change::Threshold {
        role: role.clone(),
        now: new.threshold,
        before: old.threshold,
    });
    gone.chain(come).chain(threshold).collect()
}

/// The same key has another id with a new certificate around it: for people it is the same.
fn ids(role: &RoleKeys, known: &BTreeMap<KeyId, TufKey>) -> Vec<KeyId> {
    let id = |id: &KeyId| known.get(id).map_or_else(|| *id, TufKey::canonical_id);
    let mut ids: Vec<KeyId> = role.keyids.iter().map(id).collect();
    ids.sort();
    ids.dedup();
    ids
}
