//! What an accepted walk teaches, and the replay that only a comparison with earlier walks shows.

use wharfinger_storage::memory::{Remembered, RememberedFile, RememberedSigning};
use wharfinger_tuf::{Collection, Known, Metadata, RoleName, Signed, Verified};

pub(crate) struct Learned {
    pub(crate) files: Vec<RememberedFile>,
    pub(crate) signings: Vec<RememberedSigning>,
}

impl Learned {
    pub(crate) fn of(collection: &Collection, etag: Option<String>) -> Self {
        let mut files = vec![
            file(&RoleName::Root, collection.root().file()),
            file(&RoleName::Snapshot, collection.snapshot().file()),
            file(&RoleName::Targets, collection.targets().file()),
            RememberedFile { etag, ..file(&RoleName::Timestamp, collection.timestamp().file()) },
        ];
        files.extend(collection.delegations().map(|(role, verified)| file(role, verified.file())));
        files.sort_by(|one, other| one.role.cmp(&other.role));
        let signers = collection.delegations().filter(|(role, _)| role.is_signer());
        Self { files, signings: signers.flat_map(|(role, verified)| signings(role, verified)).collect() }
    }

    /// Whether memory already holds all of this.
    pub(crate) fn is_known(&self, remembered: Option<&Remembered>) -> bool {
        remembered.is_some_and(|remembered| {
            remembered.files == self.files && self.signings.iter().all(|signing| remembered.signings.contains(signing))
        })
    }

    /// A file names neither its GUN nor its role: an old one of a signer can be put under a new name of the same key, and a revoked tag
    /// is back. A key that has signed a later version, expiring later, does not afterwards sign an earlier one in a role it was never
    /// seen in.
    pub(crate) fn replayed(&self, remembered: Option<&Remembered>) -> Option<String> {
        let earlier = &remembered?.signings;
        self.signings.iter().find_map(|new| {
            if earlier.iter().any(|old| old.role == new.role && old.key == new.key) {
                return None;
            }
            let later = |old: &&RememberedSigning| old.key == new.key && old.version > new.version && old.expires > new.expires;
            let old = earlier.iter().find(later)?;
            Some(format!(
                "{} version {} is signed by key {}, which has already signed the later version {} of {}",
                new.role, new.version, new.key, old.version, old.role
            ))
        })
    }
}

pub(crate) fn known(remembered: Option<&Remembered>) -> Known {
    let Some(remembered) = remembered else { return Known::default() };
    let root = remembered.files.iter().find(|file| file.role == RoleName::Root.as_str());
    let versions = remembered.versions.iter().filter_map(|(role, version)| Some((role.parse().ok()?, *version)));
    Known { root: root.map(|file| file.bytes.clone()), versions: versions.collect() }
}

fn file<T: Metadata>(role: &RoleName, file: &Signed<T>) -> RememberedFile {
    RememberedFile {
        role: role.to_string(),
        version: file.signed.version(),
        statement: file.statement(),
        bytes: file.bytes().to_vec(),
        etag: None,
    }
}

fn signings<'a, T: Metadata>(role: &'a RoleName, verified: &'a Verified<T>) -> impl Iterator<Item = RememberedSigning> + 'a {
    verified.keys().iter().map(|(_, key)| RememberedSigning {
        role: role.to_string(),
        key: key.canonical_id().to_string(),
        version: verified.signed().version(),
        expires: verified.signed().expires(),
    })
}
