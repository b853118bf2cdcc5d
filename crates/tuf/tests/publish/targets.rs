use time::Duration;
use wharfinger_tuf::publish::{self, Invalid};
use wharfinger_tuf::{Delegation, RoleName, TufKey};

use crate::forge::{Forge, Identity, keys_of, now, role, sign, unchecked};
use crate::server::{GUN, Server, Upload, everything, only, targets_refused, upload};

/// The forge of most tests, published once.
fn serving() -> (Forge, Server) {
    let mut forge = Forge::signed(GUN);
    let server = Server::serving(&forge);
    forge.next();
    (forge, server)
}

#[test]
fn a_first_publish_needs_targets() {
    let forge = Forge::new(GUN);
    let server = Server::new(&forge);
    let refused = server.refusal(&upload(&forge, &["root"]));
    assert_eq!(refused, Invalid::Validation("targets must be loaded first".into()));
    assert!(server.judge(&upload(&forge, &["root", "targets"])).is_ok());
}

#[test]
fn targets_and_delegations_are_signed_by_the_keys_their_parent_names() {
    let (forge, server) = serving();
    let stranger = Identity::bare();
    for name in ["targets", "targets/qa"] {
        let value = &forge.targets[&role(name)];
        let below = targets_refused(&format!("valid signatures did not meet threshold for {name}"));
        assert_eq!(server.refusal(&only(name, sign(value, &[&stranger]))), below);
        let unsigned = targets_refused("tuf: data has no signatures");
        assert_eq!(server.refusal(&only(name, sign(value, &[]))), unsigned);
        let mut spoiled = upload(&forge, &[name]);
        let text = String::from_utf8(spoiled.remove(&role(name)).unwrap()).unwrap();
        let changed = text.replace(r#""version":2"#, r#""version":3"#);
        assert_ne!(text, changed);
        assert_eq!(server.refusal(&only(name, changed.into_bytes())), below);
        assert!(server.judge(&upload(&forge, &[name])).is_ok(), "{name}");
    }
}

#[test]
fn a_threshold_is_met_by_distinct_keys() {
    let mut forge = Forge::signed(GUN);
    let (one, two) = (Identity::bare(), Identity::bare());
    // The first key again, as if it were another: under the id of a form it does not have.
    let again = TufKey::new("ecdsa", one.key.public().to_vec());
    assert_eq!(again.tuf_id(), one.id());
    forge.delegate("targets/two", vec![one, two], 2);
    let server = Server::serving(&forge);
    forge.next();
    let value = &forge.targets[&role("targets/two")];
    let [one, two] = &forge.signers[&role("targets/two")][..] else { panic!() };
    let below = targets_refused("valid signatures did not meet threshold for targets/two");
    for signers in [&[one][..], &[one, one], &[one, &Identity::bare()]] {
        assert_eq!(server.refusal(&only("targets/two", sign(value, signers))), below);
    }
    assert!(server.judge(&only("targets/two", sign(value, &[one, two]))).is_ok());
}

#[test]
fn a_key_under_an_id_that_is_not_its_own_fails_the_whole_file() {
    let (mut forge, server) = serving();
    let (qa, stranger) = (forge.signers[&role("targets/qa")][0].id(), Identity::bare());
    forge.file("targets").delegations.keys.insert(qa, stranger.key.clone());
    let mut sent = upload(&forge, &["targets"]);
    let value = &forge.targets[&role("targets/qa")];
    sent.insert(role("targets/qa"), unchecked(value, &[(qa, &stranger.private)]));
    assert_eq!(server.refusal(&sent), targets_refused("key ID is not valid for key content"));
}

#[test]
fn a_delegation_exists_in_its_parent_as_updated_in_this_upload() {
    let (mut forge, server) = serving();
    let absent = targets_refused("tuf: invalid role targets/new. delegation does not exist");
    forge.delegate("targets/new", vec![Identity::bare()], 1);
    assert_eq!(server.refusal(&upload(&forge, &["targets/new"])), absent);
    assert!(server.judge(&upload(&forge, &["targets", "targets/new"])).is_ok());

    forge.file("targets").delegations.roles.retain(|delegation| delegation.name != role("targets/qa"));
    assert!(server.judge(&upload(&forge, &["targets/qa"])).is_ok());
    let removed = targets_refused("tuf: invalid role targets/qa. delegation does not exist");
    assert_eq!(server.refusal(&upload(&forge, &["targets", "targets/qa"])), removed);
}

#[test]
fn keys_rotated_in_this_upload_are_the_ones_that_count() {
    let (mut forge, server) = serving();
    let new = Identity::bare();
    forge.root.version += 1;
    forge.root.keys.insert(new.id(), new.key.clone());
    forge.root.roles.insert(RoleName::Targets, keys_of(&[&new], 1));
    let old = std::mem::replace(&mut forge.targets_key, new);
    let mut sent = upload(&forge, &["root", "targets"]);
    assert!(server.judge(&sent).is_ok());
    sent.insert(RoleName::Targets, sign(&forge.targets[&RoleName::Targets], &[&old]));
    assert_eq!(server.refusal(&sent), targets_refused("valid signatures did not meet threshold for targets"));
    // The stored targets no longer vouch for anything either.
    let stale = upload(&forge, &["root", "targets/qa"]);
    assert_eq!(server.refusal(&stale), targets_refused("valid signatures did not meet threshold for targets"));
}

#[test]
fn ancestors_come_from_the_store_when_they_are_not_sent_even_expired() {
    let (mut forge, mut server) = serving();
    let inner = Identity::bare();
    forge.delegate("targets/qa/sub", vec![inner], 1);
    forge.file("targets/qa").expires = now() + Duration::days(1);
    let orphan = targets_refused("tuf: invalid role targets/qa/sub. delegation does not exist");
    assert_eq!(server.refusal(&upload(&forge, &["targets/qa/sub"])), orphan);
    server.publish(&upload(&forge, &["targets/qa", "targets/qa/sub"])).unwrap();
    forge.next();
    let sent = upload(&forge, &["targets/qa/sub"]);
    let needed = publish::needed(sent.keys());
    assert_eq!(needed, [RoleName::Targets, role("targets/qa")].into());
    assert!(server.judge_at(&sent, now() + Duration::days(2)).is_ok());
}

#[test]
fn without_any_targets_no_delegation_can_be_judged() {
    let (forge, mut server) = serving();
    server.state.delegated.clear();
    assert_eq!(server.refusal(&upload(&forge, &["targets/qa"])), targets_refused("targets must be loaded first"));
}

#[test]
fn expired_files_are_refused() {
    for name in ["targets", "targets/qa"] {
        let (mut forge, server) = serving();
        forge.file(name).expires = now() - Duration::seconds(1);
        let message = format!("{name} expired at Fri Jan 15 07:59:59 UTC 2027");
        assert_eq!(server.refusal(&upload(&forge, &[name])), targets_refused(&message));
        forge.file(name).expires = now();
        assert!(server.judge(&upload(&forge, &[name])).is_ok());
    }
}

#[test]
fn targets_have_the_structure_of_targets() {
    let (forge, server) = serving();
    let key = (forge.targets_key.id(), &forge.targets_key.private);
    let refusal = |spoil: &dyn Fn(&mut wharfinger_tuf::Targets)| {
        let mut value = forge.targets[&RoleName::Targets].clone();
        spoil(&mut value);
        match server.refusal(&only("targets", unchecked(&value, &[key]))) {
            Invalid::Targets(message) => message,
            other => panic!("{other}"),
        }
    };
    let version = refusal(&|targets| targets.version = 0);
    assert_eq!(version, "targets type metadata invalid: version cannot be less than one");
    let high = refusal(&|targets| targets.version = 1 << 31);
    assert_eq!(high, "targets type metadata invalid: version is higher than 2147483647");
    let grandchild = refusal(&|targets| targets.delegations.roles[0].name = role("targets/a/b"));
    assert!(grandchild.contains("targets/a/b"), "{grandchild}");
    let threshold = refusal(&|targets| targets.delegations.roles[0].keys.threshold = 0);
    assert!(threshold.contains("threshold"), "{threshold}");
    let keyless = refusal(&|targets| targets.delegations.keys.clear());
    assert!(keyless.contains("is missing"), "{keyless}");
    let many = refusal(&|targets| {
        let keys = targets.delegations.roles[0].keys.clone();
        for number in 0..500 {
            let name = role(&format!("targets/d{number}"));
            targets.delegations.roles.push(Delegation { keys: keys.clone(), name, paths: vec![] });
        }
    });
    assert!(many.contains("more than 500 delegations"), "{many}");
    let wrong = only("targets", upload(&forge, &["root"]).remove(&RoleName::Root).unwrap());
    let message = "targets type metadata invalid: expected type Targets, not Root";
    assert_eq!(server.refusal(&wrong), targets_refused(message));
}

#[test]
fn what_stock_clients_write_for_removed_keys_and_roles_is_taken() {
    let (forge, server) = serving();
    let signed = |spoil: &dyn Fn(&mut serde_json::Value)| -> Upload {
        let mut tree = serde_json::to_value(&forge.targets[&RoleName::Targets]).unwrap();
        tree["_type"] = "Targets".into();
        spoil(&mut tree);
        only("targets", crate::forge::sign_tree(&tree, &[(forge.targets_key.id(), &forge.targets_key.private)]))
    };
    for sent in [
        signed(&|tree| tree["delegations"]["roles"] = serde_json::Value::Null),
        signed(&|tree| tree["delegations"]["roles"][0]["keyids"] = serde_json::Value::Null),
        signed(&|tree| drop(tree.as_object_mut().unwrap().remove("delegations"))),
        signed(&|tree| tree["custom field"] = "kept".into()),
    ] {
        let accepted = server.judge(&sent).unwrap();
        assert_eq!(accepted.files[0].bytes, sent[&RoleName::Targets]);
    }
}

#[test]
fn the_whole_of_what_was_published_is_what_clients_verify() {
    let (forge, mut server) = serving();
    assert_eq!(server.walk().unwrap().counted("v1").len(), 1);
    server.publish(&upload(&forge, &["targets/qa", "targets/releases"])).unwrap();
    let walked = server.walk().unwrap();
    assert_eq!(walked.versions()[&role("targets/qa")], 2);
    assert_eq!(walked.counted("v1").len(), 1);
    let mut fresh = Server::new(&forge);
    fresh.publish(&everything(&forge)).unwrap();
    assert_eq!(fresh.walk().unwrap().counted("v1").len(), 1);
}
