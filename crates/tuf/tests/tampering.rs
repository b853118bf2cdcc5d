//! The tampering machine: every corruption × every role × {a client that comes for the first time, a client that remembers}.
//! Each must be refused with the right error; each has its honest twin.

mod forge;

use std::collections::BTreeMap;

use forge::{Forge, Identity, Site, known, now, role, sign_tree};
use serde_json::{Value, json};
use time::Duration;
use wharfinger_keys::KeyId;
use wharfinger_tuf::{Collection, Gun, Known, ParseError, RoleName, SignatureError, Skip, WalkError};

const GUN: &str = "dtr.test/qa/app";
const ROLES: [&str; 6] = ["root", "timestamp", "snapshot", "targets", "targets/releases", "targets/qa"];

/// What must come of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verdict {
    Signatures,
    Malformed,
    Expired,
    Hash,
    TooLarge,
    Length,
    Missing,
    Rollback,
    RootChanged,
    /// Only this delegation is left out, with all that it says.
    LeftOut,
    Accepted,
}

fn verdict(result: &Result<Collection, WalkError>, spoiled: &RoleName) -> Verdict {
    let (verdict, named) = match result {
        Ok(collection) => {
            let left_out = collection.skipped().iter().any(|skipped| skipped.role == *spoiled);
            if left_out {
                assert!(collection.delegation(spoiled).is_none());
                assert!(collection.counted("v1").is_empty());
                return Verdict::LeftOut;
            }
            return Verdict::Accepted;
        }
        Err(WalkError::Signatures { role, .. }) => (Verdict::Signatures, role),
        Err(WalkError::Malformed { role, .. }) => (Verdict::Malformed, role),
        Err(WalkError::Expired { role, .. }) => (Verdict::Expired, role),
        Err(WalkError::Hash { role }) => (Verdict::Hash, role),
        Err(WalkError::TooLarge { role, .. }) => (Verdict::TooLarge, role),
        Err(WalkError::Length { role, .. }) => (Verdict::Length, role),
        Err(WalkError::Missing { role }) => (Verdict::Missing, role),
        Err(WalkError::Rollback { role, .. }) => (Verdict::Rollback, role),
        Err(WalkError::RootChanged { .. }) => (Verdict::RootChanged, &RoleName::Root),
        Err(other) => panic!("{spoiled}: {other}"),
    };
    assert_eq!(named, spoiled, "{result:?}");
    verdict
}

/// A publisher's next publication, with a root of version 2, and what a client remembers that saw the first.
struct Stage {
    forge: Forge,
    gun: Gun,
    known: Known,
    before: Site,
}

impl Stage {
    fn new() -> Self {
        let mut forge = Forge::signed(GUN);
        let before = forge.render();
        let gun = forge.gun.clone();
        let known = known(&before.walk(&gun).unwrap());
        forge.next();
        forge.root.version = 2;
        Self { forge, gun, known, before }
    }

    /// Walks `site` fresh and with state.
    fn judge(&self, site: &Site, spoiled: &RoleName) -> (Verdict, Verdict) {
        let fresh = verdict(&site.walk(&self.gun), spoiled);
        (fresh, verdict(&site.walk_knowing(&self.gun, self.known.clone()), spoiled))
    }

    /// Renders with the file of one role changed before its parent takes its hash: the attacker holds the keys above.
    fn spoil(&self, spoiled: &RoleName, change: impl Fn(Value) -> Vec<u8>) -> Site {
        self.forge.render_spoiled(
            |role, bytes| {
                if role == spoiled { change(serde_json::from_slice(&bytes).unwrap()) } else { bytes }
            },
        )
    }

    fn keys(&self, role: &RoleName) -> Vec<(KeyId, &wharfinger_keys::PrivateKey)> {
        self.forge.identities(role).into_iter().map(|identity| (identity.id(), &identity.private)).collect()
    }
}

fn each_role(test: impl Fn(&Stage, &RoleName)) {
    let stage = Stage::new();
    for name in ROLES {
        test(&stage, &role(name));
    }
}

/// What a file without enough signatures comes to.
fn under_signed(role: &RoleName) -> (Verdict, Verdict) {
    match role {
        RoleName::Delegation(_) => (Verdict::LeftOut, Verdict::LeftOut),
        // With state it is a successor that the trusted root did not sign.
        RoleName::Root => (Verdict::Signatures, Verdict::RootChanged),
        _ => (Verdict::Signatures, Verdict::Signatures),
    }
}

const MALFORMED: (Verdict, Verdict) = (Verdict::Malformed, Verdict::Malformed);

#[test]
fn the_honest_twin_is_accepted() {
    each_role(|stage, role| {
        let site = stage.spoil(role, |file| serde_json::to_vec_pretty(&file).unwrap());
        assert_eq!(stage.judge(&site, role), (Verdict::Accepted, Verdict::Accepted), "{role}: white space is nobody's business");
        let collection = site.walk_knowing(&stage.gun, stage.known.clone()).unwrap();
        assert_eq!(collection.counted("v1").len(), 1);
        assert_eq!(collection.root().signed().version, 2);
    });
}

#[test]
fn a_changed_statement_is_not_signed() {
    each_role(|stage, role| {
        let site = stage.spoil(role, |mut file| {
            file["signed"]["added"] = json!(1);
            serde_json::to_vec(&file).unwrap()
        });
        assert_eq!(stage.judge(&site, role), under_signed(role), "{role}");
    });
}

#[test]
fn any_flipped_byte_is_refused() {
    each_role(|stage, role| {
        let honest = stage.forge.render();
        let bytes = honest.files[&format!("{role}.json")].clone();
        for at in (0..bytes.len()).step_by(7) {
            let mut changed = bytes.clone();
            changed[at] ^= 4;
            let mut site = honest.clone();
            site.replace(role, &changed);
            for known in [Known::default(), stage.known.clone()] {
                let result = site.walk_knowing(&stage.gun, known);
                // Only the timestamp, and a root that nothing names yet, could be changed without anyone seeing it: outside of what is
                // signed. Then what it says is what was signed.
                match (role, &result) {
                    (RoleName::Timestamp, Ok(collection)) => {
                        assert_eq!(collection.versions(), honest.walk(&stage.gun).unwrap().versions());
                    }
                    (_, result) => assert!(result.is_err(), "{role} {at}"),
                }
            }
        }
    });
}

#[test]
fn a_file_without_signatures_is_not_signed() {
    each_role(|stage, role| {
        for signatures in [json!([]), json!(null)] {
            let site = stage.spoil(role, |mut file| {
                file["signatures"] = signatures.clone();
                serde_json::to_vec(&file).unwrap()
            });
            assert_eq!(stage.judge(&site, role), under_signed(role), "{role}");
        }
    });
}

#[test]
fn a_strangers_signature_counts_for_nothing() {
    let stranger = Identity::certified(GUN);
    each_role(|stage, role| {
        let own_id = stage.spoil(role, |file| sign_tree(&file["signed"], &[(stranger.id(), &stranger.private)]));
        assert_eq!(stage.judge(&own_id, role), under_signed(role), "{role}");
        let borrowed_id = stage.forge.identities(role)[0].id();
        let borrowed = stage.spoil(role, |file| sign_tree(&file["signed"], &[(borrowed_id, &stranger.private)]));
        assert_eq!(stage.judge(&borrowed, role), under_signed(role), "{role}");
    });
}

#[test]
fn a_signature_of_another_method_or_form_counts_for_nothing() {
    each_role(|stage, role| {
        for (method, cut) in [("rsapss", 0), ("eddsa", 0), ("none", 0), ("", 0), ("ecdsa", 2)] {
            let site = stage.spoil(role, |mut file| {
                file["signatures"][0]["method"] = json!(method);
                let signature = file["signatures"][0]["sig"].as_str().unwrap().to_owned();
                // Four characters of base64 are three bytes.
                file["signatures"][0]["sig"] = json!(signature[..signature.len() - 4 * cut]);
                serde_json::to_vec(&file).unwrap()
            });
            assert_eq!(stage.judge(&site, role), under_signed(role), "{role} {method}");
        }
        let upper_case = stage.spoil(role, |mut file| {
            file["signatures"][0]["method"] = json!("ECDSA");
            serde_json::to_vec(&file).unwrap()
        });
        assert_eq!(stage.judge(&upper_case, role), (Verdict::Accepted, Verdict::Accepted));
    });
}

#[test]
fn a_file_of_another_type_is_malformed_whoever_signed_it() {
    each_role(|stage, role| {
        for wrong in ["Root", "Targets", "Snapshot", "Timestamp", "targets", ""] {
            if wrong == role.type_name() {
                continue;
            }
            let site = stage.spoil(role, |mut file| {
                file["signed"]["_type"] = json!(wrong);
                sign_tree(&file["signed"], &stage.keys(role))
            });
            assert_eq!(stage.judge(&site, role), MALFORMED, "{role} as {wrong}");
        }
    });
}

#[test]
fn a_foreign_roles_file_is_refused() {
    each_role(|stage, role| {
        let honest = stage.forge.render();
        for other in ROLES.iter().map(|name| forge::role(name)).filter(|other| other != role) {
            let foreign = honest.files[&format!("{other}.json")].clone();
            let site = stage.forge.render_spoiled(|at, bytes| if at == role { foreign.clone() } else { bytes });
            let expected = match (role.type_name() == other.type_name(), role) {
                (false, _) => MALFORMED,
                // A file of `targets` as that of a delegation, or the other way round, delegates to nobody's child.
                (true, RoleName::Delegation(_)) if other == RoleName::Targets => MALFORMED,
                (true, role) => under_signed(role),
            };
            assert_eq!(stage.judge(&site, role), expected, "{other} as {role}");
        }
    });
}

#[test]
fn what_is_not_metadata_is_malformed() {
    each_role(|stage, role| {
        let honest = stage.forge.render().files[&format!("{role}.json")].clone();
        let deep = [vec![b'['; 20_000], vec![b']'; 20_000]].concat();
        for garbage in [b"".as_slice(), b"<html>", b"{}", b"null", b"[]", &honest[..honest.len() / 2], &deep, b"\xff\xfe"] {
            let site = stage.spoil(role, |_| garbage.to_vec());
            assert_eq!(
                stage.judge(&site, role),
                MALFORMED,
                "{role} {}",
                String::from_utf8_lossy(&garbage[..garbage.len().min(10)])
            );
        }
    });
}

#[test]
fn fields_of_the_wrong_form_are_malformed_whoever_signed_them() {
    each_role(|stage, role| {
        for (field, value) in [
            ("version", json!(0)),
            ("version", json!(-1)),
            ("version", json!("2")),
            ("version", json!(9_007_199_254_740_993_u64)),
            ("version", Value::Null),
            ("expires", json!("tomorrow")),
            ("expires", json!(1)),
            ("expires", Value::Null),
            ("extra", json!(1.5)),
        ] {
            let change = |mut file: Value| {
                file["signed"][field] = value.clone();
                let canonical = wharfinger_tuf::canonical::to_vec(&file["signed"]);
                if canonical.is_err() {
                    serde_json::to_vec(&file).unwrap()
                } else {
                    sign_tree(&file["signed"], &stage.keys(role))
                }
            };
            assert_eq!(stage.judge(&stage.spoil(role, change), role), MALFORMED, "{role} {field}");
        }
    });
}

#[test]
fn an_expired_file_is_refused_and_an_expired_delegation_left_out() {
    each_role(|stage, role| {
        let site = stage.spoil(role, |mut file| {
            file["signed"]["expires"] = json!(wharfinger_tuf::format_time(now() - Duration::nanoseconds(1)));
            sign_tree(&file["signed"], &stage.keys(role))
        });
        let expected = if role.is_delegation() { Verdict::LeftOut } else { Verdict::Expired };
        assert_eq!(stage.judge(&site, role), (expected, expected), "{role}");
        let last_moment = stage.spoil(role, |mut file| {
            file["signed"]["expires"] = json!(wharfinger_tuf::format_time(now()));
            sign_tree(&file["signed"], &stage.keys(role))
        });
        assert_eq!(stage.judge(&last_moment, role), (Verdict::Accepted, Verdict::Accepted), "{role}");
    });
}

#[test]
fn a_lower_version_than_remembered_is_a_rollback() {
    each_role(|stage, role| {
        let mut known = stage.known.clone();
        // The client has seen version 3 of it; now version 2 comes, validly signed and named.
        known.versions.insert(role.clone(), 3);
        let site = stage.forge.render();
        assert!(site.walk(&stage.gun).is_ok());
        let result = site.walk_knowing(&stage.gun, known);
        if *role == RoleName::Root {
            // Roots are followed from the one that is trusted: that one is what is remembered.
            assert!(result.is_ok());
        } else {
            assert_eq!(verdict(&result, role), Verdict::Rollback, "{role}");
        }
    });
}

#[test]
fn a_root_older_than_the_trusted_one_is_a_rollback() {
    let stage = Stage::new();
    let trusted = Known { root: Some(stage.forge.render().files["root.json"].clone()), ..Known::default() };
    assert_eq!(verdict(&stage.before.walk_knowing(&stage.gun, trusted), &RoleName::Root), Verdict::Rollback);
}

#[test]
fn a_file_from_another_publication_does_not_fit_its_hash() {
    each_role(|stage, role| {
        let mut site = stage.forge.render();
        site.replace(role, &stage.before.files[&format!("{role}.json")]);
        let expected = match role {
            // The old timestamp names the old snapshot, which is still served; but its root is not the one it was made with.
            RoleName::Timestamp => continue_with_old_timestamp(stage, &site),
            _ => (Verdict::Hash, Verdict::Hash),
        };
        if *role != RoleName::Timestamp {
            let (fresh, stateful) = stage.judge(&site, role);
            let same_length =
                |verdict| if matches!(verdict, Verdict::Length | Verdict::TooLarge) { Verdict::Hash } else { verdict };
            assert_eq!((same_length(fresh), same_length(stateful)), expected, "{role}");
        }
    });
}

fn continue_with_old_timestamp(stage: &Stage, site: &Site) -> (Verdict, Verdict) {
    let mut site = site.clone();
    let missing = verdict(&site.walk(&stage.gun), &RoleName::Snapshot);
    assert_eq!(missing, Verdict::Missing, "the old snapshot is gone");
    for (name, bytes) in &stage.before.files {
        site.files.entry(name.clone()).or_insert_with(|| bytes.clone());
    }
    assert_eq!(verdict(&site.walk(&stage.gun), &RoleName::Root), Verdict::Rollback);
    let mut known = stage.known.clone();
    known.versions.insert(RoleName::Timestamp, 2);
    assert_eq!(verdict(&site.walk_knowing(&stage.gun, known), &RoleName::Timestamp), Verdict::Rollback);
    (Verdict::Accepted, Verdict::Accepted)
}

#[test]
fn a_longer_file_is_too_large_and_a_shorter_one_too_short() {
    each_role(|stage, role| {
        let honest = stage.forge.render();
        let bytes = &honest.files[&format!("{role}.json")];
        let mut longer = honest.clone();
        longer.replace(role, &[bytes.as_slice(), b" "].concat());
        let mut shorter = honest.clone();
        shorter.replace(role, &bytes[..bytes.len() - 1]);
        let (long, short) = (stage.judge(&longer, role), stage.judge(&shorter, role));
        match role {
            RoleName::Timestamp => {
                assert_eq!(long, (Verdict::Accepted, Verdict::Accepted), "nothing names the timestamp's length");
                assert_eq!(short, MALFORMED);
            }
            // A first root is taken as it comes, and then compared with what the snapshot names.
            RoleName::Root => {
                assert_eq!(long, (Verdict::TooLarge, Verdict::TooLarge));
                assert_eq!(short, (Verdict::Malformed, Verdict::Length));
            }
            _ => {
                assert_eq!(long, (Verdict::TooLarge, Verdict::TooLarge), "{role}");
                assert_eq!(short, (Verdict::Length, Verdict::Length), "{role}");
            }
        }
    });
}

#[test]
fn more_than_the_limit_is_not_read() {
    each_role(|stage, role| {
        let site = stage.forge.render();
        let mut limits = wharfinger_tuf::Limits { root: 100_000, ..Default::default() };
        match role {
            RoleName::Root => limits.root = 10,
            RoleName::Timestamp => limits.timestamp = 10,
            _ => limits.file = 10,
        }
        let result = site.walk_with(&stage.gun, now(), Known::default(), wharfinger_tuf::Pins::default(), limits);
        assert!(matches!(result, Err(WalkError::TooLarge { .. })), "{role}: {result:?}");
    });
    let stage = Stage::new();
    let limits = wharfinger_tuf::Limits { total: 5000, ..Default::default() };
    let result = stage.forge.render().walk_with(&stage.gun, now(), Known::default(), wharfinger_tuf::Pins::default(), limits);
    assert!(matches!(result, Err(WalkError::TooLarge { .. })), "{result:?}");
}

#[test]
fn a_missing_file_is_missing_also_if_it_is_a_delegations() {
    each_role(|stage, role| {
        let mut site = stage.forge.render();
        site.names(role).iter().for_each(|name| drop(site.files.remove(name)));
        let (fresh, stateful) = stage.judge(&site, role);
        assert_eq!(fresh, Verdict::Missing, "{role}");
        // With state, the root that the snapshot names is another than the one trusted, and it cannot be had.
        let expected = if *role == RoleName::Root { Verdict::Length } else { Verdict::Missing };
        let expected = if stateful == Verdict::Hash && *role == RoleName::Root { Verdict::Hash } else { expected };
        assert_eq!(stateful, expected, "{role}");
    });
}

#[test]
fn every_hash_given_must_match() {
    for named in ["snapshot", "root", "targets", "targets/releases", "targets/qa"] {
        let stage = Stage::new();
        let parent = if named == "snapshot" { RoleName::Timestamp } else { RoleName::Snapshot };
        let spoil = |change: &dyn Fn(&mut Value)| {
            stage.spoil(&parent, |mut file| {
                change(&mut file["signed"]["meta"][named]);
                sign_tree(&file["signed"], &stage.keys(&parent))
            })
        };
        let wrong_sha512 = spoil(&|meta| meta["hashes"]["sha512"] = json!(format!("{}==", "A".repeat(86))));
        assert_eq!(stage.judge(&wrong_sha512, &role(named)), (Verdict::Hash, Verdict::Hash), "{named}");
        let only_unknown = spoil(&|meta| meta["hashes"] = json!({ "md5": "AAAA" }));
        let result = only_unknown.walk(&stage.gun);
        assert!(
            matches!(result, Err(WalkError::Malformed { .. } | WalkError::Missing { .. } | WalkError::Hash { .. })),
            "{result:?}"
        );
        let short_sha256 = spoil(&|meta| meta["hashes"]["sha256"] = json!("AAAA"));
        assert_eq!(stage.judge(&short_sha256, &parent), MALFORMED, "{named}");
    }
}

#[test]
fn a_snapshot_must_name_root_and_targets_and_a_timestamp_the_snapshot() {
    let stage = Stage::new();
    for (parent, named) in [("timestamp", "snapshot"), ("snapshot", "root"), ("snapshot", "targets")] {
        let parent = role(parent);
        let site = stage.spoil(&parent, |mut file| {
            file["signed"]["meta"].as_object_mut().unwrap().remove(named);
            sign_tree(&file["signed"], &stage.keys(&parent))
        });
        assert_eq!(stage.judge(&site, &parent), MALFORMED, "{named}");
    }
}

#[test]
fn a_delegation_that_the_snapshot_does_not_name_takes_its_signature_away() {
    let stage = Stage::new();
    let site = stage.spoil(&RoleName::Snapshot, |mut file| {
        file["signed"]["meta"].as_object_mut().unwrap().remove("targets/qa");
        sign_tree(&file["signed"], &stage.keys(&RoleName::Snapshot))
    });
    let collection = site.walk(&stage.gun).unwrap();
    assert_eq!(collection.skipped()[0].why, Skip::NeverPublished);
    assert!(collection.released("v1").is_some());
    assert!(collection.counted("v1").is_empty());
}

/// Changes how the keys of a role stand in its parent (root, or `targets` for delegations), which is then signed again.
fn rekey(stage: &Stage, role: &RoleName, change: impl Fn(&mut Value, &mut Value)) -> Site {
    let parent = if role.is_delegation() { RoleName::Targets } else { RoleName::Root };
    stage.spoil(&parent, |mut file| {
        let mut signed = file["signed"].take();
        let delegations = if role.is_delegation() { signed["delegations"].take() } else { signed.take() };
        let mut delegations = delegations;
        let mut keys = delegations["keys"].take();
        let at = match &delegations["roles"] {
            Value::Array(roles) => json!(roles.iter().position(|one| one["name"] == role.as_str()).unwrap()),
            _ => json!(role.as_str()),
        };
        let entry = match &at {
            Value::Number(at) => &mut delegations["roles"][usize::try_from(at.as_u64().unwrap()).unwrap()],
            at => &mut delegations["roles"][at.as_str().unwrap()],
        };
        change(entry, &mut keys);
        delegations["keys"] = keys;
        if role.is_delegation() {
            signed["delegations"] = delegations;
        } else {
            signed = delegations;
        }
        sign_tree(&signed, &stage.keys(&parent))
    })
}

/// Where a wrong key entry shows.
fn parent_of(role: &RoleName) -> RoleName {
    if role.is_delegation() { RoleName::Targets } else { RoleName::Root }
}

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

#[test]
fn more_signatures_than_any_file_needs_are_malformed() {
    each_role(|stage, role| {
        let site = stage.spoil(role, |mut file| {
            let signature = file["signatures"][0].clone();
            file["signatures"] = Value::Array(vec![signature; 1001]);
            serde_json::to_vec(&file).unwrap()
        });
        assert_eq!(stage.judge(&site, role), MALFORMED, "{role}");
    });
}

#[test]
fn the_error_says_what_is_wrong() {
    let stage = Stage::new();
    let mut versions = BTreeMap::new();
    versions.insert(RoleName::Targets, 7);
    let known = Known { root: None, versions };
    let error = stage.forge.render().walk_knowing(&stage.gun, known).unwrap_err();
    assert_eq!(error.to_string(), "targets has version 2, which is lower than version 7 seen before");
    let error = WalkError::Malformed { role: RoleName::Root, source: ParseError::Version };
    assert_eq!(error.to_string(), "root is malformed: version cannot be less than one");
}
