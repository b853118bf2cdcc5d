//! Stack files pasted into the console, beside `docker stack deploy` of the stock clients.

use serde_json::Value;
use wharfinger_e2e::{Cast, DockerCli, PASSWORD, Person, Scene};

use crate::browser::{Browser, JavaScript};

/// What a stack file can say, of which most is seldom said at once. `PORT` and `IMAGE` stand for the test's own.
const FILE: &str = r#"version: "3.8"
services:
  web:
    image: IMAGE
    command: sleep 1000
    entrypoint: [/bin/busybox]
    hostname: web
    user: "0:0"
    working_dir: /tmp
    environment:
      - B=two words
      - A=$$one
    extra_hosts: ["other:10.1.2.3"]
    dns: 10.1.2.4
    dns_search: [acme.test]
    stop_grace_period: 3s
    stop_signal: SIGKILL
    init: true
    tty: true
    read_only: true
    sysctls: { net.core.somaxconn: 1024 }
    ulimits: { nofile: { soft: 1024, hard: 2048 } }
    cap_add: [net_admin]
    cap_drop: [chown]
    labels: { tier: front }
    healthcheck: { test: "true", interval: 5s, timeout: 2s, retries: 2, start_period: 1s }
    logging: { driver: json-file, options: { max-size: 1m } }
    ports: ["PORT:80", { target: 81, protocol: udp, mode: ingress }]
    volumes: ["data:/data:ro", { type: tmpfs, target: /fast, tmpfs: { size: 65536 } }, { type: bind, source: /tmp, target: /machine, read_only: true }]
    networks: { front: { aliases: [www] }, default: ~ }
    secrets: [{ source: key, target: key.pem, uid: "1", mode: 0400 }]
    configs: [{ source: conf, target: /etc/app.conf }]
    deploy:
      replicas: 2
      endpoint_mode: vip
      labels: [a=b]
      update_config: { parallelism: 1, delay: 1s, failure_action: pause, order: start-first, monitor: 2s, max_failure_ratio: 0.25 }
      rollback_config: { parallelism: 2 }
      resources: { limits: { cpus: "0.50", memory: 32M }, reservations: { memory: 8M } }
      restart_policy: { condition: on-failure, delay: 2s, max_attempts: 4, window: 30s }
      placement: { constraints: [node.role == manager], preferences: [{ spread: node.id }], max_replicas_per_node: 3 }
  every:
    image: IMAGE
    command: ["sleep", "1000"]
    entrypoint: /bin/busybox
    restart: unless-stopped
    deploy: { mode: global }
networks:
  front: { internal: true, labels: { kind: front } }
volumes:
  data: { driver: local, labels: { keep: "no" } }
secrets:
  key: { external: true, name: keyPORT }
configs:
  conf: { external: true, name: confPORT }
"#;

struct Stage {
    scene: Scene,
    cast: Cast,
    image: String,
    port: String,
    machine: Person,
}

impl Stage {
    fn new() -> Self {
        let scene = Scene::up();
        let cast = scene.acme("public");
        let image = scene.push(&cast.dev, "acme/app:1", "v1");
        cast.add_quinn(&image);
        cast.quinn_signs(&image);
        scene.enforce(&["acme/qa"]);
        let port = scene.cluster.rsplit(':').next().unwrap().to_owned();
        let machine = scene.machine("machine", DockerCli::newest());
        machine.does(&format!("echo secret | docker secret create key{port} - && echo conf | docker config create conf{port} -"));
        Self { scene, cast, image, port, machine }
    }

    fn file(&self) -> String {
        FILE.replace("IMAGE", &self.image).replace("PORT", &self.port)
    }

    /// Pastes the file and goes as far as the preview.
    fn pastes<'b>(&self, browser: &'b Browser, stack: &str, file: &str) -> &'b Browser {
        browser.goes(&format!("https://{}/manage/deploy/stack", self.scene.cluster));
        browser.fills("Name of the stack", stack).fills("Compose file", file).clicks("Look at what it does")
    }

    /// Takes a stack off and waits until nothing of it is left: its ports are free again.
    fn removes(&self, stack: &str) {
        self.machine.sh(&format!("docker stack rm {stack}"));
        let left = format!(
            "docker ps -aq --filter label=com.docker.stack.namespace={stack}; docker network ls -q --filter label=com.docker.stack.namespace={stack}"
        );
        assert!(wharfinger_e2e::until(std::time::Duration::from_mins(1), || self.machine.sh(&left).stdout.trim().is_empty()));
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let port = &self.port;
        self.machine.sh(&format!("docker stack rm a{port}; docker stack rm b{port}"));
        self.machine.sh(&format!(
            "for try in 1 2 3 4 5; do docker secret rm key{port} && docker config rm conf{port} && break; sleep 1; done"
        ));
    }
}

/// What the engine has of a stack: its services and a network, with names in place of what is another one in every stack.
fn made(person: &Person, stack: &str) -> Value {
    let specs = ["web", "every"]
        .map(|service| person.does(&format!("docker service inspect {stack}_{service}")).json()[0]["Spec"].clone());
    let [front, default] =
        ["front", "default"].map(|name| person.does(&format!("docker network inspect {stack}_{name}")).json()[0].clone());
    let network = ["Name", "Driver", "Internal", "Attachable", "Labels"].map(|key| front[key].clone());
    let mut text = serde_json::json!({ "services": specs, "network": network }).to_string();
    for (network, name) in [(&front, "front"), (&default, "default")] {
        text = text.replace(network["Id"].as_str().unwrap(), name);
    }
    serde_json::from_str(&text.replace(stack, "STACK")).unwrap()
}

#[test]
fn the_same_file_makes_the_same_stack_as_by_the_stock_clients() {
    let (s, browser) = (Stage::new(), Browser::start(JavaScript::On));
    let (by_client, by_console) = (format!("a{}", s.port), format!("b{}", s.port));
    for cli in DockerCli::present() {
        let name = format!("olga{cli:?}").to_lowercase();
        s.scene.account(&name);
        let person = s.scene.machine(&name, cli);
        s.scene.operates(&person);
        person.writes("stack.yml", s.file());
        person.does(&format!("docker stack deploy -c stack.yml {by_client}"));
        let expected = made(&person, &by_client);
        s.removes(&by_client);

        browser.signs_in(&s.scene, &name, PASSWORD);
        s.pastes(&browser, &by_console, &s.file()).sees("may run").sees(&format!("Make the network {by_console}_front"));
        browser.clicks("Deploy this stack").sees(&format!("The stack {by_console} is deployed")).sees("All 2 services run.");
        let found = made(&person, &by_console);
        assert!(found == expected, "{cli:?}\nby the client  {expected:#}\nby the console {found:#}");
        browser.clicks("Sign out").sees("Sign in");
        s.removes(&by_console);
    }
    browser.complained_of_nothing();
}

#[test]
fn a_stack_is_updated_and_what_it_does_not_name_any_more_is_removed() {
    let (s, browser) = (Stage::new(), Browser::start(JavaScript::Off));
    let stack = format!("b{}", s.port);
    let file = |services: &[&str]| {
        let service = |line: &&str| format!("  {line}, image: \"{}\", entrypoint: [/bin/busybox, sleep, \"1000\"]}}\n", s.image);
        format!("services:\n{}", services.iter().map(service).collect::<String>())
    };
    let person = &s.cast.olga;
    person.writes("stack.yml", file(&["one: {init: true", "two: {init: true"]));
    person.does(&format!("docker stack deploy -c stack.yml {stack}"));
    browser.signs_in(&s.scene, "olga", PASSWORD);
    s.pastes(&browser, &stack, &file(&["one: {init: false"])).sees(&format!("Update the service {stack}_one"));
    browser.never_sees(&format!("{stack}_two")).clicks("Go on editing").ticks("Remove services").clicks("Look at what it does");
    browser.sees(&format!("Remove the service {stack}_two")).clicks("Deploy this stack").sees("is deployed");
    person.does(&format!("docker stack services {stack}")).says(&format!("{stack}_one")).never_says(&format!("{stack}_two"));
    person.does(&format!("docker service inspect {stack}_one")).says("\"Init\": false").says(&format!("{}@sha256:", s.image));
}

#[test]
fn nothing_of_a_stack_is_made_when_one_of_its_images_may_not_run() {
    let (s, browser) = (Stage::new(), Browser::start(JavaScript::On));
    let stack = format!("b{}", s.port);
    let unsigned = s.scene.push(&s.cast.dev, "acme/app:2", "v2");
    let file = format!("services:\n  good: {{image: \"{}\"}}\n  bad: {{image: \"{unsigned}\"}}\n", s.image);
    browser.signs_in(&s.scene, "olga", PASSWORD);
    s.pastes(&browser, &stack, &file).sees("Not every image may run").sees("refused").sees("may run");
    browser.sees(&format!("docker trust sign {unsigned}")).clicks("Decide again, and deploy").sees("Not every image may run");
    s.machine.does("docker network ls; docker stack ls").never_says(&stack);
    s.pastes(&browser, &stack, "services:\n  web:\n    image: a\n    imagee: b").sees("services.web: `imagee` is not a key");
    assert!(browser.holds("Compose file").contains("imagee: b"));
    browser.complained_of_nothing_but_bad_input();
}
