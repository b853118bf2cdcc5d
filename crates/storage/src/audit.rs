//! What was decided and changed, by whom: appended, never altered, each entry chained to the one before.

mod search;

use async_trait::async_trait;
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

pub use search::{OUTCOMES, Search, Unsearchable};

use crate::Result;

/// One act to record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Act {
    pub at: OffsetDateTime,
    /// The account's name; `-` for the house itself and for people at the machine.
    pub actor: String,
    /// What was done, such as `deploy`, `policy.change`, `key.delete`.
    pub action: String,
    /// What it was done to: an image, an account, a registry.
    pub object: String,
    /// `allow`, `deny`, `audit` (allowed, and would be denied if the rule were enforced), `done`, or `failed`: what an entry before
    /// it says was done, and was not.
    pub outcome: String,
    /// JSON with the particulars. Never a secret.
    pub detail: String,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recorded {
    /// One more than the entry before; the first is 1.
    pub id: i64,
    pub act: Act,
    pub link: Link,
}

/// A place in the chain: the hash over an entry and the link before it. An entry that is changed, taken out or put in between
/// breaks every link after it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Link(pub [u8; 32]);

impl Link {
    /// What the first entry is chained to.
    pub const START: Self = Self([0; 32]);

    /// The link of the entry `id` that comes after this one. Every field is preceded by its length, so that no two entries are
    /// the same bytes.
    #[must_use]
    pub fn next(self, id: i64, act: &Act) -> Self {
        let mut hash = Sha256::new();
        hash.update(self.0);
        hash.update(id.to_be_bytes());
        hash.update(act.at.unix_timestamp_nanos().to_be_bytes());
        for field in [&act.actor, &act.action, &act.object, &act.outcome, &act.detail] {
            hash.update((field.len() as u64).to_be_bytes());
            hash.update(field);
        }
        Self(hash.finalize().into())
    }
}

/// What is wrong with a chain.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Broken {
    #[error("entry {missing} is missing: entry {found} follows entry {}", .missing - 1)]
    Missing { missing: i64, found: i64 },
    #[error("entry {0} is not what was recorded, or an entry before it was changed")]
    Changed(i64),
    #[error("the last entries are missing: entry {expected} was recorded, and {found} is the last one there")]
    CutOff { expected: i64, found: i64 },
}

/// Follows a chain, entry by entry.
#[derive(Clone, Debug)]
pub struct Chain {
    last: i64,
    link: Link,
}

impl Default for Chain {
    fn default() -> Self {
        Self { last: 0, link: Link::START }
    }
}

impl Chain {
    /// Takes the next entry, oldest first.
    pub fn follow(&mut self, entry: &Recorded) -> std::result::Result<(), Broken> {
        if entry.id != self.last + 1 {
            return Err(Broken::Missing { missing: self.last + 1, found: entry.id });
        }
        if self.link.next(entry.id, &entry.act) != entry.link {
            return Err(Broken::Changed(entry.id));
        }
        self.last = entry.id;
        self.link = entry.link;
        Ok(())
    }

    /// The id and link of the last entry taken.
    pub fn head(&self) -> (i64, Link) {
        (self.last, self.link)
    }
}

#[async_trait]
pub trait Audit: Send + Sync {
    /// Records `act`; once this returns it is on disk.
    async fn append(&self, act: &Act) -> Result<i64>;

    /// Entries with an id below `before`, newest first.
    async fn newest(&self, before: Option<i64>, limit: u32) -> Result<Vec<Recorded>>;

    /// Those entries that `search` looks for with an id below `before` and above `search.after`, newest first.
    async fn search(&self, search: &Search, before: Option<i64>, limit: u32) -> Result<Vec<Recorded>>;

    /// Entries with an id above `after`, oldest first.
    async fn oldest(&self, after: i64, limit: u32) -> Result<Vec<Recorded>>;

    /// The id and link of the newest entry, as they were noted beside the entries.
    async fn head(&self) -> Result<(i64, Link)>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn act(object: &str) -> Act {
        Act {
            at: OffsetDateTime::UNIX_EPOCH,
            actor: "ann".to_owned(),
            action: "deploy".to_owned(),
            object: object.to_owned(),
            outcome: "deny".to_owned(),
            detail: "{}".to_owned(),
        }
    }

    fn recorded() -> Vec<Recorded> {
        let mut link = Link::START;
        let chained = ["one", "two", "three"].into_iter().zip(1..).map(|(object, id)| {
            link = link.next(id, &act(object));
            Recorded { id, act: act(object), link }
        });
        chained.collect()
    }

    fn verify(entries: &[Recorded]) -> std::result::Result<(), Broken> {
        let mut chain = Chain::default();
        entries.iter().try_for_each(|entry| chain.follow(entry))
    }

    #[test]
    fn a_changed_or_missing_entry_is_found() {
        assert_eq!(verify(&recorded()), Ok(()));
        let mut changed = recorded();
        changed[1].act.outcome = "allow".to_owned();
        assert_eq!(verify(&changed), Err(Broken::Changed(2)));
        changed[1].link = changed[0].link.next(2, &changed[1].act);
        assert_eq!(verify(&changed), Err(Broken::Changed(3)), "a link made to fit breaks the next one");
        let mut missing = recorded();
        missing.remove(1);
        assert_eq!(verify(&missing), Err(Broken::Missing { missing: 2, found: 3 }));
    }

    #[test]
    fn no_two_entries_are_the_same_bytes() {
        let moved = Act { actor: "annd".to_owned(), action: "eploy".to_owned(), ..act("one") };
        assert_ne!(Link::START.next(1, &moved), Link::START.next(1, &act("one")));
    }
}
