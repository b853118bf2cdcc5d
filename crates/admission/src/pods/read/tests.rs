use async_trait::async_trait;
use serde_json::json;
use wharfinger_gate::{PresentedError, Purpose};
use wharfinger_oci::Reference;
use wharfinger_trust::{Credentials, Secret};

use super::*;

const IMAGE: &str = "dtr.test/qa/app:1";

/// Has what is asked for in `shop` by these names.
struct OneSecret;

#[async_trait]
impl PullSecrets for OneSecret {
    async fn credentials(
        &self,
        namespace: &str,
        named: &[String],
        service_account: &str,
        _: &Reference,
    ) -> Result<Vec<Credentials>, PresentedError> {
        let there = namespace == "shop" && named == ["pull"] && service_account == "runner";
        let robot = Credentials::Basic { username: "robot".to_owned(), password: Secret::new("x") };
        Ok(there.then_some(robot).into_iter().collect())
    }
}

fn digest(letter: &str) -> String {
    format!("sha256:{}", letter.repeat(64))
}

/// A pod of the Deployment `web`, as a node with containerd reports it.
fn pod(name: &str, image_id: &str) -> Value {
    json!({
        "metadata": {
            "name": name, "namespace": "shop", "uid": "0b7f", "labels": {"app": "web", "pod-template-hash": "5d9c8b7f6"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-5d9c8b7f6", "uid": "1", "controller": true,
                                 "blockOwnerDeletion": true}],
        },
        "spec": {
            "containers": [{"name": "app", "image": IMAGE}],
            "imagePullSecrets": [{"name": "pull"}], "serviceAccountName": "runner",
        },
        "status": {"phase": "Running", "containerStatuses": [{"name": "app", "image": IMAGE, "imageID": image_id, "ready": true}]},
    })
}

fn list(pods: &[Value]) -> PodList {
    let mut gathered = Gathered::new(Some(Arc::new(OneSecret)));
    gathered.take(pods);
    gathered.list(Some("wharfinger"), None)
}

fn app(letter: &str) -> String {
    format!("dtr.test/qa/app@{}", digest(letter))
}

#[test]
fn a_hundred_pods_of_a_deployment_are_one_row_and_another_digest_another() {
    let mut pods: Vec<Value> = (0..100).map(|number| pod(&format!("web-5d9c8b7f6-{number}"), &app("a"))).collect();
    pods.push(pod("web-5d9c8b7f6-new", &app("b")));
    pods.push(pod("web-5d9c8b7f6-soon", ""));
    let PodList { pods, cut } = list(&pods);
    assert_eq!(cut, None);
    let rows: Vec<_> = pods.iter().map(|row| (row.kind.as_str(), row.name.as_str(), row.pods, row.started)).collect();
    assert_eq!(rows.len(), 3);
    assert!(rows.contains(&("Deployment", "web", 100, true)) && rows.contains(&("Deployment", "web", 1, false)), "{rows:?}");
    assert_eq!(pods.iter().filter(|row| row.digests == [app("b")]).count(), 1);
    assert!(pods.iter().all(|row| row.image == IMAGE && row.parts == ["container app"]));
}

#[test]
fn everything_that_is_kept_has_its_weight() {
    let mut gathered = Gathered::new(None);
    let mut weigh = |pod: Value| {
        let before = gathered.weight;
        gathered.take(&[pod]);
        gathered.weight - before
    };
    assert!(weigh(pod("one", &app("a"))) > IMAGE.len());
    assert_eq!(weigh(pod("two", &app("a"))), 0, "one more of the same");
    let mut other = pod("three", &app("a"));
    other["spec"]["containers"][0]["name"] = json!("a".repeat(1000));
    assert!(weigh(other) > 1000, "not started");
    let mut again = pod("four", &app("a"));
    again["spec"]["initContainers"] = json!([{"name": "b".repeat(1000), "image": IMAGE}]);
    again["status"]["initContainerStatuses"] = json!([{"name": "b".repeat(1000), "imageID": app("a")}]);
    assert!(weigh(again) > 1000, "another part of the same row");
}

#[test]
fn what_made_a_pod_gives_its_row_the_name() {
    let made_by = |owner: Value, labels: Value| {
        let mut pod = pod("one", &app("a"));
        pod["metadata"]["ownerReferences"] = owner;
        pod["metadata"]["labels"] = labels;
        let row = list(&[pod]).pods.remove(0);
        format!("{} {}", row.kind, row.name)
    };
    let by = |kind: &str, name: &str| json!([{"kind": kind, "name": name, "controller": true}]);
    assert_eq!(made_by(json!([]), json!({})), "Pod one");
    assert_eq!(made_by(by("DaemonSet", "agent"), json!({})), "DaemonSet agent");
    assert_eq!(made_by(by("ReplicaSet", "bare"), json!({})), "ReplicaSet bare");
    assert_eq!(made_by(by("ReplicaSet", "web-1"), json!({"pod-template-hash": "2"})), "ReplicaSet web-1");
    assert_eq!(made_by(by("ReplicaSet", "web-1"), json!({"pod-template-hash": "1"})), "Deployment web");
    assert_eq!(made_by(by("Node", "node1"), json!({})), "Pod one", "it lies on the node as a file");
    assert_eq!(made_by(json!([{"kind": "Other", "name": "x"}]), json!({})), "Pod one", "who only refers to it made nothing");
}

#[test]
fn init_and_ephemeral_containers_and_volumes_are_rows_of_their_own_images() {
    let mut pod = pod("one", &app("a"));
    pod["spec"]["initContainers"] = json!([{"name": "wait", "image": IMAGE}, {"name": "app", "image": "dtr.test/qa/init:1"}]);
    pod["spec"]["ephemeralContainers"] = json!([{"name": "debug", "image": "dtr.test/qa/debug:1"}]);
    pod["spec"]["volumes"] = json!([{"name": "data", "image": {"reference": "dtr.test/qa/data:1"}}]);
    pod["status"]["initContainerStatuses"] = json!([{"name": "wait", "imageID": app("a")}]);
    pod["status"]["ephemeralContainerStatuses"] = json!([{"name": "debug", "imageID": "docker://sha256:1d"}]);
    let rows = list(&[pod]).pods;
    let of = |image: &str| rows.iter().find(|row| row.image == image).unwrap();
    assert_eq!(
        (of(IMAGE).parts.as_slice(), of(IMAGE).pods),
        (&["container app".to_owned(), "init container wait".to_owned()][..], 1)
    );
    assert!(!of("dtr.test/qa/init:1").started, "a container of the same name is another one");
    assert_eq!(of("dtr.test/qa/debug:1").image_id.as_deref(), Some("sha256:1d"));
    assert!(of("dtr.test/qa/data:1").started && of("dtr.test/qa/data:1").digests.is_empty());
}

#[test]
fn each_runtimes_way_to_name_an_image_is_read() {
    for (said, digests, id) in [
        (app("a"), vec![app("a")], None),
        (format!("docker-pullable://{}", app("a")), vec![app("a")], None),
        ("docker://sha256:1d".to_owned(), Vec::new(), Some("sha256:1d".to_owned())),
        ("sha256:1d".to_owned(), Vec::new(), Some("sha256:1d".to_owned())),
    ] {
        let row = list(&[pod("one", &said)]).pods.remove(0);
        assert_eq!((row.digests, row.image_id, row.started), (digests, id, true), "{said}");
    }
}

#[tokio::test]
async fn the_question_is_the_one_that_the_webhooks_ask() {
    let row = list(&[pod("one", &app("a"))]).pods.remove(0);
    let question = row.question;
    assert_eq!((question.images.as_slice(), question.namespace.as_deref()), (&[IMAGE.to_owned()][..], Some("shop")));
    assert_eq!((question.purpose, question.account, question.is_admin), (Purpose::Admission, None, false));
    assert_eq!(question.account_name, "kubernetes:");
    let credentials = question.credentials.for_image(&IMAGE.parse().unwrap()).await.unwrap();
    assert_eq!(credentials.len(), 1, "with the pod's own pull secrets");
}

#[test]
fn pods_that_nobody_is_asked_about_are_left_out_and_those_that_cannot_be_read_are_counted() {
    let mut own = pod("own", &app("a"));
    own["metadata"]["namespace"] = json!("wharfinger");
    let mut odd = pod("odd", &app("a"));
    odd["spec"]["containers"] = json!("none");
    let mut shapeless = pod("shapeless", &app("a"));
    shapeless["status"] = json!(7);
    let PodList { pods, cut } = list(&[own, odd, shapeless, json!(null), pod("good", &app("a"))]);
    assert_eq!(pods.len(), 1);
    assert_eq!(cut.as_deref(), Some("3 pods of Kubernetes could not be read"));
}
