//! The trust data of a repository, as the Notary server stored it, with the signatures of every file counted here.
//!
//! It is shown, not decided upon: what a signature is worth where an image is to run, the policy of a cluster says.

use std::collections::BTreeMap;
use std::sync::Arc;

use moka::future::Cache;
use time::OffsetDateTime;
use wharfinger_keys::{KeyId, PublicKey};
use wharfinger_oci::{Digest, Repository, Tag};
use wharfinger_storage::collections::{Head, StoredFile};
use wharfinger_tuf::publish::Named;
use wharfinger_tuf::{
    Delegations, Metadata, RoleKeys, RoleName, Root, Signed, Snapshot, TargetFile, Targets, Timestamp, TufKey, verify_signatures,
};

use super::Registry;
use crate::error::Refused;

/// More roles than any repository has: each costs a look at the database and some signatures.
const MOST_ROLES: usize = 200;
/// What is kept in memory of trust data, in bytes as estimated.
const KEPT: u64 = 32 * 1024 * 1024;

/// One role as it stands now.
pub(crate) struct Role {
    pub(crate) name: RoleName,
    pub(crate) threshold: u64,
    pub(crate) keys: Vec<RoleKey>,
    /// Prefixes of the tags it may speak of; of delegations only.
    pub(crate) paths: Vec<String>,
    /// `None`: nothing was published for it yet.
    pub(crate) file: Option<RoleFile>,
}

/// A key that may sign for a role.
pub(crate) struct RoleKey {
    /// The id of the bare key: what it is called wherever it stands.
    pub(crate) id: KeyId,
    pub(crate) public: Option<PublicKey>,
    /// Whether its signature is on the present file.
    pub(crate) has_signed: bool,
}

/// The file that counts for a role at this moment.
pub(crate) struct RoleFile {
    pub(crate) version: u64,
    pub(crate) expires: OffsetDateTime,
    /// Enough of its keys have signed it.
    pub(crate) valid: bool,
    /// Tags and what they mean; empty for what is no `targets` file.
    entries: BTreeMap<String, TargetFile>,
}

impl RoleFile {
    /// Whether it says anything of a tag.
    pub(crate) fn names(&self, tag: &str) -> bool {
        self.entries.contains_key(tag)
    }
}

/// A role that stands behind a tag.
pub(crate) struct Signer<'data> {
    pub(crate) role: &'data Role,
    pub(crate) keys: Vec<&'data RoleKey>,
}

pub(crate) struct TrustData {
    roles: Arc<Vec<Role>>,
    now: OffsetDateTime,
}

/// The roles of repositories that were looked at: a head names them all by their hashes, so they are counted once.
pub(crate) struct Counted(Cache<(String, Head), Arc<Vec<Role>>>);

impl Counted {
    pub(crate) fn new() -> Self {
        let weight = |_: &(String, Head), roles: &Arc<Vec<Role>>| {
            let bytes = |role: &Role| 500 + 500 * role.keys.len() + 300 * role.file.as_ref().map_or(0, |file| file.entries.len());
            u32::try_from(roles.iter().map(bytes).sum::<usize>()).unwrap_or(u32::MAX)
        };
        Self(Cache::builder().weigher(weight).max_capacity(KEPT).build())
    }
}

impl TrustData {
    /// `None`: nothing was ever signed in the repository.
    pub(crate) async fn read(registry: &Registry, repository: &Repository) -> Result<Option<Self>, Refused> {
        let gun = format!("{}/{repository}", registry.console.host);
        let now = registry.console.clock.now();
        let Some(head) = registry.console.collections.head(&gun).await? else { return Ok(None) };
        let key = (gun, head);
        if let Some(roles) = registry.counted.0.get(&key).await {
            return Ok(Some(Self { roles, now }));
        }
        let Some(roles) = Self::count(registry, &key.0, &key.1).await?.map(Arc::new) else { return Ok(None) };
        registry.counted.0.insert(key, roles.clone()).await;
        Ok(Some(Self { roles, now }))
    }

    async fn count(registry: &Registry, gun: &str, head: &Head) -> Result<Option<Vec<Role>>, Refused> {
        let collections = &*registry.console.collections;
        let by_hash = async |role: &RoleName, sha256: Option<String>| match sha256 {
            Some(sha256) => collections.by_hash(gun, role.as_str(), &sha256).await,
            None => Ok(None),
        };
        let snapshot = by_hash(&RoleName::Snapshot, Some(head.snapshot_sha256.clone())).await?;
        // Deleted between two looks.
        let Some(snapshot) = snapshot else { return Ok(None) };
        let named = Named::parse(&snapshot.bytes).map_err(|_| damaged(&RoleName::Snapshot, gun))?;
        let (Some(root), Some(targets), Some(timestamp)) = (
            by_hash(&RoleName::Root, named.sha256(&RoleName::Root)).await?,
            by_hash(&RoleName::Targets, named.sha256(&RoleName::Targets)).await?,
            by_hash(&RoleName::Timestamp, Some(head.timestamp_sha256.clone())).await?,
        ) else {
            return Ok(None);
        };
        let root = parsed::<Root>(&root, &RoleName::Root, gun)?;
        let base = |name: RoleName| Base { keys: root.signed.roles.get(&name), name, known: &root.signed.keys };
        let targets = parsed::<Targets>(&targets, &RoleName::Targets, gun)?;
        let mut roles = vec![
            base(RoleName::Root).role(&root, BTreeMap::new()),
            base(RoleName::Targets).role(&targets, targets.signed.targets.clone()),
            base(RoleName::Snapshot).role(&parsed::<Snapshot>(&snapshot, &RoleName::Snapshot, gun)?, BTreeMap::new()),
            base(RoleName::Timestamp).role(&parsed::<Timestamp>(&timestamp, &RoleName::Timestamp, gun)?, BTreeMap::new()),
        ];
        let mut open: Vec<Delegations> = vec![targets.signed.delegations];
        while let Some(delegations) = open.pop() {
            for delegation in &delegations.roles {
                if roles.len() >= MOST_ROLES {
                    return Ok(Some(roles));
                }
                let file = by_hash(&delegation.name, named.sha256(&delegation.name)).await?;
                let base = Base { name: delegation.name.clone(), keys: Some(&delegation.keys), known: &delegations.keys };
                let mut role = match file {
                    Some(file) => {
                        let file = parsed::<Targets>(&file, &delegation.name, gun)?;
                        let role = base.role(&file, file.signed.targets.clone());
                        open.push(file.signed.delegations);
                        role
                    }
                    None => base.unpublished(),
                };
                role.paths.clone_from(&delegation.paths);
                roles.push(role);
            }
        }
        Ok(Some(roles))
    }

    /// Root first, then targets, snapshot, timestamp, and the delegations below their parents.
    pub(crate) fn roles(&self) -> &[Role] {
        &self.roles
    }

    fn role(&self, name: &RoleName) -> Option<&Role> {
        self.roles.iter().find(|role| role.name == *name)
    }

    fn has_delegations(&self) -> bool {
        self.roles.iter().any(|role| role.name.is_delegation())
    }

    /// The role that says what tags mean: `targets/releases`, or `targets` where nothing is delegated.
    fn releasing(&self) -> Option<&Role> {
        self.role(&if self.has_delegations() { RoleName::releases() } else { RoleName::Targets })
    }

    /// The digest that was signed for a tag.
    pub(crate) fn released(&self, tag: &Tag) -> Option<Digest> {
        let entry = self.entry(tag)?;
        entry.hashes.sha256.map(|sha256| Digest::from_sha256(&sha256))
    }

    fn entry(&self, tag: &Tag) -> Option<&TargetFile> {
        let role = self.releasing()?;
        if role.name.is_delegation() && !role.admits(tag) {
            return None;
        }
        role.file.as_ref()?.entries.get(tag.as_str())
    }

    /// The tags that are signed, with their digests, whether they are in the registry or not.
    pub(crate) fn tags(&self) -> Vec<(Tag, Digest)> {
        let entries = self.releasing().and_then(|role| role.file.as_ref()).into_iter().flat_map(|file| file.entries.keys());
        entries
            .filter_map(|name| name.parse::<Tag>().ok())
            .filter_map(|tag| self.released(&tag).map(|digest| (tag, digest)))
            .collect()
    }

    /// The roles that have signed exactly what the tag means, each with the keys whose signatures hold. Clients pass over a role whose
    /// file has expired, and so does this.
    pub(crate) fn signers(&self, tag: &Tag) -> Vec<Signer<'_>> {
        let Some(released) = self.entry(tag) else { return Vec::new() };
        let counts = |role: &&Role| {
            let alone = !self.has_delegations() && role.name == RoleName::Targets;
            let stands = alone || (role.name.is_signer() && role.admits(tag));
            let file = role.file.as_ref().filter(|file| stands && file.valid && file.expires > self.now);
            file.and_then(|file| file.entries.get(tag.as_str())).is_some_and(|entry| entry.same_content(released))
        };
        let signer = |role| Signer { role, keys: Role::signed_with(role) };
        self.roles.iter().filter(counts).map(signer).collect()
    }

    /// Until when what is said of a tag holds: the earliest expiry of the files it rests on.
    pub(crate) fn expires(&self) -> Option<OffsetDateTime> {
        let releases = RoleName::releases();
        let rests_on = self.roles.iter().filter(|role| !role.name.is_delegation() || role.name == releases);
        rests_on.filter_map(|role| role.file.as_ref().map(|file| file.expires)).min()
    }
}

impl Role {
    fn admits(&self, tag: &Tag) -> bool {
        self.paths.iter().any(|path| tag.as_str().starts_with(path.as_str()))
    }

    fn signed_with(&self) -> Vec<&RoleKey> {
        self.keys.iter().filter(|key| key.has_signed).collect()
    }
}

/// Which keys may sign for a role, as whoever stands above it says.
struct Base<'above> {
    name: RoleName,
    keys: Option<&'above RoleKeys>,
    known: &'above BTreeMap<KeyId, TufKey>,
}

impl Base<'_> {
    fn unpublished(self) -> Role {
        let ids = self.keys.map(|keys| keys.keyids.as_slice()).unwrap_or_default();
        let key = |key: &TufKey| RoleKey { id: key.canonical_id(), public: key.public_key().cloned(), has_signed: false };
        Role {
            keys: ids.iter().filter_map(|id| self.known.get(id)).map(key).collect(),
            threshold: self.keys.map_or(0, |keys| keys.threshold),
            name: self.name,
            paths: Vec::new(),
            file: None,
        }
    }

    fn role<T: Metadata>(self, file: &Signed<T>, entries: BTreeMap<String, TargetFile>) -> Role {
        let valid = self.keys.and_then(|keys| verify_signatures(file, keys, self.known).ok());
        let mut role = self.unpublished();
        for key in &mut role.keys {
            key.has_signed = valid.iter().flatten().any(|(_, public)| key.public.as_ref() == Some(public));
        }
        let (version, expires) = (file.signed.version(), file.signed.expires());
        role.file = Some(RoleFile { version, expires, valid: valid.is_some(), entries });
        role
    }
}

fn parsed<T: Metadata>(file: &StoredFile, role: &RoleName, gun: &str) -> Result<Signed<T>, Refused> {
    Signed::parse(&file.bytes).map_err(|_| damaged(role, gun))
}

fn damaged(role: &RoleName, gun: &str) -> Refused {
    wharfinger_storage::StorageError::Damaged(format!("{role} of {gun} cannot be read")).into()
}
