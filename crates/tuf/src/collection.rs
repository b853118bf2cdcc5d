//! A verified collection, and what it says about tags.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use time::OffsetDateTime;
use wharfinger_keys::{KeyId, PublicKey};

use crate::{Gun, Metadata, RoleName, Root, Signed, Snapshot, TargetFile, Targets, Timestamp, ValidKeys};

/// A file whose signatures were counted against the keys of its role. Only the walk makes one.
#[derive(Clone, Debug)]
pub struct Verified<T> {
    pub(crate) file: Arc<Signed<T>>,
    pub(crate) keys: ValidKeys,
}

impl<T: Metadata> Verified<T> {
    pub fn file(&self) -> &Signed<T> {
        &self.file
    }

    pub fn signed(&self) -> &T {
        &self.file.signed
    }

    /// The distinct keys of the role that have signed it.
    pub fn keys(&self) -> &[(KeyId, PublicKey)] {
        &self.keys
    }
}

/// Versions by role.
pub type Versions = BTreeMap<RoleName, u64>;

/// A delegation that was left out, as stock clients leave it out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Skipped {
    pub role: RoleName,
    pub why: Skip,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Skip {
    Expired(OffsetDateTime),
    UnderSigned(crate::SignatureError),
    /// Named in its parent, and nothing was ever published.
    NeverPublished,
}

/// A public key that counts as having signed what a tag means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CountedKey {
    pub role: RoleName,
    pub key: PublicKey,
    pub tuf_id: KeyId,
}

/// The whole trust data of a repository, verified from the root down. Only [`crate::Walk`] makes one.
#[derive(Clone, Debug)]
pub struct Collection {
    pub(crate) gun: Gun,
    pub(crate) root: Verified<Root>,
    pub(crate) timestamp: Verified<Timestamp>,
    pub(crate) snapshot: Verified<Snapshot>,
    pub(crate) targets: Verified<Targets>,
    pub(crate) delegations: BTreeMap<RoleName, Verified<Targets>>,
    pub(crate) skipped: Vec<Skipped>,
}

impl Collection {
    pub fn gun(&self) -> &Gun {
        &self.gun
    }

    pub fn root(&self) -> &Verified<Root> {
        &self.root
    }

    pub fn timestamp(&self) -> &Verified<Timestamp> {
        &self.timestamp
    }

    pub fn snapshot(&self) -> &Verified<Snapshot> {
        &self.snapshot
    }

    pub fn targets(&self) -> &Verified<Targets> {
        &self.targets
    }

    pub fn delegation(&self, role: &RoleName) -> Option<&Verified<Targets>> {
        self.delegations.get(role)
    }

    pub fn delegations(&self) -> impl Iterator<Item = (&RoleName, &Verified<Targets>)> {
        self.delegations.iter()
    }

    /// Delegations that were left out, and why.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// The manifest `tag` means: the entry in `targets/releases`; in `targets` only when the collection has no delegations.
    pub fn released(&self, tag: &str) -> Option<&TargetFile> {
        let entry = self.releasing(tag)?.signed().targets.get(tag)?;
        entry.hashes.sha256.map(|_| entry)
    }

    /// The file that decides what `tag` means.
    fn releasing(&self, tag: &str) -> Option<&Verified<Targets>> {
        let delegations = &self.targets.signed().delegations;
        if delegations.roles.is_empty() {
            return Some(&self.targets);
        }
        let releases = delegations.find(&RoleName::releases())?;
        if releases.admits(tag) { self.delegations.get(&releases.name) } else { None }
    }

    /// The released tags and what they mean.
    pub fn tags(&self) -> impl Iterator<Item = (&str, &TargetFile)> {
        let releases = RoleName::releases();
        let file = if self.targets.signed().delegations.roles.is_empty() {
            Some(&self.targets)
        } else {
            self.delegations.get(&releases)
        };
        let names = file.into_iter().flat_map(|file| file.signed().targets.keys());
        names.filter_map(|tag| self.released(tag).map(|entry| (tag.as_str(), entry)))
    }

    /// The signers' roles that may speak of `tag` and have an entry for it.
    fn statements<'a>(&'a self, tag: &'a str) -> impl Iterator<Item = (&'a RoleName, &'a Verified<Targets>, &'a TargetFile)> {
        let delegations = &self.targets.signed().delegations;
        delegations.roles.iter().filter(move |delegation| delegation.name.is_signer() && delegation.admits(tag)).filter_map(
            move |delegation| {
                let file = self.delegations.get(&delegation.name)?;
                Some((&delegation.name, file, file.signed().targets.get(tag)?))
            },
        )
    }

    /// The keys that count for `tag`: each distinct public key with a verified signature on a signer's role that stands on exactly what
    /// the tag means. Names prove nothing here; whose key it is, the directory says.
    pub fn counted(&self, tag: &str) -> Vec<CountedKey> {
        let Some(released) = self.released(tag) else { return Vec::new() };
        let mut seen = HashSet::new();
        let mut counted = Vec::new();
        for (role, file, _) in self.statements(tag).filter(|(_, _, entry)| entry.same_content(released)) {
            for (tuf_id, key) in file.keys() {
                if seen.insert(key.clone()) {
                    counted.push(CountedKey { role: role.clone(), key: key.clone(), tuf_id: *tuf_id });
                }
            }
        }
        counted
    }

    /// The signers that stand on something else than what `tag` means. They are shown; they do not deny.
    pub fn elsewhere(&self, tag: &str) -> Vec<(RoleName, TargetFile)> {
        let released = self.released(tag);
        self.statements(tag)
            .filter(|(_, _, entry)| !released.is_some_and(|released| entry.same_content(released)))
            .map(|(role, _, entry)| (role.clone(), entry.clone()))
            .collect()
    }

    /// Until when all of this holds: the earliest expiry of the files it rests on.
    pub fn expires(&self) -> OffsetDateTime {
        let base = [
            self.root.signed().expires,
            self.timestamp.signed().expires,
            self.snapshot.signed().expires,
            self.targets.signed().expires,
        ];
        base.into_iter().chain(self.delegations.values().map(|file| file.signed().expires)).min().unwrap_or(base[0])
    }

    /// The version of every file it rests on.
    pub fn versions(&self) -> Versions {
        let base = [
            (RoleName::Root, self.root.signed().version),
            (RoleName::Timestamp, self.timestamp.signed().version),
            (RoleName::Snapshot, self.snapshot.signed().version),
            (RoleName::Targets, self.targets.signed().version),
        ];
        base.into_iter().chain(self.delegations.iter().map(|(role, file)| (role.clone(), file.signed().version))).collect()
    }
}
