//! A file: what was signed, the signatures, and the bytes as they were received.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use wharfinger_keys::{KeyId, PrivateKey, SignError};

use crate::Metadata;
use crate::canonical::{self, CanonicalError};

/// More signatures than any file needs; each costs a verification.
const MAX_SIGNATURES: usize = 500;

/// A parsed file. That it parses proves nothing: see [`crate::verify_signatures`].
#[derive(Clone, Debug)]
pub struct Signed<T> {
    pub signed: T,
    pub signatures: Vec<Signature>,
    canonical: Vec<u8>,
    bytes: Vec<u8>,
    sha256: OnceLock<[u8; 32]>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signature {
    /// Any text: an id that names no key of the role is passed over.
    pub keyid: String,
    pub method: String,
    pub signature: Vec<u8>,
}

#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum ParseError {
    #[error("it is not JSON of the form {{\"signed\":…,\"signatures\":[…]}}: {0}")]
    NotJson(String),
    #[error("its `_type` is `{found}`, not `{expected}`")]
    WrongType { expected: &'static str, found: String },
    #[error("version cannot be less than one")]
    Version,
    #[error("{0}")]
    Malformed(String),
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
}

#[derive(Deserialize)]
struct Envelope {
    signed: Value,
    #[serde(default)]
    signatures: Option<Vec<WireSignature>>,
}

#[derive(Serialize, Deserialize)]
struct WireSignature {
    keyid: String,
    method: String,
    sig: String,
}

impl<T: Metadata> Signed<T> {
    /// Reads a file of this type. The typed value and the signed bytes come from one decoding, so they cannot disagree.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        // What is passed over below would be read by nobody; Go would make something of it.
        let text = std::str::from_utf8(bytes).map_err(|error| ParseError::NotJson(error.to_string()))?;
        let envelope: Envelope = serde_json::from_str(text).map_err(|error| ParseError::NotJson(error.to_string()))?;
        let found = envelope.signed.get("_type").and_then(Value::as_str).unwrap_or_default();
        if found != T::TYPE {
            return Err(ParseError::WrongType { expected: T::TYPE, found: found.chars().take(40).collect() });
        }
        let canonical = canonical::to_vec(&envelope.signed)?;
        let signed: T = serde_json::from_value(envelope.signed).map_err(|error| ParseError::Malformed(error.to_string()))?;
        if signed.version() < 1 {
            return Err(ParseError::Version);
        }
        signed.check().map_err(ParseError::Malformed)?;
        let signatures = envelope.signatures.unwrap_or_default();
        if signatures.len() > MAX_SIGNATURES {
            return Err(ParseError::Malformed(format!("more than {MAX_SIGNATURES} signatures")));
        }
        let signatures = signatures.into_iter().map(Signature::try_from).collect::<Result<_, _>>()?;
        Ok(Self { signed, signatures, canonical, bytes: bytes.to_vec(), sha256: OnceLock::new() })
    }

    /// A new file, signed by each key under the id that metadata gives it.
    pub fn sign(value: &T, keys: &[(KeyId, &PrivateKey)]) -> Result<Self, MakeError> {
        let mut tree = serde_json::to_value(value).map_err(|error| ParseError::Malformed(error.to_string()))?;
        if let Some(members) = tree.as_object_mut() {
            members.insert("_type".to_owned(), Value::from(T::TYPE));
        }
        let canonical = canonical::to_vec(&tree).map_err(ParseError::from)?;
        let mut signatures = Vec::new();
        for (id, key) in keys {
            let sig = STANDARD.encode(key.sign(&canonical)?);
            signatures.push(WireSignature { keyid: id.to_string(), method: key.method().to_owned(), sig });
        }
        let signatures = serde_json::to_string(&signatures).map_err(|error| ParseError::Malformed(error.to_string()))?;
        let bytes =
            format!("{{\"signed\":{},\"signatures\":{signatures}}}", canonical::to_wire(&tree).map_err(ParseError::from)?);
        Ok(Self::parse(bytes.as_bytes())?)
    }

    /// What the signatures cover.
    pub fn signed_bytes(&self) -> &[u8] {
        &self.canonical
    }

    /// The file as received.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Of the bytes as they were received; each decision records it.
    pub fn sha256(&self) -> [u8; 32] {
        *self.sha256.get_or_init(|| Sha256::digest(&self.bytes).into())
    }

    /// sha256 of the signed bytes: names the statement, whatever signatures and white space surround it.
    pub fn statement(&self) -> [u8; 32] {
        Sha256::digest(&self.canonical).into()
    }
}

/// Why a file could not be made.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    #[error("the metadata would not be readable")]
    Unreadable(#[from] ParseError),
    #[error(transparent)]
    Sign(#[from] SignError),
}

impl TryFrom<WireSignature> for Signature {
    type Error = ParseError;

    fn try_from(wire: WireSignature) -> Result<Self, ParseError> {
        let signature = STANDARD.decode(&wire.sig).map_err(|_| ParseError::Malformed("a signature is not base64".to_owned()))?;
        Ok(Self { keyid: wire.keyid, method: wire.method, signature })
    }
}
