//! What a tag means, and who counts: the rules of released and counted, one by one.

mod forge;
#[path = "meaning/history.rs"]
mod history;

use forge::{Forge, Identity, role, target};
use wharfinger_tuf::{Collection, Hashes};

const GUN: &str = "dtr.test/qa/app";

fn collection(forge: &Forge) -> Collection {
    forge.render().walk(&forge.gun).unwrap()
}

fn counted(forge: &Forge) -> Vec<String> {
    collection(forge).counted("v1").iter().map(|counted| counted.role.to_string()).collect()
}

#[test]
fn released_is_what_targets_releases_says() {
    let mut forge = Forge::signed(GUN);
    assert_eq!(collection(&forge).released("v1"), Some(&target("manifest one")));
    forge.tag("targets", "v1", "another");
    forge.tag("targets", "v2", "only in targets");
    forge.tag("targets/qa", "v3", "only a signer's");
    let collection = collection(&forge);
    assert_eq!(collection.released("v1"), Some(&target("manifest one")));
    assert_eq!(collection.released("v2"), None);
    assert_eq!(collection.released("v3"), None);
    assert_eq!(collection.tags().map(|(tag, _)| tag).collect::<Vec<_>>(), ["v1"]);
}

#[test]
fn without_delegations_targets_says_it_and_nobody_counts() {
    let mut forge = Forge::new(GUN);
    forge.tag("targets", "v1", "manifest one");
    assert_eq!(collection(&forge).released("v1"), Some(&target("manifest one")));
    assert!(counted(&forge).is_empty());
}

#[test]
fn with_delegations_but_without_releases_nothing_is_released() {
    let mut forge = Forge::new(GUN);
    forge.delegate("targets/qa", vec![Identity::bare()], 1);
    forge.tag("targets/qa", "v1", "manifest one");
    forge.tag("targets", "v1", "manifest one");
    assert_eq!(collection(&forge).released("v1"), None);
    assert!(counted(&forge).is_empty());
    assert_eq!(collection(&forge).elsewhere("v1").len(), 1);
}

#[test]
fn an_entry_without_sha256_releases_nothing() {
    let mut forge = Forge::signed(GUN);
    let both = target("manifest one");
    let sha512 = Hashes { sha256: None, ..Hashes::of(b"manifest one") };
    let entry = wharfinger_tuf::TargetFile { hashes: sha512, ..both };
    for name in ["targets/releases", "targets/qa"] {
        forge.file(name).targets.insert("v1".to_owned(), entry.clone());
    }
    assert_eq!(collection(&forge).released("v1"), None);
    assert!(counted(&forge).is_empty());
}

#[test]
fn releases_and_the_repository_key_never_count() {
    let mut forge = Forge::signed(GUN);
    forge.file("targets/qa").targets.clear();
    forge.tag("targets", "v1", "manifest one");
    assert!(counted(&forge).is_empty());
}

#[test]
fn deeper_delegations_never_count() {
    let mut forge = Forge::signed(GUN);
    forge.file("targets/qa").targets.clear();
    forge.delegate("targets/qa/sub", vec![Identity::bare()], 1);
    forge.tag("targets/qa/sub", "v1", "manifest one");
    assert!(collection(&forge).delegation(&role("targets/qa/sub")).is_some());
    assert!(counted(&forge).is_empty());
}

#[test]
fn a_signer_of_another_digest_length_or_hash_does_not_count_and_is_shown() {
    let released = target("manifest one");
    let longer = wharfinger_tuf::TargetFile { length: released.length + 1, ..released.clone() };
    let second_hash = wharfinger_tuf::TargetFile { hashes: Hashes::of(b"manifest one"), ..released.clone() };
    for other in [target("manifest two"), longer, second_hash] {
        let mut forge = Forge::signed(GUN);
        forge.file("targets/qa").targets.insert("v1".to_owned(), other.clone());
        assert!(counted(&forge).is_empty(), "{other:?}");
        assert_eq!(collection(&forge).elsewhere("v1"), [(role("targets/qa"), other)]);
    }
}

#[test]
fn paths_bound_what_a_signer_and_releases_may_speak_of() {
    let mut forge = Forge::signed(GUN);
    for (paths, admitted) in [(vec!["v"], true), (vec!["x", "v1"], true), (vec!["v1."], false), (vec![], false)] {
        forge.delegation("targets/qa").paths = paths.iter().map(ToString::to_string).collect();
        assert_eq!(!counted(&forge).is_empty(), admitted, "{paths:?}");
        assert!(collection(&forge).elsewhere("v1").is_empty(), "what it may not say, it does not say");
    }
    forge.delegation("targets/releases").paths = vec!["rel".to_owned()];
    assert_eq!(collection(&forge).released("v1"), None);
    assert_eq!(collection(&forge).tags().count(), 0);
}

#[test]
fn every_distinct_key_counts_once_and_all_keys_of_a_role_count() {
    let mut forge = Forge::signed(GUN);
    forge.delegate("targets/pair", vec![Identity::bare(), Identity::bare()], 1);
    forge.tag("targets/pair", "v1", "manifest one");
    assert_eq!(counted(&forge), ["targets/qa", "targets/pair", "targets/pair"]);
    // The same key as a second signer is nobody else.
    let qa = &forge.signers[&role("targets/qa")][0];
    let copy = wharfinger_keys::PrivateKey::from_pkcs8_der(&qa.private.to_pkcs8_der()).unwrap();
    let again = Identity { key: qa.key.clone(), private: copy };
    forge.delegate("targets/again", vec![again], 1);
    forge.tag("targets/again", "v1", "manifest one");
    assert_eq!(counted(&forge), ["targets/qa", "targets/pair", "targets/pair"]);
}

#[test]
fn all_of_it_holds_until_the_first_file_expires() {
    let mut forge = Forge::signed(GUN);
    let first = forge.timestamp_expires;
    assert_eq!(collection(&forge).expires(), first);
    forge.file("targets/qa").expires = first - time::Duration::days(1);
    assert_eq!(collection(&forge).expires(), first - time::Duration::days(1));
}
