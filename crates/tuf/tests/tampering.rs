//! The tampering machine: every corruption × every role × {a client that comes for the first time, a client that remembers}.
//! Each must be refused with the right error; each has its honest twin.

mod forge;

use std::collections::BTreeMap;

use forge::machine::{GUN, MALFORMED, ROLES, Stage, Verdict, each_role, under_signed, verdict};
use forge::{Identity, Site, now, role, sign_tree};
use serde_json::{Value, json};
use time::Duration;
use wharfinger_tuf::{Known, ParseError, RoleName, Skip, WalkError};

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

#[test]
fn signatures_are_bounded_over_all_files() {
    let stage = Stage::new();
    let limits = wharfinger_tuf::Limits { signatures: 2, ..Default::default() };
    let result = stage.forge.render().walk_with(&stage.gun, now(), Known::default(), wharfinger_tuf::Pins::default(), limits);
    assert!(matches!(result, Err(WalkError::TooManySignatures { .. })), "{result:?}");
}

#[test]
fn more_signatures_than_any_file_needs_are_malformed() {
    each_role(|stage, role| {
        let site = stage.spoil(role, |mut file| {
            let signature = file["signatures"][0].clone();
            file["signatures"] = Value::Array(vec![signature; 501]);
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
