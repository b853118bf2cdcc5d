//! Following the feeds of all registered registries, so that a decision need not ask. Each registry has a task, connections and limits of
//! its own: one that is slow or dead delays nobody else.
//!
//! The feed tells *that* something changed; what it now is, is read and verified as for a decision, with the rights under which the feed
//! is read. A repository that these cannot read is not followed: each decision asks for it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use wharfinger_oci::Host;
use wharfinger_tuf::Gun;

use crate::credentials::Credentials;
use crate::feed::{self, LINES, Page, SCOPE};
use crate::line::{FRESH, Line};
use crate::moment::Moment;
use crate::resolver::LONGEST;
use crate::server::PATIENCE;
use crate::{Registration, Resolver, TrustError};

/// How long one request waits for a change. Short, so that a line that went dead is noticed by what does not come.
const WAIT: Duration = Duration::from_secs(1);
/// Feeds that do not wait are asked again after this.
const EVERY: Duration = Duration::from_secs(1);
/// Repositories of one registry that are read at once.
const AT_ONCE: usize = 8;
/// A feed may lie, or lose a line: all that is followed is read again after this.
const RECHECK: Duration = Duration::from_mins(10);
/// After a failure, at first and at most; the longest is for feeds that are there and cannot be followed.
const PAUSE: Duration = Duration::from_millis(100);
const LONG_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// A registry, and in whose name it is read when nobody asks.
pub struct Reader {
    pub registration: Registration,
    pub credentials: Option<Credentials>,
}

/// What is registered now.
#[async_trait]
pub trait Registered: Send + Sync {
    /// None: it cannot be said, so nothing is followed.
    async fn hosts(&self) -> Option<Vec<Host>>;

    /// How `host` is read; with `gun`, under its pins.
    async fn reader(&self, host: &Host, gun: Option<&Gun>) -> Option<Reader>;
}

/// Up to where a feed was read.
struct Position {
    next: i64,
    /// Ours.
    rights: Option<String>,
    /// A stock feed's last line: it must still be there.
    tail: Option<feed::Line>,
}

impl Resolver {
    /// Follows what is registered, as it comes and goes, for as long as this is polled.
    pub async fn follow(self: Arc<Self>, registered: Arc<dyn Registered>) {
        let mut tasks: HashMap<Host, AbortHandle> = HashMap::new();
        // Dropped with this, and then they end.
        let mut running = JoinSet::new();
        let mut tick = interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            let hosts = registered.hosts().await.unwrap_or_default();
            tasks.retain(|host, task| {
                let keep = hosts.contains(host) && !task.is_finished();
                if !keep {
                    task.abort();
                    self.mirror.close(host);
                }
                keep
            });
            for host in hosts {
                tasks.entry(host).or_insert_with_key(|host| {
                    let (line, confirming) = self.mirror.open(host);
                    let follower = Follower { resolver: self.clone(), registered: registered.clone(), host: host.clone(), line };
                    running.spawn(follower.run(confirming))
                });
            }
            while running.try_join_next().is_some() {}
        }
    }
}

struct Follower {
    resolver: Arc<Resolver>,
    registered: Arc<dyn Registered>,
    host: Host,
    line: Arc<Line>,
}

impl Follower {
    async fn run(self, confirming: UnboundedReceiver<Gun>) {
        let wanted = stream::unfold(confirming, |mut queue| async { queue.recv().await.map(|gun| (gun, queue)) });
        // Boxed: a stream over a closure's futures is not general enough over lifetimes for callers that are `Send`.
        let confirming = wanted.map(|gun| self.confirm(gun).boxed()).buffer_unordered(AT_ONCE).for_each(|()| async {});
        tokio::join!(self.listen(), confirming);
    }

    async fn listen(&self) {
        let (mut position, mut before, mut pause, mut checked) = (None, None::<Reader>, PAUSE, Instant::now());
        loop {
            let Some(reader) = self.registered.reader(&self.host, None).await else {
                self.line.cannot_be_followed();
                (position, before) = (None, None);
                sleep(EVERY).await;
                continue;
            };
            let same = |before: &Reader| {
                before.registration.is_same_place(&reader.registration)
                    && Credentials::same_reader(before.credentials.as_ref(), reader.credentials.as_ref())
            };
            if !before.as_ref().is_some_and(same) {
                self.line.begin(&reader.registration);
                position = None;
            }
            let rest = match self.hear(&reader, &mut position).await {
                Ok(rest) => {
                    pause = PAUSE;
                    rest
                }
                Err(error) => {
                    let longest = self.failed(&reader, &error, &mut position).await;
                    tracing::debug!(registry = %self.host, %error, "the changefeed could not be read");
                    pause = (pause * 2).min(longest);
                    pause
                }
            };
            if checked.elapsed() > RECHECK {
                checked = Instant::now();
                self.line.queue_all();
            }
            before = Some(reader);
            sleep(rest).await;
        }
    }

    /// Notes what follows from not having heard the feed; the longest pause before it is tried again.
    async fn failed(&self, reader: &Reader, error: &TrustError, position: &mut Option<Position>) -> Duration {
        if !matches!(error, TrustError::Unreachable { .. } | TrustError::Storage(_)) {
            self.line.cannot_be_followed();
            *position = None;
            return LONGEST_PAUSE;
        }
        // The feed alone may be what does not answer.
        let server = self.resolver.server(&reader.registration, SCOPE.to_owned(), PATIENCE).await;
        let silent = match server {
            Ok(server) => server.ping().await.err(),
            Err(error) => Some(error),
        };
        match silent {
            Some(error) => self.line.silent(error.to_string()),
            None => self.line.cannot_be_followed(),
        }
        LONG_PAUSE
    }

    /// One request; for how long to rest after it.
    async fn hear(&self, reader: &Reader, position: &mut Option<Position>) -> Result<Duration, TrustError> {
        let credentials = reader.credentials.as_ref();
        let server = self.resolver.server(&reader.registration, SCOPE.to_owned(), WAIT + PATIENCE).await?;
        let asked = self.resolver.moment();
        let begun = Instant::now();
        let Some(at) = position.as_mut() else {
            let page = feed::ask(&server, "change_id=-1&records=1&wait=0", credentials).await?;
            let tail = page.lines.last().cloned();
            let (next, rights) = match page.ours {
                Some((next, rights)) => (next, Some(rights)),
                // Nothing would tell that somebody may not read any more: only what is open to all can be followed.
                None if server.is_open(credentials).await => (tail.as_ref().map_or(0, |line| line.id), None),
                None => return Err(server.unusable("its changefeed does not say who may read what")),
            };
            *position = Some(Position { next, rights, tail });
            self.begin(reader).await?;
            return Ok(Duration::ZERO);
        };
        let page = match &at.rights {
            Some(_) => format!("change_id={}&records={LINES}&wait={}", at.next, WAIT.as_secs()),
            None => format!("change_id={}&records={LINES}", at.next.saturating_sub(1).max(0)),
        };
        let page = feed::ask(&server, &page, credentials).await?;
        let whole = page.lines.len() < LINES;
        let Some(lines) = self.advance(at, page, reader).await? else {
            *position = None;
            return Ok(Duration::ZERO);
        };
        for line in &lines {
            // A line about another registry's repository finds nobody.
            if let Ok(gun) = line.gun.parse::<Gun>()
                && gun.host() == self.host.as_str()
            {
                self.line.changed(&gun);
            }
        }
        let took = begun.elapsed();
        if whole {
            // An answer that waited for its whole time without a line was true when it was sent; of any other that is not certain.
            let waited = at.rights.is_some() && lines.is_empty() && took >= WAIT;
            self.line.heard(if waited { asked.later(WAIT) } else { asked });
            self.line.queue_unanswered();
        }
        Ok(match &at.rights {
            Some(_) if took >= WAIT => Duration::ZERO,
            Some(_) if lines.is_empty() => EVERY / 2,
            Some(_) => EVERY / 50,
            None if whole => EVERY.saturating_sub(took),
            None => Duration::ZERO,
        })
    }

    /// The lines that are new. None: the feed is another one than it was.
    async fn advance(&self, at: &mut Position, page: Page, reader: &Reader) -> Result<Option<Vec<feed::Line>>, TrustError> {
        let mut lines = page.lines;
        match (&at.rights, page.ours) {
            (Some(_), Some((next, _))) if next < at.next => return Ok(None),
            (Some(known), Some((next, rights))) => {
                at.next = next;
                if *known != rights {
                    at.rights = Some(rights);
                    self.begin(reader).await?;
                }
            }
            (None, None) => {
                if let Some(tail) = &at.tail {
                    if lines.first() != Some(tail) {
                        return Ok(None);
                    }
                    lines.remove(0);
                }
                if let Some(last) = lines.last() {
                    (at.next, at.tail) = (last.id, Some(last.clone()));
                }
            }
            _ => return Ok(None),
        }
        Ok(Some(lines))
    }

    /// From here on every change is told; what was before has to be read once.
    async fn begin(&self, reader: &Reader) -> Result<(), TrustError> {
        self.line.begin(&reader.registration);
        for gun in self.resolver.memory().guns().await? {
            if let Ok(gun) = gun.parse::<Gun>()
                && gun.host() == self.host.as_str()
            {
                self.line.want(&gun);
            }
        }
        Ok(())
    }

    async fn confirm(&self, gun: Gun) {
        let ticket = self.line.draw(&gun);
        let Some(reader) = self.registered.reader(&self.host, Some(&gun)).await else { return };
        if !self.line.serves(&reader.registration) {
            return;
        }
        let late = TrustError::Unreachable { host: self.host.to_string(), cause: format!("no answer within {LONGEST:?}") };
        match timeout(LONGEST, self.resolver.confirm(&reader, &gun)).await.unwrap_or(Err(late)) {
            Ok(Some(state)) => self.line.confirmed(&gun, ticket, state),
            // Forgotten on purpose: the next decision reads it for the first time.
            Ok(None) => drop(self.line.let_go(&gun)),
            Err(error) => {
                tracing::debug!(%gun, %error, "not confirmed");
                self.resolver.not_confirmed(&self.line, &gun, &error).await;
            }
        }
    }
}

/// How a registry is followed.
#[derive(Clone, Debug)]
pub struct LineStatus {
    pub registry: Host,
    /// Whether its feed can be read and tells enough.
    pub followed: bool,
    /// For how long nothing has been heard of it; none: never was.
    pub unheard: Option<Duration>,
    /// Repositories of it that are remembered and, of these, those that are decided without asking.
    pub repositories: usize,
    pub current: usize,
}

impl Resolver {
    pub fn lines(&self) -> Vec<LineStatus> {
        let now: Moment = self.moment();
        let mut lines: Vec<LineStatus> = Vec::new();
        for (registry, line) in self.mirror.lines() {
            let (followed, heard, repositories, confirmed) = line.status();
            let unheard = heard.map(|heard| heard.until(now));
            let fresh = followed && unheard.is_some_and(|unheard| unheard <= FRESH);
            lines.push(LineStatus { registry, followed, unheard, repositories, current: if fresh { confirmed } else { 0 } });
        }
        lines.sort_by(|one, other| one.registry.as_str().cmp(other.registry.as_str()));
        lines
    }
}
