//! The roles at the door: who is let through to what, and who sees what of whose.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use wharfinger_identity::Role;

use crate::{gated::Set, streams::Raw};

pub const LABEL: &str = "com.wharfinger.owner";

/// Ann and Ben share a team and have restricted control, Sam is a scheduler, Vic may look, Olga has full control.
pub struct People {
    pub set: Set,
}

impl People {
    pub async fn new() -> Self {
        let set = Set::new().await;
        for (name, role) in [
            ("ann", Role::RestrictedControl),
            ("ben", Role::RestrictedControl),
            ("eve", Role::RestrictedControl),
            ("sam", Role::Scheduler),
            ("vic", Role::ViewOnly),
            ("olga", Role::FullControl),
            ("nobody", Role::None),
        ] {
            set.stage.bundle(&set.bundle(name), name, role, false);
        }
        set.stage.bundle(&set.bundle("boss"), "boss", Role::None, true);
        set.stage.team(&["ann", "ben"]);
        let people = Self { set };
        people.has("containers", "anns", &container("c-ann", "ann"));
        people.has("containers", "bens", &container("c-ben", "ben"));
        people.has("containers", "eves", &container("c-eve", "eve"));
        people.has("containers", "c-eve", &container("c-eve", "eve"));
        people.has("containers", "c-ann", &container("c-ann", "ann"));
        people.has(
            "containers",
            "nobodys",
            &json!({"Id": "c-none", "Config": {"Labels": {}}, "HostConfig": {"NetworkMode": "default"}}),
        );
        for (name, owner) in [("anns", "ann"), ("eves", "eve")] {
            people.has("volumes", name, &json!({"Name": name, "Driver": "local", "Options": null, "Labels": owned(owner)}));
            people.has("networks", name, &json!({"Name": name, "Id": format!("n-{owner}"), "Labels": owned(owner)}));
            people.has("secrets", &format!("s-{owner}"), &json!({"ID": format!("s-{owner}"), "Spec": {"Labels": owned(owner)}}));
            people.has("configs", &format!("k-{owner}"), &json!({"ID": format!("k-{owner}"), "Spec": {"Labels": owned(owner)}}));
        }
        people.has("networks", "bridge", &json!({"Name": "bridge", "Id": "n-bridge", "Labels": {}, "Containers": {"c-eve": {}}}));
        people.answers("GET /info", &json!({"Swarm": {"Nodes": 1}}));
        for absent in [
            "networks/net",
            "secrets/s",
            "configs/c",
            "services/s",
            "volumes/new",
            "volumes/gone",
            "containers/gone",
            "networks/gone",
            "secrets/gone",
            "networks/host",
        ] {
            people.set.engine.answers(&format!("GET /{absent}"), 404, "{}");
            people.set.engine.answers(&format!("GET /{absent}/json"), 404, "{}");
        }
        people
    }

    /// The engine describes this so by that name.
    pub fn has(&self, room: &str, name: &str, description: &Value) {
        let suffix = if room == "containers" || room == "exec" { "/json" } else { "" };
        self.answers(&format!("GET /{room}/{name}{suffix}"), description);
    }

    pub fn answers(&self, call: &str, answer: &Value) {
        self.set.engine.answers(call, 200, &answer.to_string());
    }

    pub async fn asks(&self, who: &str, method: Method, path: &str, body: &str) -> (StatusCode, String) {
        let client = self.set.stage.client(Some(&self.set.bundle(who)));
        let request = client.request(method, self.set.stage.url(path)).header("content-type", "application/json");
        let answer = request.body(body.to_owned()).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    pub async fn gets(&self, who: &str, path: &str) -> (StatusCode, Value) {
        let (status, answer) = self.asks(who, Method::GET, path, "").await;
        (status, serde_json::from_str(&answer).unwrap_or_default())
    }

    pub async fn posts(&self, who: &str, path: &str, body: &Value) -> (StatusCode, String) {
        self.asks(who, Method::POST, path, &body.to_string()).await
    }

    /// What changed something at the engine since the last time, without the door's own questions.
    pub fn changes(&self) -> Vec<String> {
        self.set.engine.calls().into_iter().filter(|call| !call.starts_with("GET ")).collect()
    }
}

pub fn owned(name: &str) -> Value {
    json!({ LABEL: format!("id-of-{name}") })
}

pub fn container(id: &str, owner: &str) -> Value {
    json!({"Id": id, "Config": {"Labels": owned(owner)}, "HostConfig": {"NetworkMode": "default", "Runtime": "runc"}, "Mounts": []})
}

#[tokio::test]
async fn the_role_none_gets_a_ping_and_nothing_else() {
    let people = People::new().await;
    assert_eq!(people.asks("nobody", Method::GET, "/_ping", "").await.0, 200);
    for path in ["/version", "/info", "/containers/json", "/images/json", "/containers/anns/json", "/networks"] {
        assert_eq!(people.gets("nobody", path).await.0, 403, "{path}");
    }
    assert_eq!(people.posts("nobody", "/auth", &json!({})).await.0, 403);
    assert!(people.set.engine.seen().is_empty());
}

#[tokio::test]
async fn view_only_sees_everybodys_and_changes_nothing() {
    let people = People::new().await;
    for path in
        ["/containers/json", "/images/json", "/v1.41/services", "/nodes", "/containers/eves/json", "/networks/eves", "/version"]
    {
        assert_eq!(people.gets("vic", path).await.0, 200, "{path}");
    }
    let seen = people.set.engine.seen().len();
    for path in
        ["/containers/anns/logs?stdout=1", "/configs", "/secrets", "/events", "/swarm", "/images/get", "/containers/anns/export"]
    {
        let (status, answer) = people.gets("vic", path).await;
        assert_eq!(status, 403, "{path}");
        assert!(answer["message"].as_str().unwrap().contains("`vic` is viewonly"), "{answer}");
    }
    for path in ["/containers/create", "/containers/anns/start", "/containers/anns/exec", "/images/create?fromImage=a", "/commit"]
    {
        assert_eq!(people.posts("vic", path, &json!({})).await.0, 403, "{path}");
    }
    assert_eq!(people.set.engine.seen().len(), seen);
}

#[tokio::test]
async fn full_control_reaches_everybodys_and_administrators_the_machines() {
    let people = People::new().await;
    for path in ["/containers/anns/start", "/containers/eves/stop", "/networks/prune", "/images/x/tag?repo=y"] {
        assert_eq!(people.posts("olga", path, &json!({})).await.0, 200, "{path}");
    }
    assert_eq!(people.changes()[0], "POST /v1.41/containers/anns/start");
    for path in
        ["/swarm/leave", "/swarm/update?version=1", "/nodes/x/update?version=1", "/plugins/pull?remote=x", "/plugins/x/enable"]
    {
        assert_eq!(people.posts("olga", path, &json!({})).await.0, 403, "{path}");
        assert_eq!(people.posts("boss", path, &json!({})).await.0, 200, "{path}");
    }
    for path in ["/swarm", "/swarm/unlockkey", "/plugins/privileges?remote=x"] {
        assert_eq!(people.gets("olga", path).await.0, 403, "{path}");
        assert_eq!(people.gets("boss", path).await.0, 200, "{path}");
    }
}

#[tokio::test]
async fn lists_hold_what_is_theirs_or_a_team_mates() {
    let people = People::new().await;
    let spec = |owner: &str| json!({"ID": owner, "Spec": {"Labels": owned(owner), "ContainerSpec": {"Labels": owned(owner)}}});
    let labelled = |owner: &str| json!({"Id": owner, "ID": owner, "Labels": owned(owner)});
    let unlabelled = json!({"Id": "x", "ID": "x", "Name": "x", "Labels": null, "Spec": {"Labels": {}}});
    let rows = json!([labelled("ann"), labelled("eve"), unlabelled, labelled("ben")]);
    people.answers("GET /containers/json", &rows);
    people.answers("GET /networks", &rows);
    people.answers("GET /volumes", &json!({"Volumes": rows, "Warnings": null}));
    for path in ["services", "tasks", "secrets", "configs"] {
        people.answers(&format!("GET /{path}"), &json!([spec("ann"), spec("eve"), unlabelled, spec("ben")]));
    }
    for path in ["/containers/json", "/networks", "/volumes", "/services", "/tasks", "/secrets", "/configs"] {
        let ids = |list: &Value| -> Vec<String> {
            let rows = list.get("Volumes").unwrap_or(list).as_array().unwrap();
            rows.iter().map(|row| row["ID"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(ids(&people.gets("ann", path).await.1), ["ann", "ben"], "{path}");
        assert_eq!(ids(&people.gets("eve", path).await.1), ["eve"], "{path}");
        assert_eq!(ids(&people.gets("sam", path).await.1), Vec::<String>::new(), "{path}");
        assert_eq!(ids(&people.gets("olga", path).await.1).len(), 4, "{path}");
    }
    // The newest three are three of one's own.
    let (_, newest) = people.gets("ann", "/containers/json?all=0&limit=1&size=1").await;
    assert_eq!(newest.as_array().unwrap().len(), 1);
    assert_eq!(people.set.engine.calls().last().unwrap(), "GET /v1.41/containers/json?size=1&all=1");
}

#[tokio::test]
async fn events_are_those_of_their_containers() {
    let people = People::new().await;
    let event = |kind: &str, owner: Value| {
        json!({"Type": kind, "Action": "start", "Actor": {"ID": "x", "Attributes": owner}}).to_string()
    };
    let (anns, bens) = (event("container", owned("ann")), event("container", owned("ben")));
    let others = [event("container", owned("eve")), event("container", json!({})), event("image", owned("ann")), "{}".to_owned()];
    let all = format!("{anns}\n{}\nno event\n{bens}\n", others.join("\n"));
    people.set.engine.answers("GET /events", 200, &all);
    assert_eq!(people.asks("ann", Method::GET, "/events?since=0", "").await.1, format!("{anns}\n{bens}\n"));
    assert_eq!(people.set.engine.calls(), ["GET /v1.41/events?since=0"]);
    assert_eq!(people.asks("sam", Method::GET, "/events", "").await, (StatusCode::OK, String::new()));
    assert_eq!(people.asks("olga", Method::GET, "/events", "").await.1, all);
    people.set.stage.part();
    assert_eq!(people.asks("ann", Method::GET, "/events", "").await.1, format!("{anns}\n"));
    people.set.engine.answers("GET /events", 400, r#"{"message":"bad"}"#);
    assert_eq!(people.gets("ann", "/events").await.0, 400);
}

#[tokio::test]
async fn an_engine_without_anything_has_empty_lists() {
    let people = People::new().await;
    people.set.engine.answers("GET /containers/json", 200, "[]");
    people.set.engine.answers("GET /volumes", 200, r#"{"Volumes":null,"Warnings":null}"#);
    people.set.engine.answers("GET /services", 503, r#"{"message":"This node is not a swarm manager."}"#);
    assert_eq!(people.gets("ann", "/containers/json").await.1, json!([]));
    assert_eq!(people.gets("ann", "/volumes").await, (StatusCode::OK, json!({"Volumes": null, "Warnings": null})));
    assert_eq!(people.gets("ann", "/services").await.0, 503);
    people.set.engine.answers("GET /networks", 200, r#"{"not":"a list"}"#);
    assert_eq!(people.gets("ann", "/networks").await.0, 503, "what cannot be read is not shown");
}

#[tokio::test]
async fn the_machines_are_shown_to_those_who_place_workloads() {
    let people = People::new().await;
    let node = json!({"ID": "a", "Spec": {"Role": "manager", "Availability": "active", "Labels": {"x": "y"}},
        "Description": {"Hostname": "h"}, "Status": {"State": "ready", "Addr": "10.0.0.1"}});
    people.answers("GET /nodes", &json!([node]));
    people.answers("GET /nodes/a", &node);
    let shown = json!([{"ID": "a", "Spec": {"Availability": "active"}, "Status": {"State": "ready"}}]);
    assert_eq!(people.gets("ann", "/nodes").await.1, shown);
    assert_eq!(people.gets("sam", "/nodes").await.1, json!([node]));
    assert_eq!(people.gets("ann", "/nodes/a").await.0, 404, "`docker inspect` asks for a node before it asks for a secret");
    assert_eq!(people.gets("sam", "/nodes/a").await.1, node);
    assert_eq!(people.posts("sam", "/nodes/a/update?version=1", &json!({})).await.0, 403);
}

#[tokio::test]
async fn what_is_theirs_is_reached_by_its_id() {
    let people = People::new().await;
    for (name, id) in [("anns", "c-ann"), ("bens", "c-ben")] {
        assert_eq!(people.posts("ann", &format!("/containers/{name}/stop?t=1"), &json!({})).await.0, 200);
        assert_eq!(people.changes().last().unwrap(), &format!("POST /v1.41/containers/{id}/stop?t=1"));
    }
    assert_eq!(people.asks("ann", Method::DELETE, "/networks/anns", "").await.0, 200);
    assert_eq!(people.changes().last().unwrap(), "DELETE /v1.41/networks/n-ann");
    assert_eq!(people.asks("ann", Method::PUT, "/containers/anns/archive?path=/x", "tar").await.0, 200);
    let sent = people.set.engine.seen().pop().unwrap();
    assert_eq!((sent.call.as_str(), sent.body.as_str()), ("PUT /v1.41/containers/c-ann/archive?path=/x", "tar"));
}

#[tokio::test]
async fn what_is_others_is_not_there() {
    let people = People::new().await;
    for name in ["eves", "nobodys", "gone", "c-eve"] {
        for (method, call) in [
            (Method::GET, "json"),
            (Method::GET, "logs?stdout=1"),
            (Method::GET, "stats"),
            (Method::GET, "top"),
            (Method::GET, "changes"),
            (Method::GET, "export"),
            (Method::HEAD, "archive?path=/"),
            (Method::GET, "archive?path=/"),
            (Method::PUT, "archive?path=/"),
            (Method::GET, "attach/ws"),
            (Method::POST, "attach"),
            (Method::POST, "exec"),
            (Method::POST, "start"),
            (Method::POST, "stop"),
            (Method::POST, "restart"),
            (Method::POST, "kill"),
            (Method::POST, "pause"),
            (Method::POST, "unpause"),
            (Method::POST, "rename?name=x"),
            (Method::POST, "update"),
            (Method::POST, "resize?h=1&w=1"),
            (Method::POST, "wait"),
        ] {
            let (status, answer) = people.asks("ann", method.clone(), &format!("/containers/{name}/{call}"), "{}").await;
            assert_eq!(status, 404, "{method} {name} {call}");
            assert!(method == Method::HEAD || answer.contains("No such container"), "{answer}");
        }
        assert_eq!(people.asks("ann", Method::DELETE, &format!("/containers/{name}"), "").await.0, 404);
        assert_eq!(people.posts("ann", &format!("/commit?container={name}"), &json!({})).await.0, 404);
    }
    for path in ["/volumes/eves", "/networks/eves", "/secrets/s-eve", "/configs/k-eve"] {
        assert_eq!(people.gets("ann", path).await.0, 404, "{path}");
        assert_eq!(people.asks("ann", Method::DELETE, path, "").await.0, 404, "{path}");
    }
    for path in [
        "/secrets/s-eve/update?version=1",
        "/configs/k-eve/update?version=1",
        "/networks/eves/connect",
        "/networks/eves/disconnect",
    ] {
        assert_eq!(people.posts("ann", path, &json!({})).await.0, 404, "{path}");
    }
    assert!(people.changes().is_empty(), "{:?}", people.changes());
}

#[tokio::test]
async fn commands_in_containers_are_their_containers() {
    let people = People::new().await;
    let exec = |container: &str, privileged: bool| json!({"ID": "e", "ContainerID": container, "ProcessConfig": {"privileged": privileged}});
    people.answers("POST /exec/e/start", &json!({}));
    for (name, description, status) in [
        ("e-ann", exec("c-ann", false), 200),
        ("e-eve", exec("c-eve", false), 404),
        ("e-none", json!({"ID": "e"}), 404),
        ("e-priv", exec("c-ann", true), 403),
    ] {
        people.has("exec", name, &description);
        assert_eq!(people.posts("ann", &format!("/exec/{name}/start"), &json!({"Detach": true})).await.0, status, "{name}");
    }
    assert_eq!(people.changes(), ["POST /v1.41/exec/e/start"]);
    assert_eq!(people.gets("ann", "/exec/e-eve/json").await.0, 404);
    assert_eq!(people.posts("ann", "/exec/e-eve/resize?h=1&w=1", &json!({})).await.0, 404);
}

#[tokio::test]
async fn tasks_are_their_services() {
    let people = People::new().await;
    let task = |owner: &str| json!({"ID": "t", "Labels": owned("ann"), "Spec": {"ContainerSpec": {"Labels": owned(owner)}}});
    people.has("tasks", "a", &task("ann"));
    people.has("tasks", "e", &task("eve"));
    assert_eq!(people.gets("ann", "/tasks/a").await.0, 200);
    assert_eq!(people.gets("ann", "/tasks/e").await.0, 404);
    assert_eq!(people.gets("ann", "/tasks/e/logs").await.0, 404);
}

#[tokio::test]
async fn the_engines_own_networks_are_shown_without_who_is_on_them() {
    let people = People::new().await;
    let bridge = json!({"Name": "bridge", "Id": "n-bridge", "Labels": {}, "Containers": {"c-eve": {}}});
    people.answers("GET /networks", &json!([bridge]));
    let (status, shown) = people.gets("ann", "/networks/bridge").await;
    assert_eq!((status, &shown["Containers"], &shown["Id"]), (StatusCode::OK, &json!({}), &json!("n-bridge")));
    assert_eq!(people.gets("ann", "/networks").await.1[0]["Containers"], json!({}));
    assert_eq!(people.gets("vic", "/networks/bridge").await.1, bridge);
    assert_eq!(people.asks("ann", Method::DELETE, "/networks/bridge", "").await.0, 404);
    assert_eq!(people.posts("ann", "/networks/bridge/connect", &json!({"Container": "anns"})).await.0, 200);
    assert_eq!(people.set.last_body(), json!({"Container": "c-ann"}));
    assert_eq!(people.posts("ann", "/networks/bridge/connect", &json!({"Container": "eves"})).await.0, 403);
    assert_eq!(people.changes(), ["POST /v1.41/networks/n-bridge/connect"]);
}

/// What is open was opened by the rights of before.
#[tokio::test]
async fn who_leaves_a_team_loses_the_open_streams_of_those_who_stay() {
    let people = People::new().await;
    for call in ["GET /containers/bens/logs?follow=1", "POST /containers/bens/attach?stream=1"] {
        people.set.stage.team(&["ann", "ben"]);
        let mut raw = Raw::connect(&people.set, "ann").await;
        raw.say(&format!("{call} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n")).await;
        assert!(raw.head().await.starts_with("http/1.1 "), "{call}");
        let mut own = Raw::connect(&people.set, "ann").await;
        own.say("POST /containers/anns/attach?stream=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n").await;
        own.head().await;
        people.set.stage.part();
        raw.rest().await;
        own.say("still").await;
        own.hears("still").await;
        people.set.stage.team(&["ann", "ben"]);
    }
}
