//! What a request brought along to prove who asks.

use std::fmt;

use zeroize::Zeroizing;

/// Text that cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// As `X-Registry-Auth` carries them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Credentials {
    Basic {
        username: String,
        password: Secret,
    },
    /// A refresh token of the registry's token service.
    IdentityToken(Secret),
    /// An access token, sent as it is.
    Bearer(Secret),
}
