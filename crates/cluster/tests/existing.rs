//! The record of what ran before the policy: when it is taken, and that it stands.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use time::OffsetDateTime;
use time::macros::datetime;
use wharfinger_cluster::{
    Change, Cluster, ClusterError, PodList, PodRunner, PodsUnknown, Runner, RunnerSilent, Running, RunningPods,
};
use wharfinger_gate::{Purpose, Workload};
use wharfinger_keys::SealKey;
use wharfinger_policy::TrustDocument;
use wharfinger_storage::audit::Audit as _;
use wharfinger_storage::workloads::{WorkloadKind, Workloads as _};
use wharfinger_storage_sql::Sql;

fn now() -> OffsetDateTime {
    datetime!(2026-11-25 12:00 UTC)
}

/// An engine that says what a test wants.
#[derive(Default)]
struct Told {
    running: Mutex<Vec<Running>>,
    silent: AtomicBool,
}

#[async_trait]
impl Runner for Told {
    async fn running(&self) -> Result<Vec<Running>, RunnerSilent> {
        if self.silent.load(Ordering::SeqCst) {
            return Err(RunnerSilent("it is down".into()));
        }
        Ok(self.running.lock().unwrap().clone())
    }
}

/// A pod that is called as the engine's service.
struct APod;

#[async_trait]
impl PodRunner for APod {
    async fn running(&self) -> Result<PodList, PodsUnknown> {
        let question = Workload {
            images: vec![IMAGE.to_owned()],
            account: None,
            account_name: "kubernetes:".to_owned(),
            is_admin: false,
            credentials: Arc::new(Vec::new()),
            purpose: Purpose::Admission,
            namespace: Some("shop".to_owned()),
            dry_run: false,
        };
        let pod = RunningPods {
            namespace: "shop".to_owned(),
            kind: "service".to_owned(),
            name: "web".to_owned(),
            parts: Vec::new(),
            image: IMAGE.to_owned(),
            image_id: None,
            digests: vec![format!("dtr.test/qa/app@{}", digest("c"))],
            started: true,
            pods: 2,
            question,
        };
        Ok(PodList { pods: vec![pod], cut: None })
    }
}

struct Stage {
    sql: Arc<Sql>,
    cluster: Cluster,
    engine: Arc<Told>,
    _folder: tempfile::TempDir,
}

const IMAGE: &str = "dtr.test/qa/app:1";

fn digest(letter: &str) -> String {
    format!("sha256:{}", letter.repeat(64))
}

impl Stage {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sql = Arc::new(Sql::open(&folder.path().join("db")).await.unwrap());
        let engine = Arc::new(Told::default());
        let seal = Arc::new(SealKey::generate());
        let cluster = Cluster::new(sql.clone(), sql.clone(), sql.clone(), seal, None, None, now);
        let cluster = cluster.in_front_of(engine.clone(), sql.clone()).beside(Arc::new(APod));
        let stage = Self { sql, cluster, engine, _folder: folder };
        stage.runs("a");
        stage
    }

    /// The service runs that digest of its tag.
    fn runs(&self, letter: &str) {
        *self.engine.running.lock().unwrap() = vec![Running {
            kind: WorkloadKind::Service,
            id: "s1".to_owned(),
            name: "web".to_owned(),
            image: IMAGE.to_owned(),
            image_id: Some(digest("0")),
            digests: vec![format!("dtr.test/qa/app@{}", digest(letter))],
        }];
    }

    async fn switch(&self, on: bool) -> Change {
        self.try_switch(on).await.unwrap()
    }

    async fn try_switch(&self, on: bool) -> Result<Change, ClusterError> {
        let document = TrustDocument::from(&wharfinger_policy::TrustConfiguration {
            require_content_trust: on,
            ..wharfinger_policy::TrustConfiguration::default()
        });
        self.cluster.replace_trust("ann", document, None).await
    }

    async fn ran(&self) -> Option<String> {
        self.sql.ran("s1", IMAGE).await.unwrap()
    }
}

#[tokio::test]
async fn the_record_is_taken_when_the_switch_is_turned_on_and_stands_until_it_is_turned_on_again() {
    let stage = Stage::new().await;
    stage.cluster.record_existing().await.unwrap();
    assert_eq!(stage.ran().await, None, "without the policy there is nothing before it");
    assert!(stage.switch(true).await.notes.is_empty());
    let first = Some(format!("{IMAGE}@{}", digest("a")));
    assert_eq!(stage.ran().await, first);
    stage.runs("b");
    stage.switch(true).await;
    stage.cluster.record_existing().await.unwrap();
    assert_eq!(stage.ran().await, first, "what came after the policy did not run before it");
    let (rows, unseen) = stage.cluster.workloads().await.unwrap();
    assert!(unseen.is_empty(), "{unseen:?}");
    assert_eq!((rows[0].by_tag, &rows[0].ran_before), (true, &first));
    assert_eq!(rows[0].runs, Some(format!("{IMAGE}@{}", digest("b"))), "and what runs now is told beside it");
    stage.switch(false).await;
    stage.switch(true).await;
    assert_eq!(stage.ran().await, Some(format!("{IMAGE}@{}", digest("b"))));
    let recorded = stage.sql.newest(None, 100).await.unwrap();
    assert_eq!(recorded.iter().filter(|entry| entry.act.action == "workloads.record").count(), 2);
}

#[tokio::test]
async fn an_engine_that_is_down_does_not_keep_the_policy_off_and_is_asked_again() {
    let stage = Stage::new().await;
    stage.engine.silent.store(true, Ordering::SeqCst);
    let change = stage.switch(true).await;
    assert!(change.notes[0].contains("it is down"), "{:?}", change.notes);
    assert!(stage.cluster.current().await.unwrap().configuration.trust.require_content_trust);
    assert!(stage.cluster.record_existing().await.is_err());
    assert_eq!(stage.sql.census().await.unwrap(), None);
    stage.engine.silent.store(false, Ordering::SeqCst);
    stage.cluster.record_existing().await.unwrap();
    assert_eq!(stage.ran().await, Some(format!("{IMAGE}@{}", digest("a"))));
}

#[tokio::test]
async fn what_runs_in_kubernetes_is_listed_and_is_in_no_record() {
    let stage = Stage::new().await;
    stage.switch(true).await;
    let (rows, _) = stage.cluster.workloads().await.unwrap();
    let [service, pods] = rows.as_slice() else { panic!("{rows:?}") };
    assert!(service.by_tag && service.ran_before.is_some() && service.namespace.is_none() && service.pods.is_none());
    assert_eq!((pods.namespace.as_deref(), pods.pods, pods.by_tag, &pods.ran_before), (Some("shop"), Some(2), false, &None));
    assert_eq!(pods.runs, Some(format!("{IMAGE}@{}", digest("c"))));
    let recorded = stage.sql.census().await.unwrap().unwrap().workloads;
    assert_eq!(recorded.iter().map(|known| known.id.as_str()).collect::<Vec<_>>(), ["s1"]);
    stage.engine.silent.store(true, Ordering::SeqCst);
    let (rows, unseen) = stage.cluster.workloads().await.unwrap();
    assert_eq!(rows.len(), 1, "the rest is told");
    assert!(unseen[0].contains("it is down") && unseen[0].contains("wharfinger doctor"), "{unseen:?}");
}

#[tokio::test]
async fn a_record_of_an_earlier_time_does_not_outlive_the_next_switch() {
    let stage = Stage::new().await;
    stage.switch(true).await;
    stage.switch(false).await;
    stage.engine.silent.store(true, Ordering::SeqCst);
    stage.switch(true).await;
    assert_eq!(stage.ran().await, None, "nobody knows what it ran meanwhile");
}

#[tokio::test]
async fn two_who_turn_it_on_at_once_leave_a_record_and_no_act_that_was_not_done() {
    let stage = Stage::new().await;
    let (one, other) = tokio::join!(stage.try_switch(true), stage.try_switch(true));
    let made = [&one, &other].into_iter().filter(|change| change.is_ok()).count();
    assert!(matches!((&one, &other), (Ok(_), _) | (_, Ok(_))) && stage.ran().await.is_some());
    let recorded = stage.sql.newest(None, 100).await.unwrap();
    let done = recorded.iter().filter(|entry| entry.act.action == "policy.change" && entry.act.outcome == "done").count();
    assert_eq!(done, made);
}
