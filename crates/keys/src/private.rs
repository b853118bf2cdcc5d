//! Private keys: made, kept, used to sign, handed out once as PKCS#8. Never printed, cloned or serialised.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PSS_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::public::{KeyError, PublicKey};

enum Pair {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

/// A private key that can sign in Notary's forms: EC on P-256, Ed25519 or RSA.
///
/// ```compile_fail
/// fn printable<T: std::fmt::Debug>() {}
/// printable::<wharfinger_keys::PrivateKey>();
/// ```
pub struct PrivateKey {
    pair: Pair,
    public: PublicKey,
    pkcs8: Zeroizing<Vec<u8>>,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PrivateKeyError {
    #[error("this is not an unencrypted PKCS#8 private key for P-256, Ed25519 or RSA")]
    Malformed,
    #[error("the key's public part cannot be used: {0}")]
    Public(#[source] KeyError),
}

#[derive(Debug, thiserror::Error)]
#[error("could not sign")]
pub struct SignError;

impl PrivateKey {
    /// A new key on P-256.
    ///
    /// # Panics
    /// When the operating system has no randomness to give: nothing safe can be done then.
    pub fn generate_p256() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("the system gives randomness");
        let pkcs8 = pair.to_pkcs8v1().expect("a new key can be encoded");
        Self::from_pkcs8_der(pkcs8.as_ref()).expect("a key just encoded can be read")
    }

    pub fn from_pkcs8_der(pkcs8: &[u8]) -> Result<Self, PrivateKeyError> {
        let (pair, public) = if let Ok(pair) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8) {
            let public = PublicKey::p256(pair.public_key().as_ref());
            (Pair::P256(pair), public)
        } else if let Ok(pair) = Ed25519KeyPair::from_pkcs8(pkcs8) {
            let public = PublicKey::from_ed25519(pair.public_key().as_ref());
            (Pair::Ed25519(pair), public)
        } else if let Ok(pair) = RsaKeyPair::from_pkcs8(pkcs8) {
            let public = PublicKey::from_pkcs1_der(pair.public_key().as_ref());
            (Pair::Rsa(pair), public)
        } else {
            return Err(PrivateKeyError::Malformed);
        };
        let public = public.map_err(PrivateKeyError::Public)?;
        Ok(Self { pair, public, pkcs8: Zeroizing::new(pkcs8.to_vec()) })
    }

    pub fn to_pkcs8_der(&self) -> Zeroizing<Vec<u8>> {
        self.pkcs8.clone()
    }

    /// `PRIVATE KEY`, as `docker trust key load` and TLS libraries take it.
    pub fn to_pkcs8_pem(&self) -> Zeroizing<String> {
        // By hand (RFC 7468 § 2): a general encoder would leave copies of the key behind.
        let body = Zeroizing::new(STANDARD.encode(self.pkcs8.as_slice()));
        let mut text = Zeroizing::new(String::with_capacity(body.len() * 2 + 64));
        text.push_str("-----BEGIN PRIVATE KEY-----\n");
        for (at, character) in body.chars().enumerate() {
            if at > 0 && at % 64 == 0 {
                text.push('\n');
            }
            text.push(character);
        }
        text.push_str("\n-----END PRIVATE KEY-----\n");
        text
    }

    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// The `method` of the signatures this key makes.
    pub fn method(&self) -> &'static str {
        match self.pair {
            Pair::P256(_) => "ecdsa",
            Pair::Ed25519(_) => "eddsa",
            Pair::Rsa(_) => "rsapss",
        }
    }

    /// Signs in the form that [`Self::method`] names: `r‖s` for ECDSA, PSS with a salt of 32 octets for RSA.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::P256(pair) => Ok(pair.sign(&random, message).map_err(|_| SignError)?.as_ref().to_vec()),
            Pair::Ed25519(pair) => Ok(pair.try_sign(message).map_err(|_| SignError)?.as_ref().to_vec()),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PSS_SHA256, &random, message, &mut signature).map_err(|_| SignError)?;
                Ok(signature)
            }
        }
    }
}
