//! What was done to a repository's trust, newest first: who signed or revoked what, and when; of all of it, or of one tag.
//!
//! It is told from the files as the Notary server keeps them, each compared with the one before it. What was never kept (who
//! published, before that was noted) is said to be not known.

mod sentence;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use moka::future::Cache;
use serde::Deserialize;
use time::OffsetDateTime;
use wharfinger_keys::{KeyId, PublicKey};
use wharfinger_storage::StorageError;
use wharfinger_storage::collections::{Done, Past, PastFile};
use wharfinger_tuf::history::{Change, of_root, of_targets};
use wharfinger_tuf::{Metadata, RoleName, Root, Signed, Targets, TufKey};

use super::Registry;
use super::trust_data::TrustData;
use crate::error::Refused;
use crate::visitor::Guest;
use crate::words::{moment, short};

/// Entries of one page.
const MANY: usize = 20;
/// What was done that is looked at for one page, where only a tag is asked for.
const LOOKED_AT: u32 = 100;
/// Lines of one entry; the page says how many more.
const MOST_LINES: usize = 30;
/// Differences kept in memory: they never change.
const KEPT: u64 = 50_000;

/// Which part of the history a page shows.
#[derive(Deserialize, Default)]
pub(crate) struct Asked {
    /// What the page comes before; the newest when it is not given.
    #[serde(default)]
    before: Option<i64>,
}

/// A part of a sentence.
pub(crate) enum Piece {
    Text(String),
    /// What the sentence is about.
    Strong(String),
    /// A digest or key: its first letters, and all of it for who points at it.
    Id {
        short: String,
        whole: String,
    },
}

/// Something that was done at once.
pub(crate) struct Entry {
    at: OffsetDateTime,
    pub(crate) when: String,
    pub(crate) lines: Vec<Vec<Piece>>,
    /// How many lines are not shown.
    pub(crate) more: usize,
    /// With which keys, and what was expired before.
    pub(crate) hints: Vec<Vec<Piece>>,
}

/// A page of the history.
pub(crate) struct History {
    pub(crate) entries: Vec<Entry>,
    /// What the next page comes before.
    pub(crate) next: Option<i64>,
    pub(crate) first: bool,
}

/// What a published file changed.
struct Told {
    role: RoleName,
    first: bool,
    changes: Vec<Change>,
    keys: Vec<(KeyId, Option<PublicKey>)>,
    /// When the file before it had expired, if it had when this one came.
    expired: Option<OffsetDateTime>,
    /// The tags on which a role stood that was removed.
    stood_on: BTreeMap<RoleName, BTreeSet<String>>,
}

/// What was told once: by the id of what was done, and the role.
pub(crate) struct Memory(Cache<(i64, String), Arc<Told>>);

impl Memory {
    pub(crate) fn new() -> Self {
        let weight = |_: &(i64, String), told: &Arc<Told>| u32::try_from(told.changes.len() + 1).unwrap_or(u32::MAX);
        Self(Cache::builder().weigher(weight).max_capacity(KEPT).build())
    }
}

impl History {
    /// Of all of the repository.
    pub(crate) async fn of_all(
        registry: &Registry,
        guest: &Guest,
        gun: &str,
        asked: &Asked,
        trust: Option<&TrustData>,
    ) -> Result<Self, Refused> {
        Self::read(registry, guest, (gun, None), asked, trust).await
    }

    /// Of what touches one tag.
    pub(crate) async fn of_tag(
        registry: &Registry,
        guest: &Guest,
        (gun, tag): (&str, &str),
        asked: &Asked,
        trust: Option<&TrustData>,
    ) -> Result<Self, Refused> {
        Self::read(registry, guest, (gun, Some(tag)), asked, trust).await
    }

    async fn read(
        registry: &Registry,
        guest: &Guest,
        (gun, tag): (&str, Option<&str>),
        asked: &Asked,
        trust: Option<&TrustData>,
    ) -> Result<Self, Refused> {
        let collections = &*registry.console.collections;
        let look_at = if tag.is_some() { LOOKED_AT } else { u32::try_from(MANY).unwrap_or(u32::MAX) };
        let past = collections.past(gun, asked.before, look_at).await?;
        let mut history = Self { entries: Vec::new(), next: None, first: asked.before.is_none() };
        let mut last = None;
        for one in &past {
            if history.entries.len() == MANY {
                break;
            }
            last = Some(one.id);
            history.entries.extend(Entry::of(registry, guest, gun, tag, one).await?);
        }
        // Not all that is there was looked at, or as much was there as was asked for.
        let all_of_it = past.last().map(|past| past.id) == last && past.len() < look_at as usize;
        history.next = last.filter(|_| !all_of_it);
        if history.first {
            history.entries.extend(expired_now(registry, tag, trust));
            history.entries.sort_by_key(|entry| std::cmp::Reverse(entry.at));
        }
        Ok(history)
    }
}

/// The roles whose files have expired and were not signed anew.
fn expired_now(registry: &Registry, tag: Option<&str>, trust: Option<&TrustData>) -> Vec<Entry> {
    let now = registry.console.clock.now();
    let roles = trust.into_iter().flat_map(TrustData::roles).filter_map(|role| {
        let file = role.file.as_ref().filter(|file| file.expires <= now)?;
        let about = tag.is_none_or(|tag| file.names(tag));
        let servers = matches!(role.name, RoleName::Snapshot | RoleName::Timestamp);
        (about && !servers).then(|| Entry::alone(file.expires, sentence::expired(&role.name)))
    });
    roles.collect()
}

impl Entry {
    fn alone(at: OffsetDateTime, line: Vec<Piece>) -> Self {
        Self { at, when: moment(at), lines: vec![line], more: 0, hints: Vec::new() }
    }

    /// `None`: it is not about the tag.
    async fn of(registry: &Registry, guest: &Guest, gun: &str, tag: Option<&str>, past: &Past) -> Result<Option<Self>, Refused> {
        let who = sentence::who(past.by.as_ref(), guest);
        let files = match &past.done {
            Done::Deleted => return Ok(Some(Self::alone(past.at, sentence::deleted(who)))),
            Done::Published(files) => files,
        };
        let mut told = Vec::with_capacity(files.len());
        for file in files {
            told.push(recall(registry, gun, past, file).await?);
        }
        let all: Vec<&Told> = told.iter().map(|told| &**told).collect();
        let mut lines = sentence::lines(&who, &all, tag);
        if lines.is_empty() {
            return Ok(None);
        }
        let more = lines.len().saturating_sub(MOST_LINES);
        lines.truncate(MOST_LINES);
        let about: Vec<&Told> = all.into_iter().filter(|told| tag.is_none() || told.role.is_delegation()).collect();
        let hints = hints(registry, guest, &about).await?;
        Ok(Some(Self { at: past.at, when: moment(past.at), lines, more, hints }))
    }
}

/// With which keys roles were signed, and whether they had expired before; those of which the same is to be said together.
async fn hints(registry: &Registry, guest: &Guest, files: &[&Told]) -> Result<Vec<Vec<Piece>>, Refused> {
    let mut alike: Vec<Vec<&Told>> = Vec::new();
    for told in files.iter().filter(|told| !told.keys.is_empty()) {
        let same = |others: &&mut Vec<&Told>| others.iter().any(|other| other.keys == told.keys && other.expired == told.expired);
        match alike.iter_mut().find(same) {
            Some(others) => others.push(told),
            None => alike.push(vec![told]),
        }
    }
    let mut hints = Vec::with_capacity(alike.len());
    for told in alike {
        let roles: Vec<&str> = told.iter().map(|told| told.role.as_str()).collect();
        let mut pieces = vec![Piece::text(format!("{} signed with ", roles.join(", ")))];
        let Some(one) = told.first() else { continue };
        for (number, (id, public)) in one.keys.iter().enumerate() {
            let owner = match public.as_ref().filter(|_| guest.visitor.is_some()) {
                Some(public) => registry.console.accounts.owner_of(public).await?,
                None => None,
            };
            pieces.extend((number > 0).then(|| Piece::text(" and ")));
            pieces.push(Piece::id(&id.to_string()));
            pieces.extend(owner.map(|owner| Piece::text(format!(" of {}", owner.account.name))));
        }
        if let Some(expired) = one.expired {
            pieces.push(Piece::text(format!("; what was there before had expired, {}", moment(expired))));
        }
        hints.push(pieces);
    }
    Ok(hints)
}

/// What a file changed, compared once and kept.
async fn recall(registry: &Registry, gun: &str, past: &Past, file: &PastFile) -> Result<Arc<Told>, Refused> {
    let key = (past.id, file.role.clone());
    if let Some(told) = registry.memory.0.get(&key).await {
        return Ok(told);
    }
    let told = Arc::new(tell(registry, gun, past, file).await?);
    registry.memory.0.insert(key, told.clone()).await;
    Ok(told)
}

async fn tell(registry: &Registry, gun: &str, past: &Past, file: &PastFile) -> Result<Told, Refused> {
    let role: RoleName = file.role.parse().map_err(|_| damaged(&file.role, gun))?;
    if role == RoleName::Root {
        let (before, now) = both::<Root>(registry, gun, file).await?;
        let changes = of_root(before.as_ref().map(|before| &before.signed), &now.signed);
        let keys = signers(&now, &now.signed.keys);
        return Ok(Told {
            expired: lapsed(before.as_ref(), past),
            first: before.is_none(),
            role,
            changes,
            keys,
            stood_on: BTreeMap::new(),
        });
    }
    let (before, now) = both::<Targets>(registry, gun, file).await?;
    let changes = of_targets(before.as_ref().map(|before| &before.signed), &now.signed);
    let mut stood_on = BTreeMap::new();
    for removed in changes.iter().filter_map(|change| if let Change::RoleRemoved { role } = change { Some(role) } else { None }) {
        let last = registry.console.collections.by_time(gun, removed.as_str(), past.at).await?;
        let last = last.and_then(|last| Signed::<Targets>::parse(&last.bytes).ok());
        stood_on.insert(removed.clone(), last.into_iter().flat_map(|last| last.signed.targets.into_keys()).collect());
    }
    // The keys are named by whoever stands above, as they stood then.
    let above = role.parent().unwrap_or(RoleName::Root);
    let known = match registry.console.collections.by_time(gun, above.as_str(), past.at).await? {
        Some(file) if above == RoleName::Root => {
            Signed::<Root>::parse(&file.bytes).map(|root| root.signed.keys).unwrap_or_default()
        }
        Some(file) => Signed::<Targets>::parse(&file.bytes).map(|file| file.signed.delegations.keys).unwrap_or_default(),
        None => BTreeMap::new(),
    };
    let keys = signers(&now, &known);
    Ok(Told { expired: lapsed(before.as_ref(), past), first: before.is_none(), role, changes, keys, stood_on })
}

async fn both<T: Metadata>(registry: &Registry, gun: &str, file: &PastFile) -> Result<(Option<Signed<T>>, Signed<T>), Refused> {
    let read = async |sha256: &str| {
        let stored = registry.console.collections.by_hash(gun, &file.role, sha256).await?;
        let stored = stored.ok_or_else(|| damaged(&file.role, gun))?;
        Signed::<T>::parse(&stored.bytes).map_err(|_| damaged(&file.role, gun))
    };
    let before = match &file.before {
        Some(before) => Some(read(before).await?),
        None => None,
    };
    Ok((before, read(&file.sha256).await?))
}

/// The keys under a file, as the notary took them when it was published.
fn signers<T>(file: &Signed<T>, known: &BTreeMap<KeyId, TufKey>) -> Vec<(KeyId, Option<PublicKey>)> {
    let mut keys: Vec<(KeyId, Option<PublicKey>)> = Vec::new();
    for signature in &file.signatures {
        let Ok(id) = signature.keyid.parse::<KeyId>() else { continue };
        let Some(key) = known.get(&id) else { continue };
        if keys.iter().all(|(known, _)| *known != key.canonical_id()) {
            keys.push((key.canonical_id(), key.public_key().cloned()));
        }
    }
    keys
}

fn lapsed<T: Metadata>(before: Option<&Signed<T>>, past: &Past) -> Option<OffsetDateTime> {
    before.map(|before| before.signed.expires()).filter(|expires| *expires <= past.at)
}

fn damaged(role: &str, gun: &str) -> Refused {
    StorageError::Damaged(format!("the history of {role} of {gun} cannot be read")).into()
}

impl Piece {
    fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    fn strong(text: impl Into<String>) -> Self {
        Self::Strong(text.into())
    }

    fn id(whole: &str) -> Self {
        Self::Id { short: short(whole), whole: whole.to_owned() }
    }
}
