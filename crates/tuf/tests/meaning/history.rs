//! Who signed or revoked what, told from two versions of a file.

use wharfinger_tuf::Targets;
use wharfinger_tuf::history::{Change, of_root, of_targets};

use crate::forge::{self, Forge, Identity, keys_of, role};

fn digest(content: &str) -> String {
    forge::target(content).digest().unwrap()
}

fn releases(forge: &Forge) -> Targets {
    forge.targets[&role("targets/releases")].clone()
}

fn owner(forge: &Forge) -> Targets {
    forge.targets[&role("targets")].clone()
}

#[test]
fn a_tag_is_signed_moved_and_withdrawn() {
    let mut forge = Forge::signed("dtr.test/qa/app");
    let first = releases(&forge);
    let signed = |tag: &str, digest: String, before| Change::Signed { tag: tag.to_owned(), digest, before };
    assert_eq!(of_targets(None, &first), [signed("v1", digest("manifest one"), None)]);
    assert_eq!(of_targets(Some(&first), &first), []);
    forge.tag("targets/releases", "v1", "manifest two");
    forge.tag("targets/releases", "v2", "manifest two");
    let second = releases(&forge);
    let moved = signed("v1", digest("manifest two"), Some(digest("manifest one")));
    assert_eq!(of_targets(Some(&first), &second), [moved, signed("v2", digest("manifest two"), None)]);
    forge.file("targets/releases").targets.remove("v1");
    let gone = Change::Withdrawn { tag: "v1".to_owned(), digest: digest("manifest two") };
    assert_eq!(of_targets(Some(&second), &releases(&forge)), [gone]);
}

#[test]
fn a_file_that_is_only_signed_anew_changes_nothing() {
    let mut forge = Forge::signed("dtr.test/qa/app");
    let (before, root) = (releases(&forge), forge.root.clone());
    forge.next();
    forge.root.version += 1;
    forge.file("targets/releases").expires += time::Duration::days(7);
    // What a client writes beside an entry is no statement about the image.
    forge.file("targets/releases").targets.get_mut("v1").unwrap().custom = Some(serde_json::json!({ "note": 1 }));
    assert_eq!(of_targets(Some(&before), &releases(&forge)), []);
    assert_eq!(of_root(Some(&root), &forge.root), []);
}

#[test]
fn signers_and_their_keys_come_and_go() {
    let mut forge = Forge::signed("dtr.test/qa/app");
    let before = owner(&forge);
    let (dev, second) = (Identity::bare(), Identity::bare());
    let (dev_id, second_id) = (dev.key.canonical_id(), second.key.canonical_id());
    forge.delegate("targets/dev", vec![dev], 1);
    let added = owner(&forge);
    let expected = Change::RoleAdded { role: role("targets/dev"), keys: vec![dev_id], threshold: 1, paths: vec![String::new()] };
    assert_eq!(of_targets(Some(&before), &added), [expected]);

    let file = forge.file("targets");
    file.delegations.keys.insert(second.id(), second.key.clone());
    forge.delegation("targets/dev").keys = keys_of(&[&second], 1);
    forge.delegation("targets/dev").paths = vec!["1.".to_owned()];
    let rotated = owner(&forge);
    let expected = [
        Change::KeyRemoved { role: role("targets/dev"), key: dev_id },
        Change::KeyAdded { role: role("targets/dev"), key: second_id },
        Change::Paths { role: role("targets/dev"), now: vec!["1.".to_owned()] },
    ];
    assert_eq!(of_targets(Some(&added), &rotated), expected);

    forge.file("targets").delegations.roles.retain(|delegation| delegation.name != role("targets/dev"));
    assert_eq!(of_targets(Some(&rotated), &owner(&forge)), [Change::RoleRemoved { role: role("targets/dev") }]);
}

#[test]
fn a_rotated_root_names_the_old_key_and_the_new_one() {
    let mut forge = Forge::signed("dtr.test/qa/app");
    let first = forge.root.clone();
    assert_eq!(of_root(None, &first).len(), 4, "the base roles begin");
    let old = forge.rotate_root().key.canonical_id();
    forge.root.roles.get_mut(&role("targets")).unwrap().threshold = 2;
    let new = forge.root_key.key.canonical_id();
    let expected = [
        Change::KeyRemoved { role: role("root"), key: old },
        Change::KeyAdded { role: role("root"), key: new },
        Change::Threshold { role: role("targets"), now: 2, before: 1 },
    ];
    assert_eq!(of_root(Some(&first), &forge.root), expected);
}
