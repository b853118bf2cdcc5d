//! Bare public keys.

use std::fmt;
use std::hash::{Hash, Hasher};

use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::PublicKey as Parsed;
use x509_parser::x509::SubjectPublicKeyInfo;

use crate::certificate::{Certificate, CertificateError};
use crate::{KeyId, der};

const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const P521: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x23];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// RSA keys outside of these lengths are refused: shorter ones are weak (CVE-2015-9258), longer ones only cost time.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyType {
    Ecdsa,
    Rsa,
    Ed25519,
}

impl KeyType {
    /// The name Notary gives the type of a bare key.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ecdsa => "ecdsa",
            Self::Rsa => "rsa",
            Self::Ed25519 => "ed25519",
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Algorithm {
    P256,
    P384,
    P521,
    Rsa,
    Ed25519,
}

impl Algorithm {
    /// The length of one field element, for the curves.
    pub(crate) fn element_length(self) -> Option<usize> {
        match self {
            Self::P256 => Some(32),
            Self::P384 => Some(48),
            Self::P521 => Some(66),
            Self::Rsa | Self::Ed25519 => None,
        }
    }
}

/// A bare public key: EC on P-256, P-384 or P-521, RSA of 2048 to 8192 bits, or Ed25519. Equal keys have equal bytes.
#[derive(Clone)]
pub struct PublicKey {
    algorithm: Algorithm,
    spki: Vec<u8>,
    /// What the verifier takes: the EC point, the PKCS#1 key, the 32 octets.
    bare: Vec<u8>,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeyError {
    #[error("this is not a public key (expected PEM `PUBLIC KEY` or `CERTIFICATE`, or their DER)")]
    Malformed,
    #[error("keys of this type are not supported: use EC on P-256, P-384 or P-521, RSA, or Ed25519")]
    Unsupported,
    #[error("an RSA key must have 2048 to 8192 bits, this one has {0}")]
    RsaLength(usize),
    #[error("the key is not encoded canonically (DER, uncompressed point)")]
    NotCanonical,
}

impl PublicKey {
    /// From a DER `SubjectPublicKeyInfo` (RFC 5280 § 4.1.2.7).
    pub fn from_spki_der(spki: &[u8]) -> Result<Self, KeyError> {
        let (rest, parsed) = SubjectPublicKeyInfo::from_der(spki).map_err(|_| KeyError::Malformed)?;
        if !rest.is_empty() {
            return Err(KeyError::Malformed);
        }
        let bits: &[u8] = parsed.subject_public_key.data.as_ref();
        let key = match parsed.algorithm.algorithm.as_bytes() {
            RSA_ENCRYPTION => {
                let Ok(Parsed::RSA(rsa)) = parsed.parsed() else { return Err(KeyError::Malformed) };
                Self::rsa(rsa.modulus, rsa.exponent)?
            }
            EC_PUBLIC_KEY => {
                let parameters = parsed.algorithm.parameters.as_ref().ok_or(KeyError::Malformed)?;
                let curve = parameters.as_oid().map_err(|_| KeyError::Unsupported)?;
                Self::ec(curve.as_bytes(), bits)?
            }
            ED25519 => Self::from_ed25519(bits)?,
            _ => return Err(KeyError::Unsupported),
        };
        if key.spki == spki { Ok(key) } else { Err(KeyError::NotCanonical) }
    }

    /// From the 32 octets of an Ed25519 key (RFC 8032 § 5.1.5).
    pub fn from_ed25519(raw: &[u8]) -> Result<Self, KeyError> {
        if raw.len() != 32 {
            return Err(KeyError::Malformed);
        }
        let algorithm = der::element(der::SEQUENCE, &der::element(der::OID, ED25519));
        Ok(Self { algorithm: Algorithm::Ed25519, spki: spki(&algorithm, raw), bare: raw.to_vec() })
    }

    /// From the first PEM block: a `PUBLIC KEY`, or the key of a `CERTIFICATE`.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let block = first_block(text).ok_or(KeyError::Malformed)?;
        match block.tag() {
            "PUBLIC KEY" => Self::from_spki_der(block.contents()),
            "CERTIFICATE" => Self::from_certificate_der(block.contents()),
            _ => Err(KeyError::Malformed),
        }
    }

    /// The key a certificate is for. The certificate itself is not judged.
    pub fn from_certificate_der(certificate: &[u8]) -> Result<Self, KeyError> {
        Ok(Certificate::from_der(certificate).map_err(CertificateError::key_error)?.into_public_key())
    }

    pub(crate) fn from_certificate_spki(info: &SubjectPublicKeyInfo<'_>) -> Result<Self, KeyError> {
        Self::from_spki_der(info.raw)
    }

    fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, KeyError> {
        let significant: Vec<u8> = modulus.iter().copied().skip_while(|byte| *byte == 0).collect();
        let bits = significant.len() * 8 - significant.first().map_or(0, |first| first.leading_zeros() as usize);
        if !RSA_BITS.contains(&bits) {
            return Err(KeyError::RsaLength(bits));
        }
        let bare = der::element(der::SEQUENCE, &[der::unsigned(modulus), der::unsigned(exponent)].concat());
        let algorithm = der::element(der::SEQUENCE, &[der::element(der::OID, RSA_ENCRYPTION), vec![5, 0]].concat());
        Ok(Self { algorithm: Algorithm::Rsa, spki: spki(&algorithm, &bare), bare })
    }

    fn ec(curve: &[u8], point: &[u8]) -> Result<Self, KeyError> {
        let algorithm = match curve {
            P256 => Algorithm::P256,
            P384 => Algorithm::P384,
            P521 => Algorithm::P521,
            _ => return Err(KeyError::Unsupported),
        };
        let length = algorithm.element_length().map_or(0, |element| 1 + 2 * element);
        if point.len() != length || point.first() != Some(&4) {
            return Err(KeyError::NotCanonical);
        }
        let identifier =
            der::element(der::SEQUENCE, &[der::element(der::OID, EC_PUBLIC_KEY), der::element(der::OID, curve)].concat());
        Ok(Self { algorithm, spki: spki(&identifier, point), bare: point.to_vec() })
    }

    pub(crate) fn p256(point: &[u8]) -> Result<Self, KeyError> {
        Self::ec(P256, point)
    }

    pub(crate) fn from_pkcs1_der(key: &[u8]) -> Result<Self, KeyError> {
        let (_, rsa) = x509_parser::public_key::RSAPublicKey::from_der(key).map_err(|_| KeyError::Malformed)?;
        Self::rsa(rsa.modulus, rsa.exponent)
    }

    /// The DER `SubjectPublicKeyInfo`, for every type of key: what TLS shows, and what the database keeps.
    pub fn spki_der(&self) -> &[u8] {
        &self.spki
    }

    /// The public part as Notary's metadata holds it for a bare key: SPKI DER, but the 32 octets of an Ed25519 key.
    pub fn notary_public(&self) -> &[u8] {
        if self.algorithm == Algorithm::Ed25519 { &self.bare } else { &self.spki }
    }

    pub fn to_pem(&self) -> String {
        let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
        pem::encode_config(&pem::Pem::new("PUBLIC KEY", self.spki.clone()), config)
    }

    pub fn key_type(&self) -> KeyType {
        match self.algorithm {
            Algorithm::P256 | Algorithm::P384 | Algorithm::P521 => KeyType::Ecdsa,
            Algorithm::Rsa => KeyType::Rsa,
            Algorithm::Ed25519 => KeyType::Ed25519,
        }
    }

    /// Notary's id of the bare key: names private key files, and the signers in `docker trust inspect`.
    pub fn canonical_id(&self) -> KeyId {
        KeyId::of(self.key_type().as_str(), self.notary_public())
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(crate) fn bare(&self) -> &[u8] {
        &self.bare
    }
}

fn spki(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    der::element(der::SEQUENCE, &[algorithm, &der::bits(key)].concat())
}

/// Like Go's decoder, passes over text before the first block; headers and what follows do not matter.
pub(crate) fn first_block(text: &str) -> Option<pem::Pem> {
    let start = text.find("-----BEGIN ")?;
    let after = text.get(start..)?;
    let end_marker = after.find("-----END ")?;
    let tail = after.get(end_marker + 9..)?.find("-----")?;
    pem::parse(after.get(..end_marker + 9 + tail + 5)?).ok()
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.spki == other.spki
    }
}

impl Eq for PublicKey {}

impl Hash for PublicKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.spki.hash(state);
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({} {})", self.key_type().as_str(), self.canonical_id())
    }
}
