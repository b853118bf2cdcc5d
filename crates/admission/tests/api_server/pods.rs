//! Pods, listed page by page, by an API server that has more of them than anybody wants to read.

use axum::body::Body;
use axum::response::IntoResponse as _;
use http::StatusCode;
use serde_json::{Value, json};
use wharfinger_admission::Pods;
use wharfinger_cluster::{PodRunner as _, PodsUnknown};

use crate::{Fake, fake, json_of, status};

fn pod(number: usize) -> Value {
    json!({
        "metadata": {"name": format!("p{number}"), "namespace": "qa"},
        "spec": {"containers": [{"name": "app", "image": format!("dtr.test/qa/app:{number}")}]},
        "status": {},
    })
}

/// The value of a parameter of the path that was asked for.
fn parameter<'a>(path: &'a str, name: &str) -> &'a str {
    let (_, query) = path.split_once('?').unwrap();
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).unwrap()
}

fn page(from: usize, to: usize, next: &str) -> axum::response::Response {
    let items: Vec<Value> = (from..to).map(pod).collect();
    json_of(&json!({"kind": "PodList", "metadata": {"continue": next}, "items": items}))
}

fn pods(fake: &Fake) -> Pods {
    Pods(std::sync::Arc::new(fake.api()))
}

fn listed(asked: &[String]) -> Vec<&String> {
    asked.iter().filter(|path| path.starts_with("/api/v1/pods?")).collect()
}

#[tokio::test]
async fn pods_of_all_namespaces_that_have_not_ended_are_listed_page_by_page() {
    let fake = fake(|path| match path.split('?').next().unwrap() {
        "/api/v1/pods" if parameter(path, "continue").is_empty() => page(0, 100, "a+/="),
        "/api/v1/pods" if parameter(path, "continue") == "a%2B%2F%3D" => page(100, 130, ""),
        _ => status(StatusCode::NOT_FOUND, "not found"),
    })
    .await;
    let list = pods(&fake).running().await.unwrap();
    assert_eq!((list.pods.len(), list.cut), (130, None));
    let asked = fake.asked();
    let asked = listed(&asked);
    assert!(asked.len() == 2 && asked.iter().all(|path| parameter(path, "limit") == "100"), "{asked:?}");
    assert!(asked.iter().all(|path| parameter(path, "fieldSelector").matches("%21%3D").count() == 2), "{asked:?}");
}

#[tokio::test]
async fn more_pods_than_are_read_are_cut_and_said_so() {
    let fake = fake(|path| match path.split('?').next().unwrap() {
        "/api/v1/pods" => {
            let from: usize = parameter(path, "continue").parse().unwrap_or(0);
            page(from, from + 100, &(from + 100).to_string())
        }
        _ => status(StatusCode::NOT_FOUND, "not found"),
    })
    .await;
    let list = pods(&fake).running().await.unwrap();
    assert_eq!(list.pods.len(), 10_000);
    assert_eq!(list.cut.unwrap(), "not all pods of Kubernetes are shown, only 10000 of them: at most 10000 are read");
}

#[tokio::test]
async fn what_is_said_of_pods_is_bounded_in_bytes() {
    let long = "a".repeat(900_000);
    let fake = fake(move |path| match path.split('?').next().unwrap() {
        "/api/v1/pods" => {
            let from: usize = parameter(path, "continue").parse().unwrap_or(0);
            let mut pod = pod(from);
            pod["spec"]["containers"][0]["image"] = json!(format!("{long}{from}"));
            json_of(&json!({"metadata": {"continue": (from + 1).to_string()}, "items": [pod]}))
        }
        _ => status(StatusCode::NOT_FOUND, "not found"),
    })
    .await;
    let list = pods(&fake).running().await.unwrap();
    assert!(list.pods.len() < 25, "{}", list.pods.len());
    assert!(list.cut.unwrap().contains("too long"));
}

#[tokio::test]
async fn a_page_that_would_be_too_long_is_asked_for_in_smaller_ones() {
    let fake = fake(|path| match path.split('?').next().unwrap() {
        "/api/v1/pods" if parameter(path, "limit").parse::<usize>().unwrap() > 30 => vec![b' '; (4 << 20) + 1].into_response(),
        "/api/v1/pods" => page(0, 3, ""),
        _ => status(StatusCode::NOT_FOUND, "not found"),
    })
    .await;
    assert_eq!(pods(&fake).running().await.unwrap().pods.len(), 3);
    let asked = fake.asked();
    assert_eq!(listed(&asked).iter().map(|path| parameter(path, "limit")).collect::<Vec<_>>(), ["100", "50", "25"]);
}

#[tokio::test]
async fn whoever_may_not_list_pods_is_told_what_to_grant_and_a_silent_api_server_is_no_empty_one() {
    let forbidden = fake(|_| status(StatusCode::FORBIDDEN, "pods is forbidden")).await;
    let error = pods(&forbidden).running().await.err().unwrap();
    assert!(matches!(error, PodsUnknown::Forbidden), "{error}");
    assert!(error.to_string().contains("`list` `pods`"), "{error}");
    for (code, body) in [(StatusCode::INTERNAL_SERVER_ERROR, "no"), (StatusCode::OK, "[]"), (StatusCode::OK, "{")] {
        let odd = fake(move |_| (code, Body::from(body)).into_response()).await;
        let error = pods(&odd).running().await.err().unwrap();
        assert!(matches!(error, PodsUnknown::Silent(_)), "{error}");
    }
    let nowhere = fake(|_| status(StatusCode::NOT_FOUND, "not found")).await;
    assert!(pods(&nowhere).running().await.is_err());
}

#[tokio::test]
async fn what_was_read_before_the_api_server_failed_is_shown_and_that_it_is_not_all() {
    let fake = fake(|path| match path.split('?').next().unwrap() {
        "/api/v1/pods" if parameter(path, "continue").is_empty() => page(0, 2, "gone"),
        "/api/v1/pods" => status(StatusCode::GONE, "the continue token is too old"),
        _ => status(StatusCode::NOT_FOUND, "not found"),
    })
    .await;
    let list = pods(&fake).running().await.unwrap();
    assert_eq!(list.pods.len(), 2);
    assert!(list.cut.unwrap().contains("only 2 of them"));
}

#[tokio::test]
async fn the_namespace_that_the_webhooks_leave_out_is_left_out() {
    let fake = fake(|path| match path.split('?').next().unwrap() {
        "/api/v1/pods" => page(0, 2, ""),
        "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/wharfinger" => {
            json_of(&json!({"webhooks": [{"clientConfig": {"service": {"namespace": "qa", "name": "wharfinger"}}}]}))
        }
        _ => status(StatusCode::NOT_FOUND, "not found"),
    })
    .await;
    assert!(pods(&fake).running().await.unwrap().pods.is_empty());
}
