//! A recorded decision is reached again from its record, by each kind of verdict; what was changed afterwards is not.

use wharfinger_gate::{Decide as _, Grounds, Purpose, Replay, ReplayRefused, Replayed, Workload};
use wharfinger_identity::AccountId;
use wharfinger_policy::{Exemption, Mode, NamedUser};
use wharfinger_storage::audit::{Link, Recorded};

use crate::forge::{now, target};
use crate::stage::Stage;

fn replay(log: &[Recorded], id: i64) -> Result<Replayed, ReplayRefused> {
    let mut replay = Replay::of(id);
    for entry in log {
        replay.take(entry)?;
    }
    replay.finish(length(log))
}

fn length(log: &[Recorded]) -> i64 {
    i64::try_from(log.len()).unwrap()
}

/// The log with entry `id` changed and every link after it made to fit.
fn forged(mut log: Vec<Recorded>, id: i64, change: impl FnOnce(&mut Recorded)) -> Vec<Recorded> {
    let index = usize::try_from(id).unwrap() - 1;
    change(&mut log[index]);
    let mut link = Link::START;
    for entry in &mut log {
        link = link.next(entry.id, &entry.act);
        entry.link = link;
    }
    log
}

fn in_kube_system(digest: &str) -> Exemption {
    let user = |name: &str| NamedUser { id: AccountId::stored(name), name: name.to_owned() };
    Exemption {
        digest: Some(digest.to_owned()),
        repository: None,
        namespaces: vec!["kube-system".parse().unwrap()],
        reason: "it comes with the cluster".to_owned(),
        requested_by: user("quinn"),
        approved_by: user("ann"),
        expires: now() + std::time::Duration::from_mins(1),
    }
}

#[tokio::test]
async fn every_verdict_follows_from_what_was_recorded_with_it() {
    let stage = Stage::new().await;
    let other = target("manifest two").digest().unwrap();
    let signed = target("manifest one").digest().unwrap();
    let elsewhere = stage.host.gun("infra/agent");
    stage
        .configure(|configuration| {
            configuration.trust.allow_repos = vec![elsewhere];
            configuration.trust.exemptions = vec![in_kube_system(&other)];
            let rule = stage.rule("audited/*", &["qa"], None);
            let there = stage.rule("qa/app", &["security"], None);
            let there = wharfinger_policy::Rule { namespaces: vec!["prod".parse().unwrap()], ..there };
            configuration.trust.rules = vec![wharfinger_policy::Rule { mode: Mode::Audit, ..rule }, there];
        })
        .await;
    stage.record_policy().await;
    let mut expected = Vec::new();
    for (path, verdict) in [
        ("qa/app:v1", "allow (signed)"),
        (&format!("qa/app@{signed}"), "allow (signed)"),
        (&format!("qa/app:v1@{other}"), "deny (other-digest)"),
        (&format!("qa/app@{other}"), "deny (not-released)"),
        ("qa/app:v2", "deny (not-released)"),
        ("qa/none:v1", "deny (no-trust-data)"),
        ("infra/agent:v1", "allow (exempt)"),
        ("audited/app:v1", "audit (no-trust-data)"),
    ] {
        drop(stage.decide(path).await);
        expected.push(verdict);
    }
    for (image, verdict) in [("evil.test/x:1", "deny (not-registered)"), ("Not A Name", "deny (malformed)")] {
        drop(stage.decide_exactly(image).await);
        expected.push(verdict);
    }
    let image = format!("{}:v1", stage.gun());
    let in_prod = Workload { namespace: Some("prod".to_owned()), ..Stage::workload(&image, Purpose::Create) };
    drop(stage.gate.admit(&in_prod).await);
    expected.push("deny (policy-not-met)");
    for (namespace, verdict) in [("kube-system", "allow (exempt)"), ("prod", "deny (not-registered)")] {
        let image = format!("registry.k8s.test/kube-proxy@{other}");
        let there = Workload { namespace: Some(namespace.to_owned()), ..Stage::workload(&image, Purpose::Create) };
        drop(stage.gate.admit(&there).await);
        expected.push(verdict);
    }
    stage.configure(|configuration| Stage::require(configuration, &["security"])).await;
    stage.record_policy().await;
    drop(stage.decide("qa/app:v1").await);
    let log = stage.log().await;
    for (id, verdict) in (2..).zip(expected) {
        let replayed = replay(&log, id).unwrap();
        assert_eq!((replayed.recorded.to_string().as_str(), replayed.policy_entry), (verdict, 1));
        assert!(replayed.follows(), "{id}: {replayed:?}");
    }
    let last = length(&log);
    let replayed = replay(&log, last).unwrap();
    assert_eq!((replayed.recorded.to_string().as_str(), replayed.policy_entry), ("deny (policy-not-met)", last - 1));
    assert!(replayed.follows());
    assert_eq!(replay(&log, 1), Err(ReplayRefused::NoDecision(1, "policy.change".to_owned())));
    assert_eq!(replay(&log, last + 1), Err(ReplayRefused::NoSuchEntry(last + 1)));
}

#[tokio::test]
async fn what_was_changed_is_not_replayed_or_does_not_follow() {
    let stage = Stage::new().await;
    stage.record_policy().await;
    drop(stage.decide("qa/app:v1").await);
    drop(stage.decide("qa/app:v2").await);
    let log = stage.log().await;
    let mut changed = log.clone();
    changed[2].act.outcome = "allow".to_owned();
    assert!(matches!(replay(&changed, 3), Err(ReplayRefused::Broken(_))));
    assert!(matches!(replay(&changed, 2), Err(ReplayRefused::Broken(_))), "a change of any entry is one of the log");
    assert!(replay(&log[..2], 2).is_ok(), "the positive twin");
    let mut cut = Replay::of(2);
    log[..2].iter().for_each(|entry| cut.take(entry).unwrap());
    assert!(matches!(cut.finish(3), Err(ReplayRefused::Broken(_))), "the end is missing");
    // Whoever can write the whole log anew still has to make verdicts that follow.
    let lied = forged(log.clone(), 3, |entry| entry.act.outcome = "allow".to_owned());
    assert!(!replay(&lied, 3).unwrap().follows());
    let unsigned = forged(log.clone(), 2, |entry| {
        let mut grounds: Grounds = serde_json::from_str(&entry.act.detail).unwrap();
        grounds.signers.clear();
        entry.act.detail = serde_json::to_string(&grounds).unwrap();
    });
    assert_eq!(replay(&unsigned, 2).unwrap().replayed.to_string(), "deny (policy-not-met)");
    let weaker = forged(log.clone(), 1, |entry| entry.act.detail = entry.act.detail.replace("org/qa", "org/xx"));
    assert!(matches!(replay(&weaker, 2), Err(ReplayRefused::NoPolicy(_))), "not the policy it was decided by");
    let old = forged(log, 2, |entry| entry.act.detail = r#"{"code":"signed","policy.revision":2}"#.to_owned());
    assert_eq!(replay(&old, 2), Err(ReplayRefused::NoGrounds(2)));
}

#[tokio::test]
async fn a_decision_records_the_hash_of_every_file_and_whose_keys_counted() {
    let stage = Stage::new().await;
    stage.decide("qa/app:v1").await.unwrap();
    let grounds: Grounds = serde_json::from_str(&stage.recorded().await[0].detail).unwrap();
    let roles: Vec<_> = grounds.files.keys().map(String::as_str).collect();
    assert_eq!(roles, ["root", "snapshot", "targets", "targets/qa", "targets/releases", "timestamp"]);
    let served = stage.host.script().sites[stage.gun().as_str()].files.clone();
    for (role, hash) in &grounds.files {
        let expected = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&served[&format!("{role}.json")]));
        assert_eq!(*hash, expected, "{role}");
    }
    let owner = grounds.signers[0].owner.as_ref().unwrap();
    assert_eq!((owner.name.as_str(), owner.is_active, grounds.signers.len()), ("quinn", true, 1));
    assert_eq!((grounds.tag.as_deref(), grounds.directory_revision), (Some("v1"), 1));
    assert_eq!(grounds.digest, target("manifest one").digest());
}
