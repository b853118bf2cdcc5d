//! Roots: whom to trust at first, and the way from there to the newest.

mod forge;

use forge::{Forge, Identity, Site, keys_of, known, now, role, sign};
use time::Duration;
use wharfinger_tuf::{Gun, Known, Limits, Pins, RoleName, RootCertificateError, WalkError, leaf_keys};

const GUN: &str = "dtr.test:5400/qa/app";

/// A collection whose root was rotated `times`, each root signed by the one before; and what a client of the first remembers.
fn rotated(times: usize) -> (Forge, Site, Known) {
    let mut forge = Forge::signed(GUN);
    let known = known(&forge.render().walk(&forge.gun).unwrap());
    let mut site = forge.render();
    for _ in 0..times {
        let old = forge.rotate_root();
        forge.next();
        let both = sign(&forge.root, &[&forge.root_key, &old]);
        let rendered = forge.render_spoiled(|role, bytes| if *role == RoleName::Root { both.clone() } else { bytes });
        // Old versions stay served for ever.
        let kept = std::mem::replace(&mut site, rendered);
        for (name, bytes) in kept.files {
            site.files.entry(name).or_insert(bytes);
        }
        let version = forge.root.version;
        site.files.insert(format!("{version}.root.json"), both.clone());
        forge.old_roots.insert(version, both);
    }
    (forge, site, known)
}

fn walk(site: &Site, gun: &Gun, known: &Known) -> Result<u64, WalkError> {
    site.walk_knowing(gun, known.clone()).map(|collection| collection.root().signed().version)
}

fn is_changed(result: &Result<u64, WalkError>) -> bool {
    matches!(result, Err(WalkError::RootChanged { trusted: 1, .. }))
}

#[test]
fn rotated_roots_are_followed_version_by_version() {
    for times in 1..5 {
        let (forge, site, known) = rotated(times);
        assert_eq!(walk(&site, &forge.gun, &known), Ok(1 + times as u64));
        assert_eq!(walk(&site, &forge.gun, &Known::default()), Ok(1 + times as u64));
    }
}

#[test]
fn a_successor_signed_only_by_its_own_key_is_another_root() {
    let mut forge = Forge::signed(GUN);
    let known = known(&forge.render().walk(&forge.gun).unwrap());
    forge.rotate_root();
    let result = walk(&forge.render(), &forge.gun, &known);
    assert!(is_changed(&result), "{result:?}");
}

#[test]
fn a_successor_signed_only_by_the_old_key_is_not_signed() {
    let mut forge = Forge::signed(GUN);
    let known = known(&forge.render().walk(&forge.gun).unwrap());
    let old = forge.rotate_root();
    let only_old = sign(&forge.root, &[&old]);
    let site = forge.render_spoiled(|role, bytes| if *role == RoleName::Root { only_old.clone() } else { bytes });
    assert!(matches!(walk(&site, &forge.gun, &known), Err(WalkError::Signatures { role: RoleName::Root, .. })));
}

/// CVE-2025-2885: a jump over a version is not a successor, whoever signed it.
#[test]
fn a_jump_over_a_version_is_another_root() {
    let (forge, mut site, known) = rotated(2);
    site.files.remove("2.root.json");
    assert!(is_changed(&walk(&site, &forge.gun, &known)));
    let mut forge = Forge::signed(GUN);
    let known = forge::known(&forge.render().walk(&forge.gun).unwrap());
    forge.root.version = 3;
    assert!(is_changed(&walk(&forge.render(), &forge.gun, &known)), "signed by the trusted key, and still a jump");
}

#[test]
fn a_file_on_the_way_must_have_the_version_it_is_named_by() {
    let (forge, mut site, known) = rotated(3);
    let third = site.files["3.root.json"].clone();
    site.files.insert("2.root.json".to_owned(), third);
    assert!(is_changed(&walk(&site, &forge.gun, &known)));
}

#[test]
fn another_root_of_the_same_version_is_another_root() {
    let mut forge = Forge::signed(GUN);
    let known = known(&forge.render().walk(&forge.gun).unwrap());
    forge.root.expires += Duration::days(1);
    assert!(is_changed(&walk(&forge.render(), &forge.gun, &known)));
}

#[test]
fn a_collection_made_anew_is_another_root() {
    let first = Forge::signed(GUN);
    let known = known(&first.render().walk(&first.gun).unwrap());
    let anew = Forge::signed(GUN);
    // Its timestamp is signed by a key nobody knows; the newest root does not lead there.
    let recreated = |version| Err(WalkError::Recreated { trusted: 1, version });
    assert_eq!(walk(&anew.render(), &anew.gun, &known), recreated(1));
    // Server keys often outlive a repository: then only the versions say that something is wrong, and the root says what.
    let mut kept = Forge::signed(GUN);
    kept.timestamp_key = first.timestamp_key;
    kept.root.keys.insert(kept.timestamp_key.id(), kept.timestamp_key.key.clone());
    kept.root.roles.insert(RoleName::Timestamp, keys_of(&[&kept.timestamp_key], 1));
    let known = Known { versions: known.versions.into_keys().map(|role| (role, 7)).collect(), ..known };
    assert_eq!(walk(&kept.render(), &kept.gun, &known), recreated(1));
}

#[test]
fn an_older_state_of_the_same_line_is_a_rollback_and_not_a_repository_made_anew() {
    let mut forge = Forge::signed(GUN);
    let old = forge.render();
    let before = forge.rotate_root();
    forge.next();
    let both = sign(&forge.root, &[&before, &forge.root_key]);
    let new = forge.render_spoiled(|role, bytes| if *role == RoleName::Root { both.clone() } else { bytes });
    let known = known(&new.walk(&forge.gun).unwrap());
    assert!(matches!(walk(&old, &forge.gun, &known), Err(WalkError::Rollback { .. })));
}

#[test]
fn a_version_that_jumps_is_not_taken_in() {
    let mut forge = Forge::signed(GUN);
    let known = known(&forge.render().walk(&forge.gun).unwrap());
    forge.timestamp_version = 1_000_001;
    assert!(walk(&forge.render(), &forge.gun, &known).is_ok());
    forge.timestamp_version += 1;
    let jumped = WalkError::FastForward { role: RoleName::Timestamp, version: 1_000_002, known: 1 };
    assert_eq!(walk(&forge.render(), &forge.gun, &known), Err(jumped));
}

#[test]
fn a_pinned_authority_trusts_the_roots_it_issued_and_no_other() {
    let days = |days| now() + Duration::days(days);
    let authority = |name: &str, until: i64, is_ca: bool| {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut parameters = rcgen::CertificateParams::default();
        parameters.distinguished_name.push(rcgen::DnType::CommonName, name);
        (parameters.not_before, parameters.not_after) = (days(-10), days(until));
        parameters.is_ca =
            if is_ca { rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained) } else { rcgen::IsCa::ExplicitNoCa };
        let certificate = wharfinger_keys::Certificate::from_der(parameters.self_signed(&key).unwrap().der()).unwrap();
        (rcgen::Issuer::new(parameters, key), certificate)
    };
    let (issuer, ca) = authority("ca", 100, true);
    let (_, namesake) = authority("ca", 100, true);
    let (past_issuer, past) = authority("past", -1, true);
    let (leaf_issuer, leaf) = authority("leaf", 100, false);
    let issued_by = |issuer: &rcgen::Issuer<'_, rcgen::KeyPair>| {
        let private = wharfinger_keys::PrivateKey::generate_p256();
        let pair = rcgen::KeyPair::try_from(private.to_pkcs8_der().as_slice()).unwrap();
        let mut parameters = rcgen::CertificateParams::default();
        parameters.distinguished_name = rcgen::DistinguishedName::new();
        parameters.distinguished_name.push(rcgen::DnType::CommonName, GUN);
        (parameters.not_before, parameters.not_after) = (days(-1), days(50));
        let pem = parameters.signed_by(&pair, issuer).unwrap().pem().replace("\r\n", "\n");
        let mut forge = Forge::signed(GUN);
        forge.root_key = Identity { private, key: wharfinger_tuf::TufKey::from_certificate_pem(&pem).unwrap() };
        forge.root.keys.insert(forge.root_key.id(), forge.root_key.key.clone());
        forge.root.roles.insert(RoleName::Root, keys_of(&[&forge.root_key], 1));
        forge
    };
    let walk_under = |forge: &Forge, ca: &wharfinger_keys::Certificate, known: Known| {
        let pins = Pins { authorities: vec![ca.clone()], ..Pins::default() };
        forge.render().walk_with(&forge.gun, now(), known, pins, Limits::default())
    };
    let forge = issued_by(&issuer);
    let collection = walk_under(&forge, &ca, Known::default()).unwrap();
    assert!(walk_under(&forge, &ca, known(&collection)).is_ok());
    for wrong in [&namesake, &past, &leaf] {
        assert_eq!(walk_under(&forge, wrong, Known::default()).map(drop), Err(WalkError::NotPinned));
        assert_eq!(walk_under(&forge, wrong, known(&collection)).map(drop), Err(WalkError::NotPinned));
    }
    assert_eq!(walk_under(&issued_by(&past_issuer), &past, Known::default()).map(drop), Err(WalkError::NotPinned));
    assert_eq!(walk_under(&issued_by(&leaf_issuer), &leaf, Known::default()).map(drop), Err(WalkError::NotPinned));
    assert_eq!(walk_under(&Forge::signed(GUN), &ca, Known::default()).map(drop), Err(WalkError::NotPinned));
}

#[test]
fn a_threshold_of_two_needs_two_of_the_old_and_two_of_the_new() {
    let mut forge = Forge::new(GUN);
    let second = Identity::certified(GUN);
    forge.root.keys.insert(second.id(), second.key.clone());
    forge.root.roles.insert(RoleName::Root, keys_of(&[&forge.root_key, &second], 2));
    let one = forge.render();
    assert!(matches!(walk(&one, &forge.gun, &Known::default()), Err(WalkError::Signatures { role: RoleName::Root, .. })));
    let render = |forge: &Forge, signers: &[&Identity]| {
        let bytes = sign(&forge.root, signers);
        forge.render_spoiled(|role, made| if *role == RoleName::Root { bytes.clone() } else { made })
    };
    let two = render(&forge, &[&forge.root_key, &second]);
    let known = known(&two.walk(&forge.gun).unwrap());
    forge.root.version = 2;
    assert!(is_changed(&walk(&render(&forge, &[&second]), &forge.gun, &known)));
    assert_eq!(walk(&render(&forge, &[&forge.root_key, &second]), &forge.gun, &known), Ok(2));
}

#[test]
fn an_expired_trusted_root_may_still_sign_its_successor() {
    let mut forge = Forge::signed(GUN);
    forge.root.expires = now() - Duration::days(1);
    let root = forge.render().files["root.json"].clone();
    let known = Known { root: Some(root), ..Known::default() };
    assert!(matches!(walk(&forge.render(), &forge.gun, &known), Err(WalkError::Expired { role: RoleName::Root, .. })));
    let old = forge.rotate_root();
    forge.root.expires = now() + Duration::days(1);
    let both = sign(&forge.root, &[&forge.root_key, &old]);
    let site = forge.render_spoiled(|role, bytes| if *role == RoleName::Root { both.clone() } else { bytes });
    assert_eq!(walk(&site, &forge.gun, &known), Ok(2));
}

#[test]
fn rotated_timestamp_and_snapshot_keys_are_found_in_the_newest_root() {
    for name in ["timestamp", "snapshot", "targets"] {
        let mut forge = Forge::signed(GUN);
        let known = known(&forge.render().walk(&forge.gun).unwrap());
        let new = Identity::bare();
        forge.root.version = 2;
        forge.root.keys.insert(new.id(), new.key.clone());
        forge.root.roles.insert(role(name), keys_of(&[&new], 1));
        match name {
            "timestamp" => forge.timestamp_key = new,
            "snapshot" => forge.snapshot_key = new,
            _ => forge.targets_key = new,
        }
        assert_eq!(walk(&forge.render(), &forge.gun, &known), Ok(2), "{name}");
    }
}

#[test]
fn a_chain_without_end_is_not_walked() {
    let mut forge = Forge::signed(GUN);
    let known = known(&forge.render().walk(&forge.gun).unwrap());
    forge.root.version = 1000;
    assert_eq!(walk(&forge.render(), &forge.gun, &known), Err(WalkError::RootChainTooLong(256)));
}

#[test]
fn a_remembered_root_that_was_changed_is_refused() {
    let forge = Forge::signed(GUN);
    let site = forge.render();
    let changed = String::from_utf8(site.files["root.json"].clone()).unwrap().replace("\"version\":1}", "\"version\":2}");
    let known = Known { root: Some(changed.into_bytes()), ..Known::default() };
    assert!(matches!(walk(&site, &forge.gun, &known), Err(WalkError::Signatures { .. })));
    let known = Known { root: Some(b"{}".to_vec()), ..Known::default() };
    assert!(matches!(walk(&site, &forge.gun, &known), Err(WalkError::Anchor(_))));
}

#[test]
fn pinned_keys_decide_who_is_trusted_at_first() {
    let forge = Forge::signed(GUN);
    let site = forge.render();
    let with = |keys: Vec<wharfinger_keys::KeyId>, known: Known| {
        site.walk_with(
            &forge.gun,
            now(),
            known,
            Pins { root_keys: keys.into_iter().collect(), ..Pins::default() },
            Limits::default(),
        )
        .map(drop)
    };
    assert_eq!(with(vec![forge.root_key.id()], Known::default()), Ok(()));
    assert_eq!(with(vec![forge.root_key.key.canonical_id(), forge.targets_key.id()], Known::default()), Ok(()));
    assert_eq!(with(vec![forge.targets_key.id()], Known::default()), Err(WalkError::NotPinned));
    let remembered = known(&site.walk(&forge.gun).unwrap());
    assert_eq!(with(vec![forge.targets_key.id()], remembered), Err(WalkError::NotPinned));
}

#[test]
fn root_certificates_hold_for_their_gun_and_time_only() {
    let gun: Gun = GUN.parse().unwrap();
    let days = |from, to| Duration::days(from)..Duration::days(to);
    let holds = |common_name: &str, valid: std::ops::Range<Duration>, is_ca| {
        let private = wharfinger_keys::PrivateKey::generate_p256();
        let identity = Identity::with_certificate(private, common_name, valid, is_ca);
        let mut forge = Forge::new(GUN);
        forge.root.keys.insert(identity.id(), identity.key.clone());
        forge.root.roles.insert(RoleName::Root, keys_of(&[&identity], 1));
        let leaf = leaf_keys(&forge.root, &gun, now());
        forge.root_key = identity;
        assert_eq!(leaf.is_ok(), forge.render().walk(&forge.gun).is_ok());
        leaf.is_ok()
    };
    assert!(holds(GUN, days(-1, 1), false));
    assert!(holds("dtr.test:5400/qa/*", days(-1, 1), false));
    assert!(holds(GUN, days(0, 1), false));
    assert!(holds(GUN, Duration::hours(23)..Duration::days(2), false), "clocks differ by up to a day");
    assert!(!holds(GUN, days(2, 3), false));
    assert!(!holds(GUN, days(-2, -1), false));
    assert!(!holds(GUN, days(-1, 1), true));
    assert!(!holds("", days(-1, 1), false));
    for other in
        ["dtr.test:5400/qa/ap", "dtr.test:5400/qa/app2", "DTR.test:5400/qa/app", "dtr.test:5400/other/*", "*.test:5400/qa/app"]
    {
        assert!(!holds(other, days(-1, 1), false), "{other}");
    }
}

#[test]
fn a_root_key_without_a_certificate_does_not_hold() {
    let mut forge = Forge::new(GUN);
    let bare = Identity::bare();
    forge.root.keys.insert(bare.id(), bare.key.clone());
    forge.root.roles.insert(RoleName::Root, keys_of(&[&bare], 1));
    forge.root_key = bare;
    let error = forge.render().walk(&forge.gun).unwrap_err();
    assert!(matches!(error, WalkError::RootCertificate(RootCertificateError { .. })), "{error}");
}
