//! What goes on, told to an open page as it happens: server-sent events. A page shows the same without them, when it is loaded anew.
//!
//! A stream looks again and again, as the visitor who opened it and with what they may at that moment, and tells what has changed. It
//! ends when there is nothing more to tell, with the session, and with the process.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use http::StatusCode;
use tokio::time::{Instant, sleep, timeout_at};

use crate::error::Refused;
use crate::visitor::Visitor;

/// Streams of one session at once: each is an open page.
const MOST: usize = 8;
/// How long one goes on. The page asks for the next by itself.
const LONGEST: Duration = Duration::from_mins(15);
/// From one look to the next.
const BETWEEN: Duration = Duration::from_secs(1);
/// Of silence, before a word is sent that keeps the connection open.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How many looks in a row have to find everything at rest.
const AT_REST: u8 = 2;

/// The streams that are open, by session.
#[derive(Clone, Default)]
pub(crate) struct Watchers(Arc<Mutex<BTreeMap<String, usize>>>);

/// A place among them, held until this is dropped.
pub(crate) struct Watching {
    watchers: Watchers,
    session: String,
}

impl Watchers {
    /// A place for one more stream of the visitor's session.
    pub(crate) fn enter(&self, visitor: &Visitor) -> Result<Watching, Refused> {
        let session = visitor.session().to_owned();
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(session.clone()).or_default();
        if *count >= MOST {
            let why =
                format!("{MOST} pages that are told what goes on are open already: close one, or load this page anew by hand");
            return Err(Refused::page(StatusCode::TOO_MANY_REQUESTS, why));
        }
        *count += 1;
        Ok(Watching { watchers: self.clone(), session })
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let mut open = self.watchers.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.session) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.session);
            }
        }
    }
}

/// What a page shows now.
pub(crate) struct Look {
    /// The part of the page that changes.
    pub(crate) html: String,
    /// Whether nothing more is expected to change.
    pub(crate) at_rest: bool,
}

struct Telling<F> {
    visitor: Arc<Visitor>,
    look: F,
    told: String,
    at_rest: u8,
    end: Instant,
    last: bool,
    _watching: Watching,
}

/// Streams what `look` finds: `look` with the part of the page whenever it is another one, `end` when there is nothing more to tell.
pub(crate) fn told<F, L>(visitor: Visitor, watching: Watching, look: F) -> Response
where
    F: Fn(Arc<Visitor>) -> L + Send + 'static,
    L: Future<Output = Result<Look, Refused>> + Send + 'static,
{
    let end = Instant::now() + LONGEST;
    let telling =
        Telling { visitor: Arc::new(visitor), look, told: String::new(), at_rest: 0, end, last: false, _watching: watching };
    let events = stream::unfold(telling, next);
    Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response()
}

async fn next<F, L>(mut telling: Telling<F>) -> Option<(Result<Event, Infallible>, Telling<F>)>
where
    F: Fn(Arc<Visitor>) -> L,
    L: Future<Output = Result<Look, Refused>>,
{
    if telling.last {
        return None;
    }
    let (cut, ending) = (telling.visitor.peer.cancelled().clone(), telling.visitor.peer.live().ending().clone());
    let event = tokio::select! {
        () = cut.cancelled() => None,
        () = ending.cancelled() => None,
        event = timeout_at(telling.end, telling.change()) => event.ok(),
    };
    event.map(|event| (Ok(event), telling))
}

impl<F, L> Telling<F>
where
    F: Fn(Arc<Visitor>) -> L,
    L: Future<Output = Result<Look, Refused>>,
{
    /// Waits until there is something to tell.
    async fn change(&mut self) -> Event {
        loop {
            if !self.told.is_empty() {
                sleep(BETWEEN).await;
            }
            // Why not, the page says when it is loaded anew.
            let Ok(look) = (self.look)(self.visitor.clone()).await else { return self.end() };
            self.at_rest = if look.at_rest { self.at_rest.saturating_add(1) } else { 0 };
            // An event holds no such letter.
            let html = look.html.replace('\r', " ");
            if html != self.told {
                self.told.clone_from(&html);
                return Event::default().event("look").data(html);
            }
            if self.at_rest >= AT_REST {
                return self.end();
            }
        }
    }

    fn end(&mut self) -> Event {
        self.last = true;
        Event::default().event("end").data("")
    }
}
