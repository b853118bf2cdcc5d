//! Signatures in the forms of Notary v1: `method` says how, the digest is always SHA-256 over the message (Ed25519 signs it whole).

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA256_ASN1, ECDSA_P521_SHA256_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256, UnparsedPublicKey, VerificationAlgorithm,
};

use crate::der;
use crate::public::{Algorithm, PublicKey};

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum VerifyError {
    #[error("signature method `{0}` is unknown")]
    UnknownMethod(String),
    #[error("signature method `{method}` does not go with a key of type {key_type}")]
    WrongKeyType { method: String, key_type: &'static str },
    #[error("the signature is not by this key over these bytes")]
    Invalid,
}

impl PublicKey {
    /// Whether `signature`, made with `method` (compared in lower case, as Notary does), is this key's over `message`.
    pub fn verify(&self, method: &str, message: &[u8], signature: &[u8]) -> Result<(), VerifyError> {
        let wrong_type = || VerifyError::WrongKeyType { method: method.to_lowercase(), key_type: self.key_type().as_str() };
        match (method.to_lowercase().as_str(), self.algorithm()) {
            ("ecdsa", Algorithm::P256 | Algorithm::P384 | Algorithm::P521) => self.verify_ecdsa(message, signature),
            ("rsapss", Algorithm::Rsa) => self.check(&RSA_PSS_2048_8192_SHA256, message, signature),
            ("rsapkcs1v15", Algorithm::Rsa) => self.check(&RSA_PKCS1_2048_8192_SHA256, message, signature),
            ("eddsa", Algorithm::Ed25519) => self.check(&ED25519, message, signature),
            ("ecdsa" | "rsapss" | "rsapkcs1v15" | "eddsa", _) => Err(wrong_type()),
            _ => Err(VerifyError::UnknownMethod(method.chars().take(40).collect())),
        }
    }

    /// `r‖s`, each padded to the curve's size; any other length is invalid, DER included.
    fn verify_ecdsa(&self, message: &[u8], signature: &[u8]) -> Result<(), VerifyError> {
        if Some(signature.len()) != self.algorithm().element_length().map(|element| 2 * element) {
            return Err(VerifyError::Invalid);
        }
        match self.algorithm() {
            Algorithm::P384 => self.check(&ECDSA_P384_SHA256_ASN1, message, &der::ecdsa_signature(signature)),
            Algorithm::P521 => self.check(&ECDSA_P521_SHA256_ASN1, message, &der::ecdsa_signature(signature)),
            _ => self.check(&ECDSA_P256_SHA256_FIXED, message, signature),
        }
    }

    fn check(&self, algorithm: &'static dyn VerificationAlgorithm, message: &[u8], signature: &[u8]) -> Result<(), VerifyError> {
        UnparsedPublicKey::new(algorithm, self.bare()).verify(message, signature).map_err(|_| VerifyError::Invalid)
    }
}
