//! Accounts of one instance: logging in, recognising, looking up.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::pending::PublicKey;
use time::OffsetDateTime;
use wharfinger_identity::{Account, AccountId, AccountName, TeamId};
use wharfinger_storage::StorageError;
use wharfinger_storage::accounts::PublicKeyRecord;

use crate::clock::Clock;
use crate::principal::Principal;
use crate::secret::Secret;

/// How long sessions live.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SessionSettings {
    pub lifetime: Duration,
    /// A session used with less than this left begins its lifetime anew.
    pub renewal_threshold: Duration,
    pub per_user_limit: u32,
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self { lifetime: Duration::from_secs(60 * 60), renewal_threshold: Duration::from_secs(20 * 60), per_user_limit: 10 }
    }
}

/// A session that was just begun. The token is told once.
#[derive(Debug)]
pub struct Session {
    pub account: Account,
    pub token: Secret,
    pub expires: OffsetDateTime,
}

/// Why a login failed. It never says whether the name or the password was wrong.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    #[error("Invalid username or password.")]
    Wrong,
    #[error("too many failed logins; try again in {} s", retry_after.as_secs())]
    Throttled { retry_after: Duration },
    #[error("could not check the password")]
    Storage(#[from] StorageError),
}

/// Why nobody was recognised although somebody showed something.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// A certificate or token that lets nobody in (any more): 401.
    #[error("{0}")]
    Refused(&'static str),
    #[error("could not look up who is calling")]
    Storage(#[from] StorageError),
}

/// Why a password could not be set.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    #[error("a password has {min} to {max} characters")]
    Length { min: usize, max: usize },
    #[error("there is no account `{0}` here")]
    NoAccount(String),
    #[error("could not keep the password")]
    Storage(#[from] StorageError),
}

/// Whose key it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyOwner {
    pub account: Account,
    /// The teams that person is in.
    pub teams: Vec<TeamId>,
    pub key: PublicKeyRecord,
}

/// The accounts of one instance.
pub struct Accounts {
    directory: Arc<dyn wharfinger_storage::accounts::Accounts>,
    sessions: Arc<dyn wharfinger_storage::sessions::Sessions>,
    settings: SessionSettings,
    clock: Clock,
}

impl Accounts {
    pub fn new(
        directory: Arc<dyn wharfinger_storage::accounts::Accounts>,
        sessions: Arc<dyn wharfinger_storage::sessions::Sessions>,
        settings: SessionSettings,
        clock: Clock,
    ) -> Self {
        Self { directory, sessions, settings, clock }
    }

    /// Recognises a caller: a bearer token first, then the certificate's key (SPKI DER; TLS has verified the chain), then the session
    /// cookie (the value of the `Cookie` header). `Ok(None)`: nothing was shown.
    pub async fn authenticate(
        &self,
        _certificate_spki: Option<&[u8]>,
        _bearer: Option<&str>,
        _cookie: Option<&str>,
    ) -> Result<Option<Principal>, AuthError> {
        let _ = (&self.sessions, &self.settings, &self.clock);
        unimplemented!()
    }

    /// Begins a session for a right name and password. Throttled per name and address.
    pub async fn login(&self, _username: &str, _password: &Secret, _from: IpAddr) -> Result<Session, LoginError> {
        unimplemented!()
    }

    /// Checks a name and password as `login` does, without a session; right ones are remembered for a short while.
    pub async fn check_password(&self, _username: &str, _password: &Secret, _from: IpAddr) -> Result<Account, LoginError> {
        unimplemented!()
    }

    /// Ends the session a principal came by.
    pub async fn logout(&self, _principal: &Principal) -> Result<(), StorageError> {
        unimplemented!()
    }

    /// Makes the first account, the administrator `admin`, unless it is there; `true` when it was made now.
    pub async fn ensure_admin(&self, _password: &Secret) -> Result<bool, PasswordError> {
        unimplemented!()
    }

    /// Sets a password as the machine's operator, reactivates the account if need be, and ends its sessions.
    pub async fn reset_password(&self, _name: &AccountName, _password: &Secret) -> Result<(), PasswordError> {
        unimplemented!()
    }

    /// Whose key it is; also of inactive accounts (see `account.is_active`).
    pub async fn owner_of(&self, _key: &PublicKey) -> Result<Option<KeyOwner>, StorageError> {
        unimplemented!()
    }

    pub async fn find(&self, id: &AccountId) -> Result<Option<Account>, StorageError> {
        self.directory.account(id).await
    }

    pub async fn find_named(&self, name: &AccountName) -> Result<Option<Account>, StorageError> {
        self.directory.account_named(name).await
    }

    /// Grows with every change of accounts, teams, members and keys.
    pub async fn revision(&self) -> Result<u64, StorageError> {
        self.directory.revision().await
    }

    /// The directory itself, for listings and lookups.
    pub fn directory(&self) -> &Arc<dyn wharfinger_storage::accounts::Accounts> {
        &self.directory
    }
}
