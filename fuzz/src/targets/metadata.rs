//! Trust data, as a server sends it and as a client publishes it.

use std::collections::BTreeMap;

use serde_json::Value;
use time::macros::datetime;
use wharfinger_tuf::{
    By, File, Known, Limits, Metadata, Pins, RoleName, Root, Signed, Snapshot, Targets, Timestamp, TufKey, Walk, canonical,
    publish,
};

const NOW: time::OffsetDateTime = datetime!(2026-11-22 00:00 UTC);

/// One file, read as each type.
pub fn file(bytes: &[u8]) {
    fn read<T: Metadata>(bytes: &[u8]) {
        let Ok(file) = Signed::<T>::parse(bytes) else { return };
        assert_eq!(file.bytes(), bytes, "a file is kept as it was received");
        // What is signed is what is read, not what else the bytes may hold.
        let whole: Value = serde_json::from_slice(bytes).expect("a file is JSON");
        assert_eq!(canonical::to_vec(&whole["signed"]).as_deref(), Ok(file.signed_bytes()));
    }
    read::<Root>(bytes);
    read::<Targets>(bytes);
    read::<Snapshot>(bytes);
    read::<Timestamp>(bytes);
    let _ = publish::is_signed_json(bytes);
    let _ = publish::key_ids(bytes, &RoleName::Root);
    if let Ok(named) = publish::Named::parse(bytes) {
        named.roles().for_each(|role| drop(named.sha256(role)));
    }
}

/// A whole collection: `name` and content by turns, each after its length (two bytes, big endian). The first name is the GUN.
pub fn walk(bytes: &[u8]) {
    let mut pieces = pieces(bytes).into_iter();
    let Some(Ok(gun)) = pieces.next().map(|gun| String::from_utf8_lossy(gun).parse()) else { return };
    let mut files = BTreeMap::new();
    while let (Some(name), Some(content)) = (pieces.next(), pieces.next()) {
        files.insert(name, content);
    }
    let limits = Limits::default();
    let most = limits.root_chain + 2 * u64::try_from(limits.delegations).unwrap_or(u64::MAX) + 16;
    let Ok(mut walk) = Walk::new(gun, NOW, Known::default(), Pins::default(), limits) else { return };
    for _ in 0..most {
        let Some(want) = walk.wants().into_iter().next() else {
            let _ = walk.finish();
            return;
        };
        let name = if matches!(want.by, By::Version(_)) { want.path() } else { format!("{}.json", want.role) };
        let file = files.get(name.as_bytes()).map_or(File::Missing, |content| File::Found(content.to_vec()));
        if walk.receive(&want, file).is_err() {
            return;
        }
    }
    panic!("the walk does not end");
}

fn pieces(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<2>() {
        let (piece, rest) = rest.split_at(usize::from(u16::from_be_bytes(*length)).min(rest.len()));
        pieces.push(piece);
        bytes = rest;
    }
    pieces
}

/// A key as it stands in metadata.
pub fn key(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(key) = TufKey::from_certificate_pem(text)
    {
        let _ = (key.tuf_id(), key.canonical_id(), key.key_type());
    }
    if let Ok(key) = serde_json::from_slice::<TufKey>(bytes) {
        let written = serde_json::to_value(&key).expect("a key can be written");
        let again: TufKey = serde_json::from_value(written).expect("what is written can be read");
        assert_eq!(again.tuf_id(), key.tuf_id());
    }
}

/// What is sent says the same as what is signed. (What is signed is no JSON where a text holds control characters.)
pub fn canonical(bytes: &[u8]) {
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else { return };
    let (Ok(signed), Ok(wire)) = (canonical::to_vec(&value), canonical::to_wire(&value)) else { return };
    let again: Value = serde_json::from_str(&wire).expect("what is sent is JSON");
    assert_eq!(canonical::to_vec(&again).as_deref(), Ok(signed.as_slice()));
}
