//! `GET|POST /auth/token`: who asks, for which scopes, and what they may have of them.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use wharfinger_storage::StorageError;

use crate::registry_access::RegistryAccess;
use crate::secret::Secret;

/// What the caller proves who they are with.
#[derive(Debug)]
pub enum Grant {
    Anonymous,
    Password { username: String, password: Secret },
    RefreshToken(Secret),
}

#[derive(Debug)]
pub struct TokenRequest {
    pub grant: Grant,
    pub service: Option<String>,
    /// Each may hold several, separated by spaces.
    pub scopes: Vec<String>,
    /// Whether a refresh token is asked for as well.
    pub offline: bool,
    pub from: IpAddr,
}

#[derive(Debug)]
pub struct TokenAnswer {
    pub token: Secret,
    pub expires_in: Duration,
    pub issued_at: OffsetDateTime,
    pub refresh_token: Option<Secret>,
}

#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("incorrect username or password")]
    WrongCredentials,
    #[error("too many failed logins; try again in {} s", retry_after.as_secs())]
    Throttled { retry_after: Duration },
    #[error("this token service speaks for `{ours}`, not for `{asked}`")]
    Service { asked: String, ours: String },
    #[error("could not make a token")]
    Make,
    #[error("could not look up the account")]
    Storage(#[from] StorageError),
}

pub struct TokenService {
    access: Arc<RegistryAccess>,
}

impl TokenService {
    pub fn new(access: Arc<RegistryAccess>) -> Self {
        Self { access }
    }

    pub async fn answer(&self, _request: TokenRequest) -> Result<TokenAnswer, TokenError> {
        let _ = &self.access;
        unimplemented!()
    }
}
