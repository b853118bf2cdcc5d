//! What is known of one registry by following its feed: as of when, and of which repositories what was last confirmed is still current.
//!
//! A confirmation carries the ticket that was drawn before the registry was asked. It counts as long as neither the feed began anew
//! nor a change of the repository was reported since, so that it does not matter in which order answers come.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;
use wharfinger_tuf::Gun;

use crate::Registration;
use crate::moment::Moment;

/// What was answered longer ago is asked for again: so much later than elsewhere a change may be in force here.
pub(crate) const FRESH: Duration = Duration::from_secs(2);
/// A registry counts as silent for so long after it was last found so. It is asked again more often than this.
const SILENT: Duration = Duration::from_secs(6);

/// Whoever was not let in is not sent again with every decision of this long.
const CLOSED: Duration = Duration::from_secs(5);

/// sha256 of a timestamp's bytes: the name of one state of a collection.
pub(crate) type State = [u8; 32];

/// What a confirmation rests on: the feed's beginning and the repository's changes when it was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Ticket {
    epoch: u64,
    changes: u64,
}

pub(crate) struct Line {
    known: Mutex<Known>,
    queue: UnboundedSender<Gun>,
}

#[derive(Default)]
struct Known {
    /// Where the feed is read. Pins are the repositories' own.
    registration: Option<Registration>,
    /// Whether the feed can be read and tells enough.
    followed: bool,
    /// As of when everything that changed is known.
    heard: Option<Moment>,
    silent: Option<Silence>,
    epoch: u64,
    guns: HashMap<Gun, Followed>,
}

struct Silence {
    since: Instant,
    last: Instant,
    cause: String,
}

#[derive(Default)]
struct Followed {
    /// How many changes the feed has reported.
    changes: u64,
    confirmed: Option<(Ticket, State)>,
    /// The newest change was not read yet.
    doubted: bool,
    queued: bool,
    unanswered: bool,
    /// When whom the feed is read for was not let in.
    closed: Option<Instant>,
}

impl Line {
    pub(crate) fn new(queue: UnboundedSender<Gun>) -> Self {
        Self { known: Mutex::default(), queue }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn serves(&self, registration: &Registration) -> bool {
        self.known().serves(registration)
    }

    /// The state of `gun` that is current without asking.
    pub(crate) fn current(&self, registration: &Registration, gun: &Gun, now: Moment) -> Option<State> {
        let known = self.known();
        if !known.serves(registration) || !known.followed || !known.heard?.is_within(FRESH, now) {
            return None;
        }
        let followed = known.guns.get(gun)?;
        let (ticket, state) = followed.confirmed?;
        (ticket == known.ticket(followed)).then_some(state)
    }

    /// As of when `gun` is known not to have changed since it was confirmed, however long ago that is.
    pub(crate) fn unchanged(&self, registration: &Registration, gun: &Gun) -> Option<Moment> {
        let known = self.known();
        let followed = known.guns.get(gun)?;
        let (ticket, _) = followed.confirmed?;
        known.heard.filter(|_| known.followed && known.serves(registration) && ticket == known.ticket(followed))
    }

    /// Whether the feed has told of a change that could not be read.
    pub(crate) fn doubts(&self, gun: &Gun) -> bool {
        self.known().guns.get(gun).is_some_and(|followed| followed.doubted)
    }

    /// For how long the registry has not answered, if that was found out a moment ago; and what came instead.
    pub(crate) fn silence(&self, registration: &Registration) -> Option<(Duration, String)> {
        let known = self.known();
        let silence = known.silent.as_ref().filter(|silence| silence.last.elapsed() <= SILENT && known.serves(registration))?;
        Some((silence.since.elapsed(), silence.cause.clone()))
    }

    /// Another registration, or other readers' rights: nothing that was confirmed counts any more.
    pub(crate) fn begin(&self, registration: &Registration) {
        let mut known = self.known();
        if !known.serves(registration) {
            known.silent = None;
        }
        known.registration = Some(registration.clone());
        known.epoch += 1;
        known.heard = None;
        drop(known);
        self.queue_all();
    }

    /// Confirms `gun` soon, and again after each change.
    pub(crate) fn want(&self, gun: &Gun) {
        let mut known = self.known();
        let epoch = known.epoch;
        let followed = known.guns.entry(gun.clone()).or_default();
        let ticket = Ticket { epoch, changes: followed.changes };
        if followed.closed.is_some_and(|closed| closed.elapsed() <= CLOSED) {
            return;
        }
        if followed.confirmed.is_none_or(|(confirmed, _)| confirmed != ticket) {
            self.enqueue(gun, followed);
        }
    }

    pub(crate) fn queue_all(&self) {
        for (gun, followed) in &mut self.known().guns {
            self.enqueue(gun, followed);
        }
    }

    /// Confirms once more what could not be confirmed because nobody answered.
    pub(crate) fn queue_unanswered(&self) {
        for (gun, followed) in self.known().guns.iter_mut().filter(|(_, followed)| followed.unanswered) {
            self.enqueue(gun, followed);
        }
    }

    fn enqueue(&self, gun: &Gun, followed: &mut Followed) {
        followed.unanswered = false;
        if !std::mem::replace(&mut followed.queued, true) {
            // Nobody is there to confirm only when the line is about to be closed.
            let _ = self.queue.send(gun.clone());
        }
    }

    /// The feed tells of a change of `gun`, which may be nobody's here.
    pub(crate) fn changed(&self, gun: &Gun) {
        if let Some(followed) = self.known().guns.get_mut(gun) {
            followed.changes += 1;
            followed.doubted = true;
            self.enqueue(gun, followed);
        }
    }

    /// Drawn before the registry is asked for `gun`.
    pub(crate) fn draw(&self, gun: &Gun) -> Ticket {
        let mut known = self.known();
        let epoch = known.epoch;
        let followed = known.guns.entry(gun.clone()).or_default();
        followed.queued = false;
        Ticket { epoch, changes: followed.changes }
    }

    pub(crate) fn confirmed(&self, gun: &Gun, ticket: Ticket, state: State) {
        let mut known = self.known();
        let epoch = known.epoch;
        if let Some(followed) = known.guns.get_mut(gun)
            && ticket == (Ticket { epoch, changes: followed.changes })
        {
            followed.confirmed = Some((ticket, state));
            followed.doubted = false;
        }
    }

    /// Nobody answered: it is asked again when the registry is heard again.
    pub(crate) fn unanswered(&self, gun: &Gun) {
        if let Some(followed) = self.known().guns.get_mut(gun) {
            followed.unanswered = true;
        }
    }

    /// What `gun` was is not to be used without asking; whether it could be.
    pub(crate) fn let_go(&self, gun: &Gun) -> bool {
        self.known().guns.get_mut(gun).is_some_and(|followed| followed.confirmed.take().is_some())
    }

    /// Whom the feed is read for may not read `gun`; whether they could before.
    pub(crate) fn closed(&self, gun: &Gun) -> bool {
        let mut known = self.known();
        let Some(followed) = known.guns.get_mut(gun) else { return false };
        (followed.closed, followed.doubted) = (Some(Instant::now()), false);
        followed.confirmed.take().is_some()
    }

    pub(crate) fn heard(&self, as_of: Moment) {
        let mut known = self.known();
        (known.followed, known.heard, known.silent) = (true, Some(as_of), None);
    }

    /// The feed cannot be read, or does not tell enough: each decision asks for itself.
    pub(crate) fn cannot_be_followed(&self) {
        let mut known = self.known();
        (known.followed, known.silent) = (false, None);
    }

    pub(crate) fn silent(&self, cause: String) {
        let now = Instant::now();
        let mut known = self.known();
        let since = known.silent.as_ref().map_or(now, |silence| silence.since);
        known.silent = Some(Silence { since, last: now, cause });
    }

    /// Whether it is followed, as of when, how many repositories it has here and how many of them are current.
    pub(crate) fn status(&self) -> (bool, Option<Moment>, usize, usize) {
        let known = self.known();
        let current = |followed: &&Followed| followed.confirmed.is_some_and(|(ticket, _)| ticket == known.ticket(followed));
        (known.followed, known.heard, known.guns.len(), known.guns.values().filter(current).count())
    }
}

impl Known {
    fn serves(&self, registration: &Registration) -> bool {
        self.registration.as_ref().is_some_and(|own| own.is_same_place(registration))
    }

    fn ticket(&self, followed: &Followed) -> Ticket {
        Ticket { epoch: self.epoch, changes: followed.changes }
    }
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;

    const STATE: State = [7; 32];

    fn line() -> (Line, Registration, Gun, Moment) {
        // Who confirms is not needed to see what is queued for it.
        let (queue, _) = tokio::sync::mpsc::unbounded_channel();
        let registration = Registration::of("h.test".parse().unwrap(), None);
        let line = Line::new(queue);
        line.begin(&registration);
        (line, registration, "h.test/qa/app".parse().unwrap(), Moment::at(OffsetDateTime::UNIX_EPOCH))
    }

    #[test]
    fn a_confirmation_counts_only_if_nothing_happened_since_its_ticket_was_drawn() {
        let (line, registration, gun, now) = line();
        let early = line.draw(&gun);
        line.heard(now);
        line.confirmed(&gun, early, STATE);
        assert_eq!(line.current(&registration, &gun, now), Some(STATE));
        line.changed(&gun);
        assert_eq!(line.current(&registration, &gun, now), None);
        line.confirmed(&gun, early, STATE);
        assert_eq!(line.current(&registration, &gun, now), None, "it was asked for before the change was told");
        assert!(line.doubts(&gun));
        line.confirmed(&gun, line.draw(&gun), STATE);
        assert_eq!(line.current(&registration, &gun, now), Some(STATE));
        assert!(!line.doubts(&gun));
        let before = line.draw(&gun);
        line.begin(&registration);
        line.heard(now);
        line.confirmed(&gun, before, STATE);
        assert_eq!(line.current(&registration, &gun, now), None, "the feed began anew");
    }

    #[test]
    fn nothing_is_current_that_was_heard_too_long_ago_or_is_not_followed() {
        let (line, registration, gun, now) = line();
        line.confirmed(&gun, line.draw(&gun), STATE);
        assert_eq!(line.current(&registration, &gun, now), None, "never heard");
        line.heard(now);
        let late = Moment::at(OffsetDateTime::UNIX_EPOCH + FRESH + Duration::from_millis(1));
        assert_eq!(line.current(&registration, &gun, late), None);
        assert!(line.unchanged(&registration, &gun).is_some());
        line.cannot_be_followed();
        assert_eq!(line.current(&registration, &gun, now), None);
        line.heard(now);
        assert!(line.let_go(&gun));
        assert_eq!(line.current(&registration, &gun, now), None);
        assert!(!line.closed(&gun), "others may read it, the feed's reader never could");
    }
}
