//! The owner's label: written by the door, kept through every change, never taken from a client.

use http::Method;
use serde_json::{Value, json};

use crate::roles::{LABEL, People, owned};

#[tokio::test]
async fn what_somebody_makes_is_theirs_whatever_their_role() {
    for who in ["ann", "sam", "olga", "boss"] {
        let people = People::new().await;
        let own = owned(who);
        for (path, body) in [
            ("/containers/create", json!({"Image": "x"})),
            ("/volumes/create", json!({"Name": "new"})),
            ("/networks/create", json!({"Name": "net", "Labels": null})),
            ("/secrets/create", json!({"Name": "s", "Data": "eA==", "Labels": {}})),
            ("/configs/create", json!({"Name": "c", "Data": "eA=="})),
        ] {
            assert_eq!(people.posts(who, path, &body).await.0, 200, "{who} {path}");
            assert_eq!(people.set.last_body()["Labels"], own, "{who} {path}");
        }
        let service = json!({"Name": "s", "TaskTemplate": {"ContainerSpec": {"Image": "x", "Labels": {"a": "b"}}}});
        assert_eq!(people.posts(who, "/services/create", &service).await.0, 200);
        let sent = people.set.last_body();
        assert_eq!(sent["Labels"], own);
        let task = &sent["TaskTemplate"]["ContainerSpec"]["Labels"];
        assert_eq!((&task[LABEL], &task["a"]), (&own[LABEL], &json!("b")));
    }
}

#[tokio::test]
async fn an_owner_from_a_client_is_refused_by_name() {
    for who in ["ann", "olga", "boss"] {
        let people = People::new().await;
        let eve = owned("eve");
        let mounted = json!([{"Type": "volume", "Source": "v", "Target": "/v", "VolumeOptions": {"Labels": eve}}]);
        for (path, body) in [
            ("/containers/create", json!({"Image": "x", "Labels": eve})),
            ("/containers/create", json!({"Image": "x", "Labels": {LABEL: ""}})),
            ("/containers/create", json!({"Image": "x", "HostConfig": {"Mounts": mounted}})),
            ("/volumes/create", json!({"Name": "new", "Labels": eve})),
            ("/networks/create", json!({"Name": "net", "Labels": eve})),
            ("/secrets/create", json!({"Name": "s", "Labels": eve})),
            ("/configs/create", json!({"Name": "c", "Labels": eve})),
            ("/services/create", json!({"Labels": eve, "TaskTemplate": {"ContainerSpec": {"Image": "x"}}})),
            ("/services/create", json!({"TaskTemplate": {"ContainerSpec": {"Image": "x", "Labels": eve}}})),
            ("/services/create", json!({"TaskTemplate": {"ContainerSpec": {"Image": "x", "Mounts": mounted}}})),
        ] {
            let (status, answer) = people.posts(who, path, &body).await;
            assert_eq!(status, 403, "{who} {path} {body}: {answer}");
            assert!(answer.contains(LABEL), "{answer}");
        }
        for body in [r#"{"Name":"new","labels":{}}"#, r#"{"Name":"new","Labels":{},"Labels":{}}"#] {
            assert_eq!(people.asks(who, Method::POST, "/volumes/create", body).await.0, 400, "what could be read twice: {body}");
        }
        assert!(people.changes().is_empty(), "{:?}", people.changes());
    }
}

fn service(owner: &Value, spec: &Value) -> Value {
    json!({"ID": "v", "Version": {"Index": 7}, "Spec": spec, "PreviousSpec": spec, "Labels": owner})
}

#[tokio::test]
async fn a_change_leaves_the_owner_as_it_is() {
    let people = People::new().await;
    let anns = owned("ann");
    let spec = |labels: &Value| json!({"Labels": labels, "TaskTemplate": {"ContainerSpec": {"Image": "x", "Labels": labels}}});
    people.has("services", "anns", &service(&anns, &spec(&anns)));
    people.has("services", "v", &service(&anns, &spec(&anns)));
    people.has("services", "old", &service(&json!({}), &spec(&json!({}))));
    // Sent back as it was read, left out (`--label-rm`), by a team-mate, by full control.
    for who in ["ann", "ben", "olga"] {
        for labels in [anns.clone(), json!({}), json!(null)] {
            let (status, answer) = people.posts(who, "/services/anns/update?version=7", &spec(&labels)).await;
            assert_eq!(status, 200, "{who} {labels}: {answer}");
            let sent = people.set.last_body();
            assert_eq!(sent["Labels"], anns, "{who} {labels}");
            assert_eq!(sent["TaskTemplate"]["ContainerSpec"]["Labels"], anns, "{who} {labels}");
        }
        for labels in [owned("ben"), owned("olga"), json!({LABEL: ""})] {
            let (status, answer) = people.posts(who, "/services/anns/update?version=7", &spec(&labels)).await;
            assert_eq!(status, 403, "{who} {labels}: {answer}");
        }
    }
    // What was there before roles came is nobody's, and stays so.
    assert_eq!(people.posts("olga", "/services/old/update?version=7", &spec(&json!({}))).await.0, 200);
    assert_eq!(people.set.last_body()["Labels"], json!({}));
    assert_eq!(people.posts("olga", "/services/old/update?version=7", &spec(&owned("olga"))).await.0, 403);
}

#[tokio::test]
async fn a_change_of_secrets_and_configs_keeps_their_owner() {
    let people = People::new().await;
    for path in ["/secrets/s-ann/update?version=1", "/configs/k-ann/update?version=1"] {
        for who in ["ann", "ben", "olga"] {
            assert_eq!(people.posts(who, path, &json!({"Name": "x", "Labels": {"a": "b"}})).await.0, 200, "{who} {path}");
            assert_eq!(people.set.last_body()["Labels"][LABEL], owned("ann")[LABEL]);
            assert_eq!(people.posts(who, path, &json!({"Name": "x", "Labels": owned("ben")})).await.0, 403, "{who} {path}");
        }
    }
}

#[tokio::test]
async fn a_volume_that_comes_into_being_with_a_container_is_theirs_as_well() {
    let people = People::new().await;
    people.answers("POST /volumes/create", &json!({"Name": "new", "Driver": "local", "Options": null, "Labels": owned("ann")}));
    let body = json!({"Image": "x", "HostConfig": {"Binds": ["new:/d", "anns:/e"]}});
    assert_eq!(people.posts("ann", "/containers/create", &body).await.0, 200);
    let made: Vec<_> = people.set.engine.seen().into_iter().filter(|seen| seen.call.ends_with("/volumes/create")).collect();
    assert_eq!(made.len(), 1, "anns is there already");
    let volume: Value = serde_json::from_str(&made[0].body).unwrap();
    assert_eq!(volume, json!({"Name": "new", "Labels": owned("ann")}));
    // Somebody else was faster: the engine then answers with theirs.
    people.answers("POST /volumes/create", &json!({"Name": "new", "Driver": "local", "Options": null, "Labels": owned("eve")}));
    let (status, answer) = people.posts("ann", "/containers/create", &body).await;
    assert_eq!(status, 403, "{answer}");
}
