use std::time::Duration;

use axum::response::Response;
use futures_util::StreamExt as _;
use http::Request;
use serde_json::{Value, json};
use wharfinger_identity::Role;

use crate::house::{House, house};

const PROGRESS: &str = "/manage/deploy/progress?service=web";
const EVENTS: &str = "/manage/deploy/events?service=web";

/// One service of two tasks, one of which runs and the other is in this state.
fn runs(house: &House, state: &str, error: &str) {
    let service = |name: &str| json!({ "ID": name, "Spec": { "Name": name, "Mode": { "Replicated": { "Replicas": 2 } } } });
    house.engine.answers("GET /services", 200, &json!([service("web"), service("web2")]));
    let task = |slot: u32, state: &str, error: &str| {
        let status = json!({ "State": state, "Err": error, "Timestamp": "2026-11-26T03:20:06.1Z" });
        json!({ "ServiceID": "web", "Slot": slot, "NodeID": "n1", "DesiredState": "running", "Status": status })
    };
    house.engine.answers("GET /tasks", 200, &json!([task(1, "running", ""), task(2, state, error)]));
    house.engine.answers("GET /nodes", 200, &json!([{ "ID": "n1", "Description": { "Hostname": "machine-1" } }]));
}

/// What the stream said so far, until `words` were among it.
async fn hears(
    stream: &mut (impl futures_util::Stream<Item = Result<axum::body::Bytes, axum::Error>> + Unpin),
    words: &str,
) -> String {
    let mut heard = String::new();
    while !heard.contains(words) {
        let piece =
            tokio::time::timeout(Duration::from_secs(10), stream.next()).await.unwrap_or_else(|_| panic!("{words}: {heard}"));
        let Some(piece) = piece else { panic!("it ended before {words}: {heard}") };
        heard.push_str(&String::from_utf8_lossy(&piece.unwrap()));
    }
    heard
}

#[tokio::test]
async fn a_page_shows_how_far_a_service_is_and_why_a_task_does_not_run() {
    let house = house().await;
    runs(&house, "rejected", "No such image: <b>");
    let admin = house.browser_of("admin").await;
    let page = admin.get(PROGRESS).await.is(200);
    page.says("1 of 2 tasks running, 1 task failed.")
        .says("web.2")
        .says("machine-1")
        .says("rejected")
        .says("No such image: &#60;b&#62;")
        .says("data-told=\"/manage/deploy/events?service=web\"")
        .says("2026-11-26 03:20:06")
        .hides("web2");
    runs(&house, "running", "");
    admin.get(PROGRESS).await.is(200).says("It runs.").says("2 of 2");
    let all =
        admin.get("/manage/deploy/progress").await.is(200).says("/manage/deploy/progress?service=web2\"").hides("data-told");
    all.says("/manage/deploy/progress?service=web\"").says("2 of 2").says("0 of 2");
    admin.get("/manage/deploy/events").await.is(400).says("names neither a service nor a stack");
    house.engine.answers("GET /services", 200, &Value::Null);
    admin.get(PROGRESS).await.is(404).says("there is no service `web` here");
    admin.get("/manage/deploy/progress").await.is(200).says("Create the first one");
    admin.get("/manage/deploy/progress?stack=%3Cb%3E").await.is(404).says("&#60;b&#62;").hides("<b>");
    admin.get(EVENTS).await.is(404);
}

#[tokio::test]
async fn whoever_may_look_is_shown_it_and_nobody_else() {
    let house = house().await;
    runs(&house, "running", "");
    house.user_as("vera", Role::ViewOnly).await;
    house.user_as("nils", Role::None).await;
    house.user("ada").await;
    house.browser_of("vera").await.get(PROGRESS).await.is(200).says("machine-1");
    house.browser_of("vera").await.get("/manage/deploy/progress").await.is(200).says("web").hides("Create a service");
    house.browser_of("ada").await.get("/manage/deploy/progress").await.is(200).hides("web2");
    house.browser_of("nils").await.get(PROGRESS).await.is(403).says("this needs viewonly or more");
    house.browser_of("nils").await.get(EVENTS).await.is(403);
    // It is nobody's, so restricted control does not see it.
    house.browser_of("ada").await.get(PROGRESS).await.is(404);
}

#[tokio::test]
async fn what_changes_is_told_and_the_stream_ends_when_everything_runs() {
    let house = house().await;
    runs(&house, "preparing", "");
    let admin = house.browser_of("admin").await;
    let stream = admin.open(Request::get(EVENTS), String::new()).await;
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    assert_eq!(stream.headers()["cache-control"], "no-cache");
    let mut stream = stream.into_body().into_data_stream();
    let first = hears(&mut stream, "preparing").await;
    assert!(first.starts_with("event: look\ndata: "), "{first}");
    runs(&house, "running", "");
    let rest = hears(&mut stream, "event: end").await;
    assert!(rest.contains("It runs."), "{rest}");
    assert_eq!(rest.matches("event: look").count(), 1, "what is as it was is not told again: {rest}");
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn a_stream_ends_with_its_session() {
    let house = house().await;
    runs(&house, "preparing", "");
    let admin = house.browser_of("admin").await;
    let mut stream = admin.open(Request::get(EVENTS), String::new()).await.into_body().into_data_stream();
    hears(&mut stream, "preparing").await;
    admin.submit("/manage/logout", &[]).await.leads_to();
    runs(&house, "running", "");
    let rest = hears(&mut stream, "event: end").await;
    assert!(!rest.contains("It runs."), "{rest}");
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn a_stream_ends_with_the_process_and_with_the_account() {
    let house = house().await;
    runs(&house, "preparing", "");
    house.user_as("vera", Role::ViewOnly).await;
    let vera = house.browser_of("vera").await;
    let mut stream = vera.open(Request::get(EVENTS), String::new()).await.into_body().into_data_stream();
    hears(&mut stream, "preparing").await;
    house.live.close_account(&house.id_of("vera").await);
    assert!(stream.next().await.is_none(), "an account that is shut out hears nothing more");

    let admin = house.browser_of("admin").await;
    let mut stream = admin.open(Request::get(EVENTS), String::new()).await.into_body().into_data_stream();
    hears(&mut stream, "preparing").await;
    house.live.ending().cancel();
    assert!(stream.next().await.is_none(), "nobody waits for it");
}

#[tokio::test]
async fn one_session_has_a_few_streams_and_a_closed_one_makes_room() {
    let house = house().await;
    runs(&house, "preparing", "");
    let admin = house.browser_of("admin").await;
    let other = house.browser_of("admin").await;
    let mut open: Vec<Response> = Vec::new();
    for _ in 0..8 {
        open.push(admin.open(Request::get(EVENTS), String::new()).await);
    }
    assert!(open.iter().all(|stream| stream.status() == 200));
    admin.get(EVENTS).await.is(429).says("close one");
    admin.get(PROGRESS).await.is(200);
    assert_eq!(other.open(Request::get(EVENTS), String::new()).await.status(), 200);
    open.pop();
    assert_eq!(admin.open(Request::get(EVENTS), String::new()).await.status(), 200);
}
