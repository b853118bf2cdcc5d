//! The one function that counts signatures.

use std::collections::{BTreeMap, HashSet};

use wharfinger_keys::{KeyId, PublicKey};

use crate::{Metadata, RoleKeys, Signed, TufKey};

/// The keys of a role whose signatures on a file are valid: each bare key once.
pub type ValidKeys = Vec<(KeyId, PublicKey)>;

#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum SignatureError {
    #[error("it carries no signatures")]
    Unsigned,
    #[error("the role's threshold is less than one")]
    Threshold,
    #[error("the key called {0} has another id")]
    KeyId(KeyId),
    #[error("{valid} of {needed} required keys have signed it")]
    BelowThreshold { valid: usize, needed: u64 },
}

/// Which keys of `role` have signed `file`; an error unless they are at least as many as the role's threshold.
///
/// A signature under an id or method that the role does not know is passed over. A key whose id is not the hash of the key fails the
/// whole file, as in Notary. One key under two ids, or with two signatures, counts once.
pub fn verify_signatures<T: Metadata>(
    file: &Signed<T>,
    role: &RoleKeys,
    keys: &BTreeMap<KeyId, TufKey>,
) -> Result<ValidKeys, SignatureError> {
    if role.threshold < 1 {
        return Err(SignatureError::Threshold);
    }
    if file.signatures.is_empty() {
        return Err(SignatureError::Unsigned);
    }
    let mut valid = ValidKeys::new();
    let mut counted = HashSet::new();
    for signature in &file.signatures {
        let Ok(id) = signature.keyid.parse::<KeyId>() else { continue };
        let Some(key) = keys.get(&id).filter(|_| role.keyids.contains(&id)) else { continue };
        if key.tuf_id() != id {
            return Err(SignatureError::KeyId(id));
        }
        let Some(bare) = key.public_key().filter(|bare| !counted.contains(*bare)) else { continue };
        if bare.verify(&signature.method, file.signed_bytes(), &signature.signature).is_ok() {
            counted.insert(bare.clone());
            valid.push((id, bare.clone()));
        }
    }
    if (valid.len() as u64) < role.threshold {
        return Err(SignatureError::BelowThreshold { valid: valid.len(), needed: role.threshold });
    }
    Ok(valid)
}
