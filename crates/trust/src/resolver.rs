//! One call per decision.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use reqwest::Client;
use time::OffsetDateTime;
use wharfinger_keys::KeyId;
use wharfinger_oci::Host;
use wharfinger_storage::StorageError;
use wharfinger_storage::memory::{Remembered, Remembering, TrustMemory};
use wharfinger_tuf::{Collection, Gun, Limits, Pins, RoleName, Root, Signed, Walk};

use crate::credentials::{Credentials, Keyring};
use crate::error::{TrustError, judged};
use crate::learned::{Learned, known};
use crate::place::{NotaryServer, TokenRealm};
use crate::reading::{Read, Reading};
use crate::server::Server;

/// A decision that takes longer is refused: a slow registry must not hold what it cannot answer.
const LONGEST: Duration = Duration::from_secs(10);

pub type Clock = Arc<dyn Fn() -> OffsetDateTime + Send + Sync>;

/// A trusted registry, as far as reading trust data needs to know it.
#[derive(Clone, Debug)]
pub struct Registration {
    pub host: Host,
    /// PEM; none means the system's roots.
    pub ca_bundle: Option<String>,
    /// Where its trust data is, when that is not the host itself.
    pub notary: Option<NotaryServer>,
    /// A token service on another host than these two.
    pub token_realm: Option<TokenRealm>,
    /// Root keys given beforehand; empty means trust at first use.
    pub pins: Pins,
}

/// Which root is trusted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TrustedRoot {
    pub version: u64,
    /// TUF ids.
    pub keys: Vec<KeyId>,
}

impl Registration {
    /// A registry that serves its own trust data and tokens, trusted at first use.
    pub fn of(host: Host, ca_bundle: Option<String>) -> Self {
        Self { host, ca_bundle, notary: None, token_realm: None, pins: Pins::default() }
    }

    fn notary_ca(&self) -> Option<&str> {
        self.notary.as_ref().and_then(|notary| notary.ca_bundle.as_deref()).or(self.ca_bundle.as_deref())
    }
}

/// Resolves GUNs. One per process.
pub struct Resolver {
    memory: Arc<dyn TrustMemory>,
    clock: Clock,
    keyring: Keyring,
    clients: Cache<Option<String>, Client>,
    /// The newest collection of each GUN that this process has accepted.
    newest: Cache<Gun, Arc<Collection>>,
}

impl Resolver {
    pub fn new(memory: Arc<dyn TrustMemory>, clock: Clock) -> Self {
        let clients = Cache::builder().max_capacity(100).build();
        Self { memory, clock, keyring: Keyring::new(), clients, newest: Cache::builder().max_capacity(1_000).build() }
    }

    /// The trust data of `gun` as it stands now. `credentials` are tried in order, then those that worked last, then none.
    pub async fn resolve(
        &self,
        registration: &Registration,
        gun: &Gun,
        credentials: &[Credentials],
    ) -> Result<Arc<Collection>, TrustError> {
        let late =
            || TrustError::Unreachable { host: registration.host.to_string(), cause: format!("no answer within {LONGEST:?}") };
        let resolved = tokio::time::timeout(LONGEST, self.attempts(registration, gun, credentials)).await.map_err(|_| late())?;
        if let Err(error) = &resolved {
            tracing::info!(%gun, registry = %registration.host, code = error.code(), %error, "no trust data");
        }
        resolved
    }

    /// A second attempt only when another request has meanwhile accepted something newer than what this one had read.
    async fn attempts(
        &self,
        registration: &Registration,
        gun: &Gun,
        credentials: &[Credentials],
    ) -> Result<Arc<Collection>, TrustError> {
        match self.attempt(registration, gun, credentials).await? {
            Ok(collection) => Ok(collection),
            Err(_) => self
                .attempt(registration, gun, credentials)
                .await?
                .map_err(|cause| TrustError::Rollback { gun: gun.to_string(), cause }),
        }
    }

    async fn attempt(
        &self,
        registration: &Registration,
        gun: &Gun,
        credentials: &[Credentials],
    ) -> Result<Result<Arc<Collection>, String>, TrustError> {
        let now = (self.clock)();
        let remembered = self.memory.recall(gun.as_str()).await?;
        let server = Server {
            client: self.client(registration, registration.notary_ca()).await?,
            registry_client: self.client(registration, registration.ca_bundle.as_deref()).await?,
            registration,
            host: &registration.host,
            gun,
            keyring: &self.keyring,
            now,
        };
        let candidates = self.keyring.candidates(&registration.host, gun, credentials).await;
        let walk = Walk::new(gun.clone(), now, known(remembered.as_ref()), registration.pins.clone(), Limits::default())
            .map_err(|error| judged(gun, error))?;
        let read = Reading::new(server, candidates, remembered.as_ref()).run(walk).await;
        let Read { collection, etag } = read.map_err(|error| error.of_known(gun, remembered.is_some()))?;
        self.take_in(gun, collection, etag, remembered.as_ref()).await
    }

    /// Nothing is answered before what it teaches is on disk.
    async fn take_in(
        &self,
        gun: &Gun,
        collection: Collection,
        etag: Option<String>,
        remembered: Option<&Remembered>,
    ) -> Result<Result<Arc<Collection>, String>, TrustError> {
        let learned = Learned::of(&collection, etag);
        if let Some(cause) = learned.replayed(remembered) {
            return Err(TrustError::Replayed { gun: gun.to_string(), cause });
        }
        if !learned.is_known(remembered) {
            match self.memory.remember(gun.as_str(), &learned.files, &learned.signings).await? {
                Remembering::Done => {}
                Remembering::Older { role, known } => {
                    return Ok(Err(format!("a higher version of {role} ({known}) was seen meanwhile")));
                }
                Remembering::Replayed(seen) => {
                    let cause =
                        format!("what {} says was signed for {} of {} before", seen.role, seen.earlier_role, seen.earlier_gun);
                    return Err(TrustError::Replayed { gun: gun.to_string(), cause });
                }
            }
        }
        let collection = Arc::new(collection);
        let version = |collection: &Collection| collection.timestamp().signed().version;
        // What was forgotten on purpose, perhaps by another process, does not come back as the newest.
        let newer =
            remembered.is_some() && self.newest.get(gun).await.is_some_and(|newest| version(&newest) > version(&collection));
        if !newer {
            self.newest.insert(gun.clone(), Arc::clone(&collection)).await;
        }
        Ok(Ok(collection))
    }

    pub(crate) fn memory(&self) -> &dyn TrustMemory {
        &*self.memory
    }

    async fn client(&self, registration: &Registration, ca_bundle: Option<&str>) -> Result<Client, TrustError> {
        let make = async { wharfinger_transport::outbound(ca_bundle) };
        self.clients
            .try_get_with(ca_bundle.map(str::to_owned), make)
            .await
            .map_err(|error| TrustError::Unreachable { host: registration.host.to_string(), cause: error.to_string() })
    }

    /// Whether nothing newer was accepted since `collection` was: a decision compares once more before it takes effect.
    pub async fn is_current(&self, collection: &Collection) -> bool {
        match self.newest.get(collection.gun()).await {
            Some(newest) => newest.timestamp().file().bytes() == collection.timestamp().file().bytes(),
            None => false,
        }
    }

    /// The root that `gun` is held to, as it is remembered. One that cannot be read is version 0 without keys.
    pub async fn trusted_root(&self, gun: &Gun) -> Result<Option<TrustedRoot>, StorageError> {
        let Some(remembered) = self.memory.recall(gun.as_str()).await? else { return Ok(None) };
        let file = remembered.files.iter().find(|file| file.role == RoleName::Root.as_str());
        let root = file.and_then(|file| Signed::<Root>::parse(&file.bytes).ok());
        Ok(Some(root.map_or_else(TrustedRoot::default, |root| TrustedRoot {
            version: root.signed.version,
            keys: root.signed.role(&RoleName::Root).map(|role| role.keyids.clone()).unwrap_or_default(),
        })))
    }

    /// Trusts the next root of `gun` at first use: for a repository that was made anew on purpose. False when nothing was remembered.
    pub async fn forget(&self, gun: &Gun) -> Result<bool, StorageError> {
        self.newest.invalidate(gun).await;
        self.memory.forget(gun.as_str()).await
    }

    /// Drops what is kept of credentials for a host: its registration was removed or changed.
    pub fn forget_credentials(&self, host: &Host) {
        self.keyring.forget_host(host);
    }
}
