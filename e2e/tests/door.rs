//! The engine through the cluster, with the stock clients.

use std::time::Duration;

use wharfinger_e2e::{DockerCli, Engine, EngineOptions, Person, Scene, free_port, import_busybox, until};

/// Somebody with full control, whose `docker` of each kind goes through the cluster, and a local image.
fn olga(cli: DockerCli) -> (Scene, Person, String) {
    let scene = Scene::up();
    scene.account("olga");
    let olga = scene.machine("olga", cli);
    let image = format!("local-{}:1", scene.cluster.rsplit(':').next().unwrap());
    import_busybox(&olga, &image, "hello").unwrap();
    scene.operates(&olga);
    (scene, olga, image)
}

fn name(scene: &Scene, what: &str) -> String {
    format!("{what}-{}", scene.cluster.rsplit(':').next().unwrap())
}

#[test]
fn containers_run_and_tell_through_every_client() {
    for cli in DockerCli::present() {
        let (scene, olga, image) = olga(cli);
        let c = name(&scene, "c");
        olga.does(&format!("docker run --rm {image} echo words")).says("words");
        olga.does(&format!("docker run -d --name {c} {image}"));
        olga.does(&format!("docker ps --filter name={c}")).says(&c);
        olga.does(&format!("docker logs {c}")).says("hello");
        olga.does(&format!("docker exec {c} echo inside")).says("inside");
        olga.does(&format!("echo piped | docker exec -i {c} cat")).says("piped");
        olga.does(&format!("echo content > f; docker cp f {c}:/tmp/f; docker cp {c}:/tmp/f g; diff f g"));
        olga.does(&format!("docker stats --no-stream {c}")).says(&c);
        olga.does(&format!("docker top {c}"));
        olga.does(&format!("docker inspect {c}")).says("\"Running\": true");
        olga.does(&format!("docker restart -t 0 {c}; docker stop -t 0 {c}; docker start {c}"));
        olga.does(&format!("docker rename {c} {c}x; docker rm -f {c}x"));
    }
}

#[test]
fn an_exit_status_comes_back() {
    let (_scene, olga, image) = olga(DockerCli::newest());
    let ran = olga.sh(&format!("docker run --rm {image} sh -c 'exit 7'"));
    assert_eq!(ran.status, 7, "{ran}");
}

#[test]
fn what_goes_in_comes_out_and_the_end_of_input_is_passed_on() {
    let (_scene, olga, image) = olga(DockerCli::newest());
    olga.does(&format!("head -c 3000000 /dev/urandom > in; docker run --rm -i {image} cat < in > out; cmp in out"));
}

#[test]
fn a_terminal_works_through_the_door() {
    let (scene, olga, image) = olga(DockerCli::newest());
    let c = name(&scene, "tty");
    olga.writes(
        "tty.exp",
        format!(
            "set timeout 20\n\
             spawn docker run -it --rm --name {c} {image} sh -c {{echo ready; read word; echo got-$word; exit 3}}\n\
             expect ready {{}} timeout {{ exit 91 }} eof {{ exit 92 }}\n\
             send \"something\\r\"\n\
             expect got-something {{}} timeout {{ exit 93 }} eof {{ exit 94 }}\n\
             catch {{ expect eof }}\nset s [wait]\nexit [lindex $s 3]\n"
        ),
    );
    let ran = olga.sh("expect tty.exp");
    assert_eq!(ran.status, 3, "{ran}");
}

#[test]
fn streams_stream() {
    let (scene, olga, image) = olga(DockerCli::newest());
    let c = name(&scene, "s");
    olga.does(&format!("docker run -d --name {c} {image} sh -c 'i=0; while :; do i=$((i+1)); echo line $i; sleep 1; done'"));
    olga.does(&format!("(timeout 20 docker logs -f {c} > logs 2>&1 &); (timeout 20 docker events --filter container={c} > events 2>&1 &); (timeout 20 docker attach --no-stdin --sig-proxy=false {c} > attached 2>&1 &) ; true"));
    let has = |file: &str, text: &str| std::fs::read_to_string(olga.home().join(file)).unwrap_or_default().contains(text);
    assert!(until(Duration::from_secs(10), || has("logs", "line 3")), "logs -f should stream");
    assert!(until(Duration::from_secs(10), || has("attached", "line ")), "attach should stream");
    olga.does(&format!("docker kill {c}"));
    assert!(until(Duration::from_secs(10), || has("events", "kill")), "events should stream");
    olga.does(&format!("docker rm -f {c}"));
}

#[test]
fn swarm_and_volumes_and_networks_answer() {
    let (scene, olga, _image) = olga(DockerCli::newest());
    olga.does("docker node ls").says("Leader");
    olga.does("docker info").says("Swarm: active");
    let v = name(&scene, "v");
    olga.does(&format!("docker volume create {v} && docker volume ls && docker volume rm {v}")).says(&v);
    olga.does(&format!("docker network create {v} && docker network inspect {v} && docker network rm {v}"));
    olga.does(&format!("echo s | docker secret create {v} - && docker secret rm {v}"));
    olga.does(&format!("echo c | docker config create {v} - && docker config rm {v}"));
    olga.does("docker system df");
}

#[test]
fn builds_work_while_the_switch_is_off_and_are_refused_while_it_is_on() {
    let (scene, olga, image) = olga(DockerCli::V20);
    olga.writes("Dockerfile", format!("FROM {image}\nRUN echo built > /built\n"));
    let built = name(&scene, "built");
    olga.does(&format!("DOCKER_BUILDKIT=0 docker build -t {built}:classic .")).says("Successfully built");
    olga.does(&format!("DOCKER_BUILDKIT=1 docker build -t {built}:kit ."));
    olga.does(&format!("docker run --rm {built}:kit cat /built")).says("built");
    scene.enforce(&[]);
    olga.sh("DOCKER_BUILDKIT=0 docker build .").fails().says("allow_builds");
    olga.sh("DOCKER_BUILDKIT=1 docker build .").fails();
}

#[test]
fn a_call_that_is_not_in_the_table_is_refused() {
    let (scene, olga, _image) = olga(DockerCli::newest());
    let api = scene.cluster_api().with_bundle(&olga.home().join("bundle"));
    let answer = api.get("/v1.41/no/such/call");
    assert!([403, 404].contains(&answer.status), "{answer:?}");
    api.get("/v1.99/containers/json").is(400);
    scene.cluster_api().get("/v1.41/containers/json").is(401);
    let ping = api.get("/_ping").is(200);
    assert_eq!(ping.body, "OK");
}

#[test]
fn a_session_token_opens_the_door_as_a_certificate_does() {
    let scene = Scene::up();
    scene.account("olga");
    let session = scene.session("olga");
    session.get("/v1.41/containers/json").is(200);
    session.get("/containers/json").is(200);
    session.post("/id/logout", &serde_json::json!({})).ok();
    session.get("/v1.41/containers/json").is(401);
    scene.cluster_api().with_token("made-up").get("/v1.41/containers/json").is(401);
}

#[test]
fn an_engine_behind_tls_is_reached_with_its_certificates_only() {
    let dir = tempfile::Builder::new().prefix("wf-").tempdir().unwrap();
    let file = |name: &str| dir.path().join(name).display().to_string();
    let make = format!(
        "cd {} && new() {{ openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout $1.key -subj /CN=$1 \
           -out $1.csr; printf \"$2\" > ext; openssl x509 -req -in $1.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 9 \
           -extfile ext -out $1.pem; }} && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 9 \
           -subj /CN=ca -keyout ca.key -out ca.pem && new server 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth' \
         && new client 'extendedKeyUsage=clientAuth'",
        dir.path().display()
    );
    let mut openssl = std::process::Command::new("bash");
    openssl.args(["-c", &make]);
    wharfinger_e2e::run(openssl).unwrap().ok();
    let address = format!("tcp://127.0.0.1:{}", free_port());
    let (ca, cert, key) = (file("ca.pem"), file("server.pem"), file("server.key"));
    let arguments = ["--host", &address, "--tlsverify", "--tlscacert", &ca, "--tlscert", &cert, "--tlskey", &key];
    let options = EngineOptions { arguments: &arguments, ..Default::default() };
    let _engine = Engine::start(&dir.path().join("e"), options).unwrap();

    let scene = Scene::try_up(&address, |serve| {
        serve
            .flag("--engine-tls-ca", &ca)
            .flag("--engine-tls-cert", &file("client.pem"))
            .flag("--engine-tls-key", &file("client.key"))
    })
    .unwrap();
    let admin = scene.machine("admin", DockerCli::newest());
    scene.operates(&admin);
    admin.does("docker version").says("Server:");
    let plain = Scene::try_up(&address, |serve| serve.flag("--engine-tls-ca", &ca)).unwrap();
    plain.cluster_api().get("/_ping").is(500);
}

#[test]
fn compose_works_through_the_door() {
    let (scene, olga, image) = olga(DockerCli::newest());
    let project = name(&scene, "p");
    olga.writes("docker-compose.yml", format!("version: '3'\nservices:\n  web:\n    image: {image}\n"));
    olga.does(&format!("docker-compose -p {project} up -d"));
    olga.does(&format!("docker-compose -p {project} ps")).says("Up");
    olga.does(&format!("docker-compose -p {project} exec -T web echo composed")).says("composed");
    olga.does(&format!("docker-compose -p {project} down -t 0"));
}

#[test]
fn docker_py_works_through_the_door() {
    let (_scene, olga, image) = olga(DockerCli::newest());
    olga.writes(
        "try.py",
        format!(
            "import docker\nc = docker.from_env()\nprint(c.version()['ApiVersion'])\n\
             print(c.containers.run('{image}', ['echo', 'from python'], remove=True).decode())\n\
             x = c.containers.run('{image}', detach=True)\nprint(x.exec_run('echo executed').output.decode())\n\
             print([x.name for x in c.containers.list()])\nx.remove(force=True)\n"
        ),
    );
    olga.does("python3 try.py").says("from python").says("executed");
}
