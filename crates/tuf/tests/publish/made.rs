//! What the server adds, and what it signs anew.

use time::Duration;
use wharfinger_tuf::publish::{self, Lifetimes, Named};
use wharfinger_tuf::{RoleName, Signed, Snapshot, Timestamp};

use crate::forge::{Forge, Identity, keys_of, now, role};
use crate::server::{GUN, Server, Upload, copy, everything, only, upload};

fn snapshot(server: &Server) -> Snapshot {
    Signed::parse(server.state.snapshot.as_deref().unwrap()).unwrap().signed
}

fn timestamp(server: &Server) -> Timestamp {
    Signed::parse(server.state.timestamp.as_deref().unwrap()).unwrap().signed
}

#[test]
fn every_publish_makes_a_snapshot_and_a_timestamp_of_the_next_version() {
    let mut forge = Forge::signed(GUN);
    let mut server = Server::serving(&forge);
    assert_eq!((snapshot(&server).version, timestamp(&server).version), (1, 1));
    assert_eq!(snapshot(&server).expires, now() + Duration::days(3 * 365));
    assert_eq!(timestamp(&server).expires, now() + Duration::days(14));
    forge.next();
    let accepted = server.publish(&upload(&forge, &["targets/qa"])).unwrap();
    assert_eq!((snapshot(&server).version, timestamp(&server).version), (2, 2));
    let named = Named::parse(server.state.snapshot.as_deref().unwrap()).unwrap();
    let roles: Vec<_> = named.roles().map(RoleName::as_str).collect();
    assert_eq!(roles, ["root", "targets", "targets/qa", "targets/releases"]);
    assert_eq!(named.sha256(&role("targets/qa")).unwrap(), accepted.files[0].sha256);
    // Made by the server: there is nothing in them to replay.
    assert!(accepted.files.iter().all(|file| file.signed_sha256.is_some() == (file.role == role("targets/qa"))));
    assert_eq!(accepted.resign_at, now() + Lifetimes::TIMESTAMP * 2 / 3);
}

#[test]
fn an_upload_of_nothing_makes_both_anew() {
    let forge = Forge::signed(GUN);
    let mut server = Server::serving(&forge);
    let accepted = server.publish(&Upload::new()).unwrap();
    assert_eq!(accepted.files.len(), 2);
    assert_eq!((snapshot(&server).version, timestamp(&server).version), (2, 2));
    server.walk().unwrap();
}

#[test]
fn an_uploaded_timestamp_is_ignored() {
    let forge = Forge::signed(GUN);
    let mut server = Server::serving(&forge);
    let old = server.state.timestamp.clone().unwrap();
    server.publish(&only("timestamp", old)).unwrap();
    assert_eq!(timestamp(&server).version, 2);
}

#[test]
fn what_is_received_is_hashed_and_kept_as_it_came() {
    let mut forge = Forge::signed(GUN);
    let mut server = Server::serving(&forge);
    forge.next();
    let sent = upload(&forge, &["targets/qa"]).remove(&role("targets/qa")).unwrap();
    let tree: serde_json::Value = serde_json::from_slice(&sent).unwrap();
    let pretty = format!("\n{}\n", serde_json::to_string_pretty(&tree).unwrap()).into_bytes();
    server.publish(&only("targets/qa", pretty.clone())).unwrap();
    assert_eq!(server.file("targets/qa.json"), pretty);
    assert_eq!(server.walk().unwrap().versions()[&role("targets/qa")], 2);
}

#[test]
fn rotated_server_keys_sign_from_the_root_on_that_names_them() {
    let mut forge = Forge::signed(GUN);
    let mut server = Server::serving(&forge);
    let (new_timestamp, new_snapshot) = (Identity::bare(), Identity::bare());
    server.keys.timestamp.insert(0, copy(&new_timestamp));
    server.keys.snapshot.insert(0, copy(&new_snapshot));
    server.publish(&Upload::new()).unwrap();
    server.walk().unwrap();
    for (name, identity) in [("timestamp", &new_timestamp), ("snapshot", &new_snapshot)] {
        forge.root.keys.insert(identity.id(), identity.key.clone());
        forge.root.roles.insert(role(name), keys_of(&[identity], 1));
    }
    forge.root.version = 2;
    let accepted = server.publish(&upload(&forge, &["root"])).unwrap();
    assert_eq!(accepted.used_keys, [new_timestamp.id(), new_snapshot.id()]);
    server.walk().unwrap();
}

#[test]
fn a_key_of_the_other_role_does_not_sign() {
    let mut forge = Forge::new(GUN);
    let mut server = Server::new(&forge);
    std::mem::swap(&mut server.keys.timestamp, &mut server.keys.snapshot);
    assert!(server.judge(&everything(&forge)).is_err());
    std::mem::swap(&mut server.keys.timestamp, &mut server.keys.snapshot);
    forge.root.roles.insert(RoleName::Timestamp, keys_of(&[&forge.timestamp_key, &Identity::bare()], 2));
    let second = forge.root.roles[&RoleName::Timestamp].keyids[1];
    forge.root.keys.insert(second, forge.timestamp_key.key.clone());
    assert!(server.judge(&everything(&forge)).is_err(), "one key does not make two");
}

#[test]
fn a_timestamp_is_signed_anew_over_the_same_snapshot() {
    let forge = Forge::signed(GUN);
    let mut server = Server::serving(&forge);
    let before = server.state.snapshot.clone();
    let later = now() + Duration::days(13);
    let renewed = publish::resign(&server.state, &server.keys, later).unwrap();
    assert_eq!(renewed.files.len(), 1);
    server.store(&renewed);
    assert_eq!(server.state.snapshot, before);
    assert_eq!(timestamp(&server).version, 2);
    assert_eq!(timestamp(&server).expires, later + Lifetimes::TIMESTAMP);
    server.walk().unwrap();
}

#[test]
fn a_snapshot_is_signed_anew_a_year_before_it_expires_if_it_is_the_servers() {
    let forge = Forge::signed(GUN);
    let mut server = Server::serving(&forge);
    let first = snapshot(&server);
    let later = first.expires - Duration::days(364);
    let renewed = publish::resign(&server.state, &server.keys, later).unwrap();
    server.store(&renewed);
    let second = snapshot(&server);
    assert_eq!((second.version, second.expires), (2, later + Lifetimes::SNAPSHOT));
    assert_eq!(second.meta, first.meta);
    assert_eq!(timestamp(&server).version, 2);

    let mut clients = Server::serving(&forge);
    clients.keys.snapshot.clear();
    let renewed = publish::resign(&clients.state, &clients.keys, later).unwrap();
    assert_eq!(renewed.files.len(), 1, "the snapshot is the client's");
    assert_eq!(renewed.resign_at, later + Lifetimes::TIMESTAMP * 2 / 3);
}

#[test]
fn nothing_is_signed_anew_where_nothing_was_published() {
    let forge = Forge::new(GUN);
    let server = Server::new(&forge);
    assert!(publish::resign(&server.state, &server.keys, now()).is_err());
}
