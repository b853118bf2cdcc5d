//! Keys as metadata holds them: a type, and a public part whose form depends on the type.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error as _;
use serde::{Deserialize, Serialize};
use wharfinger_keys::{Certificate, KeyId, KeyType, PublicKey};

/// The types of keys Notary knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyKind {
    Ecdsa,
    Rsa,
    Ed25519,
    EcdsaX509,
    RsaX509,
}

impl KeyKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ecdsa => "ecdsa",
            Self::Rsa => "rsa",
            Self::Ed25519 => "ed25519",
            Self::EcdsaX509 => "ecdsa-x509",
            Self::RsaX509 => "rsa-x509",
        }
    }

    pub fn is_x509(self) -> bool {
        matches!(self, Self::EcdsaX509 | Self::RsaX509)
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Ecdsa, Self::Rsa, Self::Ed25519, Self::EcdsaX509, Self::RsaX509].into_iter().find(|kind| kind.as_str() == text)
    }

    fn bare(self) -> KeyType {
        match self {
            Self::Ecdsa | Self::EcdsaX509 => KeyType::Ecdsa,
            Self::Rsa | Self::RsaX509 => KeyType::Rsa,
            Self::Ed25519 => KeyType::Ed25519,
        }
    }
}

/// A key of a role. Of an unknown type, or with a public part that is not of its type, it is kept but verifies nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct TufKey {
    key_type: String,
    public: Vec<u8>,
    bare: Option<PublicKey>,
}

impl TufKey {
    pub fn new(key_type: &str, public: Vec<u8>) -> Self {
        let bare = KeyKind::parse(key_type).and_then(|kind| bare_key(kind, &public));
        Self { key_type: key_type.to_owned(), public, bare }
    }

    /// The key without a certificate.
    pub fn from_public_key(key: &PublicKey) -> Self {
        Self::new(key.key_type().as_str(), key.notary_public().to_vec())
    }

    /// The x509 form: the PEM text as it is, leaf first.
    pub fn from_certificate_pem(pem: &str) -> Result<Self, wharfinger_keys::CertificateError> {
        let kind = match Certificate::from_pem(pem)?.public_key().key_type() {
            KeyType::Rsa => KeyKind::RsaX509,
            // Notary has no name for an Ed25519 certificate: such a key is kept and verifies nothing.
            KeyType::Ecdsa | KeyType::Ed25519 => KeyKind::EcdsaX509,
        };
        Ok(Self::new(kind.as_str(), pem.as_bytes().to_vec()))
    }

    pub fn key_type(&self) -> &str {
        &self.key_type
    }

    /// None when Notary knows no such type.
    pub fn kind(&self) -> Option<KeyKind> {
        KeyKind::parse(&self.key_type)
    }

    /// The public part as metadata holds it: SPKI DER, 32 octets (ed25519), or the PEM text of a certificate chain (x509).
    pub fn public(&self) -> &[u8] {
        &self.public
    }

    /// The id under which metadata names this key.
    pub fn tuf_id(&self) -> KeyId {
        KeyId::of(&self.key_type, &self.public)
    }

    /// The id of the bare key; of a key that cannot verify, the TUF id.
    pub fn canonical_id(&self) -> KeyId {
        self.bare.as_ref().map_or_else(|| self.tuf_id(), PublicKey::canonical_id)
    }

    /// The bare key; none when this key cannot verify.
    pub fn public_key(&self) -> Option<&PublicKey> {
        self.bare.as_ref()
    }

    /// The leaf certificate of an x509 key.
    pub fn certificate(&self) -> Option<Certificate> {
        if !self.kind()?.is_x509() {
            return None;
        }
        Certificate::from_pem(std::str::from_utf8(&self.public).ok()?).ok()
    }
}

fn bare_key(kind: KeyKind, public: &[u8]) -> Option<PublicKey> {
    let key = match kind {
        KeyKind::Ecdsa | KeyKind::Rsa => PublicKey::from_spki_der(public).ok()?,
        KeyKind::Ed25519 => PublicKey::from_ed25519(public).ok()?,
        KeyKind::EcdsaX509 | KeyKind::RsaX509 => Certificate::from_pem(std::str::from_utf8(public).ok()?).ok()?.into_public_key(),
    };
    // An RSA key called `ecdsa` is an attempt at confusion, not a key.
    (key.key_type() == kind.bare()).then_some(key)
}

impl fmt::Debug for TufKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TufKey({} {})", self.key_type, self.tuf_id())
    }
}

#[derive(Serialize, Deserialize)]
struct Wire {
    keytype: String,
    keyval: WireValue,
}

#[derive(Serialize, Deserialize)]
struct WireValue {
    /// Always null: Notary writes it, and it is part of the id.
    #[serde(skip_deserializing)]
    private: (),
    public: String,
}

impl Serialize for TufKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let keyval = WireValue { private: (), public: STANDARD.encode(&self.public) };
        Wire { keytype: self.key_type.clone(), keyval }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for TufKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wire = Wire::deserialize(deserializer)?;
        let public = STANDARD.decode(&wire.keyval.public).map_err(|_| D::Error::custom("a key's `public` is not base64"))?;
        Ok(Self::new(&wire.keytype, public))
    }
}
