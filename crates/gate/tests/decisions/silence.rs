//! When the registry does not answer, and when nobody has to ask it.

use std::time::Instant;

use axum::http::StatusCode;
use time::{Duration, OffsetDateTime};
use wharfinger_gate::{Cause, Decide as _, Pin, Purpose, Standing};
use wharfinger_policy::Staleness;

use crate::cause;
use crate::forge::now;
use crate::stage::Stage;

fn in_half_an_hour() -> OffsetDateTime {
    now() + Duration::minutes(30)
}

fn in_two_hours() -> OffsetDateTime {
    now() + Duration::hours(2)
}

fn an_hour_ago() -> OffsetDateTime {
    now() - Duration::hours(1)
}

#[tokio::test]
async fn what_was_proven_under_the_same_policy_is_allowed_and_nothing_else() {
    let stage = Stage::new().await;
    let Pin::Signed(fresh) = stage.decide("qa/app:v1").await.unwrap() else { panic!("not pinned") };
    stage.host.script().status = Some(StatusCode::SERVICE_UNAVAILABLE);
    let admitted = stage.admit("qa/app:v1").await.unwrap();
    stage.gate.still_current(&admitted).await.unwrap();
    let Pin::Signed(again) = stage.decide("qa/app:v1").await.unwrap() else { panic!("not pinned") };
    assert_eq!(again, fresh);
    let record = &stage.recorded().await[0];
    let detail: serde_json::Value = serde_json::from_str(&record.detail).unwrap();
    assert_eq!((record.outcome.as_str(), detail["stale_seconds"].is_u64()), ("allow", true), "{detail}");
    assert_eq!(stage.gate.decisions().stale, 2);
    let explained = stage.explain("qa/app:v1").await;
    assert!(explained.stale_seconds.is_some() && explained.message.contains("does not answer"), "{}", explained.message);
    // What runs is shown as an admission of it would be decided, and another policy has proven nothing.
    let (workload, standing) =
        (Stage::workload(&stage.host.gun("qa/app:v1"), Purpose::Create), Standing::Named(again.pinned.clone()));
    let appraised = stage.gate.appraise(&workload, &standing).await;
    assert_eq!((appraised.verdict, appraised.stale_seconds.is_some()), ("allow", true), "{}", appraised.message);
    let configuration = stage.configuration().await;
    assert_eq!(stage.gate.foresee(&configuration, &workload, &standing).await.code, "undecided");
    // Of another reference nothing was proven; of a tag that is not there nothing is known.
    let digest = format!("qa/app@{}", again.digest);
    for path in [digest.as_str(), "qa/app:v2", "qa/other:v1"] {
        assert!(matches!(cause(stage.decide(path).await), Cause::Undecided { .. }), "{path}");
    }
    // Nor under another policy, be it the same in all but its revision.
    stage.configure(|_| {}).await;
    assert!(matches!(cause(stage.decide("qa/app:v1").await), Cause::Undecided { .. }));
    // It recovers by itself.
    stage.host.script().status = None;
    assert!(stage.decide("qa/app:v1").await.is_ok());
    let detail: serde_json::Value = serde_json::from_str(&stage.recorded().await[0].detail).unwrap();
    assert!(detail["stale_seconds"].is_null());
}

#[tokio::test]
async fn a_signer_who_was_removed_denies_also_what_was_proven() {
    let stage = Stage::new().await;
    stage.decide("qa/app:v1").await.unwrap();
    stage.host.script().status = Some(StatusCode::SERVICE_UNAVAILABLE);
    stage.directory.deactivate();
    assert!(matches!(cause(stage.decide("qa/app:v1").await), Cause::PolicyNotMet { .. }));
    stage.directory.activate();
    assert!(stage.decide("qa/app:v1").await.is_ok());
    stage.directory.disown();
    assert!(matches!(cause(stage.decide("qa/app:v1").await), Cause::PolicyNotMet { .. }));
}

#[tokio::test]
async fn what_was_proven_is_allowed_for_as_long_as_the_policy_says() {
    let stage = Stage::new().await;
    let image = stage.host.gun("qa/app:v1");
    let workload = Stage::workload(&image, Purpose::Create);
    stage.gate.admit(&workload).await.unwrap();
    stage.host.script().status = Some(StatusCode::SERVICE_UNAVAILABLE);
    // Also in another process, which has only the proof. An hour is what is allowed if nothing is said.
    stage.restarted(in_half_an_hour).await.admit(&workload).await.unwrap();
    for clock in [in_two_hours, an_hour_ago] {
        let denied = stage.restarted(clock).await.admit(&workload).await.unwrap_err();
        assert!(matches!(denied.cause, Cause::Undecided { .. }), "{:?}", denied.cause);
    }
    for (minutes, allowed) in [(29, false), (31, true), (0, false)] {
        stage.host.script().status = None;
        stage.configure(|policy| policy.trust.max_staleness_minutes = Staleness::try_from(minutes).unwrap()).await;
        stage.gate.admit(&workload).await.unwrap();
        stage.host.script().status = Some(StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(stage.restarted(in_half_an_hour).await.admit(&workload).await.is_ok(), allowed, "{minutes}");
    }
}

#[tokio::test]
async fn a_wrong_answer_is_not_waited_out() {
    let stage = Stage::new().await;
    stage.decide("qa/app:v1").await.unwrap();
    let spoil = |bytes: &[u8]| {
        let mut script = stage.host.script();
        let site = script.sites.get_mut(stage.gun().as_str()).unwrap();
        site.files.insert("timestamp.json".to_owned(), bytes.to_vec());
    };
    spoil(b"<html>");
    assert!(matches!(cause(stage.decide("qa/app:v1").await), Cause::Distrusted { code: "invalid", .. }));
    // And it ends what was proven before.
    stage.host.script().status = Some(StatusCode::SERVICE_UNAVAILABLE);
    assert!(matches!(cause(stage.decide("qa/app:v1").await), Cause::Undecided { .. }));
    stage.host.script().status = Some(StatusCode::IM_A_TEAPOT);
    assert!(matches!(cause(stage.decide("qa/app:v1").await), Cause::Undecided { .. }));
}

#[tokio::test]
async fn a_registry_that_hangs_is_refused_within_seconds() {
    let stage = Stage::new().await;
    stage.decide("qa/app:v1").await.unwrap();
    stage.host.script().mute = true;
    let begun = Instant::now();
    assert!(matches!(cause(stage.decide("qa/other:v1").await), Cause::Undecided { .. }));
    // Two seconds are promised; the rest is for a busy machine.
    assert!(begun.elapsed() < std::time::Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn decisions_about_a_followed_registry_ask_nobody() {
    let mut stage = Stage::new().await;
    stage.host.feed(true);
    let following = tokio::spawn(stage.resolver.clone().follow(stage.gate.clone()));
    stage.decide("qa/app:v1").await.unwrap();
    let begun = Instant::now();
    while stage.resolver.lines().iter().all(|line| line.current == 0) {
        assert!(begun.elapsed() < std::time::Duration::from_secs(30), "never current");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    stage.host.requests();
    let admitted = stage.admit("qa/app:v1").await.unwrap();
    stage.gate.still_current(&admitted).await.unwrap();
    assert_eq!(stage.host.requests(), [""; 0]);
    // QA takes its signature back.
    stage.forge.file("targets/qa").targets.clear();
    stage.publish_next();
    stage.host.tell(stage.gun().as_str());
    while stage.decide("qa/app:v1").await.is_ok() {
        assert!(begun.elapsed() < std::time::Duration::from_mins(1), "it is still allowed");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(stage.gate.still_current(&admitted).await.is_err());
    following.abort();
}
