//! The walk from a root down to every delegation, as a state machine over files: it says which files it wants, is handed them, and ends
//! in a [`Collection`] or in the one reason why not. It never fetches anything itself.
//!
//! The order is that of TUF § 5 in the form Notary v1 has: root (pinned, or trusted at first use, and followed version by version),
//! timestamp, snapshot by the timestamp's hash, root again when the snapshot names another, targets and delegations by the snapshot's
//! hashes. Every file a collection rests on has the length and every hash its parent gives, the type of its role, enough signatures of
//! its role's keys, an expiry that is not past, and a version not below the one remembered.

mod error;
mod roots;
mod want;

use std::collections::BTreeMap;
use std::sync::Arc;

use time::OffsetDateTime;

pub use error::WalkError;
pub use roots::Pins;
use roots::Roots;
pub use want::{By, File, Want};

use crate::collection::{Collection, Skip, Skipped, Verified, Versions};
use crate::{
    Delegations, Gun, Meta, Metadata, RoleKeys, RoleName, Root, Signed, Snapshot, Targets, Timestamp, verify_signatures,
};

/// Bounds on what a server may make us read.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Stock clients read up to 100 MiB of root; a root grows by a kilobyte with each rotation.
    pub root: u64,
    /// As stock clients.
    pub timestamp: u64,
    /// Snapshot, targets and delegations. 20,000 tags take 4 MiB; a parser takes many times that.
    pub file: u64,
    /// All files of one walk together: endless data (CVE-2023-46737).
    pub total: u64,
    /// Delegations in all: 100,000 of them would be 100,000 requests.
    pub delegations: usize,
    /// How deep delegations are followed.
    pub depth: usize,
    /// Signatures in all: each may cost a verification, and the largest RSA keys make it a slow one.
    pub signatures: usize,
    /// Root versions between the one we trust and the newest.
    pub root_chain: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            root: 4 << 20,
            timestamp: 1 << 20,
            file: 8 << 20,
            total: 32 << 20,
            delegations: 500,
            depth: 8,
            signatures: 2000,
            root_chain: 256,
        }
    }
}

/// A role that was re-signed every second for ten days does not jump further. A jump would be remembered, and make every later
/// version look rolled back.
const LONGEST_JUMP: u64 = 1_000_000;

/// What is remembered of a collection.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The newest root that was trusted: the anchor. None: trust at first use.
    pub root: Option<Vec<u8>>,
    /// The highest version accepted of each role.
    pub versions: Versions,
}

/// One walk.
pub struct Walk {
    gun: Gun,
    now: OffsetDateTime,
    limits: Limits,
    versions: Versions,
    roots: Roots,
    received: u64,
    signatures: usize,
    timestamp: Option<Vec<u8>>,
    snapshot: Option<(Meta, Vec<u8>)>,
    settled: Option<Settled>,
    delegations: BTreeMap<RoleName, Verified<Targets>>,
    skipped: Vec<Skipped>,
    /// Targets and delegations still to come, with the keys they are judged by.
    open: BTreeMap<RoleName, (Meta, RoleKeys, Arc<Delegations>)>,
    named: usize,
}

/// Root, timestamp and snapshot, once they agree with each other.
struct Settled {
    root: Verified<Root>,
    timestamp: Verified<Timestamp>,
    snapshot: Verified<Snapshot>,
    targets: Option<Verified<Targets>>,
}

impl Walk {
    pub fn new(gun: Gun, now: OffsetDateTime, known: Known, pins: Pins, limits: Limits) -> Result<Self, WalkError> {
        let roots = Roots::new(gun.clone(), now, known.root.as_deref(), pins, limits.root_chain)?;
        Ok(Self {
            gun,
            now,
            limits,
            versions: known.versions,
            roots,
            received: 0,
            signatures: 0,
            timestamp: None,
            snapshot: None,
            settled: None,
            delegations: BTreeMap::new(),
            skipped: Vec::new(),
            open: BTreeMap::new(),
            named: 0,
        })
    }

    /// The files to get next, in any order or at once. Empty when the walk is at its end.
    pub fn wants(&self) -> Vec<Want> {
        if let Some(want) = self.roots.want(self.limits.root) {
            return vec![want];
        }
        if self.settled.is_some() {
            let targets = self.open.iter().map(|(role, (meta, ..))| Want::by_hash(role.clone(), meta, self.limits.file));
            return targets.collect();
        }
        match (&self.timestamp, self.named_snapshot()) {
            (Some(_), Some(meta)) => vec![Want::by_hash(RoleName::Snapshot, &meta, self.limits.file)],
            _ => vec![Want::current(RoleName::Timestamp, self.limits.timestamp)],
        }
    }

    /// The snapshot that the timestamp in hand names. The timestamp was verified when it came.
    fn named_snapshot(&self) -> Option<Meta> {
        let timestamp = Signed::<Timestamp>::parse(self.timestamp.as_deref()?).ok()?;
        timestamp.signed.snapshot().cloned()
    }

    /// Takes one of the wanted files. After an error the walk is over.
    pub fn receive(&mut self, want: &Want, file: File) -> Result<(), WalkError> {
        let File::Found(bytes) = file else {
            return self.roots.missing(want);
        };
        self.received = self.received.saturating_add(bytes.len() as u64);
        if bytes.len() as u64 > want.limit || self.received > self.limits.total {
            return Err(WalkError::TooLarge { role: want.role.clone(), limit: want.limit });
        }
        if let By::Hash(meta) = &want.by {
            check_content(&want.role, meta, &bytes)?;
        }
        match &want.role {
            RoleName::Root => self.roots.receive(&bytes)?,
            RoleName::Timestamp => self.timestamp = Some(bytes),
            RoleName::Snapshot => {
                let By::Hash(meta) = &want.by else { return Err(WalkError::Incomplete) };
                self.snapshot = Some((meta.clone(), bytes));
            }
            role => return self.receive_targets(role, &bytes),
        }
        self.settle()
    }

    /// Brings root, timestamp and snapshot into agreement, as far as the files in hand allow. Root keys may have been rotated since the
    /// root we trust: then the newest root is asked for once, and everything is judged again by it.
    fn settle(&mut self) -> Result<(), WalkError> {
        if self.settled.is_some() || self.roots.is_moving() {
            return Ok(());
        }
        let Some(root) = self.roots.trusted() else { return Ok(()) };
        if let Err(expired) = self.unexpired(&RoleName::Root, &root.file.signed) {
            return self.roots.refresh(None, expired);
        }
        let Some(bytes) = &self.timestamp else { return Ok(()) };
        let timestamp: Verified<Timestamp> = match self.verify_base(&RoleName::Timestamp, bytes, &root) {
            Ok(timestamp) => timestamp,
            Err(error) if error.may_be_cured_by_a_newer_root() => return self.roots.refresh(None, error),
            Err(error) => return Err(error),
        };
        let Some((meta, bytes)) = &self.snapshot else { return Ok(()) };
        if timestamp.signed().snapshot() != Some(meta) {
            return Err(WalkError::Hash { role: RoleName::Snapshot });
        }
        let snapshot: Verified<Snapshot> = match self.verify_base(&RoleName::Snapshot, bytes, &root) {
            Ok(snapshot) => snapshot,
            Err(error) if error.may_be_cured_by_a_newer_root() => return self.roots.refresh(None, error),
            Err(error) => return Err(error),
        };
        let named = snapshot.signed().meta.get(&RoleName::Root).ok_or(WalkError::Unnamed { role: RoleName::Root })?;
        if let Err(other) = check_content(&RoleName::Root, named, root.file.bytes()) {
            // Mix-and-match: the root we hold is not the one this snapshot was made with.
            return self.roots.refresh(Some(named.clone()), other);
        }
        self.settled = Some(Settled { root: root.clone(), timestamp, snapshot, targets: None });
        let keys = Arc::new(Delegations { keys: root.signed().keys.clone(), roles: Vec::new() });
        let role = root.signed().role(&RoleName::Targets).ok_or(WalkError::Unnamed { role: RoleName::Targets })?;
        self.expect(RoleName::Targets, role.clone(), keys)
    }

    fn verify_base<T: Metadata>(&self, role: &RoleName, bytes: &[u8], root: &Verified<Root>) -> Result<Verified<T>, WalkError> {
        let file = Signed::<T>::parse(bytes).map_err(|source| WalkError::Malformed { role: role.clone(), source })?;
        let keys = root.signed().role(role).ok_or_else(|| WalkError::Unnamed { role: role.clone() })?;
        let valid = verify_signatures(&file, keys, &root.signed().keys)
            .map_err(|source| WalkError::Signatures { role: role.clone(), source })?;
        self.unexpired(role, &file.signed)?;
        self.not_rolled_back(role, file.signed.version())?;
        Ok(Verified { file: Arc::new(file), keys: valid })
    }

    /// Puts a targets file on the list; a delegation that the snapshot does not name was never published.
    fn expect(&mut self, role: RoleName, keys: RoleKeys, parent: Arc<Delegations>) -> Result<(), WalkError> {
        let Some(settled) = &self.settled else { return Err(WalkError::Incomplete) };
        match settled.snapshot.signed().meta.get(&role) {
            Some(meta) => {
                self.open.insert(role, (meta.clone(), keys, parent));
                Ok(())
            }
            None if role.is_delegation() => {
                // That can only take signatures away, never add one.
                self.skipped.push(Skipped { role, why: Skip::NeverPublished });
                Ok(())
            }
            None => Err(WalkError::Unnamed { role }),
        }
    }

    fn receive_targets(&mut self, role: &RoleName, bytes: &[u8]) -> Result<(), WalkError> {
        let Some((_, keys, parent)) = self.open.remove(role) else { return Err(WalkError::Incomplete) };
        let malformed = |source| WalkError::Malformed { role: role.clone(), source };
        let file = Signed::<Targets>::parse(bytes).map_err(malformed)?;
        self.signatures = self.signatures.saturating_add(file.signatures.len());
        if self.signatures > self.limits.signatures {
            return Err(WalkError::TooManySignatures { role: role.clone() });
        }
        file.signed.delegations.check_parent(role).map_err(|why| malformed(crate::ParseError::Malformed(why)))?;
        let judged = verify_signatures(&file, &keys, &parent.keys)
            .map_err(|source| WalkError::Signatures { role: role.clone(), source })
            .and_then(|valid| self.unexpired(role, &file.signed).map(|()| valid));
        let valid = match judged {
            Ok(valid) => valid,
            Err(error) => return self.leave_out(role, error),
        };
        self.not_rolled_back(role, file.signed.version)?;
        self.follow(role, &file.signed.delegations)?;
        let verified = Verified { file: Arc::new(file), keys: valid };
        match (&mut self.settled, role) {
            (Some(settled), RoleName::Targets) => settled.targets = Some(verified),
            _ => drop(self.delegations.insert(role.clone(), verified)),
        }
        Ok(())
    }

    /// Stock clients leave an expired or under-signed delegation out, with all below it; anything else wrong with it is fatal.
    fn leave_out(&mut self, role: &RoleName, error: WalkError) -> Result<(), WalkError> {
        use crate::SignatureError::{BelowThreshold, Unsigned};
        let why = match error {
            WalkError::Expired { at, .. } if role.is_delegation() => Skip::Expired(at),
            WalkError::Signatures { source: source @ (BelowThreshold { .. } | Unsigned), .. } if role.is_delegation() => {
                Skip::UnderSigned(source)
            }
            error => return Err(error),
        };
        self.skipped.push(Skipped { role: role.clone(), why });
        Ok(())
    }

    fn follow(&mut self, role: &RoleName, delegations: &Delegations) -> Result<(), WalkError> {
        self.named = self.named.saturating_add(delegations.roles.len());
        let deepest = delegations.roles.iter().map(|delegation| delegation.name.depth()).max().unwrap_or_default();
        if self.named > self.limits.delegations || deepest > self.limits.depth {
            return Err(WalkError::TooManyDelegations { role: role.clone() });
        }
        let shared = Arc::new(delegations.clone());
        for delegation in &delegations.roles {
            self.expect(delegation.name.clone(), delegation.keys.clone(), shared.clone())?;
        }
        Ok(())
    }

    fn unexpired<T: Metadata>(&self, role: &RoleName, signed: &T) -> Result<(), WalkError> {
        // Notary: expired means `expires < now`.
        if signed.expires() < self.now {
            return Err(WalkError::Expired { role: role.clone(), at: signed.expires() });
        }
        Ok(())
    }

    fn not_rolled_back(&self, role: &RoleName, version: u64) -> Result<(), WalkError> {
        match self.versions.get(role) {
            Some(known) if version < *known => Err(WalkError::Rollback { role: role.clone(), version, known: *known }),
            Some(known) if version - *known > LONGEST_JUMP => {
                Err(WalkError::FastForward { role: role.clone(), version, known: *known })
            }
            _ => Ok(()),
        }
    }

    /// The collection, when nothing is wanted any more.
    pub fn finish(self) -> Result<Collection, WalkError> {
        let ended = self.wants().is_empty();
        let (Some(settled), true) = (self.settled, ended) else { return Err(WalkError::Incomplete) };
        let Settled { root, timestamp, snapshot, targets: Some(targets) } = settled else { return Err(WalkError::Incomplete) };
        let Self { gun, delegations, skipped, .. } = self;
        Ok(Collection { gun, root, timestamp, snapshot, targets, delegations, skipped })
    }
}

fn check_content(role: &RoleName, meta: &Meta, bytes: &[u8]) -> Result<(), WalkError> {
    if bytes.len() as u64 != meta.length {
        return Err(WalkError::Length { role: role.clone(), expected: meta.length, found: bytes.len() as u64 });
    }
    if meta.hashes.sha256.is_none() || !meta.hashes.match_bytes(bytes) {
        return Err(WalkError::Hash { role: role.clone() });
    }
    Ok(())
}
