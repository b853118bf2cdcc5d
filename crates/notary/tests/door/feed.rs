//! Following the changefeed: who waits is told, and who may not read is not.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use crate::client::{Answer, ask, path, post, published};
use crate::stage::{HOST, Stage};

async fn feed(stage: &Stage, query: &str, token: &str) -> Answer {
    ask(&stage.notary, "GET", &format!("/v2/_trust/changefeed?{query}"), token).await
}

fn guns(answer: &Answer) -> Vec<String> {
    let json = answer.json();
    let records = json["records"].as_array().unwrap();
    records.iter().map(|record| record["GUN"].as_str().unwrap().trim_start_matches(&format!("{HOST}/")).to_owned()).collect()
}

#[tokio::test]
async fn who_waits_is_told_of_a_publish_and_of_a_deletion_as_they_happen() {
    let stage = Stage::guarded().await;
    let begun = Instant::now();
    let (waited, ()) = tokio::join!(feed(&stage, "records=10&wait=30", "all"), async {
        published(&stage.notary, "qa/app").await;
    });
    assert_eq!(guns(&waited), ["qa/app"]);
    assert_eq!(waited.json()["next"], "1");
    let own = path("qa/app", "changefeed?records=10&change_id=1&wait=30");
    let (waited, (own, deleted)) = tokio::join!(feed(&stage, "records=10&change_id=1&wait=30", "all"), async {
        let delete = path("qa/app", "tuf/");
        tokio::join!(ask(&stage.notary, "GET", &own, "pull"), ask(&stage.notary, "DELETE", &delete, "all"))
    });
    assert_eq!(deleted.status, 200);
    for answer in [waited, own] {
        assert_eq!(answer.json()["records"][0]["Category"], "deletion");
    }
    assert!(begun.elapsed() < Duration::from_secs(30), "nobody waited to the end");
}

#[tokio::test]
async fn a_wait_without_a_change_ends_in_an_empty_answer() {
    let stage = Stage::guarded().await;
    published(&stage.notary, "qa/app").await;
    let begun = Instant::now();
    let answer = feed(&stage, "records=10&change_id=1&wait=1", "all").await;
    assert!(begun.elapsed() >= Duration::from_secs(1));
    assert_eq!(answer.json(), json!({"count": 0, "records": [], "next": "1", "rights": "everything"}));
    // Not when the process ends.
    let waiting = feed(&stage, "records=10&change_id=1&wait=30", "all");
    let (answer, ()) = tokio::join!(timeout(Duration::from_secs(20), waiting), async { stage.notary.end_waits() });
    assert_eq!(answer.unwrap().json()["count"], 0);
    assert_eq!(feed(&stage, "records=10&change_id=1&wait=30", "all").await.json()["count"], 0);
}

#[tokio::test]
async fn without_a_wait_the_answer_is_the_stock_servers() {
    let stage = Stage::guarded().await;
    assert_eq!(feed(&stage, "records=1", "all").await.json(), json!({"count": 0, "records": []}));
    assert_eq!(feed(&stage, "records=1&change_id=99", "pull").await.json(), json!({"count": 0, "records": []}));
}

#[tokio::test]
async fn private_repositories_are_not_in_the_feed_of_those_who_may_not_read_them() {
    let stage = Stage::guarded().await;
    for name in ["qa/private", "qa/app", "qa/private2"] {
        published(&stage.notary, name).await;
    }
    for _ in 0..3 {
        post(&stage.notary, "qa/private", &[]).await;
    }
    for query in ["records=100", "records=-100", "records=100&wait=0", "records=1&change_id=0", "records=-2&change_id=5"] {
        let answer = feed(&stage, query, "pull").await;
        assert_eq!(answer.status, 200);
        let text = String::from_utf8(answer.body.clone()).unwrap();
        assert!(!text.contains("qa/private\""), "{query}: {text}");
        assert!(text.contains("qa/app"), "{query}: {text}");
    }
    assert_eq!(guns(&feed(&stage, "records=100", "owner").await).len(), 6);
    // What is passed over is read once: the place to go on from is behind it.
    assert_eq!(feed(&stage, "records=100&wait=0", "pull").await.json()["next"], "6");
    let none: Vec<Value> = vec![];
    assert_eq!(feed(&stage, "records=100&change_id=3&wait=0", "pull").await.json()["records"], json!(none));
    // Nor does a change of theirs end the wait.
    let begun = Instant::now();
    let (waited, ()) = tokio::join!(feed(&stage, "records=1&change_id=6&wait=1", "pull"), async {
        post(&stage.notary, "qa/private", &[]).await;
    });
    assert!(begun.elapsed() >= Duration::from_secs(1));
    assert_eq!((waited.json()["count"].clone(), waited.json()["rights"].clone()), (json!(0), json!("1")));
}

#[tokio::test]
async fn who_has_seen_more_than_there_is_is_told_at_once() {
    let stage = Stage::guarded().await;
    published(&stage.notary, "qa/app").await;
    for token in ["all", "pull"] {
        let answer = timeout(Duration::from_secs(20), feed(&stage, "records=10&change_id=77&wait=30", token)).await.unwrap();
        assert_eq!(answer.json()["next"], "1", "the registry was put back to an older state");
    }
}
