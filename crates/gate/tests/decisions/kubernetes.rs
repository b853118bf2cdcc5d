//! What only Kubernetes asks of the gate: users that are no accounts, credentials that have to be fetched, dry runs, warnings.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use axum::http::StatusCode;
use wharfinger_gate::{Cause, Decide as _, Denial, Pin, Presented, PresentedError, Purpose, Workload};
use wharfinger_oci::Reference;
use wharfinger_policy::{Mode, Rule};
use wharfinger_trust::Credentials;

use crate::stage::Stage;

/// Counts how often it is asked, and cannot say.
#[derive(Default)]
struct Unreadable(AtomicUsize);

#[async_trait]
impl Presented for Unreadable {
    async fn for_image(&self, _: &Reference) -> Result<Vec<Credentials>, PresentedError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Err(PresentedError("the API server did not answer".to_owned()))
    }
}

fn pod(stage: &Stage, path: &str, credentials: Arc<dyn Presented>) -> Workload {
    let of = Stage::workload(&stage.host.gun(path), Purpose::Admission);
    Workload { account: None, account_name: "kubernetes:jane".to_owned(), is_admin: false, credentials, ..of }
}

#[tokio::test]
async fn a_dry_run_is_decided_and_leaves_nothing() {
    let stage = Stage::new().await;
    let dry = |path| Workload { dry_run: true, ..Stage::workload(&stage.host.gun(path), Purpose::Admission) };
    assert!(stage.gate.admit(&dry("qa/app:v1")).await.is_ok());
    assert!(stage.gate.admit(&dry("qa/app:v2")).await.is_err());
    assert!(stage.recorded().await.is_empty());
    assert_eq!(stage.gate.decisions(), wharfinger_gate::Decisions::default());
    stage.host.script().status = Some(StatusCode::BAD_GATEWAY);
    assert!(stage.gate.admit(&dry("qa/app:v1")).await.is_err(), "it proved nothing for when the registry is silent");
}

#[tokio::test]
async fn what_a_rule_in_audit_mode_would_refuse_is_a_warning() {
    let stage = Stage::new().await;
    let audit = |configuration: &mut wharfinger_policy::Configuration| {
        configuration.trust.rules = vec![Rule { mode: Mode::Audit, ..stage.rule("qa/*", &["security"], None) }];
    };
    stage.configure(audit).await;
    let admitted = stage.admit("qa/app:v1").await.unwrap();
    let [Denial { cause, .. }] = admitted.warnings() else { panic!("{:?}", admitted.warnings()) };
    assert!(matches!(cause, Cause::RuleNotMet { .. }), "{cause:?}");
    stage.configure(|configuration| configuration.trust.rules.clear()).await;
    assert!(stage.admit("qa/app:v1").await.unwrap().warnings().is_empty());
}

#[tokio::test]
async fn credentials_are_fetched_only_when_a_registry_is_asked() {
    let stage = Stage::new().await;
    let unreadable = Arc::new(Unreadable::default());
    assert!(stage.gate.admit(&pod(&stage, "qa/app:v1", unreadable.clone())).await.is_ok(), "they were not needed");
    let asked = unreadable.0.load(Ordering::SeqCst);
    let elsewhere = Workload { images: vec!["evil.test/qa/app:v1".to_owned()], ..pod(&stage, "x/y:1", unreadable.clone()) };
    assert!(stage.gate.admit(&elsewhere).await.is_err());
    assert_eq!(unreadable.0.load(Ordering::SeqCst), asked, "nobody is asked about a host that is not registered");
}

#[tokio::test]
async fn credentials_that_could_not_be_read_are_the_reason_when_the_registry_wants_some() {
    let stage = Stage::new().await;
    stage.host.script().status = Some(StatusCode::FORBIDDEN);
    let denial = stage.gate.admit(&pod(&stage, "qa/app:v1", Arc::new(Unreadable::default()))).await.unwrap_err();
    assert!(denial.reason().contains("the API server did not answer"), "{}", denial.reason());
    assert_eq!(denial.status(), 503);
    let denial = stage.gate.admit(&pod(&stage, "qa/app:v1", Arc::new(Vec::new()))).await.unwrap_err();
    assert_eq!(denial.reason(), "image or trust data does not exist");
    assert_eq!(denial.cause, Cause::NoTrustData { credentials_refused: true });
}

#[tokio::test]
async fn a_kubernetes_user_is_recorded_by_name_and_told_what_anybody_may_know() {
    let stage = Stage::new().await;
    stage.configure(|configuration| Stage::require(configuration, &["security"])).await;
    let denial = stage.gate.admit(&pod(&stage, "qa/app:v1", Arc::new(Vec::new()))).await.unwrap_err();
    assert!(matches!(denial.cause, Cause::Withheld(_)), "{denial:?}");
    assert_eq!(denial.reason(), "image did not meet required signing policy");
    let recorded = &stage.recorded().await[0];
    assert_eq!(recorded.actor, "kubernetes:jane");
    assert!(recorded.detail.contains("\"purpose\":\"admission\""), "{}", recorded.detail);
    stage.configure(|configuration| Stage::require(configuration, &["qa"])).await;
    let admitted = stage.gate.admit(&pod(&stage, "qa/app:v1", Arc::new(Vec::new()))).await.unwrap();
    assert!(matches!(admitted.pin(&stage.host.gun("qa/app:v1")), Some(Pin::Signed(_))));
}
