//! The path segment by which the API server is told from everybody else who can reach the webhook.

use std::fmt;

use subtle::ConstantTimeEq as _;
use wharfinger_auth::Secret;
use wharfinger_keys::{SealError, SealKey};
use wharfinger_storage::StorageError;
use wharfinger_storage::secrets::Secrets;

/// What it is kept under, and sealed for.
const NAME: &str = "admission webhook path";

/// 256 random bits that stand in the webhook configurations and nowhere else. In hex, because the API server takes no upper-case
/// letter in the path of a service (RFC 1123).
pub struct WebhookSecret(Secret);

#[derive(Debug, thiserror::Error)]
pub enum WebhookSecretError {
    #[error("could not read or keep the secret of the admission webhook")]
    Storage(#[from] StorageError),
    #[error("the secret of the admission webhook cannot be opened")]
    Sealed(#[from] SealError),
    #[error("the secret of the admission webhook is damaged")]
    Damaged,
}

impl WebhookSecret {
    /// Opens it, or makes it the first time.
    pub async fn open(secrets: &dyn Secrets, seal: &SealKey) -> Result<Self, WebhookSecretError> {
        let sealed = match secrets.secret(NAME).await? {
            Some(sealed) => sealed,
            None => secrets.keep_first(NAME, &seal.seal(NAME, Secret::random_hex().reveal().as_bytes())).await?,
        };
        let opened = seal.open(NAME, &sealed)?;
        let text = std::str::from_utf8(&opened).map_err(|_| WebhookSecretError::Damaged)?;
        Ok(Self(Secret::new(text)))
    }

    /// The text, for the webhook configurations.
    pub fn segment(&self) -> &str {
        self.0.reveal()
    }

    /// In a time that does not tell how much of `given` is right.
    pub fn matches(&self, given: &str) -> bool {
        !self.segment().is_empty() && self.segment().as_bytes().ct_eq(given.as_bytes()).into()
    }
}

#[cfg(feature = "testing")]
impl WebhookSecret {
    pub fn known_for_tests(segment: &str) -> Self {
        Self(Secret::new(segment))
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}
