//! What the four kinds of files say (samples of each: `tests/vectors`).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use wharfinger_keys::KeyId;

use crate::{RoleName, TufKey};

/// What every file has. Implemented by [`Root`], [`Targets`], [`Snapshot`] and [`Timestamp`] alone.
pub trait Metadata: Serialize + DeserializeOwned {
    const TYPE: &'static str;
    fn version(&self) -> u64;
    fn expires(&self) -> OffsetDateTime;
    /// The rules that the shape alone does not express; the sentence says which one is broken.
    fn check(&self) -> Result<(), String>;
}

/// The keys a role may be signed with, and how many of them must.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RoleKeys {
    /// Stock clients write `null` for a role whose last key was removed.
    #[serde(deserialize_with = "null_is_empty", default)]
    pub keyids: Vec<KeyId>,
    pub threshold: u64,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Root {
    pub consistent_snapshot: bool,
    #[serde(with = "rfc3339")]
    pub expires: OffsetDateTime,
    pub keys: BTreeMap<KeyId, TufKey>,
    pub roles: BTreeMap<RoleName, RoleKeys>,
    pub version: u64,
}

impl Root {
    /// The keys of a base role. Every checked root has all four.
    pub fn role(&self, role: &RoleName) -> Option<&RoleKeys> {
        self.roles.get(role)
    }
}

/// A file of `targets` or of a delegation: which tag is which manifest, and who else may say so.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Targets {
    #[serde(default)]
    pub delegations: Delegations,
    #[serde(with = "rfc3339")]
    pub expires: OffsetDateTime,
    #[serde(deserialize_with = "null_is_empty")]
    pub targets: BTreeMap<String, TargetFile>,
    pub version: u64,
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Delegations {
    #[serde(deserialize_with = "null_is_empty", default)]
    pub keys: BTreeMap<KeyId, TufKey>,
    /// Stock clients write `null` when the last delegation was removed.
    #[serde(deserialize_with = "null_is_empty", default)]
    pub roles: Vec<Delegation>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Delegation {
    #[serde(flatten)]
    pub keys: RoleKeys,
    pub name: RoleName,
    /// Prefixes of the target names it may speak of; none means nothing.
    #[serde(deserialize_with = "null_is_empty", default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<String>,
}

impl Delegation {
    /// Whether this role may speak of `target`: one of its paths is a prefix of the name.
    pub fn admits(&self, target: &str) -> bool {
        self.paths.iter().any(|path| target.starts_with(path.as_str()))
    }
}

/// The manifest a tag stands for.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TargetFile {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub custom: Option<serde_json::Value>,
    pub hashes: Hashes,
    pub length: u64,
}

impl TargetFile {
    /// `sha256:…`; none when the entry names no sha256.
    pub fn digest(&self) -> Option<String> {
        self.hashes.sha256.map(|hash| format!("sha256:{}", hex::encode(hash)))
    }

    /// Whether both mean the same manifest: the length and every hash are equal, and sha256 is among them.
    pub fn same_content(&self, other: &Self) -> bool {
        self.length == other.length && self.hashes == other.hashes && self.hashes.sha256.is_some()
    }
}

/// Hash and length of another file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Meta {
    pub hashes: Hashes,
    pub length: u64,
}

/// Digests by algorithm. Algorithms other than these two are ignored, as in Notary.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Hashes {
    pub sha256: Option<[u8; 32]>,
    pub sha512: Option<[u8; 64]>,
}

impl Meta {
    /// What names exactly these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self { hashes: Hashes::of(bytes), length: bytes.len() as u64 }
    }
}

impl Hashes {
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self { sha256: Some(sha2::Sha256::digest(bytes).into()), sha512: Some(sha2::Sha512::digest(bytes).into()) }
    }

    /// Whether `bytes` have every digest given here; false when none is.
    pub fn match_bytes(&self, bytes: &[u8]) -> bool {
        let found = Self::of(bytes);
        let wrong = |given: bool, same: bool| given && !same;
        (self.sha256.is_some() || self.sha512.is_some())
            && !wrong(self.sha256.is_some(), self.sha256 == found.sha256)
            && !wrong(self.sha512.is_some(), self.sha512 == found.sha512)
    }
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Snapshot {
    #[serde(with = "rfc3339")]
    pub expires: OffsetDateTime,
    pub meta: BTreeMap<RoleName, Meta>,
    pub version: u64,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Timestamp {
    #[serde(with = "rfc3339")]
    pub expires: OffsetDateTime,
    pub meta: BTreeMap<RoleName, Meta>,
    pub version: u64,
}

impl Timestamp {
    /// Names the snapshot. Every checked timestamp has it.
    pub fn snapshot(&self) -> Option<&Meta> {
        self.meta.get(&RoleName::Snapshot)
    }
}

impl Metadata for Root {
    const TYPE: &'static str = "Root";

    fn version(&self) -> u64 {
        self.version
    }

    fn expires(&self) -> OffsetDateTime {
        self.expires
    }

    fn check(&self) -> Result<(), String> {
        for role in [RoleName::Root, RoleName::Targets, RoleName::Snapshot, RoleName::Timestamp] {
            if !self.roles.contains_key(&role) {
                return Err(format!("role {role} is missing"));
            }
        }
        for (role, keys) in &self.roles {
            if role.is_delegation() {
                return Err(format!("{role} is not a base role"));
            }
            check_keys(role, keys, &self.keys)?;
        }
        Ok(())
    }
}

impl Metadata for Targets {
    const TYPE: &'static str = "Targets";

    fn version(&self) -> u64 {
        self.version
    }

    fn expires(&self) -> OffsetDateTime {
        self.expires
    }

    /// Whether the delegations are direct children of the file's role depends on that role: see [`Delegations::check_parent`].
    fn check(&self) -> Result<(), String> {
        let mut names = std::collections::BTreeSet::new();
        for delegation in &self.delegations.roles {
            check_keys(&delegation.name, &delegation.keys, &self.delegations.keys)?;
            if !names.insert(&delegation.name) {
                return Err(format!("{} is delegated to twice", delegation.name));
            }
        }
        Ok(())
    }
}

impl Delegations {
    /// A file may delegate to direct children of its own role only.
    pub fn check_parent(&self, role: &RoleName) -> Result<(), String> {
        match self.roles.iter().find(|delegation| delegation.name.parent().as_ref() != Some(role)) {
            Some(delegation) => Err(format!("{} is not a direct child of {role}", delegation.name)),
            None => Ok(()),
        }
    }

    pub fn find(&self, role: &RoleName) -> Option<&Delegation> {
        self.roles.iter().find(|delegation| delegation.name == *role)
    }
}

impl Metadata for Snapshot {
    const TYPE: &'static str = "Snapshot";

    fn version(&self) -> u64 {
        self.version
    }

    fn expires(&self) -> OffsetDateTime {
        self.expires
    }

    fn check(&self) -> Result<(), String> {
        check_meta(&self.meta, &RoleName::Root)?;
        check_meta(&self.meta, &RoleName::Targets)
    }
}

impl Metadata for Timestamp {
    const TYPE: &'static str = "Timestamp";

    fn version(&self) -> u64 {
        self.version
    }

    fn expires(&self) -> OffsetDateTime {
        self.expires
    }

    fn check(&self) -> Result<(), String> {
        check_meta(&self.meta, &RoleName::Snapshot)
    }
}

fn check_keys(role: &RoleName, keys: &RoleKeys, known: &BTreeMap<KeyId, TufKey>) -> Result<(), String> {
    // GHSA-fphv-w9fq-2525: a threshold of nothing would be met by anyone.
    if keys.threshold < 1 {
        return Err(format!("the threshold of {role} is less than one"));
    }
    match keys.keyids.iter().find(|id| !known.contains_key(id)) {
        Some(id) => Err(format!("key {id} of {role} is missing")),
        None => Ok(()),
    }
}

fn check_meta(meta: &BTreeMap<RoleName, Meta>, role: &RoleName) -> Result<(), String> {
    match meta.get(role).and_then(|meta| meta.hashes.sha256) {
        Some(_) => Ok(()),
        None => Err(format!("the sha256 of {role} is missing")),
    }
}

/// RFC 3339 as Go writes it: UTC, up to nine fraction digits, no trailing zeros.
pub fn format_time(time: OffsetDateTime) -> String {
    time.to_offset(time::UtcOffset::UTC).format(&Rfc3339).unwrap_or_default()
}

pub fn parse_time(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339).ok()
}

mod rfc3339 {
    use super::{Deserialize, Deserializer, OffsetDateTime, Serializer, format_time, parse_time};

    pub(super) fn serialize<S: Serializer>(time: &OffsetDateTime, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format_time(*time))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<OffsetDateTime, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_time(&text).ok_or_else(|| serde::de::Error::custom("`expires` is not an RFC 3339 time"))
    }
}

fn null_is_empty<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl Serialize for Hashes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let sha256 = self.sha256.map(|hash| ("sha256", STANDARD.encode(hash)));
        let sha512 = self.sha512.map(|hash| ("sha512", STANDARD.encode(hash)));
        serializer.collect_map([sha256, sha512].into_iter().flatten())
    }
}

impl<'de> Deserialize<'de> for Hashes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let given = BTreeMap::<String, String>::deserialize(deserializer)?;
        let decode = |algorithm: &str| match given.get(algorithm) {
            Some(text) => STANDARD.decode(text).map(Some).map_err(|_| D::Error::custom("a hash is not base64")),
            None => Ok(None),
        };
        let length = |_| D::Error::custom("a hash has the wrong length");
        Ok(Self {
            sha256: decode("sha256")?.map(|hash| hash.try_into().map_err(length)).transpose()?,
            sha512: decode("sha512")?.map(|hash| hash.try_into().map_err(length)).transpose()?,
        })
    }
}

impl Serialize for RoleName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RoleName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}
