//! Snapshots that the client makes.

use std::collections::BTreeMap;

use time::Duration;
use wharfinger_tuf::publish::Invalid;
use wharfinger_tuf::{Meta, RoleName, Snapshot};

use crate::forge::{Forge, Identity, now, role, sign};
use crate::server::{GUN, Server, Upload, everything, snapshot_refused, upload};

const MISSING: &str = "no snapshot was included in update and server does not hold current snapshot key for repository";

/// A server without the snapshot key, and the forge published there with a snapshot of its own.
fn serving() -> (Forge, Server) {
    let mut forge = Forge::signed(GUN);
    let mut server = Server::new(&forge);
    server.keys.snapshot.clear();
    server.publish(&with_snapshot(&forge, everything(&forge), &BTreeMap::new(), |_| ())).unwrap();
    forge.next();
    (forge, server)
}

/// Adds a snapshot of what is sent and of `rest`, spoiled.
fn with_snapshot(forge: &Forge, mut sent: Upload, rest: &Upload, spoil: impl FnOnce(&mut Snapshot)) -> Upload {
    let files = rest.iter().chain(&sent);
    let meta = files.map(|(role, bytes)| (role.clone(), Meta::of(bytes))).collect();
    let mut snapshot = Snapshot { expires: now() + Duration::days(1000), meta, version: forge.snapshot_version };
    spoil(&mut snapshot);
    sent.insert(RoleName::Snapshot, sign(&snapshot, &[&forge.snapshot_key]));
    sent
}

/// The server's current files, but for those made by it.
fn current(server: &Server) -> Upload {
    let mut current = server.state.delegated.clone();
    current.insert(RoleName::Root, server.state.root.clone().unwrap());
    current
}

#[test]
fn where_the_client_holds_the_key_every_upload_has_a_snapshot() {
    let (forge, server) = serving();
    for sent in [upload(&forge, &["targets/qa"]), Upload::new()] {
        assert_eq!(server.refusal(&sent), Invalid::MissingSnapshot(MISSING.into()));
    }
    let sent = with_snapshot(&forge, upload(&forge, &["targets/qa"]), &current(&server), |_| ());
    assert!(server.judge(&sent).is_ok());
    let alone = with_snapshot(&forge, Upload::new(), &current(&server), |_| ());
    assert!(server.judge(&alone).is_ok());
}

#[test]
fn what_is_sent_is_kept_and_the_timestamp_names_it() {
    let (forge, mut server) = serving();
    let sent = with_snapshot(&forge, upload(&forge, &["targets/qa"]), &current(&server), |_| ());
    let accepted = server.publish(&sent).unwrap();
    let kept = accepted.files.iter().find(|file| file.role == RoleName::Snapshot).unwrap();
    assert_eq!(kept.bytes, sent[&RoleName::Snapshot]);
    assert!(kept.signed_sha256.is_some());
    assert_eq!(kept.sha256, accepted.snapshot_sha256);
    assert_eq!(server.walk().unwrap().versions()[&RoleName::Snapshot], 2);
}

#[test]
fn a_snapshot_is_signed_unexpired_and_of_its_type() {
    let (forge, server) = serving();
    let rest = current(&server);
    let spoiled = |spoil: fn(&mut Snapshot)| with_snapshot(&forge, upload(&forge, &["targets/qa"]), &rest, spoil);
    let expired = server.refusal(&spoiled(|snapshot| snapshot.expires = now() - Duration::seconds(1)));
    assert_eq!(expired, snapshot_refused("snapshot expired at Fri Jan 15 07:59:59 UTC 2027"));
    let mut sent = spoiled(|_| ());
    let snapshot = wharfinger_tuf::Signed::<Snapshot>::parse(&sent[&RoleName::Snapshot]).unwrap().signed;
    sent.insert(RoleName::Snapshot, sign(&snapshot, &[&Identity::bare()]));
    assert_eq!(server.refusal(&sent), snapshot_refused("valid signatures did not meet threshold for snapshot"));
    sent.insert(RoleName::Snapshot, upload(&forge, &["targets"]).remove(&RoleName::Targets).unwrap());
    let message = "snapshot type metadata invalid: expected type Snapshot, not Targets";
    assert_eq!(server.refusal(&sent), snapshot_refused(message));
}

#[test]
fn a_snapshot_names_exactly_what_is_sent() {
    let (forge, server) = serving();
    let rest = current(&server);
    let refusal = |spoil: &dyn Fn(&mut Snapshot)| match server.refusal(&with_snapshot(
        &forge,
        upload(&forge, &["targets/qa"]),
        &rest,
        |snapshot| spoil(snapshot),
    )) {
        Invalid::Snapshot(message) => message,
        other => panic!("{other}"),
    };
    for name in ["root", "targets", "targets/qa"] {
        let other = Meta::of(b"other");
        let message = refusal(&|snapshot| snapshot.meta.extend([(role(name), other.clone())]));
        let expected = hex::encode(other.hashes.sha256.unwrap());
        assert_eq!(message, format!("sha256 checksum for {name} did not match: expected {expected}"));
    }
    let unnamed = refusal(&|snapshot| snapshot.meta.retain(|named, _| *named != role("targets/qa")));
    assert_eq!(unnamed, "no checksums for supported algorithms were provided for targets/qa");
    let sha512 = refusal(&|snapshot| snapshot.meta.get_mut(&role("targets/qa")).unwrap().hashes.sha512 = Some([0; 64]));
    assert!(sha512.starts_with("sha512 checksum for targets/qa did not match"), "{sha512}");
    let length = refusal(&|snapshot| snapshot.meta.get_mut(&role("targets/qa")).unwrap().length += 1);
    assert!(length.starts_with("length for targets/qa did not match"), "{length}");
}

#[test]
fn of_what_is_not_sent_it_names_the_current_files_only() {
    let (forge, mut server) = serving();
    let old = current(&server);
    let sent = with_snapshot(&forge, upload(&forge, &["targets/releases", "targets/qa"]), &current(&server), |_| ());
    server.publish(&sent).unwrap();
    // Yesterday's releases beside today's signers.
    let mut rest = current(&server);
    rest.insert(role("targets/releases"), old[&role("targets/releases")].clone());
    let mixed = with_snapshot(&forge, Upload::new(), &rest, |snapshot| snapshot.version += 1);
    let message = "it names a file of targets/releases that is neither in this update nor the current one";
    assert_eq!(server.refusal(&mixed), snapshot_refused(message));
    // One that is named no longer is a delegation that was removed.
    let mut rest = current(&server);
    rest.remove(&role("targets/qa"));
    let without = with_snapshot(&forge, Upload::new(), &rest, |snapshot| snapshot.version += 1);
    assert!(server.judge(&without).is_ok());
}
