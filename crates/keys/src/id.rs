//! Key ids: sha256 over the one JSON text that Notary v1 hashes for a key.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

/// A key's id: 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; 32]);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a key id: expected 64 lower-case hex digits")]
pub struct KeyIdError(String);

impl KeyId {
    /// The id of a key of type `key_type` whose public part is `public`, in whichever form that type has.
    ///
    /// Notary hashes exactly `{"keytype":"T","keyval":{"private":null,"public":"B64"}}`.
    pub fn of(key_type: &str, public: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"{\"keytype\":\"");
        for byte in key_type.bytes() {
            if matches!(byte, b'"' | b'\\') {
                hash.update(b"\\");
            }
            hash.update([byte]);
        }
        hash.update(b"\",\"keyval\":{\"private\":null,\"public\":\"");
        hash.update(STANDARD.encode(public));
        hash.update(b"\"}}");
        Self(hash.finalize().into())
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for KeyId {
    type Err = KeyIdError;

    fn from_str(text: &str) -> Result<Self, KeyIdError> {
        let refuse = || KeyIdError(text.chars().take(80).collect());
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(refuse());
        }
        let mut id = [0; 32];
        hex::decode_to_slice(text, &mut id).map_err(|_| refuse())?;
        Ok(Self(id))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for KeyId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for KeyId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_64_lower_case_hex_digits_and_prints_as_it_was_read() {
        let text = "3e8ddb5fae82b27bcc91126cbba10e626e679862c0c4da611d63b43ad37a6fba";
        assert_eq!(text.parse::<KeyId>().unwrap().to_string(), text);
        assert!(text.to_uppercase().parse::<KeyId>().is_err());
        assert!(text[1..].parse::<KeyId>().is_err());
        assert!("".parse::<KeyId>().is_err());
    }
}
