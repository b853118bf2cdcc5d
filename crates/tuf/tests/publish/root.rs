use time::Duration;
use wharfinger_keys::PrivateKey;
use wharfinger_tuf::RoleName;
use wharfinger_tuf::publish::Invalid;

use crate::forge::{Forge, Identity, keys_of, now, sign, unchecked};
use crate::server::{GUN, Server, everything, only, root_refused, upload};

const NO_LEAF: &str = "could not validate the path to a trusted root: unable to retrieve valid leaf certificates";
const NOT_ITS_OWN: &str = "could not validate the path to a trusted root: failed to validate integrity of roots";
const NOT_THE_OLD: &str =
    "could not rotate trust to a new trusted root: failed to validate data with current trusted certificates";

/// The forge with another certificate as its root key.
fn certified_by(identity: Identity) -> Forge {
    let mut forge = Forge::new(GUN);
    forge.root.keys.remove(&forge.root_key.id());
    forge.root.keys.insert(identity.id(), identity.key.clone());
    forge.root.roles.insert(RoleName::Root, keys_of(&[&identity], 1));
    forge.root_key = identity;
    forge
}

fn certificate(name: &str, from: i64, to: i64, is_ca: bool) -> Identity {
    Identity::with_certificate(PrivateKey::generate_p256(), name, Duration::days(from)..Duration::days(to), is_ca)
}

#[test]
fn a_first_publish_needs_a_root_of_version_1_or_2() {
    let mut forge = Forge::new(GUN);
    let server = Server::new(&forge);
    let missing = server.refusal(&upload(&forge, &["targets"]));
    assert_eq!(missing, Invalid::Validation("no pre-existing root and no root provided in update.".into()));
    for (version, good) in [(1, true), (2, true), (3, false)] {
        forge.root.version = version;
        let judged = server.judge(&everything(&forge));
        assert_eq!(judged.is_ok(), good, "{version}");
    }
    let refused = server.refusal(&everything(&forge));
    assert_eq!(refused, root_refused("Root modifications must increment the version. Current 1, new 3"));
}

#[test]
fn root_versions_have_no_gaps_and_do_not_go_back() {
    let mut forge = Forge::new(GUN);
    forge.root.version = 2;
    let server = Server::serving(&forge);
    // Equal passes here; the store refuses it as an old version.
    for (version, good) in [(1, false), (2, true), (3, true), (4, false)] {
        forge.root.version = version;
        let judged = server.judge(&upload(&forge, &["root"]));
        assert_eq!(judged.is_ok(), good, "{version}");
    }
}

#[test]
fn a_root_needs_a_certificate_that_holds_for_its_gun() {
    for (case, identity, good) in [
        ("the GUN", certificate(GUN, -1, 9, false), true),
        ("a prefix", certificate("dtr.test:5400/qa/*", -1, 9, false), true),
        ("from tomorrow", certificate(GUN, 1, 9, false), true),
        ("another GUN", certificate("dtr.test:5400/qa/app2", -1, 9, false), false),
        ("another prefix", certificate("dtr.test:5400/dev/*", -1, 9, false), false),
        ("a prefix without star", certificate("dtr.test:5400/qa/", -1, 9, false), false),
        ("expired", certificate(GUN, -9, -1, false), false),
        ("from the day after", certificate(GUN, 2, 9, false), false),
        ("a CA", certificate(GUN, -1, 9, true), false),
        ("no certificate", Identity::bare(), false),
    ] {
        let forge = certified_by(identity);
        let server = Server::new(&forge);
        if good {
            assert!(server.judge(&everything(&forge)).is_ok(), "{case}");
        } else {
            assert_eq!(server.refusal(&everything(&forge)), root_refused(NO_LEAF), "{case}");
        }
    }
}

#[test]
fn a_new_root_is_signed_by_the_old_keys_and_by_its_own() {
    let mut forge = Forge::new(GUN);
    let server = Server::serving(&forge);
    let old = forge.rotate_root();
    let new = &forge.root_key;
    let refusal = |signers: &[&Identity]| server.refusal(&only("root", sign(&forge.root, signers)));
    assert_eq!(refusal(&[new]), root_refused(NOT_THE_OLD));
    assert_eq!(refusal(&[&old]), root_refused(NOT_ITS_OWN));
    assert_eq!(refusal(&[&Identity::certified(GUN)]), root_refused(NOT_THE_OLD));
    assert_eq!(refusal(&[]), root_refused(NOT_THE_OLD));
    assert!(server.judge(&only("root", sign(&forge.root, &[&old, new]))).is_ok());
}

#[test]
fn an_old_threshold_is_met_by_distinct_keys() {
    let mut forge = Forge::new(GUN);
    let second = Identity::certified(GUN);
    forge.root.keys.insert(second.id(), second.key.clone());
    forge.root.roles.insert(RoleName::Root, keys_of(&[&forge.root_key, &second], 2));
    let first = |forge: &Forge| only("root", sign(&forge.root, &[&forge.root_key, &second]));
    let mut server = Server::new(&forge);
    let mut whole = upload(&forge, &["targets"]);
    whole.append(&mut first(&forge));
    server.publish(&whole).unwrap();
    forge.root.version = 2;
    let twice = sign(&forge.root, &[&forge.root_key, &forge.root_key]);
    assert_eq!(server.refusal(&only("root", twice)), root_refused(NOT_THE_OLD));
    assert!(server.judge(&first(&forge)).is_ok());
}

#[test]
fn an_expired_root_is_refused_and_may_yet_vouch_for_its_successor() {
    let mut forge = Forge::new(GUN);
    let server = Server::serving(&forge);
    forge.root.version = 2;
    forge.root.expires = now() - Duration::seconds(1);
    let refused = server.refusal(&upload(&forge, &["root"]));
    assert_eq!(refused, root_refused("root expired at Fri Jan 15 07:59:59 UTC 2027"));
    forge.root.expires = now();
    assert!(server.judge(&upload(&forge, &["root"])).is_ok());

    let later = now() + Duration::days(3651);
    forge.root.expires = later + Duration::days(1);
    let old = std::mem::replace(&mut forge.root_key, certificate(GUN, 3640, 9000, false));
    forge.root.keys.insert(forge.root_key.id(), forge.root_key.key.clone());
    forge.root.roles.insert(RoleName::Root, keys_of(&[&forge.root_key], 1));
    let successor = only("root", sign(&forge.root, &[&old, &forge.root_key]));
    assert!(server.judge_at(&successor, later).is_ok());
}

#[test]
fn a_root_has_the_structure_of_one() {
    let forge = Forge::new(GUN);
    let server = Server::new(&forge);
    let mut sent = everything(&forge);
    let mut refusal = |spoil: &dyn Fn(&mut Forge)| {
        let mut forge = Forge::new(GUN);
        spoil(&mut forge);
        let key = (forge.root_key.id(), &forge.root_key.private);
        sent.insert(RoleName::Root, unchecked(&forge.root, &[key]));
        match server.refusal(&sent) {
            Invalid::Root(message) => message,
            other => panic!("{other}"),
        }
    };
    assert_eq!(refusal(&|forge| forge.root.version = 0), "root type metadata invalid: version cannot be less than 1");
    for (role, text) in [
        (RoleName::Timestamp, "role timestamp is missing"),
        (RoleName::Snapshot, "role snapshot is missing"),
        (RoleName::Targets, "role targets is missing"),
    ] {
        assert!(refusal(&|forge| drop(forge.root.roles.remove(&role))).ends_with(text));
    }
    let zero = refusal(&|forge| forge.root.roles.get_mut(&RoleName::Targets).unwrap().threshold = 0);
    assert!(zero.ends_with("the threshold of targets is less than one"), "{zero}");
    let keyless = refusal(&|forge| drop(forge.root.keys.remove(&forge.targets_key.id())));
    assert!(keyless.contains("of targets is missing"), "{keyless}");
    let wrong = only("root", upload(&forge, &["targets"]).remove(&RoleName::Targets).unwrap());
    assert_eq!(server.refusal(&wrong), root_refused("root type metadata invalid: expected type Root, not Targets"));
}

#[test]
fn a_root_that_names_no_timestamp_key_of_the_server_is_refused() {
    let forge = Forge::new(GUN);
    let mut server = Server::new(&forge);
    server.keys.timestamp = vec![PrivateKey::generate_p256()];
    let refused = server.refusal(&everything(&forge));
    assert_eq!(refused, root_refused("no  timestamp keys exist on the server"));
    server.keys.timestamp.push(crate::server::copy(&forge.timestamp_key));
    assert!(server.judge(&everything(&forge)).is_ok());
}
