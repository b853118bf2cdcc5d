//! The stock docker clients, through the door, at a real engine.

use std::path::Path;

use tempfile::TempDir;
use wharfinger_e2e::{DockerCli, Engine, EngineOptions, Netns, Person, import_busybox};
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

#[tokio::test(flavor = "multi_thread")]
async fn services_and_stacks_are_deployed_through_the_door() {
    let folder = tempfile::Builder::new().prefix("wfd").tempdir().unwrap();
    let netns = Netns::new("door", "127.0.0.1 dtr.test").unwrap();
    let options = EngineOptions { swarm: true, netns: Some(&netns), network: true, ..Default::default() };
    let engine = Engine::start(&folder.path().join("e"), options).unwrap();
    let stage = Stage::open(&engine.host()).await;
    stage.bundle(&folder.path().join("bundle"), "boss", Role::None, true);
    let set = Set { stage, engine, folder };
    for cli in DockerCli::present() {
        walk(set.person(cli), services).await;
    }
    drop(set);
}

fn services(person: &Person) {
    import_busybox(person, IMAGE, "one").unwrap();
    import_busybox(person, "dtr.test/qa/app:2", "two").unwrap();
    // The image is on no registry: the engine is to take what it has.
    let create = "docker service create --detach --no-resolve-image";
    person.does("docker node ls").says("Leader");
    person.does("docker network create -d overlay --attachable net");
    person.does("echo s | docker secret create sec - && echo c | docker config create conf -");
    person.does(&format!(
        "{create} --name web --replicas 1 --network net --secret sec --config source=conf,target=/c,mode=0440 \
         --env A=1 --label l=1 --container-label cl=1 --constraint node.role==manager --placement-pref spread=node.labels.x \
         --limit-memory 64m --limit-cpu 0.5 --limit-pids 50 --reserve-memory 8m --reserve-cpu 0.1 --hostname h --host a:1.2.3.4 \
         --dns 1.1.1.1 --dns-option x --dns-search y --health-cmd true --health-interval 5s --init --log-driver json-file \
         --log-opt max-size=1m --mount type=tmpfs,dst=/t --mount type=volume,src=sv,dst=/v --read-only --restart-condition any \
         --restart-delay 1s --restart-max-attempts 3 --restart-window 5s --rollback-order start-first --rollback-parallelism 1 \
         --stop-grace-period 1s --stop-signal TERM --sysctl net.ipv4.ip_forward=0 --update-delay 0s --update-order stop-first \
         --update-failure-action rollback --update-max-failure-ratio 0.25 --update-monitor 1s --update-parallelism 1 --user 0:0 \
         --group 10 --workdir / --cap-add NET_ADMIN --cap-drop CHOWN --ulimit nofile=10:20 --replicas-max-per-node 3 \
         --publish published=18080,target=80,mode=ingress --isolation default --generic-resource x=1 {IMAGE}"
    ));
    person.does("docker service update --detach --generic-resource-rm x --no-resolve-image web || true");
    person.does(&format!("{create} --name simple {IMAGE}"));
    let running = "for i in $(seq 60); do docker service ls --filter name=simple | grep -q 1/1 && break; sleep 0.5; done; docker service ls; docker service ps --no-trunc simple";
    person.does(running).says("1/1");
    person.does("docker service ps simple").says("Running");
    person.does("docker service inspect --pretty simple").says(IMAGE);
    person.does("timeout 20 docker service logs simple").says("one");
    person.does("docker service scale --detach simple=2 && docker service update --detach --force --no-resolve-image simple");
    person.does("docker service update --detach --no-resolve-image --image dtr.test/qa/app:2 --env-add B=2 simple");
    person.does("docker service inspect simple").says("dtr.test/qa/app:2");
    person.does("docker service rollback --detach simple");
    person.does("docker service inspect simple --format '{{.Spec.TaskTemplate.ContainerSpec.Image}}'").says(IMAGE);
    person.does(&format!("{create} --name job --mode replicated-job --restart-condition none {IMAGE} true"));
    person.does(&format!("{create} --name glob --mode global {IMAGE}"));
    person.writes(
        "stack.yml",
        format!(
            "version: '3.8'\nservices:\n  a:\n    image: {IMAGE}\n    deploy: {{replicas: 1, labels: [x=y]}}\n    \
             configs: [one]\n    networks: [inner]\n    volumes: ['data:/d']\n    healthcheck: {{test: ['CMD','true']}}\n\
             networks: {{inner: {{}}}}\nvolumes: {{data: {{}}}}\nconfigs: {{one: {{file: ./stack.yml}}}}\n"
        ),
    );
    person.does("docker stack deploy --resolve-image never -c stack.yml st");
    person.does("docker stack deploy --resolve-image never -c stack.yml st").says("Updating service st_a");
    person.does("docker stack ls && docker stack services st && docker stack ps st").says("st_a");
    person.does("docker stack rm st && docker service rm web simple job glob");
    person.does("docker node inspect self --pretty && docker node update --label-add x=y $(docker node ls -q)");
    person.does("docker swarm join-token worker").says("SWMTKN");
    person.does("docker secret rm sec && docker config rm conf");
    // The swarm forgets it some time after it was removed.
    person.does("gone() { [ -z \"$(docker network ls -q --filter name=^net$)\" ]; }");
    person.does("for i in $(seq 60); do docker network rm net; gone && break; sleep 0.5; done; gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn other_clients_of_the_engine_work_as_well() {
    let set = set().await;
    walk(set.person(DockerCli::V20), |person| {
        import_busybox(person, IMAGE, "hello from inside").unwrap();
        person.writes("py.py", DOCKER_PY);
        person.does("/usr/bin/python3 py.py").says("all well");
        person.writes("docker-compose.yml", COMPOSE);
        person.does("docker-compose up -d && docker-compose ps").says("_one_1");
        person.does("docker-compose exec -T one echo from-compose").says("from-compose");
        person.does("docker-compose logs").says("hello from inside");
        person.does("docker-compose run --rm -T two echo ran && docker-compose down -v");
    })
    .await;
}

const COMPOSE: &str = "version: '3'
services:
  one: {image: 'dtr.test/qa/app:1', network_mode: none, volumes: ['data:/d', '/tmp:/t:ro'], environment: {A: b}, labels: {x: y}}
  two: {image: 'dtr.test/qa/app:1', network_mode: none, ulimits: {nofile: 2000}, read_only: true, tmpfs: /run, stop_grace_period: 1s}
volumes: {data: {}}
";

const DOCKER_PY: &str = r#"
import docker
client = docker.from_env(timeout=30)
assert client.ping() and client.version()["ApiVersion"]
image = "dtr.test/qa/app:1"
assert b"x" in client.containers.run(image, "echo x", remove=True, network_mode="none")
box = client.containers.run(image, detach=True, network_mode="none", mem_limit="64m", environment={"A": "b"}, labels=["l"],
    ports={"80/tcp": None}, volumes={"/tmp": {"bind": "/t", "mode": "ro"}}, cap_add=["NET_ADMIN"], tmpfs={"/r": ""},
    restart_policy={"Name": "on-failure", "MaximumRetryCount": 2}, healthcheck={"test": ["CMD", "true"]}, init=True,
    ulimits=[docker.types.Ulimit(name="nofile", soft=1000, hard=2000)], mounts=[docker.types.Mount("/m", "vol")],
    log_config=docker.types.LogConfig(type="json-file", config={"max-size": "1m"}), shm_size="16m", runtime="runc",
    extra_hosts={"a": "1.2.3.4"}, dns=["1.1.1.1"], sysctls={"net.ipv4.ip_forward": 0}, stop_signal="TERM", oom_score_adj=1)
assert box.exec_run("echo from-exec").output == b"from-exec\n"
code, stream = box.exec_run("sh -c 'echo a; echo b'", stream=True)
assert b"".join(stream) == b"a\nb\n"
code, socket = box.exec_run("cat", stdin=True, socket=True)
socket.sendall(b"hi\n")
assert b"hi" in socket.recv(100)
socket.close()
assert b"hello" in box.logs()
assert next(iter(box.stats(decode=True)))["read"]
assert next(iter(client.events(since=0, decode=True)))["Type"]
bits, stat = box.get_archive("/etc/says")
assert stat["name"] == "says" and b"".join(bits)
assert box in client.containers.list()
box.stop(timeout=0); box.remove(v=True)
print("all well")
"#;
