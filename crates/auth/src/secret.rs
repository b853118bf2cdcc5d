//! Text that must not be printed, compared or copied by accident, and the random tokens made of it.

use std::fmt;

use aws_lc_rs::{digest, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use wharfinger_storage::sessions::TokenHash;
use zeroize::Zeroizing;

/// A password or a token. Its `Debug` says nothing of it, and its bytes are overwritten when it goes.
pub struct Secret(Zeroizing<String>);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// 256 random bits as 43 letters, digits, `-` and `_`: a token, or a password nobody has to remember.
    pub fn random() -> Self {
        Self::new(URL_SAFE_NO_PAD.encode(random_bytes().as_ref()))
    }

    /// 256 random bits as 64 lower-case hex digits, for where an upper-case letter cannot stand.
    pub fn random_hex() -> Self {
        Self::new(hex::encode(random_bytes().as_ref()))
    }

    /// The text itself, for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What a token is stored and looked up by.
    pub(crate) fn token_hash(&self) -> TokenHash {
        token_hash(self.reveal())
    }
}

fn random_bytes() -> Zeroizing<[u8; 32]> {
    let mut bytes = Zeroizing::new([0; 32]);
    // Without randomness nothing in this process could be trusted: better to stop.
    rand::fill(bytes.as_mut()).expect("the operating system gives random bytes");
    bytes
}

/// A token has 256 bits of its own, so a plain hash hides it, and looking it up by its hash leaks nothing by time.
pub(crate) fn token_hash(token: &str) -> TokenHash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
    TokenHash(hash)
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl<'de> serde::Deserialize<'de> for Secret {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}
