//! Proof that somebody has the private key: a signature over a text of ours, which no other protocol would sign.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use time::{Duration, OffsetDateTime};
use wharfinger_identity::AccountId;
use wharfinger_keys::{KeyType, PublicKey};

use super::keys::Nonce;

const GOOD_FOR: Duration = Duration::minutes(10);
/// Notary's metadata is JSON: nothing that begins like this is.
const PREFIX: &str = "wharfinger-key-proof:1";

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(super) enum ProofError {
    #[error("the nonce is not one of this server for this account, or it is older than ten minutes; ask for a new one")]
    Nonce,
    #[error("this is not a signature by the key over the nonce (SHA-256; ECDSA, RSA PKCS#1 v1.5 or PSS, or Ed25519)")]
    Signature,
}

pub(super) fn nonce(key: &hmac::Key, account: &AccountId, now: OffsetDateTime) -> Nonce {
    let expires = now + GOOD_FOR;
    let stem = format!("{PREFIX}:{account}:{}", expires.unix_timestamp());
    let mac = URL_SAFE_NO_PAD.encode(hmac::sign(key, stem.as_bytes()).as_ref());
    Nonce { nonce: format!("{stem}:{mac}"), expires }
}

pub(super) fn verify(
    key: &hmac::Key,
    nonce: &str,
    account: &AccountId,
    now: OffsetDateTime,
    public: &PublicKey,
    signature: &[u8],
) -> Result<(), ProofError> {
    let (stem, mac) = nonce.rsplit_once(':').ok_or(ProofError::Nonce)?;
    let mac = URL_SAFE_NO_PAD.decode(mac).map_err(|_| ProofError::Nonce)?;
    hmac::verify(key, stem.as_bytes(), &mac).map_err(|_| ProofError::Nonce)?;
    let rest = stem.strip_prefix(PREFIX).and_then(|rest| rest.strip_prefix(':')).ok_or(ProofError::Nonce)?;
    let (whose, expires) = rest.rsplit_once(':').ok_or(ProofError::Nonce)?;
    let expires: i64 = expires.parse().map_err(|_| ProofError::Nonce)?;
    if whose != account.as_str() || now.unix_timestamp() >= expires {
        return Err(ProofError::Nonce);
    }
    let message = nonce.as_bytes();
    let right = match public.key_type() {
        KeyType::Ecdsa => {
            public.verify("ecdsa", message, signature).is_ok()
                || fixed(public, signature).is_some_and(|fixed| public.verify("ecdsa", message, &fixed).is_ok())
        }
        KeyType::Rsa => ["rsapkcs1v15", "rsapss"].iter().any(|method| public.verify(method, message, signature).is_ok()),
        KeyType::Ed25519 => public.verify("eddsa", message, signature).is_ok(),
    };
    if right { Ok(()) } else { Err(ProofError::Signature) }
}

/// `openssl` writes an ECDSA signature as SEQUENCE { r, s }; Notary's form is r‖s.
fn fixed(public: &PublicKey, der: &[u8]) -> Option<Vec<u8>> {
    // An uncompressed point is `04 x y` at the end of the SPKI: the curve's element is half of what follows the 04.
    let element = match public.spki_der().len() {
        91 => 32,
        120 => 48,
        158 => 66,
        _ => return None,
    };
    let (tag, body, rest) = tlv(der)?;
    if tag != 0x30 || !rest.is_empty() {
        return None;
    }
    let (r_tag, r, body) = tlv(body)?;
    let (s_tag, s, body) = tlv(body)?;
    if r_tag != 2 || s_tag != 2 || !body.is_empty() {
        return None;
    }
    let mut fixed = Vec::with_capacity(2 * element);
    for number in [r, s] {
        let number = number.strip_prefix(&[0]).unwrap_or(number);
        let padding = element.checked_sub(number.len())?;
        fixed.resize(fixed.len() + padding, 0);
        fixed.extend_from_slice(number);
    }
    Some(fixed)
}

/// One DER element with a length below 256: tag, content, what follows.
fn tlv(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, bytes) = bytes.split_first()?;
    let (&first, bytes) = bytes.split_first()?;
    let (length, bytes) = match first {
        0..=0x7f => (usize::from(first), bytes),
        0x81 => bytes.split_first().map(|(&length, rest)| (usize::from(length), rest))?,
        _ => return None,
    };
    let (content, rest) = bytes.split_at_checked(length)?;
    Some((tag, content, rest))
}
