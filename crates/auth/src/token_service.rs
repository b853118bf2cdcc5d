//! `GET|POST /auth/token`: who asks, for which scopes, and what they may have of them.

use std::net::IpAddr;
use std::sync::Arc;

use time::{Duration, OffsetDateTime};
use wharfinger_identity::Account;
use wharfinger_storage::StorageError;
use wharfinger_storage::sessions::RefreshRecord;

use crate::accounts::LoginError;
use crate::ca::CaError;
use crate::registry_access::RegistryAccess;
use crate::scope;
use crate::secret::{Secret, token_hash};
use crate::tokens;

/// How long a machine stays logged in without being asked again.
const REFRESH_LIFETIME: Duration = Duration::days(90);
/// Logins in a loop must not fill the disk; nor push out the laptop that logged in last month.
const REFRESH_LIMIT: u32 = 1000;

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
    Throttled { retry_after: std::time::Duration },
    #[error("this token service speaks for `{ours}`, not for `{asked}`")]
    Service { asked: String, ours: String },
    #[error("could not make a token")]
    Make(#[from] CaError),
    #[error("could not look up the account")]
    Storage(#[from] StorageError),
}

impl From<LoginError> for TokenError {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::Wrong => Self::WrongCredentials,
            LoginError::Throttled { retry_after } => Self::Throttled { retry_after },
            LoginError::Storage(error) => Self::Storage(error),
        }
    }
}

pub struct TokenService {
    access: Arc<RegistryAccess>,
}

impl TokenService {
    pub fn new(access: Arc<RegistryAccess>) -> Self {
        Self { access }
    }

    pub async fn answer(&self, request: TokenRequest) -> Result<TokenAnswer, TokenError> {
        let ours = self.access.tokens().service();
        if let Some(asked) = request.service.filter(|asked| !asked.eq_ignore_ascii_case(ours)) {
            return Err(TokenError::Service { asked: asked.chars().take(200).collect(), ours: ours.to_owned() });
        }
        let (account, may_refresh) = match request.grant {
            Grant::Anonymous => (None, false),
            Grant::Password { username, password } => {
                (Some(self.access.accounts().check_password(&username, &password, request.from).await?), true)
            }
            Grant::RefreshToken(token) => (Some(self.redeem(&token).await?), false),
        };
        let granted = self.access.grantable(account.as_ref(), scope::parse_all(&request.scopes)).await?;
        let token = Secret::new(self.access.tokens().issue(account.as_ref(), granted)?);
        let refresh_token = match &account {
            Some(account) if request.offline && may_refresh => Some(self.refresh_token_for(account, REFRESH_LIFETIME).await?),
            _ => None,
        };
        Ok(TokenAnswer { token, expires_in: tokens::LIFETIME, issued_at: self.access.tokens().now(), refresh_token })
    }

    /// A refresh token on an account's behalf, as `docker login` would get: what the engine is given as `identitytoken` when the cluster
    /// and the registry share accounts.
    pub async fn refresh_token_for(&self, account: &Account, lifetime: Duration) -> Result<Secret, StorageError> {
        let token = Secret::random();
        let now = self.access.tokens().now();
        let record = RefreshRecord {
            token: token.token_hash(),
            account: account.id.clone(),
            service: self.access.tokens().service().to_owned(),
            created: now,
            expires: now + lifetime,
        };
        self.access.accounts().sessions().add_refresh(&record, REFRESH_LIMIT).await?;
        Ok(token)
    }

    async fn redeem(&self, token: &Secret) -> Result<Account, TokenError> {
        let accounts = self.access.accounts();
        let tokens = self.access.tokens();
        let record = accounts.sessions().refresh(&token_hash(token.reveal())).await?;
        let record = record.filter(|record| record.expires > tokens.now() && record.service == tokens.service());
        let Some(record) = record else { return Err(TokenError::WrongCredentials) };
        let account = accounts.find(&record.account).await?.filter(|account| account.is_active && !account.is_org);
        account.ok_or(TokenError::WrongCredentials)
    }
}
