//! The stock docker clients, through the door, at a real engine.

use std::path::Path;

use tempfile::TempDir;
use wharfinger_e2e::{DockerCli, Engine, EngineOptions, Person, import_busybox};
use wharfinger_identity::Role;

use crate::stage::Stage;

const IMAGE: &str = "dtr.test/qa/app:1";

struct Set {
    stage: Stage,
    engine: Engine,
    folder: TempDir,
}

async fn set() -> Set {
    let folder = tempfile::Builder::new().prefix("wfd").tempdir().unwrap();
    let engine = Engine::start(&folder.path().join("e"), EngineOptions::default()).unwrap();
    let stage = Stage::open(&engine.host()).await;
    stage.bundle(&folder.path().join("bundle"), "ops", Role::FullControl, false);
    Set { stage, engine, folder }
}

impl Set {
    fn person(&self, cli: DockerCli) -> Person {
        let name = format!("{cli:?}");
        Person::new(self.folder.path(), &name, cli)
            .unwrap()
            .with("DOCKER_HOST", &self.stage.docker_host())
            .with("DOCKER_TLS_VERIFY", "1")
            .with("DOCKER_CERT_PATH", self.folder.path().join("bundle").to_str().unwrap())
    }
}

/// The stock clients block; the door needs the runtime meanwhile.
async fn walk(person: Person, story: impl FnOnce(&Person) + Send + 'static) {
    tokio::task::spawn_blocking(move || story(&person)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn containers_run_and_talk_through_the_door() {
    let set = set().await;
    for cli in DockerCli::present() {
        let person = set.person(cli);
        walk(person, containers).await;
    }
    assert!(Path::new(set.engine.host().trim_start_matches("unix://")).exists());
}

fn containers(person: &Person) {
    import_busybox(person, IMAGE, "hello from inside").unwrap();
    person.does("docker version").says("API version:");
    person.does("docker info").says("Server Version");
    let run = "docker run --rm --network none";
    person.does(&format!("{run} {IMAGE} echo out")).says("out");
    person.sh(&format!("{run} {IMAGE} sh -c 'echo to-stderr >&2; exit 7'")).says("to-stderr");
    assert_eq!(person.sh(&format!("{run} {IMAGE} sh -c 'exit 7'")).status, 7);
    // Half-close: the container sees the end of its input, and its last words still arrive.
    person.does(&format!("echo through | {run} -i {IMAGE} sh -c 'cat; echo done'")).says("through\ndone");
    let many = person.does(&format!("head -c 3000000 /dev/zero | {run} -i {IMAGE} wc -c"));
    assert_eq!(many.line(), "3000000");
    // With a terminal.
    person
        .does(&format!("script -qec '{run} -it {IMAGE} sh -c \"echo tty; test -t 0 && echo really\"' /dev/null"))
        .says("really");

    person.does(&format!("docker run -d --name box --network none {IMAGE}"));
    person.does("docker ps").says("dtr.test/qa/app:1");
    person.does("echo hi | docker exec -i box sh -c 'cat; echo after'").says("hi\nafter");
    person.does("docker exec box echo plain").says("plain");
    person.does("docker exec -d box sh -c 'echo x > /tmp/x'");
    person.does("script -qec 'docker exec -it box sh -c \"test -t 0 && echo tty\"' /dev/null").says("tty");
    assert_eq!(person.sh("docker exec box sh -c 'exit 3'").status, 3);
    person.does("docker logs box").says("hello from inside");
    person.does("timeout 3 docker logs -f box || true").says("hello from inside");
    person.does("docker stats --no-stream box").says("CPU %");
    person.does("docker top box").says("sleep");
    person.does("docker inspect box").says("dtr.test/qa/app:1");
    person.does("echo copied > f && docker cp f box:/tmp/f && docker cp box:/tmp/f back && cat back").says("copied");
    person.does("docker diff box").says("/tmp/f");
    person.does("docker export box | tar -t | head -3; docker rename box tub && docker rename tub box");
    person.does("timeout 5 docker events --since 1m --until 0s --filter container=box").says("container create");
    person.does("(sleep 1; docker kill -s TERM box >/dev/null) & docker wait box; wait");
    person.does("docker start box && docker restart -t 0 box && docker pause box && docker unpause box && docker update --memory 64m --memory-swap 64m box");
    person.does("(sleep 1; docker stop -t 0 box >/dev/null) & timeout 20 docker attach --no-stdin box || true; wait");
    person.does("docker commit box other:1 && docker tag other:1 other:2 && docker save other:2 | docker load").says("other:2");
    person.does("docker history other:2 && docker images && docker rmi other:1 other:2 && docker rm -f box");
    person.does("docker volume create vol && docker volume ls && docker volume rm vol && docker network ls && docker system df");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_is_created_with_every_option_the_clients_have() {
    let set = set().await;
    for cli in DockerCli::present() {
        walk(set.person(cli), options).await;
    }
}

fn options(person: &Person) {
    import_busybox(person, IMAGE, "hello").unwrap();
    let options = [
        "--add-host a:1.2.3.4",
        "--blkio-weight 100",
        "--cap-add NET_ADMIN",
        "--cap-drop CHOWN",
        "--cgroupns private",
        "--cpu-period 100000",
        "--cpu-quota 50000",
        "--cpu-shares 512",
        "--cpus 0.5",
        "--cpuset-cpus 0",
        "--device /dev/null:/dev/xnull:rw",
        "--device-cgroup-rule 'c 42:* rmw'",
        "--device-read-bps /dev/null:1mb",
        "--dns 1.1.1.1 --dns-option ndots:1 --dns-search test",
        "--domainname example --hostname h",
        "--entrypoint sh",
        "--env A=1",
        "--expose 80",
        "--group-add 10",
        "--health-cmd true --health-interval 1s --health-retries 2 --health-start-period 1s --health-timeout 1s",
        "--init",
        "--ipc private",
        "--label a=b --label A=B",
        "--log-driver json-file --log-opt max-size=1m",
        "--memory 64m --memory-reservation 32m --memory-swap 64m --memory-swappiness 10",
        "--mount type=bind,src=/tmp,dst=/x,readonly,bind-propagation=rprivate",
        "--mount type=tmpfs,dst=/y,tmpfs-size=1m,tmpfs-mode=0700",
        "--mount type=volume,src=vv,dst=/z,volume-nocopy,volume-label=a=b",
        "--network none",
        "--no-healthcheck",
        "--oom-kill-disable --memory 64m",
        "--oom-score-adj 10",
        "--pid host",
        "--pids-limit 100",
        "--privileged",
        "--publish 127.0.0.1::80 --publish-all",
        "--read-only --tmpfs /run:size=1m",
        "--restart on-failure:2",
        "--runtime runc",
        "--security-opt no-new-privileges",
        "--shm-size 32m",
        "--stop-signal TERM --stop-timeout 2",
        "--sysctl net.ipv4.ip_forward=0",
        "--ulimit nofile=10:20",
        "--user 1:1 --userns host --uts host",
        "--volume /tmp:/t:ro --volume named:/n --volume /anonymous",
        "--workdir /tmp",
        "-it",
    ];
    for option in options {
        let ran = person.sh(&format!("docker create {option} {IMAGE} x"));
        // The engine may lack something here; the door has to have understood it.
        let ran = ran.never_says("is not known").never_says("stands twice").never_says("not of the kind");
        assert!(ran.status == 0 || !option.starts_with("--label"), "{ran}");
    }
    person.does("docker ps -aq | xargs docker rm -f -v");
}

#[tokio::test(flavor = "multi_thread")]
async fn builds_stream_through_while_the_switch_is_off() {
    let set = set().await;
    let person = set.person(DockerCli::V20);
    walk(person.clone(), |person| {
        import_busybox(person, IMAGE, "base").unwrap();
        person.does("mkdir -p b && head -c 5000000 /dev/urandom > b/big");
        person.writes("b/Dockerfile", format!("FROM {IMAGE}\nCOPY big /big\nLABEL made=here\n"));
        person.does("DOCKER_BUILDKIT=0 docker build -t built:classic b").says("Successfully tagged built:classic");
        person.does("DOCKER_BUILDKIT=1 docker build -t built:buildkit b");
        person.does("docker images").says("buildkit");
        person.does("docker builder prune -f");
    })
    .await;
    set.stage.gate.enforce();
    walk(person, |person| {
        person.sh("DOCKER_BUILDKIT=0 docker build b").fails().says("allow_builds = true");
        person.sh("DOCKER_BUILDKIT=1 docker build b").fails();
    })
    .await;
}
