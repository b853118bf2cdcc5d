//! Secrets at rest: AES-256-GCM under one key that the instance keeps outside of its database.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rand;
use zeroize::Zeroizing;

/// First octet of what is sealed, so that another form can follow.
const FORM: u8 = 1;

/// The key that seals. Not `Debug`, `Clone` or `Serialize`.
pub struct SealKey(Zeroizing<[u8; 32]>);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SealError {
    #[error("a seal key has 32 octets, not {0}")]
    Length(usize),
    #[error("`{0}` cannot be opened: it was sealed with another key or for another purpose, or was changed since")]
    Broken(String),
}

impl SealKey {
    /// # Panics
    /// When the operating system has no randomness to give.
    pub fn generate() -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        rand::fill(bytes.as_mut()).expect("the system gives randomness");
        Self(bytes)
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SealError> {
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| SealError::Length(bytes.len()))?;
        Ok(Self(Zeroizing::new(bytes)))
    }

    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.0.to_vec())
    }

    /// Seals `plain` for `context` (what it is and whose): only the same context opens it.
    ///
    /// # Panics
    /// When the operating system has no randomness to give.
    pub fn seal(&self, context: &str, plain: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).expect("the system gives randomness");
        let mut sealed = vec![FORM];
        sealed.extend_from_slice(&nonce);
        let mut body = plain.to_vec();
        self.aead()
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context.as_bytes()), &mut body)
            .expect("AES-GCM seals what fits into memory");
        sealed.append(&mut body);
        sealed
    }

    pub fn open(&self, context: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let broken = || SealError::Broken(context.to_owned());
        let (form, rest) = sealed.split_first().ok_or_else(broken)?;
        let (nonce, body) = rest.split_at_checked(NONCE_LEN).ok_or_else(broken)?;
        if *form != FORM {
            return Err(broken());
        }
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| broken())?;
        let mut plain = Zeroizing::new(body.to_vec());
        let length = self.aead().open_in_place(nonce, Aad::from(context.as_bytes()), &mut plain).map_err(|_| broken())?.len();
        plain.truncate(length);
        Ok(plain)
    }

    fn aead(&self) -> LessSafeKey {
        LessSafeKey::new(UnboundKey::new(&AES_256_GCM, self.0.as_ref()).expect("32 octets are an AES-256 key"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_with_its_key_and_context_alone() {
        let key = SealKey::generate();
        let sealed = key.seal("token key", b"secret");
        assert_eq!(key.open("token key", &sealed).unwrap().as_slice(), b"secret");
        assert!(key.open("ca key", &sealed).is_err());
        assert!(SealKey::generate().open("token key", &sealed).is_err());
        assert_eq!(SealKey::from_bytes(&key.to_bytes()).unwrap().open("token key", &sealed).unwrap().as_slice(), b"secret");
    }

    #[test]
    fn every_changed_or_missing_octet_is_noticed() {
        let key = SealKey::generate();
        let sealed = key.seal("x", b"secret");
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(key.open("x", &changed).is_err(), "{at}");
            assert!(key.open("x", &sealed[..at]).is_err(), "{at}");
        }
    }

    #[test]
    fn a_seal_key_has_32_octets() {
        assert_eq!(SealKey::from_bytes(&[0; 31]).err(), Some(SealError::Length(31)));
    }
}
