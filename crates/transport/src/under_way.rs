//! How much one caller may have under way at once, so that nobody keeps others from being served.
//!
//! A request holds a place from its first byte to the last of its answer: of the address it comes from, until a door knows
//! whose it is ([`crate::Peer::bind`]); then of that account. An answer that goes on streaming (logs, events, a pull, a
//! terminal) moves to the streams, of which there may be more, as long as there is room there.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use thiserror::Error;

/// How much of one caller a process serves at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// Calls of one account that are not answered yet.
    pub calls_per_user: usize,
    /// Answers to one account that go on streaming, terminals among them.
    pub streams_per_user: usize,
    /// Calls from one address whose account is not known yet, or that need none.
    pub calls_per_address: usize,
    /// Connections from one address.
    pub connections_per_address: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { calls_per_user: 128, streams_per_user: 1024, calls_per_address: 512, connections_per_address: 2048 }
    }
}

/// Refused for now: the caller has too much under way.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum Busy {
    #[error("{0} calls of this account are under way: wait until one has ended, or have an admin raise max-calls-per-user")]
    Account(usize),
    #[error("{0} calls on behalf of this one are under way: wait until one has ended")]
    Other(usize),
    #[error("{0} calls from this address are under way: wait until one has ended, or have an admin raise max-calls-per-address")]
    Address(usize),
}

impl Busy {
    /// What `Retry-After` says, in seconds.
    pub const RETRY_AFTER: u64 = 1;
}

impl IntoResponse for Busy {
    /// For whoever asks before any door does: engine clients read `message`, registry clients `errors`.
    fn into_response(self) -> Response {
        let message = self.to_string();
        let body = serde_json::json!({ "message": message, "errors": [{ "code": "TOOMANYREQUESTS", "message": message }] });
        let mut response = (StatusCode::TOO_MANY_REQUESTS, Json(body)).into_response();
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(Self::RETRY_AFTER));
        response
    }
}

/// What every caller has under way.
#[derive(Default)]
pub(crate) struct UnderWay {
    bounds: Bounds,
    counts: Mutex<BTreeMap<Holder, Counts>>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Holder {
    Account(String),
    /// Somebody whom another system knows, and how many calls they may have under way.
    Other(String, usize),
    Address(IpAddr),
}

#[derive(Default)]
struct Counts {
    calls: usize,
    streams: usize,
    connections: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Call,
    Stream,
    Connection,
}

/// A place that is held until this is dropped.
pub(crate) struct Place {
    under_way: Arc<UnderWay>,
    held: Mutex<(Holder, Kind)>,
}

impl UnderWay {
    pub(crate) fn new(bounds: Bounds) -> Arc<Self> {
        Arc::new(Self { bounds, counts: Mutex::default() })
    }

    /// A place for a connection; none if its address has too many.
    pub(crate) fn connect(self: &Arc<Self>, from: IpAddr) -> Option<Place> {
        self.take(Holder::Address(network(from)), Kind::Connection)
    }

    /// A place for a request of which only the address is known.
    pub(crate) fn begin(self: &Arc<Self>, from: IpAddr) -> Result<Place, Busy> {
        self.take(Holder::Address(network(from)), Kind::Call).ok_or(Busy::Address(self.bounds.calls_per_address))
    }

    fn take(self: &Arc<Self>, holder: Holder, kind: Kind) -> Option<Place> {
        let taken = self.counts().entry(holder.clone()).or_default().add(kind, self.most(&holder, kind));
        taken.then(|| Place { under_way: Arc::clone(self), held: Mutex::new((holder, kind)) })
    }

    fn most(&self, holder: &Holder, kind: Kind) -> usize {
        match (kind, holder) {
            (Kind::Call, Holder::Account(_)) => self.bounds.calls_per_user,
            (Kind::Stream, Holder::Account(_)) => self.bounds.streams_per_user,
            (Kind::Call | Kind::Stream, Holder::Other(_, most)) => *most,
            (Kind::Call | Kind::Stream, Holder::Address(_)) => self.bounds.calls_per_address,
            (Kind::Connection, _) => self.bounds.connections_per_address,
        }
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<Holder, Counts>> {
        // Counts are whole at every step: a panic elsewhere leaves none half changed.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn of(&mut self, kind: Kind) -> &mut usize {
        match kind {
            Kind::Call => &mut self.calls,
            Kind::Stream => &mut self.streams,
            Kind::Connection => &mut self.connections,
        }
    }

    fn add(&mut self, kind: Kind, most: usize) -> bool {
        let count = self.of(kind);
        let room = *count < most;
        if room {
            *count += 1;
        }
        room
    }
}

impl Place {
    /// From now on the place is one of the account's.
    pub(crate) fn belongs_to(&self, account: &str) -> Result<(), Busy> {
        let busy = Busy::Account(self.under_way.bounds.calls_per_user);
        self.goes_to(Holder::Account(account.to_owned())).then_some(()).ok_or(busy)
    }

    /// From now on the place is one of the `most` of somebody whom another system knows.
    pub(crate) fn belongs_to_other(&self, name: &str, most: usize) -> Result<(), Busy> {
        self.goes_to(Holder::Other(name.to_owned(), most)).then_some(()).ok_or(Busy::Other(most))
    }

    fn goes_to(&self, holder: Holder) -> bool {
        let (now, kind) = self.held().clone();
        now == holder || self.move_to(holder, kind)
    }

    /// The answer has begun. If there is no room among the streams, it stays where it is.
    pub(crate) fn streams(&self) {
        let holder = self.held().0.clone();
        self.move_to(holder, Kind::Stream);
    }

    fn move_to(&self, holder: Holder, kind: Kind) -> bool {
        let mut held = self.held();
        let most = self.under_way.most(&holder, kind);
        let mut counts = self.under_way.counts();
        if !counts.entry(holder.clone()).or_default().add(kind, most) {
            return false;
        }
        release(&mut counts, &held);
        *held = (holder, kind);
        true
    }

    fn held(&self) -> MutexGuard<'_, (Holder, Kind)> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        release(&mut self.under_way.counts(), &self.held());
    }
}

/// Nobody is remembered who has nothing under way.
fn release(counts: &mut BTreeMap<Holder, Counts>, (holder, kind): &(Holder, Kind)) {
    let Some(of_holder) = counts.get_mut(holder) else { return };
    let count = of_holder.of(*kind);
    *count = count.saturating_sub(1);
    if of_holder.calls + of_holder.streams + of_holder.connections == 0 {
        counts.remove(holder);
    }
}

/// Whoever has one IPv6 address has a network of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => {
            let [a, b, c, d, ..] = six.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        four @ IpAddr::V4(_) => four,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(calls: usize, streams: usize, of_address: usize) -> Arc<UnderWay> {
        let bounds =
            Bounds { calls_per_user: calls, streams_per_user: streams, calls_per_address: of_address, ..Bounds::default() };
        UnderWay::new(bounds)
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_account_has_so_many_calls_and_the_next_one_when_one_has_ended() {
        let under_way = bounds(2, 0, 9);
        let begin = |account: &str| {
            let place = under_way.begin(address("192.0.2.1")).unwrap();
            place.belongs_to(account).map(|()| place)
        };
        let (first, _second) = (begin("alice").unwrap(), begin("alice").unwrap());
        assert_eq!(begin("alice").err(), Some(Busy::Account(2)));
        begin("bob").unwrap();
        first.belongs_to("alice").expect("a place that is held already");
        drop(first);
        begin("alice").unwrap();
    }

    #[test]
    fn somebody_whom_another_system_knows_has_as_many_as_the_door_says() {
        let under_way = bounds(1, 0, 9);
        let begin = |name: &str| {
            let place = under_way.begin(address("192.0.2.1")).unwrap();
            place.belongs_to_other(name, 2).map(|()| place)
        };
        let (first, _second) = (begin("payments").unwrap(), begin("payments").unwrap());
        assert_eq!(begin("payments").err(), Some(Busy::Other(2)));
        begin("other").unwrap();
        drop(first);
        begin("payments").unwrap();
    }

    #[test]
    fn an_answer_that_streams_leaves_the_calls_while_there_is_room() {
        let under_way = bounds(1, 1, 9);
        let begin = || {
            let place = under_way.begin(address("192.0.2.1")).unwrap();
            place.belongs_to("alice").map(|()| place)
        };
        let stream = begin().unwrap();
        stream.streams();
        let second = begin().unwrap();
        second.streams();
        assert!(begin().is_err(), "the second stream has to stay among the calls");
        drop(stream);
        second.streams();
        begin().unwrap();
    }

    #[test]
    fn an_address_has_so_many_calls_of_nobody_and_ipv6_is_counted_by_network() {
        let under_way = bounds(9, 9, 1);
        let first = under_way.begin(address("2001:db8::1")).unwrap();
        assert_eq!(under_way.begin(address("2001:db8::2")).err(), Some(Busy::Address(1)));
        under_way.begin(address("2001:db8:0:1::1")).unwrap();
        first.belongs_to("alice").unwrap();
        under_way.begin(address("2001:db8::2")).unwrap();
        drop(first);
        assert!(under_way.counts().is_empty(), "nobody is remembered who has nothing under way");
    }
}
