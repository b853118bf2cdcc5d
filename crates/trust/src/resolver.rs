//! One call per decision: from the mirror where the registry's feed says that it is current, else over the network.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use reqwest::Client;
use time::OffsetDateTime;
use wharfinger_keys::KeyId;
use wharfinger_oci::Host;
use wharfinger_storage::StorageError;
use wharfinger_storage::memory::{Proven, Remembered, Remembering, TrustMemory};
use wharfinger_tuf::{Collection, Gun, Limits, Pins, RoleName, Root, Signed, Walk};

use crate::credentials::{Credentials, Keyring};
use crate::error::{TrustError, judged};
use crate::learned::{Learned, known};
use crate::mirror::{Mirror, state_of};
use crate::moment::Moment;
use crate::place::{NotaryServer, TokenRealm};
use crate::reading::{Read, Reading};
use crate::remembered;
use crate::server::{PATIENCE, Server, scope_of};

/// A decision that takes longer is refused: a slow registry must not hold what it cannot answer.
pub(crate) const LONGEST: Duration = Duration::from_secs(10);

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

    /// Whether trust data is read in the same place under the same CAs; pins are another matter.
    pub(crate) fn is_same_place(&self, other: &Self) -> bool {
        self.host == other.host
            && self.ca_bundle == other.ca_bundle
            && self.notary == other.notary
            && self.token_realm == other.token_realm
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
    pub(crate) mirror: Mirror,
    /// The newest proof of each image, so that it is not written again and again.
    pub(crate) proofs: Cache<String, Proven>,
}

impl Resolver {
    pub fn new(memory: Arc<dyn TrustMemory>, clock: Clock) -> Self {
        let clients = Cache::builder().max_capacity(100).build();
        let proofs = Cache::builder().max_capacity(10_000).support_invalidation_closures().build();
        Self { memory, clock, keyring: Keyring::new(), clients, mirror: Mirror::new(), proofs }
    }

    pub(crate) fn now(&self) -> OffsetDateTime {
        (self.clock)()
    }

    pub(crate) fn moment(&self) -> Moment {
        Moment::at(self.now())
    }

    /// The trust data of `gun` as it stands now. What the registry's feed says is current, is not asked for; else `credentials` are tried
    /// in order, then those that worked last, then none.
    pub async fn resolve(
        &self,
        registration: &Registration,
        gun: &Gun,
        credentials: &[Credentials],
    ) -> Result<Arc<Collection>, TrustError> {
        match self.at_hand(registration, gun).await {
            Some(collection) => Ok(collection),
            None => self.resolve_anew(registration, gun, credentials).await,
        }
    }

    /// As [`Resolver::resolve`], with the registry asked in any case.
    pub async fn resolve_anew(
        &self,
        registration: &Registration,
        gun: &Gun,
        credentials: &[Credentials],
    ) -> Result<Arc<Collection>, TrustError> {
        let resolved = self.ask(registration, gun, credentials).await;
        match &resolved {
            Ok(_) => {
                if let Some(line) = self.mirror.line(&registration.host) {
                    line.want(gun);
                }
            }
            Err(error) => {
                tracing::info!(%gun, registry = %registration.host, code = error.code(), %error, "no trust data");
                self.doubt(gun, error).await;
            }
        }
        resolved
    }

    /// What the mirror has, if it is current and unexpired: no network, and no database where it was used before. Nobody's credentials
    /// are needed for it.
    pub async fn at_hand(&self, registration: &Registration, gun: &Gun) -> Option<Arc<Collection>> {
        let moment = self.moment();
        let state = self.mirror.line(&registration.host)?.current(registration, gun, moment)?;
        if let Some(collection) = self.mirror.parsed(gun, &state, &registration.pins, self.now()).await {
            return Some(collection);
        }
        let collection = self.recall(registration, gun).await?;
        if state_of(&collection) != state {
            return None;
        }
        self.mirror.keep(&collection, &registration.pins).await;
        Some(collection)
    }

    /// What is remembered of `gun`, verified anew as of now and under the registration's pins.
    pub(crate) async fn recall(&self, registration: &Registration, gun: &Gun) -> Option<Arc<Collection>> {
        let remembered = self.memory.recall(gun.as_str()).await.ok()??;
        remembered::collection(gun, self.now(), &remembered, registration.pins.clone()).map(Arc::new)
    }

    async fn ask(
        &self,
        registration: &Registration,
        gun: &Gun,
        credentials: &[Credentials],
    ) -> Result<Arc<Collection>, TrustError> {
        let unreachable = |cause| TrustError::Unreachable { host: registration.host.to_string(), cause };
        // Known already: whoever asked again would only find out the same, later.
        if let Some((since, cause)) = self.mirror.line(&registration.host).and_then(|line| line.silence(registration)) {
            return Err(unreachable(format!("it has been silent for {} s: {cause}", since.as_secs())));
        }
        let candidates = self.keyring.candidates(&registration.host, &scope_of(gun), credentials).await;
        let asking = tokio::time::timeout(LONGEST, self.walk_as(registration, gun, &candidates, true));
        asking.await.unwrap_or_else(|_| Err(unreachable(format!("no answer within {LONGEST:?}"))))
    }

    /// Reads with the first of `candidates` that is let in; `keeps`: they may serve later requests. A second attempt only when another
    /// request has meanwhile accepted something newer than what this one had read, or somebody has forgotten the root it began from.
    pub(crate) async fn walk_as(
        &self,
        registration: &Registration,
        gun: &Gun,
        candidates: &[Option<Credentials>],
        keeps: bool,
    ) -> Result<Arc<Collection>, TrustError> {
        match self.attempt(registration, gun, candidates, keeps).await? {
            Ok(collection) => Ok(collection),
            Err(_) => self
                .attempt(registration, gun, candidates, keeps)
                .await?
                .map_err(|cause| TrustError::Rollback { gun: gun.to_string(), cause }),
        }
    }

    async fn attempt(
        &self,
        registration: &Registration,
        gun: &Gun,
        candidates: &[Option<Credentials>],
        keeps: bool,
    ) -> Result<Result<Arc<Collection>, String>, TrustError> {
        let asked = self.moment();
        let remembered = self.memory.recall(gun.as_str()).await?;
        let server = self.server(registration, scope_of(gun), PATIENCE).await?;
        let walk = Walk::new(gun.clone(), server.now, known(remembered.as_ref()), registration.pins.clone(), Limits::default())
            .map_err(|error| judged(gun, error))?;
        let read = Reading::new(server, gun, candidates.to_vec(), keeps, remembered.as_ref()).run(walk).await;
        let Read { collection, etag } = read.map_err(|error| error.of_known(gun, remembered.is_some()))?;
        let taken = self.take_in(gun, collection, etag, remembered.as_ref()).await?;
        if let Ok(collection) = &taken {
            let version = collection.timestamp().signed().version;
            self.mirror.accept(gun, state_of(collection), version, asked, remembered.is_none());
            self.mirror.keep(collection, &registration.pins).await;
        }
        Ok(taken)
    }

    /// A way to `registration`'s trust data, for what `scope` names.
    pub(crate) async fn server<'a>(
        &'a self,
        registration: &'a Registration,
        scope: String,
        patience: Duration,
    ) -> Result<Server<'a>, TrustError> {
        Ok(Server {
            client: self.client(registration, registration.notary_ca()).await?,
            registry_client: self.client(registration, registration.ca_bundle.as_deref()).await?,
            registration,
            host: &registration.host,
            scope,
            keyring: &self.keyring,
            now: self.now(),
            patience,
        })
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
            match self.memory.remember(gun.as_str(), &learned.files, &learned.signings, remembered.is_some()).await? {
                Remembering::Done => {}
                Remembering::Forgotten => return Ok(Err("its root was forgotten meanwhile".to_owned())),
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
        Ok(Ok(Arc::new(collection)))
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

    /// Whether nothing newer was accepted since `collection` was, and nothing spoke against it: a decision compares once more before it
    /// takes effect.
    pub fn is_current(&self, collection: &Collection) -> bool {
        self.mirror.is_newest(collection)
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
        let forgotten = self.memory.forget(gun.as_str()).await;
        self.mirror.let_go(gun).await;
        self.drop_proofs(gun);
        forgotten
    }

    /// Drops what is kept of credentials for a host: its registration was removed or changed.
    pub fn forget_credentials(&self, host: &Host) {
        self.keyring.forget_host(host);
    }
}
