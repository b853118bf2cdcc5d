//! The stage itself: engines, people, networks. When these fail, nothing else here can be believed.

use std::fs;
use std::time::Duration;

use serde_json::json;
use wharfinger_e2e::{
    DockerCli, Engine, EngineOptions, KINDS, Kubernetes, KubernetesOptions, Netns, Person, import_busybox, until,
};

#[test]
fn an_engine_of_our_own_runs_an_image_and_leaves_nothing_behind() {
    let dir = tempfile::Builder::new().prefix("wf-").tempdir().unwrap();
    let place = dir.path().join("e");
    let engine = Engine::start(&place, EngineOptions::default()).unwrap();
    for cli in DockerCli::present() {
        let name = format!("{cli:?}");
        let person = Person::new(dir.path(), &name, cli).unwrap().at_engine(&engine.host());
        import_busybox(&person, "plain:1", "hello from busybox").unwrap();
        person.does("docker run --rm plain:1 cat /etc/says").says("hello from busybox");
    }
    drop(engine);
    assert!(!place.exists());
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    assert!(!mounts.contains(&place.display().to_string()));
}

#[test]
fn an_engine_in_a_network_namespace_has_a_swarm_of_its_own() {
    let dir = tempfile::Builder::new().prefix("wf-").tempdir().unwrap();
    let netns = Netns::new("swarm", "").unwrap();
    let options = EngineOptions { swarm: true, netns: Some(&netns), ..Default::default() };
    let engine = Engine::start(&dir.path().join("e"), options).unwrap();
    let nodes = engine.docker(&["node", "ls"]).unwrap().ok();
    assert!(nodes.output.contains("Leader"));
}

#[test]
fn what_a_person_exports_is_there_in_the_next_line() {
    let dir = tempfile::tempdir().unwrap();
    let person = Person::new(dir.path(), "p", DockerCli::newest()).unwrap();
    person.does("mkdir deep; cd deep; WORD='two words'");
    person.does("echo \"$WORD in $PWD\"").says("two words in ").says("/deep");
    person.sh("exit 3").fails();
    person.does("pwd").says("/deep");
}

#[test]
fn two_namespaces_reach_each_other_by_name_past_any_firewall() {
    let (one, other) = (Netns::new("one", "").unwrap(), Netns::new("other", "").unwrap());
    let (here, there) = one.connect(&other).unwrap();
    one.knows(&there, "other.test").unwrap();
    let mut ping = one.command("busybox");
    ping.args(["ping", "-c", "1", "-w", "5", "other.test"]);
    wharfinger_e2e::run(ping).unwrap().ok().says(&there);
    assert_ne!(here, there);
}

#[test]
fn no_port_is_given_out_twice() {
    let mut ports: Vec<u16> = (0..50).map(|_| wharfinger_e2e::free_port()).collect();
    ports.sort_unstable();
    ports.dedup();
    assert_eq!(ports.len(), 50);
}

#[test]
#[ignore = "needs `cargo xtask kubernetes`"]
fn the_real_controllers_make_the_pods_of_a_deployment_and_an_end_of_it_leaves_no_process() {
    let dir = tempfile::Builder::new().prefix("wf-").tempdir().unwrap();
    let options = KubernetesOptions { controllers: true, ..Default::default() };
    let kubernetes = Kubernetes::start(dir.path(), options).unwrap();
    kubernetes.namespace("shop");
    let web = json!({"containers": [{"name": "web", "image": "localhost:1/web:1"}]});
    let template = json!({"metadata": {"labels": {"app": "web"}}, "spec": web});
    let spec = json!({"replicas": 2, "selector": {"matchLabels": {"app": "web"}}, "template": template});
    let deployment =
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}, "spec": spec});
    kubernetes.apply(&deployment).ok().says("deployment.apps/web created");

    let pods = || kubernetes.get("shop", "pods");
    assert!(until(Duration::from_secs(30), || pods()["items"].as_array().is_some_and(|pods| pods.len() == 2)));
    let pod = &pods()["items"][0];
    assert_eq!(pod["metadata"]["ownerReferences"][0]["kind"], "ReplicaSet");
    assert_eq!(pod["spec"]["serviceAccountName"], "default");
    kubernetes.kubectl(&["get", "secrets", "--as", "eve"], "").fails().says("secrets is forbidden");

    let folder = dir.path().display().to_string();
    let ours = || {
        let processes = fs::read_dir("/proc").unwrap().flatten();
        processes.filter(|p| fs::read_to_string(p.path().join("cmdline")).is_ok_and(|line| line.contains(&folder))).count()
    };
    assert_eq!(ours(), 3);
    drop(kubernetes);
    assert_eq!(ours(), 0);
}

#[test]
#[ignore = "needs `cargo xtask kubernetes`"]
fn an_api_server_that_asks_nobody_takes_every_kind_as_it_is() {
    let dir = tempfile::Builder::new().prefix("wf-").tempdir().unwrap();
    let kubernetes = Kubernetes::start(dir.path(), KubernetesOptions::default()).unwrap();
    for kind in KINDS {
        let name = kind.name.to_lowercase();
        let images = ["localhost:1/init:1", "localhost:1/app:1"];
        kubernetes.apply(&kind.object("default", &name, &[("init", images[0]), ("app", images[1])])).ok().says("created");
        assert_eq!(kind.images(&kubernetes.get("default", &format!("{name} {name}"))), images);
    }
}
