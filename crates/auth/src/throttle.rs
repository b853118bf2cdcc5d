//! Guessing passwords is made slow: after a few wrong ones from an address for a name, that address waits, longer each time.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest;
use moka::future::Cache;
use time::OffsetDateTime;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// Wrong passwords that cost nothing.
const FREE: u32 = 5;
const FIRST_WAIT: Duration = Duration::from_secs(10);
const LONGEST_WAIT: Duration = Duration::from_mins(15);

#[derive(Default)]
pub(crate) struct Failures {
    count: u32,
    until: Option<OffsetDateTime>,
}

/// Who tries whom: a digest of the name as typed, and the address.
type Pair = ([u8; 32], IpAddr);

pub(crate) struct Throttle {
    pairs: Cache<Pair, Arc<Mutex<Failures>>>,
}

/// The turn of one attempt: attempts for the same name from the same address come one after the other, so that a burst of
/// guesses is counted guess by guess.
pub(crate) struct Turn(OwnedMutexGuard<Failures>);

impl Throttle {
    pub(crate) fn new() -> Self {
        Self { pairs: Cache::builder().max_capacity(100_000).time_to_idle(LONGEST_WAIT * 2).build() }
    }

    pub(crate) async fn turn(&self, name: &str, from: IpAddr) -> Turn {
        let mut hashed = [0; 32];
        hashed.copy_from_slice(digest::digest(&digest::SHA256, name.as_bytes()).as_ref());
        let pair = self.pairs.get_with((hashed, origin(from)), async { Arc::default() }).await;
        Turn(pair.lock_owned().await)
    }
}

impl Turn {
    /// How long to wait still, if at all.
    pub(crate) fn wait(&self, now: OffsetDateTime) -> Option<Duration> {
        let left = self.0.until? - now;
        left.is_positive().then(|| Duration::from_secs(left.whole_seconds().unsigned_abs().saturating_add(1)))
    }

    pub(crate) fn failed(&mut self, now: OffsetDateTime) {
        self.0.count = self.0.count.saturating_add(1);
        if let Some(beyond) = self.0.count.checked_sub(FREE) {
            let wait = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(beyond)).min(LONGEST_WAIT);
            self.0.until = Some(now + wait);
        }
    }

    pub(crate) fn succeeded(&mut self) {
        *self.0 = Failures::default();
    }
}

/// An IPv6 customer has a whole /64.
fn origin(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
    }
}
