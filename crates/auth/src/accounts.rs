//! Accounts of one instance: logging in, recognising, looking up.
//!
//! The door shows what it was shown; who that is, is said here, from what is stored at this moment.

mod circle;
mod login;
mod owners;
mod recognise;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use time::OffsetDateTime;
use wharfinger_identity::{Account, AccountId, AccountName, Role};
use wharfinger_keys::PublicKey;
use wharfinger_storage::StorageError;
use wharfinger_storage::accounts::{AccountChange, AccountFilter, KeyOwnerRecord, Page};

use crate::accounts::owners::Owners;
use crate::clock::Clock;
use crate::password::{MAX_LENGTH, MIN_LENGTH, Passwords};
use crate::secret::Secret;
use crate::throttle::Throttle;

pub use circle::Circle;

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
        Self { lifetime: Duration::from_hours(1), renewal_threshold: Duration::from_mins(20), per_user_limit: 10 }
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

/// The accounts of one instance.
pub struct Accounts {
    directory: Arc<dyn wharfinger_storage::accounts::Accounts>,
    owners: Owners,
    sessions: Arc<dyn wharfinger_storage::sessions::Sessions>,
    settings: SessionSettings,
    clock: Clock,
    passwords: Passwords,
    throttle: Throttle,
    failed_logins: AtomicU64,
    cookie: Option<String>,
}

impl Accounts {
    pub fn new(
        directory: Arc<dyn wharfinger_storage::accounts::Accounts>,
        sessions: Arc<dyn wharfinger_storage::sessions::Sessions>,
        settings: SessionSettings,
        clock: Clock,
    ) -> Self {
        let (passwords, throttle, owners) = (Passwords::new(), Throttle::new(), Owners::default());
        Self { directory, owners, sessions, settings, clock, passwords, throttle, failed_logins: AtomicU64::new(0), cookie: None }
    }

    /// Lets sessions come by cookie as well. The cookie's name holds the instance's id, because cookies do not tell ports apart.
    #[must_use]
    pub fn with_cookies_of(mut self, instance_id: &str) -> Self {
        self.cookie = Some(format!("__Host-wharfinger-{instance_id}"));
        self
    }

    /// The name of the session cookie, if there is one.
    pub fn cookie_name(&self) -> Option<&str> {
        self.cookie.as_deref()
    }

    /// Makes the first account, the administrator `admin`, unless there is an administrator; `true` when it was made now.
    pub async fn ensure_admin(&self, password: &Secret) -> Result<bool, PasswordError> {
        if self.has_admin().await? {
            return Ok(false);
        }
        let hash = self.hash_new(password).await?;
        let admin = Account {
            id: AccountId::generate(),
            name: "admin".parse().map_err(|_| PasswordError::NoAccount("admin".into()))?,
            full_name: "Administrator".to_owned(),
            is_org: false,
            is_admin: true,
            is_active: true,
            role: Role::FullControl,
        };
        self.directory.create_account(&admin, Some(&hash), self.clock.now()).await?;
        Ok(true)
    }

    /// Whether the first administrator has been made.
    pub async fn has_admin(&self) -> Result<bool, StorageError> {
        let first = Page { start: String::new(), limit: 1 };
        Ok(!self.directory.accounts(AccountFilter::Admins, "", &first).await?.is_empty())
    }

    /// Sets a password as the machine's operator, reactivates the account if need be, and ends its sessions.
    pub async fn reset_password(&self, name: &AccountName, password: &Secret) -> Result<(), PasswordError> {
        let account = self.directory.account_named(name).await?.filter(|account| !account.is_org);
        let Some(account) = account else { return Err(PasswordError::NoAccount(name.to_string())) };
        self.set_password(&account, password, None).await?;
        let active = AccountChange { is_active: Some(true), ..AccountChange::default() };
        self.directory.update_account(&account.id, &active).await?;
        Ok(())
    }

    /// Sets a password and ends every session (but `keep`) and refresh token that stood on the old one.
    pub(crate) async fn set_password(
        &self,
        account: &Account,
        password: &Secret,
        keep: Option<&str>,
    ) -> Result<(), PasswordError> {
        let hash = self.hash_new(password).await?;
        if !self.directory.set_password(&account.id, &hash).await? {
            return Err(PasswordError::NoAccount(account.name.to_string()));
        }
        self.sessions.close_all(&account.id, keep).await?;
        Ok(())
    }

    /// The PHC string of a password somebody chose.
    pub(crate) async fn hash_new(&self, password: &Secret) -> Result<String, PasswordError> {
        Self::admits(password)?;
        Ok(self.passwords.hash(password).await?)
    }

    /// Whether somebody may choose it.
    pub(crate) fn admits(password: &Secret) -> Result<(), PasswordError> {
        let length = password.reveal().chars().count();
        if length < MIN_LENGTH || password.reveal().len() > MAX_LENGTH {
            return Err(PasswordError::Length { min: MIN_LENGTH, max: MAX_LENGTH });
        }
        Ok(())
    }

    /// Whose key it is, with the teams that person is in; also of inactive accounts (see `account.is_active`).
    pub async fn owner_of(&self, key: &PublicKey) -> Result<Option<Arc<KeyOwnerRecord>>, StorageError> {
        self.owners.of(&*self.directory, key.spki_der()).await
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

    pub(crate) fn sessions(&self) -> &Arc<dyn wharfinger_storage::sessions::Sessions> {
        &self.sessions
    }

    pub(crate) fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    /// Forgets sessions and refresh tokens that have ended.
    pub async fn sweep(&self) -> Result<(), StorageError> {
        self.sessions.sweep(self.clock.now()).await
    }
}
