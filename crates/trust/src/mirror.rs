//! Verified collections at hand, and what is known of their being current. Bounded by weight: what does not fit is parsed again from
//! what is remembered.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use moka::future::Cache;
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use tokio::sync::mpsc::UnboundedReceiver;
use wharfinger_oci::Host;
use wharfinger_tuf::{Collection, Gun, Pins};

use crate::Registration;
use crate::line::{Line, State};
use crate::moment::Moment;

/// What parsed collections may weigh altogether, as estimated: bytes.
const HEAVIEST: u64 = 24 << 20;
/// A parsed file takes about so many times its bytes, which are kept, too.
const PARSED: usize = 6;
/// What a collection takes without any content.
const EMPTY: usize = 16 << 10;

pub(crate) struct Mirror {
    lines: RwLock<HashMap<Host, Arc<Line>>>,
    accepted: RwLock<HashMap<Gun, Accepted>>,
    parsed: Cache<Gun, Parsed>,
}

/// The newest state of a GUN that this process has accepted.
#[derive(Clone, Copy)]
struct Accepted {
    state: State,
    version: u64,
    /// When the registry was asked; none: it is only remembered.
    asked: Option<Moment>,
}

#[derive(Clone)]
struct Parsed {
    collection: Arc<Collection>,
    state: State,
    /// It was verified under these.
    pins: Pins,
    expires: OffsetDateTime,
}

pub(crate) fn state_of(collection: &Collection) -> State {
    state_of_bytes(collection.timestamp().file().bytes())
}

pub(crate) fn state_of_bytes(timestamp: &[u8]) -> State {
    Sha256::digest(timestamp).into()
}

impl Mirror {
    pub(crate) fn new() -> Self {
        let weigh = |_: &Gun, parsed: &Parsed| u32::try_from(weight(&parsed.collection)).unwrap_or(u32::MAX);
        let parsed = Cache::builder().max_capacity(HEAVIEST).weigher(weigh).build();
        Self { lines: RwLock::default(), accepted: RwLock::default(), parsed }
    }

    pub(crate) fn line(&self, host: &Host) -> Option<Arc<Line>> {
        self.lines.read().unwrap_or_else(PoisonError::into_inner).get(host).cloned()
    }

    /// A new line to `host`, and what is to be confirmed on it.
    pub(crate) fn open(&self, host: &Host) -> (Arc<Line>, UnboundedReceiver<Gun>) {
        let (queue, confirming) = tokio::sync::mpsc::unbounded_channel();
        let line = Arc::new(Line::new(queue));
        self.lines.write().unwrap_or_else(PoisonError::into_inner).insert(host.clone(), line.clone());
        (line, confirming)
    }

    pub(crate) fn close(&self, host: &Host) {
        self.lines.write().unwrap_or_else(PoisonError::into_inner).remove(host);
    }

    pub(crate) fn lines(&self) -> Vec<(Host, Arc<Line>)> {
        let lines = self.lines.read().unwrap_or_else(PoisonError::into_inner);
        lines.iter().map(|(host, line)| (host.clone(), line.clone())).collect()
    }

    /// The collection of exactly this state, verified under these pins, with every file unexpired.
    pub(crate) async fn parsed(&self, gun: &Gun, state: &State, pins: &Pins, now: OffsetDateTime) -> Option<Arc<Collection>> {
        let parsed = self.parsed.get(gun).await?;
        let good = parsed.state == *state && parsed.pins == *pins && now <= parsed.expires;
        good.then_some(parsed.collection)
    }

    pub(crate) async fn keep(&self, collection: &Arc<Collection>, pins: &Pins) {
        let parsed = Parsed {
            collection: Arc::clone(collection),
            state: state_of(collection),
            pins: pins.clone(),
            expires: collection.expires(),
        };
        self.parsed.insert(collection.gun().clone(), parsed).await;
    }

    /// The registry was asked at `asked`, and this is what it has. `anew`: nothing was remembered, so nothing can be newer.
    pub(crate) fn accept(&self, gun: &Gun, state: State, version: u64, asked: Moment, anew: bool) {
        let mut accepted = self.accepted.write().unwrap_or_else(PoisonError::into_inner);
        // What was forgotten on purpose, perhaps by another process, does not come back as the newest.
        let newer = !anew && accepted.get(gun).is_some_and(|known| known.version > version);
        if !newer {
            accepted.insert(gun.clone(), Accepted { state, version, asked: Some(asked) });
        }
    }

    /// This is remembered, perhaps from another process, and nothing newer is known.
    pub(crate) fn recall(&self, collection: &Collection) {
        let version = collection.timestamp().signed().version;
        let mut accepted = self.accepted.write().unwrap_or_else(PoisonError::into_inner);
        if accepted.get(collection.gun()).is_none_or(|known| known.version < version) {
            accepted.insert(collection.gun().clone(), Accepted { state: state_of(collection), version, asked: None });
        }
    }

    pub(crate) fn is_newest(&self, collection: &Collection) -> bool {
        let accepted = self.accepted.read().unwrap_or_else(PoisonError::into_inner);
        accepted.get(collection.gun()).is_some_and(|known| known.state == state_of(collection))
    }

    /// For how long nothing has been heard of `gun`. None: nothing was, since the process began.
    pub(crate) fn unheard(&self, registration: &Registration, gun: &Gun, now: Moment) -> Option<Duration> {
        let asked = self.accepted.read().unwrap_or_else(PoisonError::into_inner).get(gun).and_then(|known| known.asked);
        let asked = asked.map(|asked| asked.until(now));
        let told = self.line(&registration.host).and_then(|line| line.unchanged(registration, gun));
        asked.into_iter().chain(told.map(|heard| heard.until(now))).min()
    }

    /// Nothing of `gun` is to be used without asking any more, and no decision made on it is current.
    pub(crate) async fn let_go(&self, gun: &Gun) {
        self.accepted.write().unwrap_or_else(PoisonError::into_inner).remove(gun);
        for (_, line) in self.lines().into_iter().filter(|(host, _)| host.as_str() == gun.host()) {
            line.let_go(gun);
        }
        self.parsed.invalidate(gun).await;
    }
}

fn weight(collection: &Collection) -> usize {
    let base = [
        collection.root().file().bytes().len(),
        collection.timestamp().file().bytes().len(),
        collection.snapshot().file().bytes().len(),
        collection.targets().file().bytes().len(),
    ];
    let delegations = collection.delegations().map(|(_, file)| file.file().bytes().len());
    EMPTY + PARSED * base.into_iter().chain(delegations).sum::<usize>()
}
