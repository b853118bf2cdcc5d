//! Passwords: argon2id, a few at a time, and right ones remembered for a minute.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};
use aws_lc_rs::{hmac, rand};
use moka::future::Cache;
use tokio::sync::Semaphore;
use wharfinger_identity::AccountId;
use wharfinger_storage::StorageError;
use zeroize::Zeroizing;

use crate::secret::Secret;

pub(crate) const MIN_LENGTH: usize = 8;
/// Longer ones would only be work for the server.
pub(crate) const MAX_LENGTH: usize = 1024;

/// Each verification holds 19 MiB and a core.
const AT_ONCE: usize = 4;
const REMEMBERED: Duration = Duration::from_mins(1);

/// Verified against when there is no such account, so that the answer takes as long as a wrong password does.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

pub(crate) struct Passwords {
    permits: Arc<Semaphore>,
    /// Keyed hashes of (account, stored hash, password): a changed password is another key, and a dump of memory shows none.
    right: Cache<[u8; 32], ()>,
    key: hmac::Key,
}

impl Passwords {
    pub(crate) fn new() -> Self {
        let mut bytes = Zeroizing::new([0_u8; 32]);
        // Without randomness nothing in this process could be trusted: better not to start.
        rand::fill(bytes.as_mut()).expect("the operating system gives random bytes");
        Self {
            permits: Arc::new(Semaphore::new(AT_ONCE)),
            right: Cache::builder().max_capacity(10_000).time_to_live(REMEMBERED).build(),
            key: hmac::Key::new(hmac::HMAC_SHA256, bytes.as_ref()),
        }
    }

    /// The PHC string to store.
    pub(crate) async fn hash(&self, password: &Secret) -> Result<String, StorageError> {
        let bytes = Zeroizing::new(password.reveal().as_bytes().to_vec());
        self.work(move || {
            // The defaults are argon2id, 19 MiB, two passes, a random salt.
            Argon2::default().hash_password(&bytes).map(|hash: PasswordHash| hash.to_string())
        })
        .await?
        .map_err(|error| StorageError::unavailable(error.to_string()))
    }

    /// Whether `password` is the one of `stored`. Without a stored one: no, after the same while.
    pub(crate) async fn verify(&self, password: &Secret, stored: Option<&str>) -> Result<bool, StorageError> {
        if password.reveal().len() > MAX_LENGTH {
            return Ok(false);
        }
        let bytes = Zeroizing::new(password.reveal().as_bytes().to_vec());
        let known = stored.is_some();
        let stored = stored.unwrap_or(NOBODY).to_owned();
        let right = self
            .work(move || PasswordHash::new(&stored).is_ok_and(|hash| Argon2::default().verify_password(&bytes, &hash).is_ok()))
            .await?;
        Ok(right && known)
    }

    pub(crate) async fn remembered(&self, account: &AccountId, stored: &str, password: &Secret) -> bool {
        self.right.get(&self.fingerprint(account, stored, password)).await.is_some()
    }

    pub(crate) async fn remember(&self, account: &AccountId, stored: &str, password: &Secret) {
        self.right.insert(self.fingerprint(account, stored, password), ()).await;
    }

    fn fingerprint(&self, account: &AccountId, stored: &str, password: &Secret) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.key);
        for part in [account.as_str(), stored, password.reveal()] {
            context.update(&part.len().to_be_bytes());
            context.update(part.as_bytes());
        }
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(context.sign().as_ref());
        fingerprint
    }

    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, StorageError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(StorageError::unavailable)?;
        tokio::task::spawn_blocking(move || {
            let done = work();
            drop(permit);
            done
        })
        .await
        .map_err(StorageError::unavailable)
    }
}
