//! Ways around the gate that somebody with full control and a raw connection might try. Each has its honest twin.

use serde_json::json;
use wharfinger_e2e::{Api, Cast, Scene, import_busybox};

struct Closed {
    scene: Scene,
    cast: Cast,
    /// Signed by quinn.
    good: String,
    /// Pushed, signed by nobody.
    bad: String,
    raw: Api,
}

fn closed() -> Closed {
    let scene = Scene::up();
    let cast = scene.acme("public");
    let good = scene.push(&cast.dev, "acme/app:1", "good");
    let bad = scene.push(&cast.dev, "acme/app:2", "bad");
    cast.add_quinn(&good);
    cast.quinn_signs(&good);
    scene.enforce(&["acme/qa"]);
    let raw = scene.cluster_api().with_bundle(&cast.olga.home().join("bundle"));
    Closed { scene, cast, good, bad, raw }
}

#[test]
fn what_the_engine_would_read_differently_is_refused() {
    let Closed { good, bad, raw, .. } = &closed();
    let create = |body: String| raw.call("POST", "/v1.41/containers/create", Some(("application/json", &body)));
    let honest = create(json!({"Image": good}).to_string()).is(201).json();
    raw.delete(&format!("/v1.41/containers/{}", honest["Id"].as_str().unwrap())).ok();
    create(json!({"Image": bad}).to_string()).is(404).says("image or trust data does not exist");
    for body in [
        format!(r#"{{"Image":"{good}","image":"{bad}"}}"#),
        format!(r#"{{"image":"{bad}","Image":"{good}"}}"#),
        format!(r#"{{"Image":"{good}","Image":"{bad}"}}"#),
        format!(r#"{{"IMAGE":"{bad}"}}"#),
        format!(r#"{{"Image":"{good}","\u0049mage":"{bad}"}}"#),
        format!(r#"{{"Image":"{good}","ImagE":"{bad}"}}"#),
        format!(r#"{{"Image":"{good}"}} {{"Image":"{bad}"}}"#),
        format!(r#"{{"Image":"{good}","NoSuchKey":"{bad}"}}"#),
        r#"{"Image":""}"#.into(),
        r#"{"Image":null}"#.into(),
        "{}".into(),
        "null".into(),
        "[]".into(),
        String::new(),
        format!("\u{feff}{{\"Image\":\"{good}\"}}"),
    ] {
        let answer = create(body);
        assert!((400..500).contains(&answer.status), "{answer:?}");
    }
}

#[test]
fn the_path_cannot_be_dressed_up() {
    let Closed { bad, raw, .. } = &closed();
    let body = json!({"Image": bad}).to_string();
    for path in [
        "/containers/create",
        "/v1.12/containers/create",
        "/v1.41//containers/create",
        "//v1.41/containers/create",
        "/v1.41/containers/create/",
        "/v1.41/./containers/create",
        "/v1.41/x/../containers/create",
        "/v1.41/%63ontainers/create",
        "/v1.41/containers%2Fcreate",
        "/v1.41/containers/create?platform=linux/amd64",
        "/v1.41/containers/create?name=a&name=b",
        "/v1.41/containers/create;x=y",
        "/V1.41/containers/create",
        "/v1.041/containers/create",
        "/v01.41/containers/create",
    ] {
        let answer = raw.call("POST", path, Some(("application/json", &body)));
        assert!((400..500).contains(&answer.status), "{path}: {answer:?}");
    }
}

#[test]
fn a_pull_cannot_be_talked_into_another_tag() {
    let Closed { scene, cast, good, bad, raw } = &closed();
    let repository = good.rsplit_once(':').unwrap().0;
    scene.forget(good);
    scene.forget(bad);
    let pull = |query: &str| raw.call("POST", &format!("/v1.41/images/create?{query}"), None);
    let escaped = repository.replace(':', "%3A").replace('/', "%2F");
    pull(&format!("fromImage={escaped}&tag=2")).is(404).says("image or trust data does not exist");
    for query in [
        format!("fromImage={escaped}&tag=1&tag=2"),
        format!("fromImage={escaped}&tag=1&Tag=2"),
        format!("fromImage={escaped}%3A1&tag=2"),
        format!("fromImage={escaped}&fromimage={escaped}&tag=2"),
        format!("fromImage={escaped}&tag=1&fromSrc=-"),
        format!("fromImage={escaped}"),
        format!("fromImage={escaped}&tag="),
        format!("fromImage={escaped}&tag=1;tag=2"),
    ] {
        let answer = pull(&query);
        let has = cast.dev.sh(&format!("docker image inspect {bad}")).status == 0;
        assert!(!has, "{query}: {answer:?}");
        assert!(answer.status >= 400 || !answer.body.contains("\"status\":\"Pull"), "{query}: {answer:?}");
    }
    pull(&format!("fromImage={escaped}&tag=1")).is(200);
}

#[test]
fn a_local_tag_in_the_registrys_name_runs_only_as_signed() {
    let Closed { scene, cast, good, .. } = &closed();
    import_busybox(&cast.dev, "impostor:1", "impostor").unwrap();
    scene.forget(good);
    // Straight at the engine, and through the door: the name now means the impostor here.
    cast.dev.does(&format!("docker tag impostor:1 {good}"));
    let ran = cast.olga.sh(&format!("docker run --rm --entrypoint cat {good} /etc/says"));
    ran.ok().says("good").never_says("impostor");
    cast.olga.sh("docker run --rm impostor:1").fails();
    cast.olga.sh(&format!("docker commit $(docker create {good}) changed:1 && docker run --rm changed:1")).fails();
}

#[test]
fn a_service_cannot_hide_its_image() {
    let Closed { good, bad, raw, scene, .. } = &closed();
    let name = format!("hide{}", scene.cluster.rsplit(':').next().unwrap());
    let spec = |task: serde_json::Value| json!({"Name": name, "TaskTemplate": task});
    for body in [
        spec(json!({"ContainerSpec": {"Image": bad}})),
        spec(json!({"ContainerSpec": {"Image": good, "image": bad}})),
        spec(json!({"ContainerSpec": {}})),
        spec(json!({})),
        json!({"Name": name}),
        spec(json!({"Runtime": "plugin", "PluginSpec": {"Remote": bad, "Name": "p"}})),
        spec(json!({"ContainerSpec": {"Image": good}, "PluginSpec": {"Remote": bad}})),
        spec(json!({"ContainerSpec": {"Image": good}, "containerspec": {"Image": bad}})),
    ] {
        let answer = raw.post("/v1.41/services/create", &body);
        assert!(answer.status >= 400, "{body}: {answer:?}");
    }
    let made = raw.post("/v1.41/services/create", &spec(json!({"ContainerSpec": {"Image": good}}))).is(201).json();
    let id = made["ID"].as_str().unwrap();
    let version = raw.get(&format!("/v1.41/services/{id}")).json()["Version"]["Index"].clone();
    let update = spec(json!({"ContainerSpec": {"Image": bad}}));
    let answer = raw.post(&format!("/v1.41/services/{id}/update?version={version}"), &update);
    assert_eq!(answer.status, 404, "{answer:?}");
    raw.delete(&format!("/v1.41/services/{id}")).ok();
}

#[test]
fn plugins_builds_and_imports_bring_nothing_in_that_runs() {
    let Closed { cast, bad, raw, .. } = &closed();
    cast.olga.sh(&format!("docker plugin install --grant-all-permissions {bad}")).fails();
    raw.call("POST", &format!("/v1.41/plugins/pull?remote={bad}"), Some(("application/json", "[]")));
    raw.call("POST", "/v1.41/build", Some(("application/x-tar", ""))).is(403).says("allow_builds");
    raw.call("POST", "/session", None).is(403);
    raw.call("POST", "/grpc", None).is(403);
    import_busybox(&cast.dev, "smuggled:1", "smuggled").unwrap();
    cast.dev.does("docker save smuggled:1 > smuggled.tar; docker image rm smuggled:1");
    cast.olga.sh(&format!("docker load < {}/smuggled.tar", cast.dev.home().display()));
    cast.olga.sh("docker run --rm smuggled:1").fails();
}

#[test]
fn identity_headers_from_outside_are_worth_nothing() {
    let scene = Scene::up();
    scene.account("olga");
    let olga = scene.machine("olga", wharfinger_e2e::DockerCli::newest());
    for header in ["X-Remote-User: admin", "X-Forwarded-User: admin", "X-Wharfinger-Account: admin", "SSL-Client-Cert: x"] {
        let status = olga
            .does(&format!("curl -ksS -o /dev/null -w '%{{http_code}}' -H '{header}' https://$CLUSTER/v1.41/containers/json"));
        assert_eq!(status.line(), "401", "{header}");
    }
}
