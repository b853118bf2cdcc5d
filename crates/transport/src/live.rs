//! Which connections are open, and on whose behalf.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::under_way::{Bounds, UnderWay};

/// A request that was authenticated just before its account was cut may bind its connection just after: such a late
/// binding is cut as well. A connection that was opened since then was let in by what is true now.
const CUT_IS_REMEMBERED: Duration = Duration::from_secs(5);

/// Every open connection (and the tunnels that outlive their HTTP connection), by account and key.
#[derive(Default)]
pub struct Live {
    table: Mutex<Table>,
    tunnels: TaskTracker,
    ending: CancellationToken,
    under_way: Arc<UnderWay>,
}

#[derive(Default)]
struct Table {
    next: u64,
    open: BTreeMap<u64, Open>,
    cut: BTreeMap<Name, Instant>,
}

struct Open {
    cancelled: CancellationToken,
    names: BTreeSet<Name>,
    since: Instant,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Name {
    Account(String),
    Key(String),
}

impl Live {
    pub fn new() -> Arc<Self> {
        Self::with_bounds(Bounds::default())
    }

    /// With other bounds of what one caller may have under way.
    pub fn with_bounds(bounds: Bounds) -> Arc<Self> {
        Arc::new(Self { under_way: UnderWay::new(bounds), ..Self::default() })
    }

    /// Ends every connection and tunnel of the account; says how many there were.
    pub fn close_account(&self, account: &str) -> usize {
        self.close(&Name::Account(account.to_owned()))
    }

    /// Ends every connection and tunnel that was opened with the key (or session) of this id; says how many there were.
    pub fn close_key(&self, key: &str) -> usize {
        self.close(&Name::Key(key.to_owned()))
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.table().open.len()
    }

    /// Runs a tunnel that outlives its request. It ends with the connection it came from, see [`crate::Peer::cancelled`].
    pub fn spawn_tunnel<F>(&self, tunnel: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.tunnels.spawn(tunnel);
    }

    /// Cancelled when the process goes down and endless streams have had their grace: what streams without end ends now.
    pub fn ending(&self) -> &CancellationToken {
        &self.ending
    }

    pub(crate) fn under_way(&self) -> &Arc<UnderWay> {
        &self.under_way
    }

    pub(crate) fn tunnels(&self) -> &TaskTracker {
        &self.tunnels
    }

    pub(crate) fn cancel_all(&self) {
        for open in self.table().open.values() {
            open.cancelled.cancel();
        }
    }

    pub(crate) fn open(&self) -> (u64, CancellationToken) {
        let cancelled = CancellationToken::new();
        let mut table = self.table();
        let id = table.next;
        table.next += 1;
        table.open.insert(id, Open { cancelled: cancelled.clone(), names: BTreeSet::new(), since: Instant::now() });
        (id, cancelled)
    }

    pub(crate) fn bind(&self, id: u64, account: &str, key: Option<&str>) {
        let names = std::iter::once(Name::Account(account.to_owned())).chain(key.map(|key| Name::Key(key.to_owned())));
        let mut table = self.table();
        let Table { open, cut, .. } = &mut *table;
        let Some(open) = open.get_mut(&id) else { return };
        for name in names {
            if cut.get(&name).is_some_and(|at| open.since <= *at && at.elapsed() < CUT_IS_REMEMBERED) {
                open.cancelled.cancel();
            }
            open.names.insert(name);
        }
    }

    pub(crate) fn forget(&self, id: u64) {
        self.table().open.remove(&id);
    }

    fn close(&self, name: &Name) -> usize {
        let mut table = self.table();
        table.cut.retain(|_, at| at.elapsed() < CUT_IS_REMEMBERED);
        table.cut.insert(name.clone(), Instant::now());
        let theirs = table.open.values().filter(|open| open.names.contains(name));
        theirs.inspect(|open| open.cancelled.cancel()).count()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // A panic elsewhere must not make a revoked connection impossible to cut.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
