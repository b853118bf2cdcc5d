use serde_json::json;

use crate::client::{ask, path, published};
use crate::stage::{HOST, Stage};

#[tokio::test]
async fn every_path_needs_its_right_and_says_which() {
    let stage = Stage::guarded().await;
    published(&stage.notary, "qa/app").await;
    let hash = "0".repeat(64);
    let by_hash = format!("tuf/root.{hash}.json");
    for (method, rest, least, needed) in [
        ("GET", "tuf/root.json", "pull", &["pull"][..]),
        ("GET", "tuf/timestamp.json", "pull", &["pull"]),
        ("GET", "tuf/1.root.json", "pull", &["pull"]),
        ("GET", by_hash.as_str(), "pull", &["pull"]),
        ("GET", "changefeed?records=1", "pull", &["pull"]),
        ("GET", "tuf/timestamp.key", "push", &["pull", "push"]),
        ("POST", "tuf/", "push", &["pull", "push"]),
        ("POST", "tuf/snapshot.key", "all", &["*"]),
        ("DELETE", "tuf/", "all", &["*"]),
    ] {
        let levels = ["none", "pull", "push", "all"];
        let least = levels.iter().position(|level| *level == least).unwrap();
        for (at, token) in levels.iter().enumerate() {
            let answer = ask(&stage.notary, method, &path("qa/app", rest), token).await;
            if at >= least {
                assert_ne!(answer.status, 401, "{method} {rest} {token}");
                continue;
            }
            assert_eq!((answer.status.as_u16(), answer.code().as_str()), (401, "UNAUTHORIZED"), "{method} {rest} {token}");
            assert!(answer.header("www-authenticate").starts_with("Bearer realm=\"https://dtr.test:5400/auth/token\""));
            let name = format!("{HOST}/qa/app");
            let detail: Vec<_> =
                needed.iter().map(|action| json!({"Type": "repository", "Class": "", "Name": name, "Action": action})).collect();
            assert_eq!(answer.json()["errors"][0]["detail"], json!(detail));
        }
    }
}

#[tokio::test]
async fn a_private_repository_is_closed_to_those_who_may_elsewhere() {
    let stage = Stage::guarded().await;
    published(&stage.notary, "qa/private").await;
    for rest in ["tuf/root.json", "tuf/1.targets.json", "tuf/timestamp.key", "changefeed?records=1"] {
        assert_eq!(ask(&stage.notary, "GET", &path("qa/private", rest), "all").await.status, 401);
    }
    assert_eq!(ask(&stage.notary, "GET", "/v2/_trust/changefeed?records=1", "none").await.status, 401);
    assert_eq!(ask(&stage.notary, "GET", "/v2/_trust/changefeed?records=1", "all").await.status, 200);
}
