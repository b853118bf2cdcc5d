//! How long ago. By two clocks: one that nobody can set, and one that goes on while the machine sleeps.

use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::Instant;

/// A moment on both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    steady: Instant,
    wall: OffsetDateTime,
}

impl Moment {
    pub(crate) fn at(wall: OffsetDateTime) -> Self {
        Self { steady: Instant::now(), wall }
    }

    pub(crate) fn later(self, by: Duration) -> Self {
        Self { steady: self.steady + by, wall: self.wall + by }
    }

    /// The longer of what the clocks say; a wall clock that was set back says nothing.
    pub(crate) fn until(self, now: Self) -> Duration {
        let wall = Duration::try_from(now.wall - self.wall).unwrap_or_default();
        now.steady.saturating_duration_since(self.steady).max(wall)
    }

    /// Whether neither clock has gone on by more than `bound`, and the wall clock was not set back by more either.
    pub(crate) fn is_within(self, bound: Duration, now: Self) -> bool {
        let set_back = Duration::try_from(self.wall - now.wall).unwrap_or_default();
        self.until(now) <= bound && set_back <= bound
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUND: Duration = Duration::from_secs(2);

    #[tokio::test(start_paused = true)]
    async fn either_clock_ends_it() {
        let wall = OffsetDateTime::UNIX_EPOCH;
        let then = Moment::at(wall);
        assert!(then.is_within(BOUND, Moment::at(wall + BOUND)));
        assert!(!then.is_within(BOUND, Moment::at(wall + BOUND * 2)), "the machine slept, or its clock was set");
        assert!(!then.is_within(BOUND, Moment::at(wall - BOUND * 2)), "the clock was set back");
        assert_eq!(then.until(Moment::at(wall - BOUND)), Duration::ZERO);
        tokio::time::advance(BOUND * 2).await;
        assert!(!then.is_within(BOUND, Moment::at(wall)), "the clock was set back meanwhile");
        assert_eq!(then.until(Moment::at(wall)), BOUND * 2);
    }
}
