//! What a request brought along to prove who asks, and what of it is kept: in memory only, for an hour, per host and scope
//! (`repository:GUN:pull`).

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use moka::future::Cache;
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use wharfinger_oci::Host;
use zeroize::Zeroizing;

/// How long credentials of one request may serve later requests that bring none.
const KEPT: Duration = Duration::from_hours(1);

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

impl Credentials {
    /// Whether both speak for the same one, as far as they tell: tokens are made anew again and again.
    pub(crate) fn same_reader(one: Option<&Self>, other: Option<&Self>) -> bool {
        match (one, other) {
            (Some(Self::Bearer(_)), Some(Self::Bearer(_))) => true,
            _ => one == other,
        }
    }

    fn fingerprint(credentials: Option<&Self>) -> [u8; 32] {
        let (kind, one, other) = match credentials {
            None => (0, "", ""),
            Some(Self::Basic { username, password }) => (1, username.as_str(), password.expose()),
            Some(Self::IdentityToken(token)) => (2, token.expose(), ""),
            Some(Self::Bearer(token)) => (3, token.expose(), ""),
        };
        let mut hash = Sha256::new();
        hash.update([kind]);
        hash.update((one.len() as u64).to_be_bytes());
        hash.update(one);
        hash.update(other);
        hash.finalize().into()
    }
}

/// The value of an `Authorization` header; none: the host asks for nothing, or gives nothing to anyone.
#[derive(Clone, Debug)]
pub(crate) struct Authorization {
    pub(crate) header: Option<Secret>,
    pub(crate) until: OffsetDateTime,
}

impl Authorization {
    pub(crate) fn basic(username: &str, password: &Secret, until: OffsetDateTime) -> Self {
        let pair = Zeroizing::new(format!("{username}:{}", password.expose()));
        Self { header: Some(Secret::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())))), until }
    }

    pub(crate) fn bearer(token: &Secret, until: OffsetDateTime) -> Self {
        Self { header: Some(Secret::new(format!("Bearer {}", token.expose()))), until }
    }

    pub(crate) fn none(until: OffsetDateTime) -> Self {
        Self { header: None, until }
    }
}

/// What is kept of credentials. Nothing of it is ever written anywhere.
pub(crate) struct Keyring {
    working: Cache<(Host, String), Credentials>,
    tokens: Cache<(Host, String, [u8; 32]), Authorization>,
}

impl Keyring {
    pub(crate) fn new() -> Self {
        Self {
            working: Cache::builder().max_capacity(10_000).time_to_live(KEPT).support_invalidation_closures().build(),
            tokens: Cache::builder().max_capacity(10_000).time_to_live(KEPT).support_invalidation_closures().build(),
        }
    }

    /// Those given, then the last that worked, then nobody.
    pub(crate) async fn candidates(&self, host: &Host, scope: &str, given: &[Credentials]) -> Vec<Option<Credentials>> {
        let mut candidates: Vec<Option<Credentials>> = Vec::new();
        let kept = self.working.get(&(host.clone(), scope.to_owned())).await;
        for credentials in given.iter().cloned().chain(kept).map(Some).chain([None]) {
            if !candidates.contains(&credentials) {
                candidates.push(credentials);
            }
        }
        candidates
    }

    pub(crate) async fn worked(&self, host: &Host, scope: &str, credentials: Option<&Credentials>) {
        if let Some(credentials) = credentials {
            self.working.insert((host.clone(), scope.to_owned()), credentials.clone()).await;
        }
    }

    /// A token is no longer good; the credentials it was got for may be.
    pub(crate) async fn drop_token(&self, host: &Host, scope: &str, credentials: Option<&Credentials>) {
        self.tokens.invalidate(&(host.clone(), scope.to_owned(), Credentials::fingerprint(credentials))).await;
    }

    /// The host wants none of these credentials.
    pub(crate) async fn refused(&self, host: &Host, scope: &str, credentials: Option<&Credentials>) {
        self.drop_token(host, scope, credentials).await;
        let key = (host.clone(), scope.to_owned());
        if credentials.is_some() && self.working.get(&key).await.as_ref() == credentials {
            self.working.invalidate(&key).await;
        }
    }

    pub(crate) async fn token(
        &self,
        host: &Host,
        scope: &str,
        credentials: Option<&Credentials>,
        now: OffsetDateTime,
    ) -> Option<Authorization> {
        let key = (host.clone(), scope.to_owned(), Credentials::fingerprint(credentials));
        self.tokens.get(&key).await.filter(|authorization| now < authorization.until)
    }

    pub(crate) async fn keep_token(
        &self,
        host: &Host,
        scope: &str,
        credentials: Option<&Credentials>,
        authorization: Authorization,
    ) {
        self.tokens.insert((host.clone(), scope.to_owned(), Credentials::fingerprint(credentials)), authorization).await;
    }

    pub(crate) fn forget_host(&self, host: &Host) {
        let (one, other) = (host.clone(), host.clone());
        // Fails only for caches built without closures; these are.
        let _ = self.working.invalidate_entries_if(move |(host, _), _| *host == one);
        let _ = self.tokens.invalidate_entries_if(move |(host, ..), _| *host == other);
    }
}
