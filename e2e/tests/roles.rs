//! What each role may do, with the stock clients at a real engine: Ann and Ben share a team, Eve is in none.

use std::time::Duration;

use serde_json::json;
use wharfinger_e2e::{DockerCli, PASSWORD, Person, Scene, import_busybox, until};

const OWNER: &str = "com.wharfinger.owner";

struct Stage {
    scene: Scene,
    image: String,
    ann: Person,
    ben: Person,
    eve: Person,
    olga: Person,
}

impl Stage {
    /// Each with a client bundle, and an image that the engine has. Names on the shared engine end in the cluster's port.
    fn new() -> Self {
        let scene = Scene::up();
        let image = format!("roles-{}:1", port(&scene));
        let [ann, ben, eve] = ["ann", "ben", "eve"].map(|name| somebody(&scene, name, "restrictedcontrol"));
        let olga = somebody(&scene, "olga", "fullcontrol");
        import_busybox(&olga, &image, "hello").unwrap();
        for person in [&ann, &ben, &eve, &olga] {
            scene.operates(person);
        }
        scene.team("acme", "dev", &["ann", "ben"]);
        Self { scene, image, ann, ben, eve, olga }
    }

    fn name(&self, what: &str) -> String {
        format!("{what}-{}", port(&self.scene))
    }
}

fn port(scene: &Scene) -> &str {
    scene.cluster.rsplit(':').next().unwrap()
}

fn somebody(scene: &Scene, name: &str, role: &str) -> Person {
    scene.admin().post("/accounts/", &json!({"name": name, "password": PASSWORD})).is(201);
    scene.admin().patch(&format!("/accounts/{name}"), &json!({ "role": role })).ok();
    scene.machine(name, DockerCli::newest())
}

#[test]
fn containers_are_their_owners_and_their_teams_and_nobody_elses() {
    let s = Stage::new();
    let (c, image) = (s.name("c"), &s.image);
    s.ann.does(&format!("docker run -d --name {c} {image}"));
    let id = s.ann.does(&format!("docker inspect --format '{{{{.Id}}}}' {c}")).line().to_owned();
    for person in [&s.ann, &s.ben] {
        person.does("docker ps").says(&c);
        person.does(&format!("docker logs {c}")).says("hello");
        person.does(&format!("docker exec {c} echo inside")).says("inside");
        person.does(&format!("echo copied > f && docker cp f {c}:/tmp/f && docker cp {c}:/tmp/f g && diff f g"));
        person.does(&format!("docker stop -t 0 {c} && docker start {c} && docker restart -t 0 {c} && docker top {c}"));
        person.does(&format!(
            "docker update --memory 64m --memory-swap 64m {c} && docker stats --no-stream {c} && docker diff {c}"
        ));
        person.does(&format!("docker pause {c} && docker unpause {c} && docker export {c} > /dev/null"));
        person.does(&format!("docker rename {c} {c}x && docker rename {c}x {c}"));
        person.does(&format!("docker commit {c}")).says("sha256:");
    }
    s.eve.does("docker ps -a").never_says(&c);
    s.ann.does("docker events --since 5m --until 0s").says("container start").says(&c);
    s.eve.does("docker events --since 5m --until 0s").never_says(&c);
    for name in [c.as_str(), &id, &id[..12], &id[..4]] {
        for call in [
            "inspect",
            "logs",
            "top",
            "diff",
            "stats --no-stream",
            "export",
            "commit",
            "stop",
            "start",
            "restart",
            "kill",
            "pause",
            "rm -f",
            "attach",
            "wait",
            "port",
        ] {
            let ran = s.eve.sh(&format!("timeout 20 docker {call} {name}"));
            assert!(ran.output.to_lowercase().contains("no such"), "{ran}");
        }
        s.eve.sh(&format!("docker exec {name} sh")).fails().says("No such container");
        s.eve.sh(&format!("docker cp {name}:/etc/says .")).fails().says("No such container");
        s.eve.sh(&format!("echo x > f; docker cp f {name}:/etc/says")).fails();
        s.eve.sh(&format!("docker rename {name} mine")).fails().says("No such container");
        s.eve.sh(&format!("docker update --memory 64m --memory-swap 64m {name}")).fails();
        s.eve.sh(&format!("docker run --rm --volumes-from {name} {} true", s.image)).fails().says("in this request");
        s.eve.sh(&format!("docker run --rm --link {name}:db {} true", s.image)).fails().says("in this request");
        s.eve.sh(&format!("docker run --rm --network container:{name} {} true", s.image)).fails().says("fullcontrol");
        s.eve.sh(&format!("docker run --rm --pid container:{name} {} true", s.image)).fails().says("fullcontrol");
    }
    // What the engine was told is what the door says.
    let label = s.olga.does(&format!("docker inspect --format '{{{{index .Config.Labels \"{OWNER}\"}}}}' {c}")).line().to_owned();
    assert_eq!(label, s.scene.admin().get("/accounts/ann").json()["id"].as_str().unwrap());
    s.olga.does(&format!("docker exec {c} id"));
    // Out of the team.
    s.scene.admin().delete("/accounts/acme/teams/dev/members/ben").ok();
    s.ben.sh(&format!("docker logs {c}")).fails().says("No such container");
    s.ann.does(&format!("docker rm -f {c}"));
}

#[test]
fn the_ways_to_the_machine_are_refused_one_by_one() {
    let s = Stage::new();
    s.ann.writes("profile.json", "{}");
    for flags in [
        "--privileged",
        "--network host",
        "--pid host",
        "--ipc host",
        "--uts host",
        "--userns host",
        "--cgroupns host",
        "-v /:/host",
        "-v /var/run/docker.sock:/s",
        "--mount type=bind,src=/,dst=/x",
        "--mount type=volume,dst=/x,volume-driver=local,volume-opt=type=none,volume-opt=o=bind,volume-opt=device=/",
        "--mount type=volume,src=v,dst=/x,volume-driver=other",
        "--volume-driver other -v v:/x",
        "--device /dev/null",
        "--device-cgroup-rule 'b 8:* rwm'",
        "--gpus all",
        "--cap-add SYS_ADMIN",
        "--security-opt seccomp=unconfined",
        "--security-opt apparmor=unconfined",
        "--security-opt systempaths=unconfined",
        "--runtime runc",
        "--cgroup-parent /",
        "--sysctl net.ipv4.ip_forward=1",
        "--oom-kill-disable",
        "--oom-score-adj -500",
        "--log-driver syslog",
        "--storage-opt size=1g",
        "--device-read-bps /dev/null:1mb",
    ] {
        s.ann.sh(&format!("docker run --rm {flags} {} true", s.image)).fails().says("fullcontrol");
    }
    let c = s.name("w");
    s.ann.does(&format!(
        "docker run -d --name {c} --cap-drop ALL --security-opt no-new-privileges --read-only --tmpfs /run --memory 64m {}",
        s.image
    ));
    s.ann.sh(&format!("docker exec --privileged {c} true")).fails().says("fullcontrol");
    s.ann.writes("Dockerfile", "FROM scratch\n");
    for (line, why) in [
        ("docker volume create -o type=none -o o=bind -o device=/", "needs the role fullcontrol"),
        ("docker network create -d macvlan -o parent=lo m", "needs the role fullcontrol"),
        ("docker network create --subnet 10.77.0.0/24 m", "needs the role fullcontrol"),
        ("DOCKER_BUILDKIT=0 docker build -t x .", "needs fullcontrol"),
        ("docker system df", "needs fullcontrol"),
        ("docker volume prune -f", "needs fullcontrol"),
        ("docker container prune -f", "needs fullcontrol"),
        ("docker swarm join-token worker", "needs an administrator"),
        ("docker swarm unlock-key", "needs an administrator"),
        ("docker node ls -q | xargs docker node inspect", "No such node"),
        ("docker node ls -q | xargs docker node rm -f", "needs an administrator"),
        ("docker plugin disable x", "needs an administrator"),
    ] {
        s.ann.sh(line).fails().says(why).never_says("SWMTKN");
    }
    for line in [
        format!("docker tag {} other:1", s.image),
        format!("docker rmi {}", s.image),
        format!("docker save {} > x", s.image),
        format!("docker push {}", s.image),
    ] {
        s.ann.sh(&line).fails();
    }
    s.ann.sh(&format!("docker commit {c} {}", s.image)).fails().says("fullcontrol");
    s.ann.sh(&format!("docker run -d --label {OWNER}=somebody {}", s.image)).fails().says(OWNER);
    s.olga.sh(&format!("docker volume create --label {OWNER}=somebody")).fails().says(OWNER);
    // What full control made is no way either, even if it is a team-mate's.
    let p = s.name("p");
    s.scene.admin().put("/accounts/acme/members/olga", &json!({})).ok();
    s.scene.admin().put("/accounts/acme/teams/dev/members/olga", &json!({})).ok();
    for flags in ["--privileged", "-v /:/host", "--pid host", "--cap-add SYS_ADMIN", "--security-opt seccomp=unconfined"] {
        s.olga.does(&format!("docker create --name {p} {flags} {}", s.image));
        s.ann.does("docker ps -a").says(&p);
        for line in [
            format!("docker start {p}"),
            format!("docker exec {p} id"),
            format!("docker cp {p}:/etc/says ."),
            format!("docker export {p} > x"),
            format!("docker commit {p}"),
            format!("docker run --rm --volumes-from {p} {} id", s.image),
        ] {
            s.ann.sh(&line).fails().says("only full control may give");
        }
        s.ann.does(&format!("docker rm {p}"));
    }
    s.olga.does(&format!("docker run -d --name {p} -v /:/host {}", s.image));
    s.ann.sh(&format!("docker exec {p} cat /host/etc/hostname")).fails().says("only full control may give");
    s.ann.sh(&format!("docker cp {p}:/host/etc/hostname .")).fails().says("only full control may give");
    s.olga.does(&format!("docker rm -f {p}"));
    s.ann.does(&format!("docker rm -f {c}"));
}

#[test]
fn volumes_and_networks_are_their_owners() {
    let s = Stage::new();
    let (volume, network, bound, image) = (s.name("v"), s.name("n"), s.name("b"), &s.image);
    s.ann.does(&format!("docker volume create {volume} && docker network create {network}"));
    s.ann.does(&format!("docker run --rm -v {volume}:/d --network {network} {image} sh -c 'echo kept > /d/f'"));
    // By name only: the door makes it, so that it is Ann's.
    s.ann.does(&format!("docker run --rm -v {bound}:/d {image} id && docker volume inspect {bound}")).says(OWNER);
    s.ben.does(&format!("docker run --rm -v {volume}:/d {image} cat /d/f")).says("kept");
    s.ben.does("docker volume ls && docker network ls").says(&volume).says(&network).says("bridge");
    s.eve
        .does("docker volume ls && docker network ls")
        .never_says(&volume)
        .never_says(&bound)
        .never_says(&network)
        .says("bridge");
    s.eve.sh(&format!("docker volume inspect {volume}")).fails();
    s.eve.sh(&format!("docker volume rm {volume}")).fails();
    s.eve.sh(&format!("docker volume create {volume}")).fails().says("of somebody else already");
    s.eve.sh(&format!("docker run --rm -v {volume}:/d {image} cat /d/f")).fails().never_says("kept").says("in this request");
    s.eve.sh(&format!("docker run --rm --mount type=volume,src={volume},dst=/d {image} cat /d/f")).fails().never_says("kept");
    s.eve.sh(&format!("docker run --rm --network {network} {image} true")).fails().says("in this request");
    s.eve.sh(&format!("docker network inspect {network}")).fails();
    s.eve.sh(&format!("docker network rm {network}")).fails();
    let eves = s.name("e");
    s.eve.does(&format!("docker run -d --name {eves} {image}"));
    s.eve.sh(&format!("docker network connect {network} {eves}")).fails();
    s.ann.sh(&format!("docker network connect {network} {eves}")).fails().says("in this request");
    s.eve.does("docker network inspect bridge").never_says(&eves);
    s.eve.does(&format!("docker rm -f {eves}"));
    // A volume that leads out, made by a team-mate with full control.
    let device = s.name("d");
    s.scene.admin().put("/accounts/acme/members/olga", &json!({})).ok();
    s.scene.admin().put("/accounts/acme/teams/dev/members/olga", &json!({})).ok();
    s.olga.does(&format!("docker volume create -o type=none -o o=bind -o device=/etc {device}"));
    s.ann.sh(&format!("docker run --rm -v {device}:/d {image} cat /d/hostname")).fails().says("only full control may give");
    s.olga.does(&format!("docker volume rm {device}"));
    s.ann.does(&format!("docker volume rm {volume} {bound} && docker network rm {network}"));
}

#[test]
fn services_secrets_and_stacks_are_their_owners() {
    let s = Stage::new();
    let (web, k, st, image) = (s.name("web"), s.name("k"), s.name("st"), &s.image);
    s.ann.does(&format!("echo word | docker secret create {k} - && echo word | docker config create {k} -"));
    let create = "docker service create --no-resolve-image";
    s.ann.does(&format!("{create} --name {web} --secret {k} --config {k} {image}")).says("converged");
    s.ben.does("docker service ls").says(&web);
    s.ben.does(&format!(
        "docker service ps {web} && docker service scale {web}=2 && docker service update --label-rm {OWNER} --env-add A=b {web}"
    ));
    s.ann.does(&format!("docker service inspect {web}")).says(OWNER);
    let logged = || s.ann.sh(&format!("docker service logs {web}")).output.contains("hello");
    assert!(until(Duration::from_secs(30), logged), "the service's log comes");
    // The tasks' containers are theirs as well.
    s.ann.does("docker ps").says(&format!("{web}.1"));
    s.ben.does(&format!("docker exec $(docker ps -q --filter name={web}.1) id")).says("uid=0");
    // The stock client asks for one kind after another, nodes and plugins among them.
    s.ann.does(&format!("docker inspect {k}")).says(OWNER);
    s.eve.does("docker ps; docker service ls; docker secret ls; docker config ls").never_says(&web).never_says(&k);
    for line in ["inspect", "logs", "ps", "rm", "rollback", "scale X=3"] {
        let line = if line.contains('X') { line.replace('X', &web) } else { format!("{line} {web}") };
        s.eve.sh(&format!("docker service {line}")).fails();
    }
    s.eve.sh(&format!("docker secret inspect {k}")).fails();
    s.eve.sh(&format!("docker config inspect {k}")).fails().never_says("d29yZA");
    let secret = s.ann.does(&format!("docker secret inspect --format '{{{{.ID}}}}' {k}")).line().to_owned();
    let spec = json!({"Name": s.name("x"), "TaskTemplate": {"ContainerSpec": {"Image": image, "Secrets": [
        {"SecretID": secret, "SecretName": k, "File": {"Name": "x", "UID": "0", "GID": "0", "Mode": 292}}]}}});
    let eve = s.scene.session("eve");
    eve.post("/v1.41/services/create", &spec).is(403).says("in this request");
    for flags in ["--mount type=bind,src=/,dst=/x", "--cap-add SYS_ADMIN", "--sysctl net.x=1", "--constraint node.role==manager"]
    {
        s.ann.sh(&format!("{create} --detach --name {web}x {flags} {image}")).fails().says("fullcontrol");
    }
    for flags in [
        "--mount-add type=bind,src=/,dst=/x",
        "--cap-add SYS_ADMIN",
        "--sysctl-add net.x=1",
        "--constraint-add node.role==manager",
    ] {
        s.ann.sh(&format!("docker service update --detach --no-resolve-image {flags} {web}")).fails().says("fullcontrol");
    }
    s.ann.sh(&format!("{create} --detach --name {web}x --network host {image}")).fails().says("in this request");
    let sam = somebody(&s.scene, "sam", "scheduler");
    s.scene.operates(&sam);
    sam.does("docker node ls").says("Leader");
    s.ann.does("docker node ls").never_says("Leader");
    let placed = s.name("placed");
    sam.does(&format!("{create} --name {placed} --constraint node.role==manager {image}")).says("converged");
    sam.does(&format!("docker service rm {placed}"));
    s.ann.writes(
        "stack.yml",
        format!(
            "version: '3.8'\nservices:\n  a:\n    image: {image}\n    networks: [inner]\n    volumes: ['data:/d']\n    configs: [one]\n\
             networks: {{inner: {{}}}}\nvolumes: {{data: {{}}}}\nconfigs: {{one: {{file: ./stack.yml}}}}\n"
        ),
    );
    for _ in 0..2 {
        s.ann.does(&format!("docker stack deploy --resolve-image never -c stack.yml {st}"));
    }
    s.ann.does(&format!("docker stack services {st}; docker stack ps {st}")).says(&format!("{st}_a"));
    s.eve.does("docker stack ls").never_says(&st);
    s.ann.does(&format!("docker stack rm {st}; docker service rm {web}"));
    let removed = || s.ann.sh(&format!("docker volume rm {st}_data && docker secret rm {k} && docker config rm {k}")).status == 0;
    assert!(until(Duration::from_mins(1), removed), "what nothing uses can be removed");
}

#[test]
fn compose_works_with_restricted_control() {
    let s = Stage::new();
    let ann = s.scene.machine("ann-compose", DockerCli::V20);
    let bundle = s.ann.home().join("bundle");
    ann.does(&format!("cd {}; eval \"$(<env.sh)\"; cd ~", bundle.display()));
    ann.does(&format!("mkdir p{0} && cd p{0}", port(&s.scene)));
    ann.does(&format!(
        "cat > docker-compose.yml <<X\nversion: '3'\nservices:\n  one: {{image: '{0}', volumes: ['data:/d'], environment: {{A: b}}, labels: {{x: y}}}}\n  \
         two: {{image: '{0}', depends_on: [one], read_only: true, tmpfs: /run}}\nvolumes: {{data: {{}}}}\nX",
        s.image
    ));
    ann.does("docker-compose up -d && docker-compose ps").says("one_1").says("two_1");
    ann.does("docker-compose exec -T one echo from-compose").says("from-compose");
    ann.does("docker-compose logs").says("hello");
    ann.does("sed -i 's/A: b/A: c/' docker-compose.yml && docker-compose up -d");
    ann.does("docker-compose run --rm -T two echo ran").says("ran");
    let project = format!("p{}", port(&s.scene));
    s.ben.does("docker ps").says(&project);
    s.eve.does("docker ps -a; docker volume ls; docker network ls").never_says(&project);
    ann.does("docker-compose down -v");
}

#[test]
fn a_new_user_gets_the_role_that_the_configuration_names() {
    let scene = Scene::up();
    let made = |name: &str| {
        scene.admin().post("/accounts/", &json!({"name": name, "password": PASSWORD})).is(201);
        scene.admin().get(&format!("/accounts/{name}")).json()["role"].as_str().unwrap().to_owned()
    };
    assert_eq!(made("first"), "restrictedcontrol");
    let toml = scene.admin().get("/api/ucp/config-toml").is(200).body;
    let viewers = toml.replace("default_new_user_role = \"restrictedcontrol\"", "default_new_user_role = \"viewonly\"");
    assert_ne!(toml, viewers);
    scene.admin().call("PUT", "/api/ucp/config-toml", Some(("text/plain", &viewers))).ok();
    assert_eq!(made("second"), "viewonly");
    let second = scene.session("second");
    second.get("/containers/json").is(200);
    second.post("/containers/create", &json!({"Image": "x"})).is(403).says("restrictedcontrol or more");
    scene.admin().patch("/accounts/second", &json!({"role": "none"})).ok();
    // A change of the role ends what was begun with the old one.
    let answer = scene.session("second").get("/containers/json");
    assert_eq!(answer.status, 403, "{}", answer.body);
}
