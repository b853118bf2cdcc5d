//! The time, as an argument: tests move it, the binary passes the machine's.

use std::fmt;
use std::sync::Arc;

use time::OffsetDateTime;

/// Answers what time it is. Cheap to clone.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> OffsetDateTime + Send + Sync>);

impl Clock {
    pub fn new(now: impl Fn() -> OffsetDateTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// The machine's clock; only the binary should ask for it.
    pub fn system() -> Self {
        Self::new(OffsetDateTime::now_utc)
    }

    pub fn now(&self) -> OffsetDateTime {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
