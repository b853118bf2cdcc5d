use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{Kind, Stack, StackError};

fn read(text: &str) -> Result<Stack, StackError> {
    Stack::read("shop", text)
}

/// The body of the only service, with every secret and config called by its name.
#[track_caller]
fn body(service: &str) -> Value {
    let stack = read(&format!("services:\n  web:\n    image: dtr.test/acme/app:1\n{service}")).unwrap();
    assert_eq!(stack.services.len(), 1);
    stack.services[0].body(|_, name| Some(format!("id-of-{name}"))).unwrap()
}

#[track_caller]
fn refused(text: &str) -> String {
    read(text).expect_err(text).to_string()
}

#[test]
fn the_smallest_file_is_what_the_stock_client_makes_of_it() {
    let stack = read("services:\n  web:\n    image: dtr.test/acme/app:1\n").unwrap();
    let labels = json!({ "com.docker.stack.namespace": "shop" });
    let network = json!({ "Name": "shop_default", "Driver": "overlay", "CheckDuplicate": true, "Labels": labels });
    assert_eq!((stack.networks[0].name.as_str(), &stack.networks[0].body), ("shop_default", &network));
    assert_eq!((stack.networks.len(), stack.external_networks.len(), stack.warnings.len()), (1, 0, 0));
    let service = &stack.services[0];
    assert_eq!((service.name.as_str(), service.image.as_str()), ("shop_web", "dtr.test/acme/app:1"));
    assert_eq!(
        service.body(|_, _| None).unwrap(),
        json!({
            "Name": "shop_web",
            "Labels": { "com.docker.stack.namespace": "shop", "com.docker.stack.image": "dtr.test/acme/app:1" },
            "Mode": { "Replicated": {} },
            "EndpointSpec": {},
            "TaskTemplate": {
                "ContainerSpec": { "Image": "dtr.test/acme/app:1", "Labels": labels, "Privileges": {} },
                "Resources": {},
                "Placement": {},
                "Networks": [{ "Target": "shop_default", "Aliases": ["web"] }],
            },
        })
    );
}

#[test]
fn what_containers_are_started_with_is_carried_over() {
    let body = body(
        r#"
    command: sh -c "echo $$HOME"
    entrypoint: [/entry, --fast]
    hostname: web
    working_dir: /srv
    user: "1000:1000"
    stop_signal: SIGINT
    stop_grace_period: 1m30s
    tty: true
    stdin_open: false
    read_only: true
    init: false
    environment: { B: 2, A: one, EMPTY: "" }
    extra_hosts: ["db:10.0.0.1", "six=[::1]"]
    dns: 10.0.0.2
    dns_search: [acme.test]
    labels: [a=b, bare]
    sysctls: { net.core.somaxconn: 1024 }
    ulimits: { nofile: { soft: 1, hard: 2 }, nproc: 9 }
    cap_add: [net_admin]
    cap_drop: [ALL]
    healthcheck: { test: curl localhost, interval: 10s, timeout: 1s, retries: 3, start_period: 5s }
    logging: { driver: json-file, options: { max-size: 10m } }
"#,
    );
    let container = &body["TaskTemplate"]["ContainerSpec"];
    for (key, value) in [
        ("Args", json!(["sh", "-c", "echo $HOME"])),
        ("Command", json!(["/entry", "--fast"])),
        ("Hostname", json!("web")),
        ("Dir", json!("/srv")),
        ("User", json!("1000:1000")),
        ("StopSignal", json!("SIGINT")),
        ("StopGracePeriod", json!(90_000_000_000_i64)),
        ("TTY", json!(true)),
        ("OpenStdin", Value::Null),
        ("ReadOnly", json!(true)),
        ("Init", json!(false)),
        ("Env", json!(["A=one", "B=2", "EMPTY="])),
        ("Hosts", json!(["10.0.0.1 db", "::1 six"])),
        ("DNSConfig", json!({ "Nameservers": ["10.0.0.2"], "Search": ["acme.test"] })),
        ("Labels", json!({ "a": "b", "bare": "", "com.docker.stack.namespace": "shop" })),
        ("Sysctls", json!({ "net.core.somaxconn": "1024" })),
        ("Ulimits", json!([{ "Name": "nofile", "Soft": 1, "Hard": 2 }, { "Name": "nproc", "Soft": 9, "Hard": 9 }])),
        ("CapabilityAdd", json!(["CAP_NET_ADMIN"])),
        ("CapabilityDrop", json!(["ALL"])),
    ] {
        assert_eq!(container[key], value, "{key}");
    }
    let check = json!({
        "Test": ["CMD-SHELL", "curl localhost"], "Interval": 10_000_000_000_i64, "Timeout": 1_000_000_000_i64,
        "Retries": 3, "StartPeriod": 5_000_000_000_i64,
    });
    assert_eq!(container["Healthcheck"], check);
    assert_eq!(body["TaskTemplate"]["LogDriver"], json!({ "Name": "json-file", "Options": { "max-size": "10m" } }));
}

#[test]
fn how_many_run_where_and_with_what_is_carried_over() {
    let body = body(
        r#"
    ports: ["8443:443", { target: 53, published: 53, protocol: udp, mode: host }]
    deploy:
      mode: replicated
      replicas: 3
      endpoint_mode: DNSRR
      labels: { tier: front }
      update_config: { parallelism: 2, delay: 10s, failure_action: rollback, order: start-first, monitor: 5s, max_failure_ratio: 0.5 }
      rollback_config: { failure_action: pause }
      resources:
        limits: { cpus: "0.50", memory: 50M, pids: 100 }
        reservations: { memory: 20M, generic_resources: [{ discrete_resource_spec: { kind: gpu, value: 2 } }] }
      restart_policy: { condition: on-failure, delay: 5s, max_attempts: 3, window: 2m }
      placement: { constraints: [node.role == worker], preferences: [{ spread: node.labels.zone }], max_replicas_per_node: 1 }
"#,
    );
    assert_eq!(body["Mode"], json!({ "Replicated": { "Replicas": 3 } }));
    assert_eq!(body["Labels"]["tier"], "front");
    let ports = json!([
        { "Protocol": "udp", "TargetPort": 53, "PublishedPort": 53, "PublishMode": "host" },
        { "Protocol": "tcp", "TargetPort": 443, "PublishedPort": 8443, "PublishMode": "ingress" },
    ]);
    assert_eq!(body["EndpointSpec"], json!({ "Mode": "dnsrr", "Ports": ports }));
    let update = json!({
        "Parallelism": 2, "Delay": 10_000_000_000_i64, "FailureAction": "rollback", "Order": "start-first",
        "Monitor": 5_000_000_000_i64, "MaxFailureRatio": 0.5,
    });
    assert_eq!(body["UpdateConfig"], update);
    assert_eq!(body["RollbackConfig"], json!({ "Parallelism": 1, "FailureAction": "pause", "MaxFailureRatio": 0.0 }));
    let task = &body["TaskTemplate"];
    assert_eq!(task["Resources"]["Limits"], json!({ "NanoCPUs": 500_000_000, "MemoryBytes": 52_428_800, "Pids": 100 }));
    let gpu = json!([{ "DiscreteResourceSpec": { "Kind": "gpu", "Value": 2 } }]);
    assert_eq!(task["Resources"]["Reservations"], json!({ "MemoryBytes": 20_971_520, "GenericResources": gpu }));
    let restart = json!({
        "Condition": "on-failure", "Delay": 5_000_000_000_i64, "MaxAttempts": 3, "Window": 120_000_000_000_i64,
    });
    assert_eq!(task["RestartPolicy"], restart);
    let placement = json!({
        "Constraints": ["node.role == worker"], "Preferences": [{ "Spread": { "SpreadDescriptor": "node.labels.zone" } }],
        "MaxReplicas": 1,
    });
    assert_eq!(task["Placement"], placement);
}

#[test]
fn a_service_runs_once_a_machine_or_to_an_end() {
    assert_eq!(body("    deploy: { mode: global }\n")["Mode"], json!({ "Global": {} }));
    assert_eq!(body("    deploy: { mode: global-job }\n")["Mode"], json!({ "GlobalJob": {} }));
    let job = json!({ "ReplicatedJob": { "MaxConcurrent": 2, "TotalCompletions": 2 } });
    assert_eq!(body("    deploy: { mode: replicated-job, replicas: 2 }\n")["Mode"], job);
    assert_eq!(
        body("    restart: on-failure:5\n")["TaskTemplate"]["RestartPolicy"],
        json!({ "Condition": "on-failure", "MaxAttempts": 5 })
    );
    assert_eq!(body("    restart: always\n")["TaskTemplate"]["RestartPolicy"], json!({ "Condition": "any" }));
    assert_eq!(body("    restart: \"no\"\n")["TaskTemplate"].get("RestartPolicy"), None);
}

#[test]
fn volumes_networks_secrets_and_configs_have_the_names_that_the_engine_knows() {
    let stack = read(
        r#"
version: "3.8"
x-common: &common { image: dtr.test/acme/app:1, networks: [front] }
services:
  web:
    <<: *common
    x-team: shop
    volumes: [data:/data, old:/old:ro, /srv:/srv, { type: tmpfs, target: /tmp, tmpfs: { size: 1024 } }]
    networks: { front: { aliases: [www] }, outside: ~ }
    secrets: [key, { source: token, target: t, uid: "5", gid: "6", mode: 0440 }]
    configs: [{ source: conf, target: /etc/app.conf }]
  api:
    <<: *common
networks:
  front: { attachable: true, internal: true, driver_opts: { encrypted: "" }, labels: [a=b], ipam: { config: [{ subnet: 10.9.0.0/24 }] } }
  outside: { external: true }
  unused: { driver: bridge }
volumes:
  data: { driver: local, driver_opts: { type: nfs }, labels: { keep: "yes" } }
  old: { external: { name: archive } }
secrets:
  key: { external: true }
  token: { external: true, name: token-2 }
configs:
  conf: { external: true }
"#,
    )
    .unwrap();
    let names: Vec<&str> = stack.networks.iter().map(|network| network.name.as_str()).collect();
    assert_eq!((names, stack.external_networks), (vec!["shop_front"], vec!["outside".to_owned()]));
    let front = &stack.networks[0].body;
    assert_eq!(
        (&front["Attachable"], &front["Internal"], &front["Options"]),
        (&json!(true), &json!(true), &json!({ "encrypted": "" }))
    );
    assert_eq!(front["IPAM"], json!({ "Config": [{ "Subnet": "10.9.0.0/24" }] }));
    assert_eq!(stack.services.iter().map(|service| service.name.as_str()).collect::<Vec<_>>(), ["shop_api", "shop_web"]);

    let web = &stack.services[1];
    let needs = [(Kind::Secret, "key"), (Kind::Secret, "token-2"), (Kind::Config, "conf")];
    assert_eq!(web.needs(), needs.map(|(kind, name)| (kind, name.to_owned())));
    let missing = web.body(|kind, _| (kind == Kind::Config).then(String::new)).unwrap_err();
    assert!(missing.to_string().contains("the secret `key` is not there: make it with `docker secret create key"), "{missing}");
    let body = web.body(|_, name| Some(format!("id-of-{name}"))).unwrap();
    let task = &body["TaskTemplate"];
    assert_eq!(
        task["Networks"],
        json!([{ "Target": "outside", "Aliases": ["web"] }, { "Target": "shop_front", "Aliases": ["www", "web"] }])
    );
    let own = json!({
        "Labels": { "keep": "yes", "com.docker.stack.namespace": "shop" },
        "DriverConfig": { "Name": "local", "Options": { "type": "nfs" } },
    });
    assert_eq!(
        task["ContainerSpec"]["Mounts"],
        json!([
            { "Type": "volume", "Source": "shop_data", "Target": "/data", "VolumeOptions": own },
            { "Type": "volume", "Source": "archive", "Target": "/old", "ReadOnly": true, "VolumeOptions": {} },
            { "Type": "bind", "Source": "/srv", "Target": "/srv" },
            { "Type": "tmpfs", "Target": "/tmp", "TmpfsOptions": { "SizeBytes": 1024 } },
        ])
    );
    let file = |name: &str, uid: &str, gid: &str, mode: u32| json!({ "Name": name, "UID": uid, "GID": gid, "Mode": mode });
    assert_eq!(
        task["ContainerSpec"]["Secrets"],
        json!([
            { "SecretName": "key", "SecretID": "id-of-key", "File": file("key", "0", "0", 0o444) },
            { "SecretName": "token-2", "SecretID": "id-of-token-2", "File": file("t", "5", "6", 0o440) },
        ])
    );
    assert_eq!(
        task["ContainerSpec"]["Configs"],
        json!([{ "ConfigName": "conf", "ConfigID": "id-of-conf", "File": file("/etc/app.conf", "0", "0", 0o444) }])
    );
}

#[test]
fn a_number_is_written_as_the_stock_client_writes_it() {
    let body = body("    environment: { A: 1.10, B: 1e3, C: 0x10, D: -7, E: 0.5, F: '1.10', G: 2.0 }\n");
    assert_eq!(
        body["TaskTemplate"]["ContainerSpec"]["Env"],
        json!(["A=1.1", "B=1000", "C=16", "D=-7", "E=0.5", "F=1.10", "G=2"])
    );
    for number in ["1e30", "1e-9"] {
        let said = refused(&format!("services: {{web: {{image: a, environment: {{A: {number}}}}}}}"));
        assert!(said.contains("services.web.environment.A: put this number into quotes"), "{said}");
    }
}

#[test]
fn an_image_that_is_mounted_counts_as_one_of_the_service() {
    let text = "services: {web: {image: a, volumes: [{type: image, source: b, target: /b}, {type: tmpfs, target: /t}]}}";
    assert_eq!(read(text).unwrap().services[0].images(), ["a", "b"]);
}

#[test]
fn what_the_stock_client_passes_over_is_said_with_its_place() {
    let warnings = read(
        "services:\n  web:\n    image: a\n    build: .\n    container_name: web\n    depends_on: [db]\n    privileged: true\n",
    )
    .unwrap()
    .warnings;
    assert_eq!(warnings.len(), 4, "{warnings:?}");
    for key in ["build", "container_name", "depends_on", "privileged"] {
        assert!(warnings.iter().any(|warning| warning.starts_with(&format!("services.web.{key} has no effect"))), "{key}");
    }
}

#[test]
fn nothing_is_dropped_unsaid() {
    let web = |lines: &str| format!("services:\n  web:\n    image: a\n{lines}");
    for (text, words) in [
        ("services: {}".to_owned(), "there is no service"),
        ("version: '3'".to_owned(), "`services` is missing"),
        (String::new(), "it has no keys"),
        ("- a".to_owned(), "it has no keys"),
        ("services: [".to_owned(), "line 1 cannot be read as YAML"),
        (web("    image: b\n"), "cannot be read as YAML"),
        ("version: '2'\nservices: {a: {image: b}}".to_owned(), "version: stack files have version"),
        ("name: x\nservices: {a: {image: b}}".to_owned(), "the file: `name` is not a key"),
        ("services: {web: {build: .}}".to_owned(), "services.web: `image` is missing"),
        ("services: {'a b': {image: c}}".to_owned(), "the name of a service"),
        (web("    imagee: b\n"), "services.web: `imagee` is not a key"),
        (web("    deploy: { replica: 1 }\n"), "services.web.deploy: `replica` is not a key"),
        (web("    deploy: { resources: { limits: { cpu: '1' } } }\n"), "services.web.deploy.resources.limits: `cpu` is not"),
        (web("    deploy: { mode: often }\n"), "`often` is not a mode"),
        (web("    deploy: { mode: global, replicas: 2 }\n"), "`replicas` is not for it"),
        (web("    deploy: { replicas: -1 }\n"), "services.web.deploy.replicas: here stands a whole number"),
        (web("    deploy: { endpoint_mode: x }\n"), "vip or dnsrr"),
        (web("    deploy: { update_config: { order: last-first } }\n"), "start-first, stop-first"),
        (web("    deploy: { update_config: { delay: 10 } }\n"), "update_config.delay: here stands a text"),
        (web("    stop_grace_period: soon\n"), "`soon` is not a time"),
        (web("    deploy: { resources: { limits: { memory: much } } }\n"), "memory: a size"),
        (web("    deploy: { restart_policy: { condition: maybe } }\n"), "none, on-failure or any"),
        (web("    restart: maybe\n"), "`maybe` is not a restart policy"),
        (web("    env_file: .env\n"), "services.web.env_file cannot be used here: files of your machine"),
        (web("    tmpfs: /tmp\n"), "services.web.tmpfs cannot be used here"),
        (web("    extends: other\n"), "write the service in full"),
        (web("    environment: [HOME]\n"), "`HOME` would take its value from an environment"),
        (web("    environment: { A: true }\n"), "services.web.environment.A: here stands a text"),
        (web("    environment: [A=1, A=2]\n"), "services.web.environment[1]: it stands twice"),
        (web("    environment: { A: \"${B:-c}\" }\n"), "services.web.environment.A: `${B:-c}` would take its value"),
        (web("    command: echo $USER now\n"), "`$USER` would take its value"),
        (web("    command: echo 'open\n"), "a quote is not closed"),
        (web("    ports: ['127.0.0.1:80:80']\n"), "services.web.ports[0]: a service listens on all addresses"),
        (web("    ports: [{ published: 80 }]\n"), "services.web.ports[0]: `target`"),
        (web("    ports: [{ target: 80, host_ip: '::1' }]\n"), "`host_ip` is not a key"),
        (web("    volumes: [data:/data]\n"), "the volume `data` is not under `volumes`"),
        (web("    volumes: [./here:/there]\n"), "a folder of yours"),
        (web("    volumes: [{ type: npipe, source: a, target: b }]\n"), "`npipe` cannot be mounted here"),
        (web("    volumes: [{ type: volume, target: /a, bind: { propagation: shared } }]\n"), "not for a mount of type volume"),
        (web("    networks: [front]\n"), "services.web.networks[0]: the network `front` is not under"),
        (web("    networks: { default: { ipv4_address: 10.0.0.1 } }\n"), "as they come"),
        (web("    networks: [default, default]\n"), "stands twice"),
        (web("    secrets: [key]\n"), "the secret `key` is not under `secrets`"),
        (web("secrets: { key: { file: ./key } }\n"), "secrets.key cannot be used here: files of your machine"),
        (web("configs: { conf: { content: a } }\n"), "configs.conf cannot be used here"),
        (web("configs: { conf: { external: true, file: a } }\n"), "configs.conf: `file` is not a key"),
        (web("networks: { a: { external: true, driver: overlay } }\n"), "an external network is there already"),
        (web("volumes: { a: { external: true, driver: local } }\n"), "an external volume is there already"),
        (web("volumes: { a: { external: { name: b }, name: c } }\n"), "its name stands twice"),
        (web("    healthcheck: { test: [CMD, a], disable: true }\n"), "say different things"),
    ] {
        let said = refused(&text);
        assert!(said.contains(words), "{text}\n{said}");
    }
    for name in ["", "a b", "-a", "a/b", "..", &"a".repeat(64)] {
        assert!(matches!(Stack::read(name, &web("")), Err(StackError::Name(_))), "{name}");
    }
}

#[test]
fn a_file_that_grows_without_end_is_refused() {
    let grown = |step: u32| format!("a{step}: &a{step} [{}]", vec![format!("*a{}", step - 1); 10].join(", "));
    let lines: Vec<String> = std::iter::once("a0: &a0 [x, x, x, x]".to_owned()).chain((1..12).map(grown)).collect();
    assert!(refused(&lines.join("\n")).contains("cannot be read as YAML"));
    assert!(refused(&format!("services: {}", "[".repeat(10_000))).contains("cannot be read as YAML"));
    let many: Vec<String> = (0..201).map(|number| format!("s{number}: {{image: a}}")).collect();
    assert!(refused(&format!("services: {{{}}}", many.join(", "))).contains("at most 200 services"));
}

proptest! {
    #[test]
    fn whatever_is_pasted_is_read_or_refused(text in "(?s).{0,200}") {
        let _ = Stack::read("shop", &text);
    }

    #[test]
    fn every_variable_of_a_service_arrives_as_it_was_written(names in proptest::collection::btree_map("[A-Z_]{1,8}", "[ -#%-~]{0,12}", 1..5)) {
        let lines: Vec<String> = names.iter().map(|(name, value)| format!("{name}: {}", json!(value))).collect();
        let body = body(&format!("    environment: {{{}}}\n", lines.join(", ")));
        let written: Vec<String> = names.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut sorted = written.clone();
        sorted.sort();
        prop_assert_eq!(&body["TaskTemplate"]["ContainerSpec"]["Env"], &json!(sorted));
    }
}
