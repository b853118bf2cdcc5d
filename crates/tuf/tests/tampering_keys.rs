//! The tampering machine, second part: the keys and thresholds of every role, and what delegations may name.

mod forge;

use forge::machine::{GUN, MALFORMED, Stage, Verdict, each_role, parent_of, rekey, under_signed};
use forge::{Forge, Identity, role, sign_tree};
use serde_json::{Value, json};
use time::Duration;
use wharfinger_tuf::{Known, RoleName, SignatureError, Skip, WalkError};

#[test]
fn a_threshold_below_one_is_malformed() {
    each_role(|stage, role| {
        for threshold in [json!(0), json!(-1), Value::Null] {
            let site = rekey(stage, role, |entry, _| entry["threshold"] = threshold.clone());
            assert_eq!(stage.judge(&site, &parent_of(role)), MALFORMED, "{role}");
        }
    });
}

#[test]
fn a_key_that_is_not_there_is_malformed() {
    each_role(|stage, role| {
        let site = rekey(stage, role, |entry, keys| {
            let id = entry["keyids"][0].as_str().unwrap().to_owned();
            keys.as_object_mut().unwrap().remove(&id);
        });
        assert_eq!(stage.judge(&site, &parent_of(role)), MALFORMED, "{role}");
    });
}

#[test]
fn a_higher_threshold_needs_as_many_distinct_keys() {
    each_role(|stage, role| {
        // The same id twice, and the same signature twice, are still one key.
        let site = rekey(stage, role, |entry, _| {
            entry["threshold"] = json!(2);
            let id = entry["keyids"][0].clone();
            entry["keyids"] = json!([id.clone(), id]);
        });
        let twice = |bytes: &[u8]| {
            let mut file: Value = serde_json::from_slice(bytes).unwrap();
            let signature = file["signatures"][0].clone();
            file["signatures"] = json!([signature.clone(), signature]);
            serde_json::to_vec(&file).unwrap()
        };
        let parent = parent_of(role);
        let parents_file = site.files[&format!("{parent}.json")].clone();
        let site = stage.forge.render_spoiled(|at, bytes| {
            let bytes = if *at == parent { parents_file.clone() } else { bytes };
            if at == role { twice(&bytes) } else { bytes }
        });
        let expected = match role {
            RoleName::Root => (Verdict::Signatures, Verdict::Signatures),
            role => under_signed(role),
        };
        assert_eq!(stage.judge(&site, role), expected, "{role}");
    });
}

#[test]
fn one_key_under_two_ids_counts_once() {
    let mut forge = Forge::signed(GUN);
    let bare = Identity::bare();
    let copy = wharfinger_keys::PrivateKey::from_pkcs8_der(&bare.private.to_pkcs8_der()).unwrap();
    let certified = Identity::with_certificate(copy, "qa", Duration::days(-1)..Duration::days(1), false);
    assert_ne!(bare.id(), certified.id());
    forge.delegate("targets/twins", vec![bare, certified], 2);
    forge.tag("targets/twins", "v1", "manifest one");
    let collection = forge.render().walk(&forge.gun).unwrap();
    assert_eq!(collection.skipped()[0].why, Skip::UnderSigned(SignatureError::BelowThreshold { valid: 1, needed: 2 }));
    // With a threshold of one they are one signer, not two.
    forge.delegation("targets/twins").keys.threshold = 1;
    let collection = forge.render().walk(&forge.gun).unwrap();
    assert_eq!(collection.counted("v1").len(), 2, "qa and the twins");
}

#[test]
fn a_key_under_the_id_of_another_fails_the_whole_file() {
    let stranger = Identity::certified(GUN);
    each_role(|stage, role| {
        let parent = parent_of(role);
        let id = stage.forge.identities(role)[0].id();
        let site = rekey(stage, role, |_, keys| keys[id.to_string()] = serde_json::to_value(&stranger.key).unwrap());
        let parents_file = site.files[&format!("{parent}.json")].clone();
        let site = stage.forge.render_spoiled(|at, bytes| {
            let bytes = if *at == parent { parents_file.clone() } else { bytes };
            if at != role {
                return bytes;
            }
            let file: Value = serde_json::from_slice(&bytes).unwrap();
            sign_tree(&file["signed"], &[(id, &stranger.private)])
        });
        for known in [Known::default(), stage.known.clone()] {
            let result = site.walk_knowing(&stage.gun, known.clone());
            match (role, &result) {
                // The trusted root did not sign such a successor.
                (RoleName::Root, Err(WalkError::RootChanged { .. })) if known.root.is_some() => {}
                (_, Err(WalkError::Signatures { role: named, source: SignatureError::KeyId(_) })) if named == role => {}
                _ => panic!("{role}: {result:?}"),
            }
        }
    });
}

#[test]
fn weak_and_unknown_keys_verify_nothing() {
    // 1024 bits of RSA, an unknown type, a key of another type than it says, and something that is no key.
    let spki = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC9wiSHLb+Jon2hWnKzKOVSMKhJumDFwF7tIpNLFDrfXcpmyPinocmBJDhr5DAyY0qu42Q+iYFIiY45aiYzAHympfGt4Sj0vRRChP15bTFzns6ju0WMMnKPJuIRMJ6JLSN8td2Uuo4HjHaZCSAEYrrADl6NZuFMbF5+sim7MtaZ7QIDAQAB";
    for (key_type, public) in [("rsa", spki), ("sphincs", "AAAA"), ("ed25519", "AAAA"), ("ecdsa", "AAAA"), ("ecdsa-x509", "AAAA")]
    {
        let key: wharfinger_tuf::TufKey =
            serde_json::from_value(json!({ "keytype": key_type, "keyval": { "private": null, "public": public } })).unwrap();
        assert!(key.public_key().is_none(), "{key_type}");
        let mut stage = Stage::new();
        let delegations = &mut stage.forge.file("targets").delegations;
        delegations.keys.insert(key.tuf_id(), key.clone());
        delegations.roles[1].keys.keyids = vec![key.tuf_id()];
        let qa = role("targets/qa");
        let site = stage.spoil(&qa, |mut file| {
            file["signatures"][0]["keyid"] = json!(key.tuf_id());
            serde_json::to_vec(&file).unwrap()
        });
        assert_eq!(stage.judge(&site, &qa), (Verdict::LeftOut, Verdict::LeftOut), "{key_type}");
    }
}

#[test]
fn delegations_name_direct_children_once() {
    let stage = Stage::new();
    let spoil = |change: &dyn Fn(&mut Vec<Value>)| {
        stage.spoil(&RoleName::Targets, |mut file| {
            change(file["signed"]["delegations"]["roles"].as_array_mut().unwrap());
            sign_tree(&file["signed"], &stage.keys(&RoleName::Targets))
        })
    };
    let twice = spoil(&|roles| roles.push(roles[0].clone()));
    let grandchild = spoil(&|roles| roles[0]["name"] = json!("targets/a/b"));
    let base = spoil(&|roles| roles[0]["name"] = json!("snapshot"));
    let unclean = spoil(&|roles| roles[0]["name"] = json!("targets/../x"));
    for site in [twice, grandchild, base, unclean] {
        assert_eq!(stage.judge(&site, &RoleName::Targets), MALFORMED);
    }
}

#[test]
fn what_stock_clients_write_for_nothing_is_accepted() {
    let stage = Stage::new();
    let no_keys = rekey(&stage, &role("targets/qa"), |entry, _| entry["keyids"] = Value::Null);
    assert_eq!(stage.judge(&no_keys, &role("targets/qa")), (Verdict::LeftOut, Verdict::LeftOut));
    let no_roles = stage.spoil(&RoleName::Targets, |mut file| {
        file["signed"]["delegations"]["roles"] = Value::Null;
        file["signed"]["targets"]["v9"] = serde_json::to_value(forge::target("nine")).unwrap();
        sign_tree(&file["signed"], &stage.keys(&RoleName::Targets))
    });
    let collection = no_roles.walk(&stage.gun).unwrap();
    assert!(collection.released("v9").is_some(), "without delegations, `targets` says what a tag means");
    assert!(collection.released("v1").is_none());
}

#[test]
fn a_hundred_thousand_delegations_are_not_followed() {
    let mut forge = Forge::signed(GUN);
    let template = forge.delegation("targets/qa").clone();
    for number in 0..1000 {
        let delegation = wharfinger_tuf::Delegation { name: role(&format!("targets/n{number}")), ..template.clone() };
        forge.file("targets").delegations.roles.push(delegation);
    }
    let result = forge.render().walk(&forge.gun);
    assert_eq!(result.err(), Some(WalkError::TooManyDelegations { role: RoleName::Targets }));
    let mut deep = Forge::signed(GUN);
    let mut name = "targets/a".to_owned();
    for _ in 0..12 {
        deep.delegate(&name, vec![Identity::bare()], 1);
        name.push_str("/a");
    }
    assert!(matches!(deep.render().walk(&deep.gun), Err(WalkError::TooManyDelegations { .. })));
}
