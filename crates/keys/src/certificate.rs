//! X.509 certificates as carriers of a key and a name.

use time::OffsetDateTime;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

use crate::public::{KeyError, PublicKey, first_block};

/// sha1WithRSAEncryption, ecdsa-with-SHA1, dsa-with-sha1 and MD5 with RSA: signatures nobody should rest on.
const WEAK_SIGNATURES: [&str; 4] = ["1.2.840.113549.1.1.5", "1.2.840.10045.4.1", "1.2.840.10040.4.3", "1.2.840.113549.1.1.4"];

/// What we read of a certificate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Certificate {
    key: PublicKey,
    common_name: String,
    not_before: OffsetDateTime,
    not_after: OffsetDateTime,
    is_ca: bool,
    weak_signature: bool,
    der: Vec<u8>,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CertificateError {
    #[error("this is not an X.509 certificate")]
    Malformed,
    #[error("the certificate's key cannot be used: {0}")]
    Key(#[source] KeyError),
}

impl CertificateError {
    pub(crate) fn key_error(self) -> KeyError {
        match self {
            Self::Malformed => KeyError::Malformed,
            Self::Key(error) => error,
        }
    }
}

impl Certificate {
    pub fn from_der(der: &[u8]) -> Result<Self, CertificateError> {
        let (rest, parsed) = X509Certificate::from_der(der).map_err(|_| CertificateError::Malformed)?;
        if !rest.is_empty() {
            return Err(CertificateError::Malformed);
        }
        let common_name = parsed.subject().iter_common_name().next().and_then(|name| name.as_str().ok());
        Ok(Self {
            key: PublicKey::from_certificate_spki(parsed.public_key()).map_err(CertificateError::Key)?,
            common_name: common_name.unwrap_or_default().to_owned(),
            not_before: parsed.validity().not_before.to_datetime(),
            not_after: parsed.validity().not_after.to_datetime(),
            is_ca: parsed.is_ca(),
            weak_signature: WEAK_SIGNATURES.contains(&parsed.signature_algorithm.algorithm.to_id_string().as_str()),
            der: der.to_vec(),
        })
    }

    /// The first PEM block, which must be a certificate: in a chain, the leaf.
    pub fn from_pem(text: &str) -> Result<Self, CertificateError> {
        let block = first_block(text).filter(|block| block.tag() == "CERTIFICATE").ok_or(CertificateError::Malformed)?;
        Self::from_der(block.contents())
    }

    /// Every block of a PEM bundle; all of them must be certificates, and there must be one.
    pub fn all_from_pem(text: &str) -> Result<Vec<Self>, CertificateError> {
        let blocks = pem::parse_many(text).map_err(|_| CertificateError::Malformed)?;
        if blocks.is_empty() || blocks.iter().any(|block| block.tag() != "CERTIFICATE") {
            return Err(CertificateError::Malformed);
        }
        blocks.iter().map(|block| Self::from_der(block.contents())).collect()
    }

    /// Whether `issuer` is a CA that may sign certificates, valid at `now`, whose name and signature stand in this certificate.
    pub fn is_issued_by(&self, issuer: &Self, now: OffsetDateTime) -> bool {
        let (Ok((_, parsed)), Ok((_, by))) = (X509Certificate::from_der(&self.der), X509Certificate::from_der(&issuer.der))
        else {
            return false;
        };
        let may_sign = by.key_usage().is_ok_and(|usage| usage.is_none_or(|usage| usage.value.key_cert_sign()));
        issuer.is_ca
            && may_sign
            && !self.weak_signature
            && issuer.not_before <= now
            && now <= issuer.not_after
            && parsed.issuer().as_raw() == by.subject().as_raw()
            && parsed.verify_signature(Some(by.public_key())).is_ok()
    }

    pub fn public_key(&self) -> &PublicKey {
        &self.key
    }

    pub fn into_public_key(self) -> PublicKey {
        self.key
    }

    /// The subject's common name; empty when there is none.
    pub fn common_name(&self) -> &str {
        &self.common_name
    }

    pub fn not_before(&self) -> OffsetDateTime {
        self.not_before
    }

    pub fn not_after(&self) -> OffsetDateTime {
        self.not_after
    }

    pub fn is_ca(&self) -> bool {
        self.is_ca
    }

    /// Whether it is signed with SHA-1 or MD5.
    pub fn has_weak_signature(&self) -> bool {
        self.weak_signature
    }

    pub fn der(&self) -> &[u8] {
        &self.der
    }
}
