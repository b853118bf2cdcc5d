//! What has been signed, and is this update fit to be served?
//!
//! The Notary v1 server: signed metadata comes in from `docker trust` and `notary` and is stored byte for byte once all of it holds
//! together; files, the server's public keys and the changefeed go out. Timestamps, and snapshots where the root says so, are
//! made and renewed here with keys that are sealed at rest.
//!
//! Never here: a decision whose signature counts for what (`trust`, `policy`), a re-serialisation of what was received, or a file of one
//! GUN answered to a question about another.

mod access;
mod collection;
mod error;
mod feed;
mod files;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod http_door;
mod publish;
mod resign;
mod routes;
mod server_keys;
mod tags;
mod upload;

use std::sync::Arc;

use time::OffsetDateTime;
use tokio::sync::{Semaphore, watch};
use wharfinger_keys::SealKey;
use wharfinger_oci::Repository;
use wharfinger_storage::collections::Collections;
use wharfinger_tuf::Gun;

pub use access::{Authorize, Denied, EVERYTHING, Follower, Grant, Need};
pub use error::{Fault, Refusal};
pub use resign::Resigned;
pub use upload::Limits;

const JUDGES: usize = 4;
/// How many requests wait for changes at once; the others are answered at once.
const WAITING: usize = 1024;

/// Answers what time it is.
pub type Now = Arc<dyn Fn() -> OffsetDateTime + Send + Sync>;

/// The Notary server of one registry. Cheap to clone.
#[derive(Clone)]
pub struct Notary {
    inner: Arc<Inner>,
}

struct Inner {
    public_host: String,
    access: Arc<dyn Authorize>,
    collections: Arc<dyn Collections>,
    seal: Arc<SealKey>,
    now: Now,
    limits: Limits,
    /// How many uploads are parsed and checked at once: each may take many times its size in memory.
    judges: Semaphore,
    feed: Feed,
}

/// Who waits for changes, and what tells them of one.
struct Feed {
    /// Counts what was published and deleted by this process.
    changed: watch::Sender<u64>,
    ended: watch::Sender<bool>,
    /// A request that waits holds a connection.
    waiting: Semaphore,
}

impl Notary {
    /// `public_host` is the registry's `host[:port]` as clients have to write it: every GUN begins with exactly this.
    pub fn new(
        public_host: impl Into<String>,
        access: Arc<dyn Authorize>,
        collections: Arc<dyn Collections>,
        seal: Arc<SealKey>,
        now: Now,
    ) -> Self {
        let inner = Inner {
            public_host: public_host.into(),
            access,
            collections,
            seal,
            now,
            limits: Limits::default(),
            judges: Semaphore::new(JUDGES),
            feed: Feed { changed: watch::Sender::new(0), ended: watch::Sender::new(false), waiting: Semaphore::new(WAITING) },
        };
        Self { inner: Arc::new(inner) }
    }

    /// The one name of a repository's collection.
    pub fn gun(&self, repository: &Repository) -> Result<Gun, Fault> {
        format!("{}/{repository}", self.inner.public_host)
            .parse()
            .map_err(|error: wharfinger_tuf::GunError| Fault::Damaged(error.to_string()))
    }

    /// Answers all who wait for changes, now and from now on: the process ends.
    pub fn end_waits(&self) {
        self.inner.feed.ended.send_replace(true);
    }

    fn tell_of_change(&self) {
        self.inner.feed.changed.send_modify(|count| *count = count.wrapping_add(1));
    }

    fn now(&self) -> OffsetDateTime {
        (self.inner.now)()
    }

    fn collections(&self) -> &dyn Collections {
        self.inner.collections.as_ref()
    }

    /// The repository that `gun` names, if it is one of this registry's, written as this registry writes it.
    fn repository(&self, gun: &str) -> Result<(Gun, Repository), Refusal> {
        let host = &self.inner.public_host;
        let path = gun.split_once('/').map_or("", |(_, path)| path);
        let repository: Option<Repository> = path.parse().ok();
        match (gun.parse::<Gun>(), repository) {
            (Ok(gun), Some(repository)) if gun.host() == host => Ok((gun, repository)),
            (_, Some(repository)) => Err(Refusal::InvalidGun(format!(
                "this registry is named {host}, not {}: use the repository name {host}/{repository}",
                gun.split('/').next().unwrap_or_default()
            ))),
            _ => Err(Refusal::InvalidGun(format!("a repository of this registry is named {host}/<namespace>/<repository>"))),
        }
    }
}
