//! What was done, as sentences.

use wharfinger_storage::collections::Publisher;
use wharfinger_tuf::RoleName;
use wharfinger_tuf::history::Change;

use super::{Piece, Told};
use crate::visitor::Guest;

/// Tags that a removed signer stood on and that are named; the sentence says how many there were.
const NAMED: usize = 5;

/// Who did it, at the head of each sentence. Accounts are told to whoever has signed in.
pub(super) fn who(by: Option<&Publisher>, guest: &Guest) -> String {
    match (by, &guest.visitor) {
        (Some(by), Some(_)) => by.name.clone(),
        (None, Some(_)) => "Somebody (not known who)".to_owned(),
        (_, None) => "Somebody".to_owned(),
    }
}

pub(super) fn deleted(who: String) -> Vec<Piece> {
    vec![Piece::strong(who), Piece::text(" deleted all trust data; nothing is kept of what was before")]
}

pub(super) fn expired(role: &RoleName) -> Vec<Piece> {
    vec![Piece::strong(role.to_string()), Piece::text(" expired: it has to be signed anew")]
}

/// What all files of one publication changed; with a tag, only what touches it.
pub(super) fn lines(who: &str, files: &[&Told], tag: Option<&str>) -> Vec<Vec<Piece>> {
    let mut lines = Vec::new();
    for told in files {
        if told.role == RoleName::Root && told.first {
            lines.extend(tag.is_none().then(|| began(who, told)));
            continue;
        }
        let about = told.changes.iter().filter(|change| tag.is_none_or(|tag| touches(told, change, tag)));
        let about: Vec<_> = about.filter(|change| !said_by_signer(files, told, change)).collect();
        lines.extend(about.iter().map(|change| sentence(who, files, told, change)));
        if told.changes.is_empty() && tag.is_none() {
            lines.push(vec![Piece::strong(who), Piece::text(format!(" signed {} anew, with nothing changed", told.role))]);
        }
    }
    lines
}

fn touches(told: &Told, change: &Change, wanted: &str) -> bool {
    match change {
        Change::Signed { tag, .. } | Change::Withdrawn { tag, .. } => tag == wanted,
        Change::RoleRemoved { role } => told.stood_on.get(role).is_some_and(|tags| tags.contains(wanted)),
        _ => false,
    }
}

/// A signer who signs or revokes changes the releases along: that is one thing to people.
fn said_by_signer(files: &[&Told], told: &Told, change: &Change) -> bool {
    if told.role != RoleName::releases() {
        return false;
    }
    let same = |other: &Change| match (change, other) {
        (Change::Signed { tag, digest, .. }, Change::Signed { tag: other, digest: on, .. }) => tag == other && digest == on,
        (Change::Withdrawn { tag, .. }, Change::Withdrawn { tag: other, .. }) => tag == other,
        _ => false,
    };
    files.iter().filter(|told| told.role.is_signer()).any(|told| told.changes.iter().any(same))
}

fn released_no_more(files: &[&Told], wanted: &str) -> bool {
    let mut releases = files.iter().filter(|told| told.role == RoleName::releases()).flat_map(|told| &told.changes);
    releases.any(|change| matches!(change, Change::Withdrawn { tag, .. } if tag == wanted))
}

fn began(who: &str, told: &Told) -> Vec<Piece> {
    let mut line = vec![Piece::strong(who), Piece::text(" began the trust data")];
    let root = told.changes.iter().find_map(|change| match change {
        Change::RoleAdded { role: RoleName::Root, keys, .. } => keys.first(),
        _ => None,
    });
    if let Some(key) = root {
        line.extend([Piece::text(" with the root key "), Piece::id(&key.to_string())]);
    }
    line
}

fn sentence(who: &str, files: &[&Told], told: &Told, change: &Change) -> Vec<Piece> {
    let (by, releases) = (Piece::strong(who), told.role == RoleName::releases());
    match change {
        Change::Signed { tag, digest, before } => {
            let (verb, end) = match (releases, &told.role) {
                (true, _) => (" released ", String::new()),
                (false, RoleName::Targets) => (" signed ", " as the owner".to_owned()),
                (false, role) => (" signed ", format!(" as {}", name(role))),
            };
            let mut line =
                vec![by, Piece::text(verb), Piece::strong(tag), Piece::text(" → "), digest_of(digest), Piece::text(end)];
            if let Some(before) = before {
                line.extend([Piece::text(", before "), digest_of(before)]);
            }
            line
        }
        Change::Withdrawn { tag, digest } if releases => {
            vec![by, Piece::text(" withdrew "), Piece::strong(tag), Piece::text(", which stood on "), digest_of(digest)]
        }
        Change::Withdrawn { tag, digest } if released_no_more(files, tag) => {
            let end = format!(", signed as {}", name(&told.role));
            vec![by, Piece::text(" revoked "), Piece::strong(tag), Piece::text(" → "), digest_of(digest), Piece::text(end)]
        }
        Change::Withdrawn { tag, digest } => {
            let verb = format!(" took back the signature of {} on ", name(&told.role));
            vec![by, Piece::text(verb), Piece::strong(tag), Piece::text(" → "), digest_of(digest)]
        }
        Change::RoleAdded { role, keys, threshold, paths } => {
            let mut line = vec![by, Piece::text(" let "), Piece::strong(name(role)), Piece::text(" sign with ")];
            for (number, key) in keys.iter().enumerate() {
                line.extend((number > 0).then(|| Piece::text(" and ")));
                line.push(Piece::id(&key.to_string()));
            }
            if *threshold > 1 {
                line.push(Piece::text(format!(" ({threshold} of them have to)")));
            }
            line.extend(limited(paths));
            line
        }
        Change::RoleRemoved { role } => {
            let mut line = vec![by, Piece::text(" removed the signer "), Piece::strong(name(role))];
            if let Some(tags) = told.stood_on.get(role).filter(|tags| !tags.is_empty()) {
                let named: Vec<&str> = tags.iter().take(NAMED).map(String::as_str).collect();
                let others = if tags.len() > NAMED { format!(" and {} more", tags.len() - NAMED) } else { String::new() };
                line.push(Piece::text(format!(", whose signature stood on {}{others}", named.join(", "))));
            }
            line
        }
        Change::KeyAdded { role, key } => {
            vec![by, Piece::text(" gave "), Piece::strong(name(role)), Piece::text(" the key "), Piece::id(&key.to_string())]
        }
        Change::KeyRemoved { role, key } => {
            let end = Piece::text(format!(" from {}", name(role)));
            vec![by, Piece::text(" took the key "), Piece::id(&key.to_string()), end]
        }
        Change::Threshold { role, now, before } => {
            let end = format!(" have to sign: {now}, before {before}");
            vec![by, Piece::text(" changed how many keys of "), Piece::strong(name(role)), Piece::text(end)]
        }
        Change::Paths { role, now } => {
            let mut line = vec![by, Piece::text(" changed what "), Piece::strong(name(role)), Piece::text(" may sign")];
            line.extend(limited(now).or_else(|| Some(Piece::text(": every tag"))));
            line
        }
    }
}

/// Which tags, where not all.
fn limited(paths: &[String]) -> Option<Piece> {
    let everything = paths.iter().any(String::is_empty);
    (!everything).then(|| match paths {
        [] => Piece::text(", no tag at all"),
        paths => Piece::text(format!(", tags that begin with {}", paths.join(" or "))),
    })
}

/// What people call a role.
fn name(role: &RoleName) -> String {
    match role {
        RoleName::Root => "the root".to_owned(),
        RoleName::Targets => "the owner".to_owned(),
        role if *role == RoleName::releases() => "the releases".to_owned(),
        role => role.short().to_owned(),
    }
}

fn digest_of(digest: &str) -> Piece {
    if digest.is_empty() { Piece::text("something without a sha256") } else { Piece::id(digest) }
}
