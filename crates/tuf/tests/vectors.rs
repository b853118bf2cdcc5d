//! Files and keys made by the stock tools (docker CLI 28.2.2, notary 0.7.0): they verify here, and mean what they meant there.

mod forge;

use std::path::{Path, PathBuf};

use forge::role;
use time::macros::datetime;
use wharfinger_keys::PublicKey;
use wharfinger_tuf::{
    Collection, File, Known, Limits, Metadata, Pins, Root, Signed, Snapshot, Targets, Timestamp, TufKey, Walk, WalkError, Want,
    canonical,
};

const NOW: time::OffsetDateTime = datetime!(2026-11-22 00:00 UTC);
const GUN: &str = "dtr.test:5400/qa/app1002";

fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

fn read(name: &str) -> Vec<u8> {
    std::fs::read(vectors().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn text(name: &str) -> String {
    String::from_utf8(read(name)).unwrap()
}

/// The file a want means; by-hash names are served from the one file there is.
fn serve(folder: &str, want: &Want) -> File {
    let name = match &want.by {
        wharfinger_tuf::By::Version(_) => want.path(),
        _ => format!("{}.json", want.role),
    };
    std::fs::read(vectors().join(folder).join(name)).map_or(File::Missing, File::Found)
}

fn walk(folder: &str, gun: &str, known: Known) -> Result<Collection, WalkError> {
    let mut walk = Walk::new(gun.parse().unwrap(), NOW, known, Pins::default(), Limits::default())?;
    while let Some(want) = walk.wants().into_iter().next() {
        walk.receive(&want, serve(folder, &want))?;
    }
    walk.finish()
}

#[test]
fn the_collection_of_five_signers_verifies_and_says_what_docker_says() {
    let collection = walk("metadata", GUN, Known::default()).unwrap();
    let released = collection.released("v1").unwrap();
    assert_eq!(released.length, 527);
    assert_eq!(released.digest().unwrap(), "sha256:eec7e0bc2aa66a8f1345bbb04454ade325f3f2caf2412ffae8880352e927b2ae");
    assert_eq!(collection.tags().map(|(tag, _)| tag).collect::<Vec<_>>(), ["v1", "v3"]);
    let signers = |tag| collection.counted(tag).into_iter().map(|counted| counted.role.to_string()).collect::<Vec<_>>();
    assert_eq!(signers("v1"), ["targets/alice", "targets/bob"]);
    assert_eq!(signers("v3"), ["targets/bob"]);
    assert!(collection.counted("v2").is_empty());
    assert!(collection.skipped().is_empty());
    assert_eq!(collection.delegation(&role("targets/releases")).unwrap().keys().len(), 5);
}

#[test]
fn counted_keys_carry_both_ids() {
    let ids: serde_json::Value = serde_json::from_str(&text("ids.json")).unwrap();
    let collection = walk("metadata", GUN, Known::default()).unwrap();
    let counted = collection.counted("v1");
    assert_eq!(counted[0].key.canonical_id().to_string(), ids["keys"]["alice"]["canonical_id"]);
    assert_eq!(counted[0].tuf_id.to_string(), ids["keys"]["alice"]["x509_tuf_id"]);
    assert_eq!(counted[1].key.canonical_id().to_string(), ids["keys"]["bob"]["canonical_id"]);
    assert_eq!(counted[1].tuf_id.to_string(), ids["keys"]["bob"]["canonical_id"]);
}

#[test]
fn the_ed25519_collection_with_awkward_names_verifies() {
    let collection = walk("ed25519", "vectors.test/1002", Known::default()).unwrap();
    let tags: Vec<_> = collection.tags().map(|(tag, _)| tag.to_owned()).collect();
    assert_eq!(tags, ["a&b<é>\u{2028}"]);
}

#[test]
fn roots_of_other_repositories_do_not_hold_here() {
    assert!(matches!(walk("metadata", "dtr.test/qa/app1002", Known::default()), Err(WalkError::RootCertificate(_))));
}

#[test]
fn four_root_versions_are_followed_from_the_first() {
    for from in 1..=4 {
        let known = Known { root: Some(read(&format!("metadata/{from}.root.json"))), ..Known::default() };
        let collection = walk("metadata", GUN, known).unwrap_or_else(|error| panic!("from {from}: {error}"));
        assert_eq!(collection.root().signed().version, 4);
    }
}

#[test]
fn key_ids_are_those_of_the_stock_tools() {
    let ids: serde_json::Value = serde_json::from_str(&text("ids.json")).unwrap();
    for (name, id) in ids["keys"].as_object().unwrap() {
        let bare = PublicKey::from_pem(&text(&format!("pem/{name}.pub.pem"))).unwrap();
        let certificate = text(&format!("pem/{name}.cert.pem"));
        assert_eq!(bare.canonical_id().to_string(), id["canonical_id"], "{name}");
        assert_eq!(bare.key_type().as_str(), id["keytype"]);
        assert_eq!(PublicKey::from_pem(&certificate).unwrap(), bare, "{name}");
        let x509 = TufKey::from_certificate_pem(&certificate).unwrap();
        assert_eq!(x509.key_type(), id["x509_keytype"]);
        assert_eq!(x509.tuf_id().to_string(), id["x509_tuf_id"], "{name}");
        assert_eq!(x509.canonical_id(), bare.canonical_id());
    }
    // Written by `docker trust key generate`, with a PEM header.
    PublicKey::from_pem(&text("pem/gina.pub")).unwrap();
}

/// What we write of a stock file is what the stock tools wrote: type by type, byte by byte.
#[test]
fn a_file_written_again_is_the_same_bytes() {
    fn again<T: Metadata>(name: &str) {
        let bytes = read(name);
        let parsed = Signed::<T>::parse(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut tree = serde_json::to_value(&parsed.signed).unwrap();
        tree["_type"] = T::TYPE.into();
        let wire = canonical::to_wire(&tree).unwrap();
        let original = String::from_utf8(bytes).unwrap();
        assert!(original.starts_with(&format!("{{\"signed\":{wire},\"signatures\":[")), "{name}");
    }
    for folder in ["metadata", "ed25519"] {
        again::<Root>(&format!("{folder}/root.json"));
        again::<Targets>(&format!("{folder}/targets.json"));
        again::<Snapshot>(&format!("{folder}/snapshot.json"));
        again::<Timestamp>(&format!("{folder}/timestamp.json"));
    }
    for name in ["alice", "bob", "dave", "erin", "frank", "qa", "releases"] {
        again::<Targets>(&format!("metadata/targets/{name}.json"));
    }
}
