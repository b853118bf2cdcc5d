//! Makes collections as a publisher would, and lets a test spoil them at any point on the way.
#![allow(dead_code)] // each test binary uses its own part of this

pub mod machine;

use std::collections::BTreeMap;

use time::{Duration, OffsetDateTime};
use wharfinger_keys::{KeyId, PrivateKey};
use wharfinger_tuf::{
    By, Collection, Delegation, Delegations, File, Gun, Hashes, Known, Limits, Meta, Metadata, Pins, RoleKeys, RoleName, Root,
    Snapshot, TargetFile, Targets, Timestamp, TufKey, Walk, WalkError, Want,
};

pub fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap()
}

pub fn role(name: &str) -> RoleName {
    name.parse().unwrap()
}

/// A private key and the form in which metadata holds its public part.
pub struct Identity {
    pub private: PrivateKey,
    pub key: TufKey,
}

impl Identity {
    pub fn bare() -> Self {
        let private = PrivateKey::generate_p256();
        let key = TufKey::from_public_key(private.public_key());
        Self { private, key }
    }

    /// A certificate of its own, for `common_name`, valid for ten years around [`now`].
    pub fn certified(common_name: &str) -> Self {
        Self::with_certificate(PrivateKey::generate_p256(), common_name, Duration::days(-10)..Duration::days(3650), false)
    }

    pub fn with_certificate(private: PrivateKey, common_name: &str, valid: std::ops::Range<Duration>, is_ca: bool) -> Self {
        let der = rcgen::KeyPair::try_from(private.to_pkcs8_der().as_slice()).unwrap();
        let mut parameters = rcgen::CertificateParams::default();
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        parameters.distinguished_name.push(rcgen::DnType::CommonName, common_name);
        parameters.not_before = now() + valid.start;
        parameters.not_after = now() + valid.end;
        if is_ca {
            parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        }
        let pem = parameters.self_signed(&der).unwrap().pem().replace("\r\n", "\n");
        Self { private, key: TufKey::from_certificate_pem(&pem).unwrap() }
    }

    pub fn id(&self) -> KeyId {
        self.key.tuf_id()
    }
}

/// A collection in the making.
pub struct Forge {
    pub gun: Gun,
    pub root_key: Identity,
    pub targets_key: Identity,
    pub snapshot_key: Identity,
    pub timestamp_key: Identity,
    pub signers: BTreeMap<RoleName, Vec<Identity>>,
    pub root: Root,
    /// `targets` and the delegations.
    pub targets: BTreeMap<RoleName, Targets>,
    pub snapshot_version: u64,
    pub timestamp_version: u64,
    pub snapshot_expires: OffsetDateTime,
    pub timestamp_expires: OffsetDateTime,
    /// Earlier roots, by version.
    pub old_roots: BTreeMap<u64, Vec<u8>>,
}

pub fn target(content: &str) -> TargetFile {
    let hashes = Hashes { sha512: None, ..Hashes::of(content.as_bytes()) };
    TargetFile { custom: None, hashes, length: content.len() as u64 }
}

pub fn empty_targets() -> Targets {
    Targets { delegations: Delegations::default(), expires: now() + Duration::days(1000), targets: BTreeMap::new(), version: 1 }
}

pub fn keys_of(identities: &[&Identity], threshold: u64) -> RoleKeys {
    RoleKeys { keyids: identities.iter().map(|identity| identity.id()).collect(), threshold }
}

impl Forge {
    /// Root, targets, snapshot, timestamp; no delegations, no tags.
    pub fn new(gun: &str) -> Self {
        let (root_key, targets_key) = (Identity::certified(gun), Identity::bare());
        let (snapshot_key, timestamp_key) = (Identity::bare(), Identity::bare());
        let mut root = Root {
            consistent_snapshot: false,
            expires: now() + Duration::days(3650),
            keys: BTreeMap::new(),
            roles: BTreeMap::new(),
            version: 1,
        };
        for (name, identity) in
            [("root", &root_key), ("targets", &targets_key), ("snapshot", &snapshot_key), ("timestamp", &timestamp_key)]
        {
            root.keys.insert(identity.id(), identity.key.clone());
            root.roles.insert(role(name), keys_of(&[identity], 1));
        }
        Self {
            gun: gun.parse().unwrap(),
            root_key,
            targets_key,
            snapshot_key,
            timestamp_key,
            signers: BTreeMap::new(),
            root,
            targets: BTreeMap::from([(RoleName::Targets, empty_targets())]),
            snapshot_version: 1,
            timestamp_version: 1,
            snapshot_expires: now() + Duration::days(1000),
            timestamp_expires: now() + Duration::days(14),
            old_roots: BTreeMap::new(),
        }
    }

    /// What most tests start from: `targets/releases` and the signer `targets/qa` agree on `v1`.
    pub fn signed(gun: &str) -> Self {
        let mut forge = Self::new(gun);
        forge.delegate("targets/releases", vec![Identity::bare()], 1);
        forge.delegate("targets/qa", vec![Identity::bare()], 1);
        forge.tag("targets/releases", "v1", "manifest one");
        forge.tag("targets/qa", "v1", "manifest one");
        forge
    }

    /// Adds a delegation with its file.
    pub fn delegate(&mut self, name: &str, identities: Vec<Identity>, threshold: u64) {
        let name = role(name);
        let parent = self.targets.get_mut(&name.parent().unwrap()).unwrap();
        for identity in &identities {
            parent.delegations.keys.insert(identity.id(), identity.key.clone());
        }
        let keys = keys_of(&identities.iter().collect::<Vec<_>>(), threshold);
        parent.delegations.roles.push(Delegation { keys, name: name.clone(), paths: vec![String::new()] });
        // No two files say the same, as no two of a real client do: each has its own instant of expiry.
        let expires = now() + Duration::days(1000) + Duration::nanoseconds(i64::try_from(self.targets.len()).unwrap());
        self.targets.insert(name.clone(), Targets { expires, ..empty_targets() });
        self.signers.insert(name, identities);
    }

    pub fn tag(&mut self, name: &str, tag: &str, content: &str) {
        self.file(name).targets.insert(tag.to_owned(), target(content));
    }

    pub fn file(&mut self, name: &str) -> &mut Targets {
        self.targets.get_mut(&role(name)).unwrap()
    }

    pub fn delegation(&mut self, name: &str) -> &mut Delegation {
        let name = role(name);
        let parent = self.targets.get_mut(&name.parent().unwrap()).unwrap();
        parent.delegations.roles.iter_mut().find(|delegation| delegation.name == name).unwrap()
    }

    /// One more publish: every version that the server and signers raise, raised.
    pub fn next(&mut self) {
        self.targets.values_mut().for_each(|file| file.version += 1);
        self.snapshot_version += 1;
        self.timestamp_version += 1;
    }

    /// A new root key; the new root is signed by both, as clients sign it.
    pub fn rotate_root(&mut self) -> Identity {
        let present = self.render().files["root.json"].clone();
        self.old_roots.entry(self.root.version).or_insert(present);
        let new = Identity::certified(self.gun.as_str());
        self.root.version += 1;
        self.root.keys.insert(new.id(), new.key.clone());
        self.root.roles.insert(RoleName::Root, keys_of(&[&new], 1));
        std::mem::replace(&mut self.root_key, new)
    }

    pub fn identities(&self, role: &RoleName) -> Vec<&Identity> {
        match role {
            RoleName::Root => vec![&self.root_key],
            RoleName::Targets => vec![&self.targets_key],
            RoleName::Snapshot => vec![&self.snapshot_key],
            RoleName::Timestamp => vec![&self.timestamp_key],
            RoleName::Delegation(_) => self.signers[role].iter().collect(),
        }
    }

    fn make<T: Metadata>(&self, role: &RoleName, value: &T) -> Vec<u8> {
        sign(value, &self.identities(role))
    }

    pub fn render(&self) -> Site {
        self.render_spoiled(|_, bytes| bytes)
    }

    /// Renders all files; `spoil` sees each before its parent takes its hash, so that the hashes fit what it returns.
    pub fn render_spoiled(&self, mut spoil: impl FnMut(&RoleName, Vec<u8>) -> Vec<u8>) -> Site {
        let mut site = Site::default();
        for (version, bytes) in &self.old_roots {
            site.files.insert(format!("{version}.root.json"), bytes.clone());
        }
        let mut put = |role: &RoleName, version: u64, bytes: Vec<u8>| {
            let bytes = spoil(role, bytes);
            let named = Meta::of(&bytes);
            site.files.insert(format!("{version}.{role}.json"), bytes.clone());
            site.files.insert(format!("{role}.{}.json", hex::encode(named.hashes.sha256.unwrap())), bytes.clone());
            site.files.insert(format!("{role}.json"), bytes);
            (role.clone(), named)
        };
        let mut meta = BTreeMap::from([put(&RoleName::Root, self.root.version, self.make(&RoleName::Root, &self.root))]);
        meta.extend(self.targets.iter().map(|(role, value)| put(role, value.version, self.make(role, value))));
        let snapshot = Snapshot { expires: self.snapshot_expires, meta, version: self.snapshot_version };
        let meta = BTreeMap::from([put(&RoleName::Snapshot, self.snapshot_version, self.make(&RoleName::Snapshot, &snapshot))]);
        let timestamp = Timestamp { expires: self.timestamp_expires, meta, version: self.timestamp_version };
        put(&RoleName::Timestamp, self.timestamp_version, self.make(&RoleName::Timestamp, &timestamp));
        site
    }
}

pub fn sign<T: Metadata>(value: &T, identities: &[&Identity]) -> Vec<u8> {
    let keys: Vec<_> = identities.iter().map(|identity| (identity.id(), &identity.private)).collect();
    unchecked(value, &keys)
}

/// Signs also what no parser would take, so that a test can see it refused.
pub fn unchecked<T: Metadata>(value: &T, keys: &[(KeyId, &PrivateKey)]) -> Vec<u8> {
    let mut tree = serde_json::to_value(value).unwrap();
    tree["_type"] = T::TYPE.into();
    sign_tree(&tree, keys)
}

pub fn sign_tree(tree: &serde_json::Value, keys: &[(KeyId, &PrivateKey)]) -> Vec<u8> {
    use base64::Engine as _;
    let canonical = wharfinger_tuf::canonical::to_vec(tree).unwrap();
    let signature = |(id, key): &(KeyId, &PrivateKey)| {
        let sig = base64::engine::general_purpose::STANDARD.encode(key.sign(&canonical).unwrap());
        serde_json::json!({ "keyid": id, "method": key.method(), "sig": sig })
    };
    let signatures: Vec<_> = keys.iter().map(signature).collect();
    serde_json::to_vec(&serde_json::json!({ "signed": tree, "signatures": signatures })).unwrap()
}

/// Files by their name below `_trust/tuf/`.
#[derive(Clone, Default)]
pub struct Site {
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Site {
    pub fn get(&self, want: &Want) -> File {
        match self.files.get(&want.path()) {
            Some(bytes) => File::Found(bytes.clone()),
            None => File::Missing,
        }
    }

    /// Every name under which the current file of a role is served.
    pub fn names(&self, role: &RoleName) -> Vec<String> {
        let current = &self.files[&format!("{role}.json")];
        self.files.iter().filter(|(_, bytes)| *bytes == current).map(|(name, _)| name.clone()).collect()
    }

    /// Replaces what is served for a role; its names stay, so its hash no longer fits.
    pub fn replace(&mut self, role: &RoleName, bytes: &[u8]) {
        for name in self.names(role) {
            self.files.insert(name, bytes.to_vec());
        }
    }

    pub fn walk(&self, gun: &Gun) -> Result<Collection, WalkError> {
        self.walk_knowing(gun, Known::default())
    }

    pub fn walk_knowing(&self, gun: &Gun, known: Known) -> Result<Collection, WalkError> {
        self.walk_with(gun, now(), known, Pins::default(), Limits::default())
    }

    pub fn walk_with(
        &self,
        gun: &Gun,
        now: OffsetDateTime,
        known: Known,
        pins: Pins,
        limits: Limits,
    ) -> Result<Collection, WalkError> {
        let mut walk = Walk::new(gun.clone(), now, known, pins, limits)?;
        for _ in 0..2000 {
            let Some(want) = walk.wants().into_iter().next() else { return walk.finish() };
            walk.receive(&want, self.get(&want))?;
        }
        panic!("the walk does not end")
    }
}

/// What is remembered after `collection` was accepted.
pub fn known(collection: &Collection) -> Known {
    Known { root: Some(collection.root().file().bytes().to_vec()), versions: collection.versions() }
}

pub fn is_by_hash(want: &Want) -> bool {
    matches!(want.by, By::Hash(_))
}
