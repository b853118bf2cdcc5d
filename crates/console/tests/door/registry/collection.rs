//! Signed trust data of one repository, published version by version as the Notary server stores it.

use std::collections::BTreeMap;

use time::{Duration, OffsetDateTime};
use wharfinger_identity::Account;
use wharfinger_keys::{KeyId, PrivateKey};
use wharfinger_storage::collections::{Collections as _, Head, NewFile, Publication, Published, Publisher};
use wharfinger_storage_sql::Sql;
use wharfinger_tuf::{
    Delegation, Delegations, Meta, Metadata, RoleKeys, RoleName, Root, Signed, Snapshot, TargetFile, Targets, Timestamp, TufKey,
};

pub fn role(text: &str) -> RoleName {
    text.parse().unwrap()
}

/// The owner's key signs root, targets, snapshot and timestamp; one signer's key their role and the releases.
pub struct Collection<'key> {
    gun: String,
    owner: PrivateKey,
    key: &'key PrivateKey,
    /// Signs in the signer's name, without being in the trust data.
    pub forger: Option<PrivateKey>,
    signer: RoleName,
    root: Root,
    files: BTreeMap<RoleName, Targets>,
    meta: BTreeMap<RoleName, Meta>,
    version: u64,
    based_on: Option<String>,
    pub expires: OffsetDateTime,
}

impl<'key> Collection<'key> {
    pub fn new(gun: &str, signer: &str, key: &'key PrivateKey, lives: Duration) -> Self {
        let (owner, expires) = (PrivateKey::generate_p256(), OffsetDateTime::now_utc() + lives);
        let owner_key = TufKey::from_public_key(owner.public_key());
        let all = [RoleName::Root, RoleName::Targets, RoleName::Snapshot, RoleName::Timestamp];
        let root = Root {
            consistent_snapshot: false,
            expires,
            keys: BTreeMap::from([(owner_key.tuf_id(), owner_key.clone())]),
            roles: all.into_iter().map(|role| (role, keys_of(&owner_key))).collect(),
            version: 0,
        };
        let (signer, meta) = (role(&format!("targets/{signer}")), BTreeMap::new());
        let empty = || Targets { delegations: Delegations::default(), expires, targets: BTreeMap::new(), version: 0 };
        let files = [RoleName::Targets, signer.clone(), RoleName::releases()].map(|role| (role, empty())).into();
        let (version, based_on, forger) = (0, None, None);
        let mut collection =
            Self { gun: gun.to_owned(), owner, key, forger, signer, root, files, meta, version, based_on, expires };
        collection.delegate(&collection.signer.clone(), key);
        collection.delegate(&RoleName::releases(), key);
        collection
    }

    pub fn delegate(&mut self, name: &RoleName, key: &PrivateKey) {
        let key = TufKey::from_public_key(key.public_key());
        let delegations = &mut self.file(&RoleName::Targets).delegations;
        delegations.keys.insert(key.tuf_id(), key.clone());
        delegations.roles.push(Delegation { keys: keys_of(&key), name: name.clone(), paths: vec![String::new()] });
    }

    pub fn file(&mut self, name: &RoleName) -> &mut Targets {
        self.files.get_mut(name).unwrap()
    }

    /// Signer and releases say that `tag` is this, or nothing any more.
    pub fn tag(&mut self, tag: &str, target: Option<&TargetFile>) {
        for name in [self.signer.clone(), RoleName::releases()] {
            let tags = &mut self.file(&name).targets;
            match target {
                Some(target) => drop(tags.insert(tag.to_owned(), target.clone())),
                None => drop(tags.remove(tag)),
            }
        }
    }

    /// Publishes a next version of these roles.
    pub async fn publish(&mut self, sql: &Sql, roles: &[RoleName], by: Option<&Account>, at: OffsetDateTime) {
        let mut files = Vec::new();
        for role in roles {
            let new = if *role == RoleName::Root {
                (self.root.version, self.root.expires) = (self.root.version + 1, self.expires);
                made(role, &self.root, &[&self.owner])
            } else {
                let (expires, file) = (self.expires, self.files.get_mut(role).unwrap());
                (file.version, file.expires) = (file.version + 1, expires);
                let key = match (&self.forger, role) {
                    (_, RoleName::Targets) => (&self.owner, &self.owner),
                    (Some(forger), role) if *role == self.signer => (self.key, forger),
                    _ => (self.key, self.key),
                };
                signed(role, file, key)
            };
            self.meta.insert(role.clone(), Meta::of(&new.bytes));
            files.push(new);
        }
        self.version += 1;
        let snapshot = Snapshot { expires: self.expires, meta: self.meta.clone(), version: self.version };
        let snapshot = made(&RoleName::Snapshot, &snapshot, &[&self.owner]);
        let meta = BTreeMap::from([(RoleName::Snapshot, Meta::of(&snapshot.bytes))]);
        let timestamp = Timestamp { expires: self.expires, meta, version: self.version };
        let timestamp = made(&RoleName::Timestamp, &timestamp, &[&self.owner]);
        let head = Head {
            timestamp_sha256: timestamp.sha256.clone(),
            snapshot_sha256: snapshot.sha256.clone(),
            resign_at: self.expires,
        };
        let based_on = self.based_on.replace(timestamp.sha256.clone());
        files.extend([snapshot, timestamp]);
        let by = by.map(|account| Publisher { id: account.id.clone(), name: account.name.to_string() });
        let publication = Publication { gun: self.gun.clone(), based_on, files, head, used_keys: Vec::new(), by, at };
        assert_eq!(sql.publish(&publication).await.unwrap(), Published::Stored);
    }

    /// What the first publication has to bring.
    pub fn all(&self) -> Vec<RoleName> {
        [RoleName::Root].into_iter().chain(self.files.keys().cloned()).collect()
    }
}

fn keys_of(key: &TufKey) -> RoleKeys {
    RoleKeys { keyids: vec![key.tuf_id()], threshold: 1 }
}

fn made<T: Metadata>(role: &RoleName, value: &T, by: &[&PrivateKey]) -> NewFile {
    signed(role, value, (by[0], by[0]))
}

/// Signed under the id of the one key, with the other.
fn signed<T: Metadata>(role: &RoleName, value: &T, (named, key): (&PrivateKey, &PrivateKey)) -> NewFile {
    let id: KeyId = TufKey::from_public_key(named.public_key()).tuf_id();
    let file = Signed::sign(value, &[(id, key)]).unwrap();
    let version = i64::try_from(value.version()).unwrap();
    NewFile {
        role: role.to_string(),
        version,
        sha256: hex::encode(file.sha256()),
        signed_sha256: None,
        bytes: file.bytes().to_vec(),
    }
}
