//! What restricted control and scheduler are refused, one way out after another; each comes back with the name of what it is.

use http::Method;
use serde_json::{Value, json};

use crate::roles::{People, container, owned};

fn host(host: &Value) -> Value {
    json!({"Image": "x", "HostConfig": host})
}

fn service(container: &Value) -> Value {
    let mut container = container.clone();
    container["Image"] = json!("x");
    json!({"Name": "s", "TaskTemplate": {"ContainerSpec": container}})
}

fn mounts(mount: &Value) -> Value {
    json!({"Mounts": [mount]})
}

/// Every form of a mount that leads out of the engine's own folders.
fn ways_to_the_machines_files() -> Vec<Value> {
    let driven =
        |driver: Value| json!({"Type": "volume", "Source": "new", "Target": "/x", "VolumeOptions": {"DriverConfig": driver}});
    vec![
        mounts(&json!({"Type": "bind", "Source": "/", "Target": "/x"})),
        mounts(&json!({"Type": "bind", "Source": "/var/run/docker.sock", "Target": "/x"})),
        mounts(&json!({"Type": "npipe", "Source": "x", "Target": "/x"})),
        mounts(&json!({"Type": "cluster", "Source": "x", "Target": "/x"})),
        mounts(&json!({"Type": "BIND", "Source": "/", "Target": "/x"})),
        mounts(&json!({"Source": "/", "Target": "/x"})),
        mounts(&json!({"Type": "volume", "Source": "/etc", "Target": "/x"})),
        mounts(&json!({"Type": "volume", "Source": "../../x", "Target": "/x"})),
        mounts(&json!({"Type": "volume", "Source": "{{.Service.Name}}", "Target": "/x"})),
        mounts(&json!({"Type": "tmpfs", "Source": "/etc", "Target": "/x"})),
        mounts(&json!({"Type": "volume", "Source": "new", "Target": "/x", "BindOptions": {"Propagation": "rshared"}})),
        mounts(&driven(json!({"Name": "local", "Options": {"type": "none", "o": "bind", "device": "/"}}))),
        mounts(&driven(json!({"Options": {"device": "/dev/sda1"}}))),
        mounts(&driven(json!({"Name": "sshfs"}))),
    ]
}

#[tokio::test]
async fn a_container_that_reaches_the_machine_is_for_full_control() {
    let people = People::new().await;
    let mut ways = ways_to_the_machines_files();
    for bind in ["/:/x", "/var/run/docker.sock:/s", "./x:/y", "~:/y", "C:\\x:/y", "..:/y", ":/x", "x/y:/z", "%2f:/x"] {
        ways.push(json!({ "Binds": [bind] }));
    }
    ways.extend([
        json!({"Privileged": true}),
        json!({"NetworkMode": "host"}),
        json!({"NetworkMode": "container:eves"}),
        json!({"NetworkMode": "container:anns"}),
        json!({"PidMode": "host"}),
        json!({"PidMode": "container:eves"}),
        json!({"IpcMode": "host"}),
        json!({"IpcMode": "container:eves"}),
        json!({"UTSMode": "host"}),
        json!({"UsernsMode": "host"}),
        json!({"CgroupnsMode": "host"}),
        json!({"Cgroup": "container:x"}),
        json!({"CgroupParent": "/"}),
        json!({"Devices": [{"PathOnHost": "/dev/sda", "PathInContainer": "/dev/x", "CgroupPermissions": "rwm"}]}),
        json!({"DeviceRequests": [{"Count": -1}]}),
        json!({"DeviceCgroupRules": ["b 8:* rwm"]}),
        json!({"CapAdd": ["SYS_ADMIN"]}),
        json!({"Capabilities": ["ALL"]}),
        json!({"SecurityOpt": ["seccomp=unconfined"]}),
        json!({"SecurityOpt": ["no-new-privileges", "apparmor=unconfined"]}),
        json!({"SecurityOpt": ["systempaths=unconfined"]}),
        json!({"Runtime": "other"}),
        json!({"Sysctls": {"kernel.x": ""}}),
        json!({"OomKillDisable": true}),
        json!({"OomScoreAdj": -1000}),
        json!({"MaskedPaths": []}),
        json!({"ReadonlyPaths": []}),
        json!({"VolumeDriver": "sshfs"}),
        json!({"Annotations": {"a": "b"}}),
        json!({"StorageOpt": {"a": "b"}}),
        json!({"BlkioDeviceReadBps": [{"Path": "/dev/sda", "Rate": 1}]}),
        json!({"CpuRealtimeRuntime": 1}),
        json!({"InitPath": "/x"}),
        json!({"LogConfig": {"Type": "syslog"}}),
        json!({"LogConfig": {"Config": {"syslog-address": "unix:///x"}}}),
    ]);
    for who in ["ann", "sam"] {
        for way in &ways {
            let (status, answer) = people.posts(who, "/containers/create", &host(way)).await;
            assert_eq!(status, 403, "{who} {way}: {answer}");
            assert!(answer.contains("fullcontrol"), "{answer}");
        }
        // Older engines read a few of these at the top as well.
        let top = json!({"Image": "x", "Runtime": "other", "HostConfig": {}});
        assert_eq!(people.posts(who, "/containers/create", &top).await.0, 403);
        // Where it counts, it is refused to everybody.
        let alone = json!({"Image": "x", "Runtime": "other"});
        assert_eq!(people.posts(who, "/containers/create", &alone).await.0, 400);
        let endpoints = json!({"Image": "x", "NetworkingConfig": {"EndpointsConfig": {"host": {}}}});
        assert_eq!(people.posts(who, "/containers/create", &endpoints).await.0, 403);
    }
    assert!(people.changes().is_empty(), "{:?}", people.changes());
    for way in ways.iter().filter(|way| way["Mounts"][0]["Type"] != "BIND") {
        assert_eq!(people.posts("olga", "/containers/create", &host(way)).await.0, 200, "{way}");
    }
}

#[tokio::test]
async fn a_service_that_reaches_the_machine_is_for_full_control() {
    let people = People::new().await;
    people.has("services", "anns", &json!({"ID": "v", "Version": {"Index": 7}, "Spec": {"Labels": owned("ann")}}));
    people.has("services", "v", &json!({"ID": "v", "Version": {"Index": 7}, "Spec": {"Labels": owned("ann")}}));
    let mut specs: Vec<Value> = ways_to_the_machines_files().iter().map(service).collect();
    specs.extend(
        [
            json!({"CapabilityAdd": ["SYS_ADMIN"]}),
            json!({"Capabilities": ["ALL"]}),
            json!({"Sysctls": {"net.x": "1"}}),
            json!({"OomScoreAdj": -1}),
            json!({"Privileges": {"CredentialSpec": {"File": "x"}}}),
            json!({"Privileges": {"SELinuxContext": {"Disable": true}}}),
            json!({"Privileges": {"Seccomp": {"Mode": "unconfined"}}}),
            json!({"Privileges": {"AppArmor": {"Mode": "disabled"}}}),
            json!({"Configs": [{"ConfigID": "k-ann", "ConfigName": "x", "Runtime": {}}, {"ConfigID": "k-eve", "ConfigName": "x"}]}),
            json!({"Secrets": [{"SecretID": "s-eve", "SecretName": "x"}]}),
            json!({"Secrets": [{"SecretName": "x"}]}),
            json!({"Mounts": [{"Type": "volume", "Source": "eves", "Target": "/x"}]}),
        ]
        .iter()
        .map(service),
    );
    let task = |key: &str, value: Value| {
        let mut spec = service(&json!({}));
        spec["TaskTemplate"][key] = value;
        spec
    };
    specs.extend([
        task("Networks", json!([{"Target": "host"}])),
        task("Networks", json!([{"Target": "eves"}])),
        task("Networks", json!([{"Target": "anns", "DriverOpts": {"a": "b"}}])),
        task("LogDriver", json!({"Name": "syslog"})),
        task("Runtime", json!("plugin")),
        task("PluginSpec", json!({"Remote": "x"})),
        task("NetworkAttachmentSpec", json!({"ContainerID": "c-eve"})),
        task("ContainerSpec", json!(null)),
        json!({"Name": "s"}),
        json!({"Networks": [{"Target": "eves"}], "TaskTemplate": {"ContainerSpec": {"Image": "x"}}}),
    ]);
    for who in ["ann", "sam"] {
        for spec in &specs {
            let (status, answer) = people.posts(who, "/services/create", spec).await;
            assert_eq!(status, 403, "{who} {spec}: {answer}");
        }
    }
    for spec in &specs {
        let (status, answer) = people.posts("ann", "/services/anns/update?version=7", spec).await;
        assert_eq!(status, 403, "a change is no way around: {spec}: {answer}");
    }
    assert!(people.changes().is_empty(), "{:?}", people.changes());
}

#[tokio::test]
async fn placement_is_the_schedulers() {
    let people = People::new().await;
    for placement in
        [json!({"Constraints": ["node.role==manager"]}), json!({"Preferences": [{"Spread": {"SpreadDescriptor": "x"}}]})]
    {
        let mut spec = service(&json!({}));
        spec["TaskTemplate"]["Placement"] = placement;
        let (status, answer) = people.posts("ann", "/services/create", &spec).await;
        assert_eq!(status, 403);
        assert!(answer.contains("scheduler"), "{answer}");
        assert_eq!(people.posts("sam", "/services/create", &spec).await.0, 200);
    }
    let mut spec = service(&json!({}));
    spec["TaskTemplate"]["Placement"] = json!({"Platforms": [{"OS": "linux"}], "MaxReplicas": 1, "Constraints": []});
    assert_eq!(people.posts("ann", "/services/create", &spec).await.0, 200, "what the stock client sends by itself");
}

#[tokio::test]
async fn a_request_names_only_what_is_theirs() {
    let people = People::new().await;
    people.has("networks", "n-host", &json!({"Name": "host", "Id": "n-host", "Labels": {}}));
    assert_eq!(people.posts("ann", "/networks/n-host/connect", &json!({"Container": "anns"})).await.0, 404);
    for (what, named) in [
        (json!({"VolumesFrom": ["eves:ro"]}), "eves"),
        (json!({"VolumesFrom": ["nobodys"]}), "nobodys"),
        (json!({"Links": ["eves:db"]}), "eves"),
        (json!({"Links": ["a/../eves:db"]}), "a/../eves"),
        (json!({"Binds": ["eves:/x"]}), "eves"),
        (json!({"Mounts": [{"Type": "volume", "Source": "eves", "Target": "/x"}]}), "eves"),
        (json!({"NetworkMode": "eves"}), "eves"),
        (json!({"NetworkMode": "gone"}), "gone"),
        // The machine's own network by its id.
        (json!({"NetworkMode": "n-host"}), "n-host"),
    ] {
        let (status, answer) = people.posts("ann", "/containers/create", &host(&what)).await;
        assert_eq!(status, 403, "{what}: {answer}");
        assert!(answer.contains(&format!("`{named}`")), "{answer}");
    }
    for endpoints in [json!({"eves": {}}), json!({"anns": {"NetworkID": "eves"}}), json!({"anns": {"Links": ["eves:x"]}})] {
        let body = json!({"Image": "x", "NetworkingConfig": {"EndpointsConfig": endpoints}});
        assert_eq!(people.posts("ann", "/containers/create", &body).await.0, 403, "{body}");
    }
    let connect = json!({"Container": "anns", "EndpointConfig": {"Links": ["eves:x"]}});
    assert_eq!(people.posts("ann", "/networks/anns/connect", &connect).await.0, 403);
    assert_eq!(people.posts("ann", "/networks/anns/connect", &json!({})).await.0, 403);
    assert_eq!(people.posts("ann", "/networks/anns/disconnect", &json!({"Container": "eves", "Force": true})).await.0, 403);
    assert_eq!(people.posts("ann", "/volumes/create", &json!({"Name": "eves"})).await.0, 409);
    assert!(people.changes().is_empty(), "{:?}", people.changes());
}

#[tokio::test]
async fn what_is_theirs_is_named_by_its_id_in_a_request_too() {
    let people = People::new().await;
    let body = json!({"Image": "x", "HostConfig": {"VolumesFrom": ["bens:ro", "anns"], "Links": ["bens:db", "anns"],
        "NetworkMode": "anns", "Binds": ["anns:/x", "/anonymous"], "SecurityOpt": ["no-new-privileges"], "CapDrop": ["ALL"],
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "1m"}}, "IpcMode": "private", "MaskedPaths": null}});
    assert_eq!(people.posts("ann", "/containers/create", &body).await.0, 200);
    let sent = &people.set.last_body()["HostConfig"];
    assert_eq!(sent["VolumesFrom"], json!(["c-ben:ro", "c-ann"]));
    assert_eq!(sent["Links"], json!(["c-ben:db", "c-ann:anns"]));
    let mut spec = service(
        &json!({"Secrets": [{"SecretID": "s-ann", "SecretName": "x"}], "Configs": [{"ConfigID": "k-ann", "ConfigName": "x"}]}),
    );
    spec["TaskTemplate"]["Networks"] = json!([{"Target": "anns"}]);
    assert_eq!(people.posts("ann", "/services/create", &spec).await.0, 200);
    assert_eq!(people.set.last_body()["TaskTemplate"]["Networks"], json!([{"Target": "n-ann"}]));
}

#[tokio::test]
async fn volumes_and_networks_stay_within_the_engine() {
    let people = People::new().await;
    for (path, body) in [
        ("/volumes/create", json!({"Name": "new", "DriverOpts": {"type": "none", "o": "bind", "device": "/"}})),
        ("/volumes/create", json!({"Name": "new", "Driver": "sshfs"})),
        ("/volumes/create", json!({"Name": "new", "ClusterVolumeSpec": {"Group": "x"}})),
        ("/networks/create", json!({"Name": "net", "Driver": "macvlan"})),
        ("/networks/create", json!({"Name": "net", "Driver": "host"})),
        ("/networks/create", json!({"Name": "net", "Options": {"parent": "eth0"}})),
        ("/networks/create", json!({"Name": "net", "Options": {"com.docker.network.bridge.name": "eth0"}})),
        ("/networks/create", json!({"Name": "net", "IPAM": {"Config": [{"Subnet": "10.0.0.0/8"}]}})),
        ("/networks/create", json!({"Name": "net", "IPAM": {"Driver": "other"}})),
        ("/networks/create", json!({"Name": "net", "Ingress": true})),
        ("/networks/create", json!({"Name": "net", "ConfigOnly": true})),
        ("/networks/create", json!({"Name": "net", "ConfigFrom": {"Network": "eves"}})),
        ("/secrets/create", json!({"Name": "s", "Driver": {"Name": "other"}})),
    ] {
        let (status, answer) = people.posts("ann", path, &body).await;
        assert_eq!(status, 403, "{path} {body}: {answer}");
        assert_eq!(people.posts("olga", path, &body).await.0, 200, "{path} {body}");
    }
    let sent =
        json!({"Name": "net", "Driver": "bridge", "IPAM": {"Driver": "default", "Options": {}, "Config": [{}]}, "Options": {}});
    assert_eq!(people.posts("ann", "/networks/create", &sent).await.0, 200);
    assert_eq!(people.set.last_body()["CheckDuplicate"], json!(true));
}

/// A team-mate with full control may have made what restricted control may not: it must not be a way there.
#[tokio::test]
async fn what_a_team_mate_made_with_more_rights_is_no_way_to_them() {
    let people = People::new().await;
    let bens = |host: Value, mounts: Value| {
        let mut made = container("c-ben", "ben");
        made["HostConfig"] = host;
        made["Mounts"] = mounts;
        made
    };
    people.has(
        "volumes",
        "device",
        &json!({"Name": "device", "Driver": "local", "Options": {"device": "/dev/sda"}, "Labels": owned("ben")}),
    );
    for made in [
        bens(json!({"Privileged": true}), json!([])),
        bens(json!({"PidMode": "host"}), json!([])),
        bens(json!({"NetworkMode": "container:x"}), json!([])),
        bens(json!({"CapAdd": ["SYS_PTRACE"]}), json!([])),
        bens(json!({"MaskedPaths": []}), json!([])),
        bens(json!({"NetworkMode": "none"}), json!([{"Type": "bind", "Source": "/"}])),
        bens(json!({"NetworkMode": "none"}), json!([{"Type": "volume", "Name": "device"}])),
        bens(json!({}), json!([])),
    ] {
        people.has("containers", "bens", &made);
        for path in ["exec", "start", "restart", "attach", "update"] {
            let (status, answer) = people.posts("ann", &format!("/containers/bens/{path}"), &json!({})).await;
            assert_eq!(status, 403, "{path} {made}: {answer}");
        }
        for path in ["/containers/bens/archive?path=/", "/containers/bens/export"] {
            assert_eq!(people.gets("ann", path).await.0, 403, "{path} {made}");
        }
        assert_eq!(people.posts("ann", "/commit?container=bens", &json!({})).await.0, 403);
        assert_eq!(people.posts("ann", "/containers/create", &host(&json!({"VolumesFrom": ["bens"]}))).await.0, 403);
    }
    assert!(people.changes().is_empty(), "{:?}", people.changes());
    assert_eq!(people.gets("ann", "/containers/bens/json").await.0, 200);
    assert_eq!(people.posts("ann", "/containers/bens/stop", &json!({})).await.0, 200);
    let body = json!({"Image": "x", "HostConfig": {"Binds": ["device:/x"]}});
    assert_eq!(people.posts("ann", "/containers/create", &body).await.0, 403);
    // What the service was before, full control made.
    let was = json!({"TaskTemplate": {"ContainerSpec": {"Image": "x", "Mounts": [{"Type": "bind", "Source": "/"}]}}});
    let now = json!({"Labels": owned("ben"), "TaskTemplate": {"ContainerSpec": {"Image": "x"}}});
    let bens = json!({"ID": "v", "Version": {"Index": 7}, "Spec": now, "PreviousSpec": was});
    people.has("services", "bens", &bens);
    people.has("services", "v", &bens);
    let back = "/services/bens/update?version=7&rollback=previous";
    assert_eq!(people.posts("ann", back, &service(&json!({}))).await.0, 403);
    assert_eq!(people.posts("ann", "/services/bens/update?version=8&rollback=previous", &service(&json!({}))).await.0, 403);
    assert_eq!(people.posts("olga", back, &service(&json!({}))).await.0, 200);
}

#[tokio::test]
async fn commands_changes_checkpoints_and_images_have_their_limits() {
    let people = People::new().await;
    for (path, body) in [
        ("/containers/anns/exec", json!({"Cmd": ["sh"], "Privileged": true})),
        ("/containers/anns/update", json!({"Devices": [{"PathOnHost": "/dev/sda"}]})),
        ("/containers/anns/update", json!({"CgroupParent": "/"})),
        ("/containers/anns/update", json!({"OomKillDisable": true})),
        ("/containers/anns/start?checkpoint=x", json!({})),
        ("/containers/anns/start?checkpoint-dir=/x", json!({})),
        ("/containers/anns/checkpoints", json!({"CheckpointID": "x", "CheckpointDir": "/etc"})),
        ("/commit?container=anns&repo=busybox&tag=latest", json!({})),
        ("/images/create?fromSrc=-&repo=busybox", json!({})),
        ("/images/x/tag?repo=busybox", json!({})),
        ("/images/x/push", json!({})),
        ("/images/load", json!({})),
        ("/build", json!({})),
        ("/session", json!({})),
        ("/grpc", json!({})),
        ("/containers/prune", json!({})),
        ("/volumes/prune", json!({})),
        ("/networks/prune", json!({})),
        ("/plugins/pull?remote=x", json!({})),
        ("/swarm/leave?force=1", json!({})),
    ] {
        for who in ["ann", "sam"] {
            let (status, answer) = people.posts(who, path, &body).await;
            // Not even there, for whom it is not.
            assert!(status == 403 || (who == "sam" && status == 404), "{who} {path} {body}: {status} {answer}");
        }
    }
    for path in
        ["/images/get?names=x", "/images/x/get", "/swarm", "/swarm/unlockkey", "/system/df", "/containers/anns/checkpoints"]
    {
        assert_eq!(people.gets("ann", path).await.0, 403, "{path}");
    }
    assert_eq!(people.asks("ann", Method::DELETE, "/images/x", "").await.0, 403);
    assert!(people.changes().is_empty(), "{:?}", people.changes());
    assert_eq!(people.posts("ann", "/containers/anns/exec", &json!({"Cmd": ["sh"], "User": "root"})).await.0, 200);
    assert_eq!(
        people.posts("ann", "/containers/anns/update", &json!({"Memory": 1, "RestartPolicy": {"Name": "no"}})).await.0,
        200
    );
    assert_eq!(people.posts("ann", "/containers/anns/start?detachKeys=a", &json!({})).await.0, 200);
    assert_eq!(people.posts("ann", "/commit?container=anns&comment=x&repo=", &json!({})).await.0, 200);
    assert_eq!(people.posts("ann", "/images/create?fromImage=dtr.test/qa/app&tag=1", &json!({})).await.0, 200);
    let id = "c-ann";
    assert_eq!(
        people.changes(),
        [
            format!("POST /v1.41/containers/{id}/exec"),
            format!("POST /v1.41/containers/{id}/update"),
            format!("POST /v1.41/containers/{id}/start?detachKeys=a"),
            "POST /v1.41/commit?container=c%2Dann&comment=x&repo=".to_owned(),
            "POST /v1.41/images/create?fromImage=dtr%2Etest%2Fqa%2Fapp&tag=1".to_owned(),
        ]
    );
}

#[tokio::test]
async fn a_form_in_a_body_never_changes_what_a_query_said() {
    let people = People::new().await;
    let client = people.set.stage.client(Some(&people.set.bundle("ann")));
    people.set.engine.answers("GET /containers/x/json", 404, "{}");
    for path in ["start?detachKeys=a", "rename?name=x", "kill?signal=TERM"] {
        let form = client
            .post(people.set.stage.url(&format!("/containers/anns/{path}")))
            .form(&[("checkpoint-dir", "/x"), ("name", "y")]);
        assert_eq!(form.send().await.unwrap().status(), 200, "{path}");
        let sent = people.set.engine.seen().pop().unwrap();
        assert_eq!((sent.body.as_str(), sent.headers.get("content-type")), ("", None), "{path}");
    }
}

#[tokio::test]
async fn a_named_volume_of_a_service_is_refused_where_other_machines_have_volumes() {
    let people = People::new().await;
    people.answers("POST /volumes/create", &json!({"Name": "new", "Driver": "local", "Options": null, "Labels": owned("ann")}));
    let named = service(&mounts(&json!({"Type": "volume", "Source": "new", "Target": "/x"})));
    let anonymous = service(&mounts(&json!({"Type": "volume", "Target": "/x"})));
    assert_eq!(people.posts("ann", "/services/create", &named).await.0, 200);
    people.answers("GET /info", &json!({"Swarm": {"Nodes": 2}}));
    let (status, answer) = people.posts("ann", "/services/create", &named).await;
    assert_eq!(status, 403);
    assert!(answer.contains("another node"), "{answer}");
    assert_eq!(people.posts("ann", "/services/create", &anonymous).await.0, 200);
}

/// What a checkpoint outside of a container holds, nobody signed.
#[tokio::test]
async fn a_checkpoint_from_elsewhere_is_refused_while_only_signed_images_run() {
    let people = People::new().await;
    assert_eq!(people.posts("olga", "/containers/a/start?checkpoint=x&checkpoint-dir=/x", &json!({})).await.0, 200);
    people.set.stage.gate.enforce();
    let (status, answer) = people.posts("olga", "/containers/a/start?checkpoint=x&checkpoint-dir=/x", &json!({})).await;
    assert_eq!(status, 403);
    assert!(answer.contains("checkpoint-dir"), "{answer}");
    assert_eq!(people.posts("olga", "/containers/a/start?checkpoint=x", &json!({})).await.0, 200);
    assert_eq!(people.posts("olga", "/containers/a/start?Checkpoint-dir=/x", &json!({})).await.0, 400);
}

/// Somebody who means another's container by the beginning of its id must not get one that is called so.
#[tokio::test]
async fn nothing_is_called_like_anothers() {
    let people = People::new().await;
    people.has("services", "eves", &json!({"ID": "v-eve", "Spec": {"Labels": owned("eve")}}));
    for (path, body) in [
        ("/containers/create?name=c-eve", json!({"Image": "x"})),
        ("/containers/create?name=/c-eve", json!({"Image": "x"})),
        ("/containers/anns/rename?name=c-eve", json!({})),
        ("/networks/create", json!({"Name": "eves"})),
        ("/secrets/create", json!({"Name": "s-eve", "Data": ""})),
        ("/configs/create", json!({"Name": "k-eve", "Data": ""})),
        ("/services/create", json!({"Name": "eves", "TaskTemplate": {"ContainerSpec": {"Image": "x"}}})),
    ] {
        let (status, answer) = people.posts("ann", path, &body).await;
        assert_eq!(status, 409, "{path} {body}: {answer}");
        assert!(answer.contains("somebody else"), "{answer}");
    }
    assert!(people.changes().is_empty(), "{:?}", people.changes());
    people.set.engine.answers("GET /containers/free/json", 404, "{}");
    assert_eq!(people.posts("ann", "/containers/anns/rename?name=free", &json!({})).await.0, 200);
    assert_eq!(people.changes(), ["POST /v1.41/containers/c-ann/rename?name=free"]);
}
