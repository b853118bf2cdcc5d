//! Is this upload fit to be served, and what does the server add to it?
//!
//! The rules and their order are those of the stock Notary server, and so are the sentences a client shows. Where the stock server would
//! serve what no client can verify, this one refuses; what is received is hashed and kept as it came.

mod made;
mod root;
mod snapshot;
mod targets;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use time::OffsetDateTime;
use wharfinger_keys::{KeyId, PrivateKey};

pub use made::{Lifetimes, resign};

use crate::{Gun, MakeError, Metadata, ParseError, RoleName, Root, SignatureError, Signed, Snapshot, parse_time};

/// Why an upload is refused, by what the stock server calls it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Invalid {
    #[error("The root metadata is invalid: {0}")]
    Root(String),
    #[error("The targets metadata is invalid: {0}")]
    Targets(String),
    #[error("The snapshot metadata is invalid: {0}")]
    Snapshot(String),
    #[error("An error occurred during validation: {0}")]
    Validation(String),
    /// The upload has no snapshot, and the server may not make one.
    #[error("Metadata hierarchy is incomplete: {0}")]
    MissingSnapshot(String),
}

/// Why nothing can be published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// What is stored is not what was accepted once.
    #[error("stored {role} cannot be read")]
    Stored { role: RoleName, source: ParseError },
    #[error("could not sign the {role}")]
    Sign { role: RoleName, source: MakeError },
}

/// A collection as it is before the upload: the current files.
#[derive(Clone, Default, Debug)]
pub struct State {
    pub root: Option<Vec<u8>>,
    pub snapshot: Option<Vec<u8>>,
    pub timestamp: Option<Vec<u8>>,
    /// Those of [`needed`] that there are.
    pub delegated: BTreeMap<RoleName, Vec<u8>>,
}

/// The keys the server holds for the GUN.
#[derive(Default)]
pub struct ServerKeys {
    pub timestamp: Vec<PrivateKey>,
    pub snapshot: Vec<PrivateKey>,
}

/// A file to store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AcceptedFile {
    pub role: RoleName,
    pub version: u64,
    pub sha256: String,
    /// Names the signed bytes of what was received; none for what the server made.
    pub signed_sha256: Option<String>,
    pub bytes: Vec<u8>,
}

/// What is to be stored, all of it or nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Accepted {
    pub files: Vec<AcceptedFile>,
    pub timestamp_sha256: String,
    pub snapshot_sha256: String,
    /// When the server's files are to be signed anew.
    pub resign_at: OffsetDateTime,
    /// Server keys that the root names.
    pub used_keys: Vec<KeyId>,
}

/// Checks an upload against the collection it goes into, and adds the server's snapshot and timestamp.
pub fn validate(
    gun: &Gun,
    upload: &BTreeMap<RoleName, Vec<u8>>,
    state: &State,
    keys: &ServerKeys,
    now: OffsetDateTime,
) -> Result<Accepted, PublishError> {
    let mut loaded = BTreeMap::new();
    let mut files = Vec::new();
    let root = root::load(gun, upload.get(&RoleName::Root), state, now)?;
    if upload.contains_key(&RoleName::Root) {
        files.push(received(RoleName::Root, &root));
    }
    loaded.insert(RoleName::Root, root.bytes().to_vec());
    targets::load(&root, upload, state, now, &mut loaded, &mut files)?;
    let previous = state.snapshot.as_deref().map(|bytes| stored::<Snapshot>(RoleName::Snapshot, bytes)).transpose()?;
    let snapshot = if let Some(bytes) = upload.get(&RoleName::Snapshot) {
        let snapshot = snapshot::load(&root, bytes, &loaded, previous.as_ref(), now)?;
        files.push(received(RoleName::Snapshot, &snapshot));
        snapshot
    } else {
        let snapshot = made::snapshot(&root, &loaded, previous.as_ref(), &keys.snapshot, now)?;
        files.push(made(RoleName::Snapshot, &snapshot));
        snapshot
    };
    made::finish(&root, &snapshot, files, state, keys, now)
}

/// The stored files an upload of these roles is judged with, besides root, snapshot and timestamp: the ancestors of its delegations.
pub fn needed<'a>(roles: impl IntoIterator<Item = &'a RoleName>) -> BTreeSet<RoleName> {
    let mut needed = BTreeSet::new();
    for role in roles {
        let mut ancestor = role.parent();
        while let Some(role) = ancestor {
            ancestor = role.parent();
            needed.insert(role);
        }
    }
    needed
}

/// Whether `bytes` have the outline of a metadata file: a version, an expiry, signatures.
pub fn is_signed_json(bytes: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Outline {
        signed: Common,
        signatures: Option<Vec<Signature>>,
    }
    #[derive(Deserialize)]
    #[allow(dead_code)] // only that they can be read matters
    struct Common {
        #[serde(rename = "_type")]
        type_name: String,
        version: i64,
        expires: String,
    }
    #[derive(Deserialize)]
    #[allow(dead_code)]
    struct Signature {
        keyid: String,
        method: String,
        sig: String,
    }
    serde_json::from_slice::<Outline>(bytes)
        .is_ok_and(|outline| outline.signatures.is_some() && parse_time(&outline.signed.expires).is_some())
}

/// The ids of the keys a root gives to a base role.
pub fn key_ids(root: &[u8], role: &RoleName) -> Result<BTreeSet<KeyId>, ParseError> {
    let root = Signed::<Root>::parse(root)?;
    Ok(root.signed.role(role).map(|keys| keys.keyids.iter().copied().collect()).unwrap_or_default())
}

/// What a snapshot names.
#[derive(Clone, Default, Debug)]
pub struct Named(BTreeMap<RoleName, String>);

impl Named {
    pub fn parse(snapshot: &[u8]) -> Result<Self, ParseError> {
        let snapshot = Signed::<Snapshot>::parse(snapshot)?;
        let named = snapshot.signed.meta.into_iter().filter_map(|(role, meta)| Some((role, hex::encode(meta.hashes.sha256?))));
        Ok(Self(named.collect()))
    }

    /// Hex sha256 of the role's file.
    pub fn sha256(&self, role: &RoleName) -> Option<String> {
        self.0.get(role).cloned()
    }

    pub fn roles(&self) -> impl Iterator<Item = &RoleName> {
        self.0.keys()
    }
}

fn received<T: Metadata>(role: RoleName, file: &Signed<T>) -> AcceptedFile {
    AcceptedFile { signed_sha256: Some(hex::encode(file.statement())), ..made(role, file) }
}

fn made<T: Metadata>(role: RoleName, file: &Signed<T>) -> AcceptedFile {
    AcceptedFile {
        role,
        version: file.signed.version(),
        sha256: hex::encode(file.sha256()),
        signed_sha256: None,
        bytes: file.bytes().to_vec(),
    }
}

fn stored<T: Metadata>(role: RoleName, bytes: &[u8]) -> Result<Signed<T>, PublishError> {
    Signed::parse(bytes).map_err(|source| PublishError::Stored { role, source })
}

/// Why a received file is not metadata of its role, in the stock server's words.
fn unreadable(role: &RoleName, error: &ParseError) -> String {
    match error {
        ParseError::WrongType { expected, found } => {
            format!("{role} type metadata invalid: expected type {expected}, not {found}")
        }
        ParseError::Version if *role == RoleName::Root => format!("{role} type metadata invalid: version cannot be less than 1"),
        ParseError::Version => format!("{role} type metadata invalid: version cannot be less than one"),
        other => format!("{role} type metadata invalid: {other}"),
    }
}

/// Why a received file is not signed well enough, in the stock server's words.
fn unsigned(role: &RoleName, error: &SignatureError) -> String {
    match error {
        SignatureError::Unsigned => "tuf: data has no signatures".to_owned(),
        SignatureError::KeyId(_) => "key ID is not valid for key content".to_owned(),
        SignatureError::Threshold | SignatureError::BelowThreshold { .. } => {
            format!("valid signatures did not meet threshold for {role}")
        }
    }
}

/// Stock servers and clients keep versions in 32 bits, and beyond 53 there is nothing left to sign with.
const HIGHEST_VERSION: u64 = i32::MAX as u64;

/// What a file of its size, version and delegations would do to those who read it.
fn reasonable<T: Metadata>(role: &RoleName, file: &Signed<T>, most: u64) -> Result<(), String> {
    if file.signed.version() > HIGHEST_VERSION {
        return Err(format!("{role} type metadata invalid: version is higher than {HIGHEST_VERSION}"));
    }
    if file.bytes().len() as u64 > most {
        return Err(format!("{role} type metadata invalid: it is larger than {} MiB", most >> 20));
    }
    Ok(())
}

/// Notary: expired means `expires < now`.
fn unexpired<T: Metadata>(role: &RoleName, signed: &T, now: OffsetDateTime) -> Result<(), String> {
    let expires = signed.expires();
    if expires >= now {
        return Ok(());
    }
    let form = time::macros::format_description!(
        "[weekday repr:short] [month repr:short] [day padding:none] [hour]:[minute]:[second] UTC [year]"
    );
    let at = expires.to_offset(time::UtcOffset::UTC).format(form).unwrap_or_default();
    Err(format!("{role} expired at {at}"))
}
