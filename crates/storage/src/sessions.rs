//! Who is logged in: sessions and refresh tokens, both known only by the hash of their token.

use std::fmt;

use async_trait::async_trait;
use time::OffsetDateTime;
use wharfinger_identity::AccountId;

use crate::Result;

/// The SHA-256 of a random 256-bit token. The token itself is never stored.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash(pub [u8; 32]);

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(…)")
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SessionRecord {
    pub id: String,
    pub account: AccountId,
    pub token: TokenHash,
    pub created: OffsetDateTime,
    pub expires: OffsetDateTime,
}

/// What `docker login` keeps as its identity token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RefreshRecord {
    pub token: TokenHash,
    pub account: AccountId,
    /// The audience it was made for.
    pub service: String,
    pub created: OffsetDateTime,
    pub expires: OffsetDateTime,
}

#[async_trait]
pub trait Sessions: Send + Sync {
    /// Begins a session; of the account's sessions, only the `limit` newest live on.
    async fn open(&self, session: &SessionRecord, limit: u32) -> Result<()>;
    async fn session(&self, token: &TokenHash) -> Result<Option<SessionRecord>>;
    /// Moves the end of a session that is still there.
    async fn renew(&self, id: &str, expires: OffsetDateTime) -> Result<()>;
    async fn close(&self, id: &str) -> Result<bool>;
    /// Ends every session but `keep`, and every refresh token, of the account.
    async fn close_all(&self, account: &AccountId, keep: Option<&str>) -> Result<()>;
    /// Remembers a refresh token; of the account's, only the `limit` newest live on.
    async fn add_refresh(&self, refresh: &RefreshRecord, limit: u32) -> Result<()>;
    async fn refresh(&self, token: &TokenHash) -> Result<Option<RefreshRecord>>;
    /// Forgets what ended before `now`.
    async fn sweep(&self, now: OffsetDateTime) -> Result<()>;
}
