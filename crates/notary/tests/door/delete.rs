//! Deletion, and the changefeed that tells of it.

use serde_json::{Value, json};
use wharfinger_auth::RepositoryTrust as _;

use crate::client::{ALL, ask, get, path, post, publish, published, server_key};
use crate::stage::{HOST, Stage};

async fn feed(stage: &Stage, repository: Option<&str>, query: &str) -> Value {
    let path = repository.map_or_else(|| "/v2/_trust/changefeed".to_owned(), |repository| path(repository, "changefeed"));
    let answer = ask(&stage.notary, "GET", &format!("{path}?{query}"), "all").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    answer.json()
}

#[tokio::test]
async fn deleting_removes_every_file_and_keeps_the_servers_keys() {
    let stage = Stage::guarded().await;
    let mut forge = published(&stage.notary, "qa/app").await;
    published(&stage.notary, "qa/other").await;
    let key = server_key(&stage.notary, "qa/app", "timestamp").await;
    for _ in 0..2 {
        let answer = ask(&stage.notary, "DELETE", &path("qa/app", "tuf/"), "all").await;
        assert_eq!((answer.status.as_u16(), answer.body.len()), (200, 0));
    }
    for name in ["root.json", "1.root.json", "timestamp.json", "snapshot.json", "targets/qa.json"] {
        assert_eq!(get(&stage.notary, "qa/app", name).await.status, 404, "{name}");
    }
    assert_eq!(get(&stage.notary, "qa/other", "root.json").await.status, 200);
    // Begun anew with the keys it had: they still sign.
    assert!(forge.root.keys.contains_key(&key.tuf_id()));
    forge.next();
    assert_eq!(publish(&stage.notary, "qa/app", &forge, &ALL).await.status, 200);
    let repository = "qa/app".parse().unwrap();
    stage.notary.forget(&repository, None).await.unwrap();
    assert_eq!(get(&stage.notary, "qa/app", "root.json").await.status, 404, "as with a repository that goes");
}

#[tokio::test]
async fn what_was_signed_before_a_deletion_is_not_brought_back_by_who_cannot_sign() {
    let stage = Stage::guarded().await;
    let mut forge = published(&stage.notary, "qa/app").await;
    let old: Vec<_> = ALL.iter().filter(|name| **name != "timestamp" && **name != "snapshot").copied().collect();
    let mut files = Vec::new();
    for name in &old {
        files.push((format!("{name}.json"), get(&stage.notary, "qa/app", &format!("{name}.json")).await.body));
    }
    assert_eq!(ask(&stage.notary, "DELETE", &path("qa/app", "tuf/"), "all").await.status, 200);
    let files: Vec<(&str, Vec<u8>)> = files.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
    let refused = post(&stage.notary, "qa/app", &files).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (400, "INVALID_UPDATE"));
    assert!(refused.message().contains("were published before as targets"), "{}", refused.message());
    assert_eq!(get(&stage.notary, "qa/app", "root.json").await.status, 404);
    // Whoever holds the keys signs anew, also under the root they had.
    forge.file("targets").version += 1;
    forge.file("targets/qa").version += 1;
    forge.file("targets/releases").version += 1;
    assert_eq!(publish(&stage.notary, "qa/app", &forge, &ALL).await.status, 200);
}

#[tokio::test]
async fn nothing_is_deleted_and_no_key_changed_that_could_not_be_recorded() {
    let stage = Stage::without_a_record().await;
    published(&stage.notary, "qa/app").await;
    assert!(ask(&stage.notary, "DELETE", &path("qa/app", "tuf/"), "all").await.status.is_server_error());
    assert_eq!(get(&stage.notary, "qa/app", "root.json").await.status, 200);
    let key = get(&stage.notary, "qa/app", "tuf/timestamp.key").await.body;
    assert!(ask(&stage.notary, "POST", &path("qa/app", "tuf/timestamp.key"), "all").await.status.is_server_error());
    assert_eq!(get(&stage.notary, "qa/app", "tuf/timestamp.key").await.body, key);
    assert_eq!(ask(&stage.notary, "DELETE", &path("qa/none", "tuf/"), "all").await.status, 200, "no change, no record");
}

#[tokio::test]
async fn the_feed_has_a_line_per_timestamp_and_one_per_deletion() {
    let stage = Stage::guarded().await;
    assert_eq!(feed(&stage, None, "records=0").await, json!({"count": 0, "records": []}));
    published(&stage.notary, "qa/app").await;
    published(&stage.notary, "qa/other").await;
    post(&stage.notary, "qa/app", &[]).await;
    let timestamp = get(&stage.notary, "qa/app", "timestamp.json").await;
    ask(&stage.notary, "DELETE", &path("qa/app", "tuf/"), "all").await;
    ask(&stage.notary, "DELETE", &path("qa/app", "tuf/"), "all").await;

    let own = feed(&stage, Some("qa/app"), "records=100").await;
    assert_eq!(own["count"], 3);
    let gun = format!("{HOST}/qa/app");
    let at = "2027-01-15T08:00:00Z";
    let sha256 = wharfinger_oci::Digest::sha256(&timestamp.body).hex().to_owned();
    assert_eq!(
        own["records"][1],
        json!({"ID": "3", "CreatedAt": at, "GUN": gun, "Version": 2, "SHA256": sha256, "Category": "update"})
    );
    assert_eq!(
        own["records"][2],
        json!({"ID": "4", "CreatedAt": at, "GUN": gun, "Version": 0, "SHA256": "", "Category": "deletion"})
    );
    let ids = async |query: &str| -> Vec<String> {
        let feed = feed(&stage, None, query).await;
        feed["records"].as_array().unwrap().iter().map(|record| record["ID"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(ids("records=2").await, ["1", "2"]);
    assert_eq!(ids("records=2&change_id=2").await, ["3", "4"]);
    assert_eq!(ids("records=-2").await, ["3", "4"]);
    assert_eq!(ids("records=-2&change_id=3").await, ["1", "2"]);
    for bad in ["", "?records=x", "?records=1&change_id=x"] {
        let answer = ask(&stage.notary, "GET", &format!("/v2/_trust/changefeed{bad}"), "all").await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "INVALID_PARAMETERS"), "{bad}");
    }
}
