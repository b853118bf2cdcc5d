//! One registry, several clusters, each with users of its own.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use wharfinger_e2e::{Api, DockerCli, Engine, EngineOptions, Netns, Person, Scene, Serve, Wharfinger, free_port};

/// A cluster alone, in front of an engine, and its administrator with a client bundle.
struct Cluster {
    wharfinger: Wharfinger,
    host: String,
    admin: Person,
    session: Api,
}

impl Cluster {
    fn beside(scene: &Scene, name: &str) -> Self {
        let wharfinger = Serve::new("cluster serve", &scene.dir().join(name))
            .flag("--cluster-listen", &format!("127.0.0.1:{}", free_port()))
            .flag("--engine", scene.engine())
            .start()
            .unwrap();
        let url = wharfinger.cluster().unwrap().to_owned();
        let host = url.trim_start_matches("https://").to_owned();
        let session = Api::at(&url).login("admin", &wharfinger.admin_password().unwrap());
        let admin = scene.machine(&format!("{name}-admin"), DockerCli::newest()).with("CLUSTER", &host);
        wharfinger_e2e::bundle(&session, &admin);
        Self { wharfinger, host, admin, session }
    }

    /// The documented registration, as typed.
    fn register(&self, registry: &str) -> wharfinger_e2e::Ran {
        self.admin.does(&format!("curl -ks https://{registry}/ca > dtr.crt"));
        let ca = fs::read_to_string(self.admin.home().join("dtr.crt")).unwrap();
        self.register_with(registry, &ca)
    }

    fn register_with(&self, registry: &str, ca: &str) -> wharfinger_e2e::Ran {
        self.admin.writes("dtr-bundle.json", json!({"hostAddress": registry, "caBundle": ca}).to_string());
        self.admin.sh(&format!(
            "cd ~/bundle; curl -sS --cacert ca.pem --cert cert.pem --key key.pem -X POST \
             -H 'Accept: application/json' -H 'Content-Type: application/json' \
             -d @../dtr-bundle.json https://{}/api/config/trustedregistry_; s=$?; cd ~; (exit $s)",
            self.host
        ))
    }

    fn enforce(&self, policy: &Value) {
        self.session.put("/api/config/trust", policy).ok();
    }

    /// A line typed in a terminal where the bundle's env.sh was sourced.
    fn with_bundle(&self, line: &str) -> wharfinger_e2e::Ran {
        self.admin.sh(&format!("(cd ~/bundle && eval \"$(<env.sh)\" && cd ~ && {line})"))
    }
}

const ITS_OWN: fn() -> Value = || json!({"require_content_trust": true, "signers": "cluster"});

#[test]
fn a_remote_cluster_registers_signs_and_enforces_with_its_own_users() {
    let scene = Scene::up();
    let cast = scene.acme("public");
    let image = scene.push(&cast.dev, "acme/app:1", "v1");
    cast.add_quinn(&image);
    cast.quinn_signs(&image);
    let run = format!("docker run --rm --entrypoint cat {image} /etc/says");
    let second = Cluster::beside(&scene, "second");
    second.enforce(&ITS_OWN());

    let unknown = second.with_bundle(&run).fails();
    unknown.says(&format!("{} must be a registered trusted registry", scene.registry));
    let registered = second.register(&scene.registry).ok();
    assert_eq!(registered.output, "", "silence is success");
    let toml = second.session.get("/api/ucp/config-toml").is(200).body;
    assert!(toml.contains("[[registries]]") && toml.contains(&format!("host_address = \"{}\"", scene.registry)), "{toml}");

    // quinn of cluster 1 is nobody here, even when somebody here has her name.
    second.session.post("/accounts/", &json!({"name": "quinn", "password": wharfinger_e2e::PASSWORD})).is(201);
    second.with_bundle(&run).fails().says("image did not meet required signing policy");

    let admin = &second.admin;
    scene.docker_login(admin, "quinn", wharfinger_e2e::PASSWORD);
    admin.does("docker trust key load --name cluster2admin bundle/key.pem");
    let certificate = admin.home().join("bundle/cert.pem");
    let repository = image.rsplit_once(':').unwrap().0;
    cast.dev.does(&format!("docker trust signer add --key {} cluster2admin {repository}", certificate.display()));
    admin.does(&format!("docker pull -q {image} && docker trust sign {image}"));
    second.with_bundle(&run).ok().says("v1");
    admin.does(&format!("docker trust inspect --pretty {image}")).says("cluster2admin").says("quinn");
}

#[test]
fn users_of_three_clusters_sign_one_tag_and_each_cluster_counts_its_own() {
    let scene = Scene::up();
    let cast = scene.acme("public");
    let image = scene.push(&cast.dev, "acme/app:1", "v1");
    scene.enforce(&["acme/qa"]);
    let run = format!("docker run --rm --entrypoint cat {image} /etc/says");
    let repository = image.rsplit_once(':').unwrap().0;
    cast.add_quinn(&image);
    let clusters = ["second", "third"].map(|name| Cluster::beside(&scene, name));
    for cluster in &clusters {
        cluster.register(&scene.registry).ok();
        cluster.enforce(&ITS_OWN());
        let admin = &cluster.admin;
        scene.docker_login(admin, "quinn", wharfinger_e2e::PASSWORD);
        admin.does(&format!("docker trust key load --name {} bundle/key.pem", admin.name));
        let certificate = admin.home().join("bundle/cert.pem");
        cast.dev.does(&format!("docker trust signer add --key {} {} {repository}", certificate.display(), admin.name));
    }
    cast.quinn_signs(&image);
    cast.olga.does(&run).says("v1");
    for cluster in &clusters {
        cluster.with_bundle(&run).fails().says("image did not meet required signing policy");
        cluster.admin.does(&format!("docker trust sign {image}"));
        cluster.with_bundle(&run).ok().says("v1");
    }
    cast.olga.does(&format!("docker run --rm --entrypoint cat {image} /etc/says")).says("v1");
}

#[test]
fn a_wrong_address_or_body_is_refused_with_the_right_form() {
    let scene = Scene::up();
    let second = Cluster::beside(&scene, "second");
    let ca = scene.registry_api().get("/ca").body;
    for wrong in [format!("https://{}", scene.registry), format!("{}/path", scene.registry), "two words".into()] {
        let body = json!({"hostAddress": wrong, "caBundle": ca});
        second.session.post("/api/config/trustedregistry_", &body).is(400);
    }
    second.session.call("POST", "/api/config/trustedregistry_", Some(("application/json", "{not json"))).is(400);
    second.session.post("/api/config/trustedregistry_", &json!({"caBundle": ca})).is(400);
    let garbage = json!({"hostAddress": scene.registry, "caBundle": "not a certificate"});
    second.session.post("/api/config/trustedregistry_", &garbage).is(400);
    let nobody = json!({"hostAddress": format!("localhost:{}", free_port()), "caBundle": ca});
    let answer = second.session.post("/api/config/trustedregistry_", &nobody);
    assert!(answer.status >= 400, "{answer:?}");
    assert!(answer.body.contains("trusted registry not added: localhost"), "{answer:?}");
    assert!(second.wharfinger.log().contains("trusted registry not added"), "the log says it too");
    second.session.anonymous().post("/api/config/trustedregistry_", &json!({})).is(401);
    assert!(!second.session.get("/api/ucp/config-toml").body.contains("[[registries]]"));
}

#[test]
fn a_removed_registration_takes_effect_at_once_and_comes_back_as_it_was() {
    let scene = Scene::up();
    let cast = scene.acme("public");
    let image = scene.push(&cast.dev, "acme/app:1", "v1");
    let second = Cluster::beside(&scene, "second");
    second.register(&scene.registry).ok();
    second.enforce(&ITS_OWN());
    second.session.delete(&format!("/api/config/trustedregistry_{}", scene.registry)).ok();
    second.with_bundle(&format!("docker run --rm {image}")).fails().says("must be a registered trusted registry");
    second.register(&scene.registry).ok();
    second.with_bundle(&format!("docker run --rm {image}")).fails().says("image or trust data does not exist");
}

/// Registry, cluster and engine on addresses of their own: here nobody skips a check because a name is loopback.
#[test]
fn between_machines_the_ca_is_really_checked() {
    let dir = tempfile::Builder::new().prefix("wf-").tempdir().unwrap();
    let far = Netns::new("dtr", "").unwrap();
    let near = Netns::new("c2", "").unwrap();
    let (_, address) = near.connect(&far).unwrap();
    near.knows(&address, "dtr.test").unwrap();
    far.knows(&address, "dtr.test").unwrap();
    let engine = Engine::start(
        &dir.path().join("e"),
        EngineOptions { swarm: true, network: true, netns: Some(&near), ..Default::default() },
    )
    .unwrap();
    let registry = Serve::new("registry serve", &dir.path().join("r"))
        .behind(&far.name)
        .flag("--registry-listen", "0.0.0.0:5443")
        .flag("--registry-host", "dtr.test:5443")
        .start()
        .unwrap();
    let cluster = Serve::new("cluster serve", &dir.path().join("c"))
        .behind(&near.name)
        .flag("--cluster-listen", "0.0.0.0:8443")
        .flag("--cluster-host", &format!("{}:8443", near.address))
        .flag("--engine", &engine.host())
        .switch("--no-install-ca")
        .start()
        .unwrap();
    let session = Api::at(&format!("https://{}:8443", near.address)).behind(&near.name);
    let session = session.login("admin", &cluster.admin_password().unwrap());

    // The engine's and the client's trust in the registry are files; a wrong one is refused by both.
    let right = Api::at("https://dtr.test:5443").behind(&near.name).get("/ca").is(200).body;
    let wrong = session.get("/ca").is(200).body;
    let bundle = |ca: &str| json!({"hostAddress": "dtr.test:5443", "caBundle": ca});
    let answer = session.post("/api/config/trustedregistry_", &bundle(&wrong));
    assert!(answer.status >= 400 && answer.body.contains("trusted registry not added: dtr.test:5443"), "{answer:?}");
    session.post("/api/config/trustedregistry_", &json!({"hostAddress": "dtr.test:5443"})).says("not added");
    session.post("/api/config/trustedregistry_", &bundle(&right)).ok();

    let admin = Person::new(&dir.path().join("p"), "admin", DockerCli::newest())
        .unwrap()
        .behind(&near.name)
        .at_engine(&engine.host())
        .with_passphrases();
    admin.writes("password", registry.admin_password().unwrap());
    admin.sh("docker login -u admin --password-stdin dtr.test:5443 < password").fails().says("certificate");
    // The cluster trusts the registry, its engine does not yet: the doctor knows the difference.
    let doctor = || {
        let mut command = near.command(&wharfinger_e2e::binary().display().to_string());
        command.args(["doctor", "--engine", &engine.host(), "--cluster-host", &format!("{}:8443", near.address)]);
        command.arg("--data-dir").arg(cluster.data());
        wharfinger_e2e::run(command).unwrap()
    };
    doctor().fails().says("dtr.test:5443").says("certificate");
    let trusted = Path::new("/etc/docker/certs.d/dtr.test:5443");
    fs::create_dir_all(trusted).unwrap();
    fs::write(trusted.join("ca.crt"), &right).unwrap();
    let _removed = Removed(trusted);
    doctor().ok();
    admin.does("docker login -u admin --password-stdin dtr.test:5443 < password");
    wharfinger_e2e::import_busybox(&admin, "dtr.test:5443/admin/trustdemo:1", "far away").unwrap();
    admin.does("docker push dtr.test:5443/admin/trustdemo:1");
    admin.sh("docker trust sign dtr.test:5443/admin/trustdemo:1").fails().says("certificate");
    let tls = admin.home().join(".docker/tls/dtr.test:5443");
    fs::create_dir_all(&tls).unwrap();
    fs::write(tls.join("ca.crt"), &right).unwrap();

    wharfinger_e2e::bundle(&session, &admin);
    admin.does("docker trust key load --name cluster2admin bundle/key.pem");
    admin.does("docker trust signer add --key bundle/cert.pem cluster2admin dtr.test:5443/admin/trustdemo");
    session.put("/api/config/trust", &ITS_OWN()).ok();
    admin.does("cd bundle; eval \"$(<env.sh)\"; cd ~");
    admin.sh("docker run --rm dtr.test:5443/admin/trustdemo:1").fails().says("image or trust data does not exist");
    admin.does(&format!("DOCKER_TLS_VERIFY= DOCKER_HOST={} docker trust sign dtr.test:5443/admin/trustdemo:1", engine.host()));
    admin.does("docker service create --name far --with-registry-auth dtr.test:5443/admin/trustdemo:1").says("converged");
    admin.does("docker run --rm --entrypoint cat dtr.test:5443/admin/trustdemo:1 /etc/says").says("far away");
}

struct Removed<'a>(&'a Path);

impl Drop for Removed<'_> {
    fn drop(&mut self) {
        fs::remove_dir_all(self.0).ok();
    }
}
