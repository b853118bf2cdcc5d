//! What a warm decision costs, counted and not timed. A program of its own: the statements of all that runs in it are counted.

#[path = "../../tuf/tests/forge/mod.rs"]
mod forge;
#[path = "../../trust/tests/host/mod.rs"]
mod host;
#[allow(dead_code, reason = "the decisions' tests use the rest")]
mod stage;

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use stage::Stage;
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use wharfinger_gate::Decide as _;

/// Every statement that reached the database, as the driver says.
#[derive(Clone, Default)]
struct Statements(Arc<Mutex<Vec<String>>>);

impl Statements {
    fn since(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl<S: tracing::Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        struct Summary(String);
        impl Visit for Summary {
            fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
                if field.name() == "summary" {
                    self.0 = format!("{value:?}");
                }
            }

            fn record_str(&mut self, field: &Field, value: &str) {
                if field.name() == "summary" {
                    value.clone_into(&mut self.0);
                }
            }
        }
        if event.metadata().target() == "sqlx::query" {
            let mut summary = Summary(String::new());
            event.record(&mut summary);
            self.0.lock().unwrap().push(summary.0);
        }
    }
}

#[tokio::test]
async fn a_warm_decision_asks_neither_the_registry_nor_the_database() {
    let statements = Statements::default();
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(statements.clone())).unwrap();
    let stage = Stage::new().await;
    stage.host.feed(true);
    let following = tokio::spawn(stage.resolver.clone().follow(stage.gate.clone()));
    stage.decide("qa/app:v1").await.unwrap();
    let begun = Instant::now();
    while !stage.resolver.lines().iter().any(|line| line.current == 1) {
        assert!(begun.elapsed() < Duration::from_secs(30), "it never is current");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // The first use of what was confirmed parses it.
    stage.decide("qa/app:v1").await.unwrap();
    stage.host.requests();
    assert!(!statements.since().is_empty(), "statements are seen at all");

    for _ in 0..100 {
        let explained = stage.explain("qa/app:v1").await;
        assert_eq!(explained.verdict, "allow", "{}", explained.message);
    }
    assert_eq!(stage.host.requests(), [""; 0]);
    // Whether another process has changed the policy is looked up now and then, however many decisions are made.
    let other: Vec<_> = statements.since().into_iter().filter(|said| !said.contains("revision")).collect();
    assert_eq!(other, [""; 0]);

    let admitted = stage.admit("qa/app:v1").await.unwrap();
    stage.gate.still_current(&admitted).await.unwrap();
    let other: Vec<_> = statements.since().into_iter().filter(|said| !said.contains("revision")).collect();
    let recording = ["SELECT last, link FROM …", "INSERT INTO audit (id, …", "INSERT INTO audit_head (id, …"];
    assert_eq!(other, recording, "all else that it writes is its record");
    following.abort();
}
