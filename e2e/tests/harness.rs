//! The stage itself: engines, people, networks. When these fail, nothing else here can be believed.

use std::fs;

use wharfinger_e2e::{DockerCli, Engine, EngineOptions, Netns, Person, import_busybox};

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
