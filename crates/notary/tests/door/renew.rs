use time::Duration;
use wharfinger_keys::SealKey;
use wharfinger_notary::Resigned;

use crate::client::{get, published};
use crate::stage::Stage;

#[tokio::test]
async fn a_timestamp_is_signed_anew_before_it_expires_when_it_is_read() {
    let stage = Stage::guarded().await;
    published(&stage.notary, "qa/app").await;
    stage.pass(Duration::days(9));
    assert_eq!(get(&stage.notary, "qa/app", "timestamp.json").await.version(), 1);
    stage.pass(Duration::hours(9));
    let renewed = get(&stage.notary, "qa/app", "timestamp.json").await;
    assert_eq!(renewed.version(), 2);
    assert_eq!(get(&stage.notary, "qa/app", "timestamp.json").await.body, renewed.body);
    assert_eq!(get(&stage.notary, "qa/app", "snapshot.json").await.version(), 1);
    assert_eq!(get(&stage.notary, "qa/app", "1.timestamp.json").await.version(), 1);
    assert_eq!(get(&stage.notary, "qa/app", "targets.json").await.version(), 1);
}

#[tokio::test]
async fn a_snapshot_is_signed_anew_a_year_before_it_expires_and_a_timestamp_with_it() {
    let stage = Stage::guarded().await;
    published(&stage.notary, "qa/app").await;
    stage.pass(Duration::days(2 * 365));
    for name in ["snapshot.json", "timestamp.json"] {
        assert_eq!(get(&stage.notary, "qa/app", name).await.version(), 2);
    }
}

#[tokio::test]
async fn the_job_renews_what_nobody_reads() {
    let stage = Stage::guarded().await;
    for repository in ["qa/one", "qa/two", "qa/three"] {
        published(&stage.notary, repository).await;
    }
    let renewed = async || stage.notary.resign_due(stage.now()).await.unwrap();
    assert_eq!(renewed().await, Resigned::default());
    stage.pass(Duration::days(12));
    assert_eq!(renewed().await, Resigned { collections: 3, failed: 0 });
    assert_eq!(renewed().await, Resigned::default());
    assert_eq!(get(&stage.notary, "qa/two", "2.timestamp.json").await.version(), 2);
}

#[tokio::test]
async fn what_cannot_be_renewed_is_served_as_it_is_and_keeps_nothing_else_back() {
    let stage = Stage::guarded().await;
    published(&stage.notary, "qa/app").await;
    stage.pass(Duration::days(30));
    let stranger = stage.restarted(Some(SealKey::generate()));
    published(&stranger, "qa/two").await;
    stage.pass(Duration::days(12));
    assert_eq!(get(&stranger, "qa/app", "timestamp.json").await.version(), 1);
    assert_eq!(stranger.resign_due(stage.now()).await.unwrap(), Resigned { collections: 1, failed: 1 });
}
