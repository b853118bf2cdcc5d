//! Name and password: is it them? And the sessions that begin with them.

use std::net::IpAddr;
use std::sync::atomic::Ordering;

use uuid::Uuid;
use wharfinger_identity::{Account, AccountName};
use wharfinger_storage::StorageError;
use wharfinger_storage::sessions::SessionRecord;

use super::{Accounts, LoginError, Session};
use crate::principal::{Principal, Via};
use crate::secret::Secret;

impl Accounts {
    /// Begins a session for a right name and password. Throttled per name and address.
    pub async fn login(&self, username: &str, password: &Secret, from: IpAddr) -> Result<Session, LoginError> {
        let account = self.check_password(username, password, from).await?;
        let now = self.now();
        let token = Secret::random();
        let expires = now + self.settings.lifetime;
        let session = SessionRecord {
            id: Uuid::now_v7().to_string(),
            account: account.id.clone(),
            token: token.token_hash(),
            created: now,
            expires,
        };
        self.sessions.open(&session, self.settings.per_user_limit).await?;
        Ok(Session { account, token, expires })
    }

    /// Checks a name and password as `login` does, without a session; right ones are remembered for a short while.
    pub async fn check_password(&self, username: &str, password: &Secret, from: IpAddr) -> Result<Account, LoginError> {
        let mut turn = self.throttle.turn(username, from).await;
        if let Some(retry_after) = turn.wait(self.now()) {
            self.failed_logins.fetch_add(1, Ordering::Relaxed);
            return Err(LoginError::Throttled { retry_after });
        }
        let found = self.with_password(username).await?;
        // A client that opens ten connections waits for one hash. Only after the throttle: else guessing would be free for as long
        // as somebody who knows the password is about.
        if let Some((account, stored)) = &found
            && self.passwords.remembered(&account.id, stored, password).await
        {
            return Ok(account.clone());
        }
        let right = self.passwords.verify(password, found.as_ref().map(|(_, stored)| stored.as_str())).await?;
        match found {
            Some((account, stored)) if right => {
                turn.succeeded();
                self.passwords.remember(&account.id, &stored, password).await;
                Ok(account)
            }
            _ => {
                turn.failed(self.now());
                self.failed_logins.fetch_add(1, Ordering::Relaxed);
                Err(LoginError::Wrong)
            }
        }
    }

    /// How many logins were refused since the start, for a wrong name or password or too many of them. Counted and not recorded:
    /// otherwise anybody could fill the audit log.
    pub fn failed_logins(&self) -> u64 {
        self.failed_logins.load(Ordering::Relaxed)
    }

    /// A caller who shows name and password with the request itself.
    pub async fn authenticate_password(&self, username: &str, password: &Secret, from: IpAddr) -> Result<Principal, LoginError> {
        let account = self.check_password(username, password, from).await?;
        Ok(Principal { account, via: Via::Password })
    }

    /// Ends the session a principal came by.
    pub async fn logout(&self, principal: &Principal) -> Result<(), StorageError> {
        match &principal.via {
            Via::Session(id) | Via::Cookie(id) => self.sessions.close(id.as_str()).await.map(drop),
            Via::Certificate(_) | Via::Password => Ok(()),
        }
    }

    /// The account of that name and its stored password, if it is somebody who may log in.
    async fn with_password(&self, username: &str) -> Result<Option<(Account, String)>, StorageError> {
        let Ok(name) = username.parse::<AccountName>() else { return Ok(None) };
        let Some(account) = self.directory.account_named(&name).await? else { return Ok(None) };
        if account.is_org || !account.is_active {
            return Ok(None);
        }
        let stored = self.directory.password(&account.id).await?;
        Ok(stored.map(|stored| (account, stored)))
    }
}
