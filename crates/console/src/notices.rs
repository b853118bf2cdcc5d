//! What is said once, on the next page, after a change was made. It waits here and not in the address: what stands in an address
//! can be written by anybody.

use std::time::Duration;

use moka::future::Cache;

/// How long an unread one is kept.
const KEPT: Duration = Duration::from_mins(10);
const MOST: u64 = 10_000;

/// A sentence about what was just done, with particulars.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Notice {
    pub(crate) text: String,
    pub(crate) particulars: Vec<String>,
}

impl Notice {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), particulars: Vec::new() }
    }

    #[must_use]
    pub(crate) fn with(mut self, particulars: impl IntoIterator<Item = String>) -> Self {
        self.particulars.extend(particulars);
        self
    }
}

/// By session.
#[derive(Clone)]
pub(crate) struct Notices(Cache<String, Notice>);

impl Notices {
    pub(crate) fn new() -> Self {
        Self(Cache::builder().max_capacity(MOST).time_to_live(KEPT).build())
    }

    pub(crate) async fn leave(&self, session: &str, notice: Notice) {
        self.0.insert(session.to_owned(), notice).await;
    }

    pub(crate) async fn take(&self, session: &str) -> Option<Notice> {
        self.0.remove(session).await
    }
}
