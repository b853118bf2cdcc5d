//! The bearer token, where there is one. Nothing here can be printed.

use std::path::PathBuf;

use http::HeaderValue;
use zeroize::Zeroizing;

use super::ApiServerError;

pub(super) enum Token {
    /// A client certificate speaks for us.
    None,
    Fixed(Zeroizing<String>),
    /// Read for each call: what writes it (the kubelet) exchanges it before it expires.
    File(PathBuf),
}

impl Token {
    pub(super) async fn authorization(&self) -> Result<Option<HeaderValue>, ApiServerError> {
        match self {
            Self::None => Ok(None),
            Self::Fixed(token) => Ok(bearer(token)),
            Self::File(path) => {
                let unreadable = |source| ApiServerError::Token { path: path.clone(), source };
                let text = Zeroizing::new(tokio::fs::read_to_string(path).await.map_err(unreadable)?);
                let header = bearer(text.trim());
                let not_a_token = || unreadable(std::io::Error::other("it holds no token"));
                header.map(Some).ok_or_else(not_a_token)
            }
        }
    }
}

/// Nothing where it cannot stand in a header.
pub(super) fn bearer(token: &str) -> Option<HeaderValue> {
    let written = Zeroizing::new(format!("Bearer {token}"));
    let mut header = HeaderValue::from_str(&written).ok().filter(|_| !token.is_empty())?;
    header.set_sensitive(true);
    Some(header)
}
