//! Starting, stopping, and what survives in between.

use std::fs;
use std::time::Duration;

use serde_json::json;
use wharfinger_e2e::{Api, PASSWORD, Scene, Serve, free_port, shared_engine};

#[test]
fn up_on_an_empty_folder_is_ready_in_two_seconds() {
    // The best of three: the other tests want the processor as well.
    let took = |_| Scene::up().wharfinger.took();
    let best = (0..3).map(took).min().unwrap();
    assert!(best < Duration::from_secs(2), "{best:?}");
    let scene = Scene::up();
    scene.registry_api().get("/_ping").is(200).says("\"Healthy\":true");
    scene.cluster_api().get("/_ping").is(200);
    scene.registry_api().get("/ca").is(200).says("BEGIN CERTIFICATE");
    scene.cluster_api().get("/ca").is(200).says("BEGIN CERTIFICATE");
}

#[test]
fn the_first_password_is_in_a_file_only_its_owner_reads() {
    use std::os::unix::fs::PermissionsExt;
    let scene = Scene::up();
    let file = scene.wharfinger.data().join("admin-password");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(scene.wharfinger.log().contains(&file.display().to_string()));
    scene.cluster_api().login("admin", &scene.wharfinger.admin_password().unwrap());
}

#[test]
fn what_was_acknowledged_survives_kill_9() {
    let mut scene = Scene::up();
    scene.account("dev");
    let password = scene.wharfinger.admin_password().unwrap();
    scene.wharfinger.kill();
    scene.wharfinger.start_again().unwrap();
    scene.cluster_api().login("dev", PASSWORD).get("/id/").is(200).says("dev");
    scene.cluster_api().login("admin", &password).get("/accounts/dev").is(200);
}

#[test]
fn sigterm_ends_cleanly() {
    let mut scene = Scene::up();
    let status = scene.wharfinger.stop().unwrap();
    assert_eq!(status.code(), Some(0), "{}", scene.wharfinger.log());
}

#[test]
fn registry_and_cluster_serve_alone() {
    let dir = tempfile::Builder::new().prefix("wf-").tempdir().unwrap();
    let registry = Serve::new("registry serve", &dir.path().join("r"))
        .flag("--registry-listen", &format!("127.0.0.1:{}", free_port()))
        .start()
        .unwrap();
    assert!(registry.cluster().is_none(), "{}", registry.ready());
    let api = Api::at(registry.registry().unwrap());
    api.get("/_ping").is(200);
    let admin = api.login("admin", &registry.admin_password().unwrap());
    admin.post("/accounts/", &json!({"name": "dev", "password": PASSWORD})).is(201);

    let cluster = Serve::new("cluster serve", &dir.path().join("c"))
        .flag("--cluster-listen", &format!("127.0.0.1:{}", free_port()))
        .flag("--engine", &shared_engine())
        .start()
        .unwrap();
    assert!(cluster.registry().is_none(), "{}", cluster.ready());
    let api = Api::at(cluster.cluster().unwrap());
    api.login("admin", &cluster.admin_password().unwrap()).get("/id/").is(200);
    api.anonymous().post("/auth/login", &json!({"username": "dev", "password": PASSWORD})).is(401);
}

#[test]
fn an_unknown_flag_and_a_wrong_configuration_end_with_64() {
    let dir = tempfile::tempdir().unwrap();
    let ran = Serve::new("up", dir.path()).flag("--no-such-flag", "x").refused().unwrap();
    assert_eq!(ran.status, 64, "{ran}");
    let file = dir.path().join("c.toml");
    fs::write(&file, "no_such_key = 1\nneither_this = 2\n").unwrap();
    let ran = Serve::new("up", dir.path()).flag("--config", &file.display().to_string()).refused().unwrap();
    assert_eq!(ran.status, 64, "{ran}");
    ran.says("no_such_key").says("neither_this");
}

#[test]
fn what_is_not_built_yet_ends_with_64_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let ran = Serve::new("up", dir.path()).flag("--database", "postgres://localhost/w").refused().unwrap();
    assert_eq!(ran.status, 64, "{ran}");
    let ran = Serve::new("up", dir.path()).flag("--blobs", "s3://bucket/prefix").refused().unwrap();
    assert_eq!(ran.status, 64, "{ran}");
}

#[test]
fn a_certificate_that_does_not_cover_the_public_host_is_refused_at_start() {
    let dir = tempfile::tempdir().unwrap();
    let (cert, key) = self_signed(dir.path(), "other.example.com");
    let ran = Serve::new("up", &dir.path().join("up"))
        .flag("--registry-listen", &format!("127.0.0.1:{}", free_port()))
        .flag("--cluster-listen", &format!("127.0.0.1:{}", free_port()))
        .flag("--registry-host", "dtr.example.com")
        .flag("--registry-tls-cert", &cert)
        .flag("--registry-tls-key", &key)
        .flag("--registry-tls-ca", &cert)
        .flag("--engine", "unix:///nowhere.sock")
        .refused()
        .unwrap()
        .fails();
    ran.says("dtr.example.com");
}

#[test]
fn a_changed_public_host_gets_a_new_certificate_of_our_own() {
    let mut scene = Scene::up();
    let ca = scene.dir().join("ca.pem");
    scene.registry_api().download("GET", "/ca", &ca);
    scene.wharfinger.stop().unwrap();
    let port = scene.registry.rsplit(':').next().unwrap().to_owned();
    scene.wharfinger.flags(|serve| serve.flag("--registry-host", &format!("localhost.localdomain:{port}")));
    scene.wharfinger.start_again().unwrap();
    let api = Api::at(scene.wharfinger.registry().unwrap());
    assert!(scene.wharfinger.registry().unwrap().contains("localhost.localdomain"));
    let mut curl = std::process::Command::new("curl");
    curl.args(["-sS", "--resolve", &format!("localhost.localdomain:{port}:127.0.0.1"), "--cacert"])
        .arg(&ca)
        .arg(format!("{}/_ping", scene.wharfinger.registry().unwrap()));
    wharfinger_e2e::run(curl).unwrap().ok().says("Healthy");
    drop(api);
}

#[test]
fn an_engine_that_is_down_is_said_and_loses_nothing() {
    let scene = Scene::try_up("unix:///nowhere.sock", |s| s).unwrap();
    scene.cluster_api().get("/_ping").is(500);
    scene.account("dev");
    let admin = scene.admin_machine();
    scene.bundle(&admin);
    admin.sh("cd ~/bundle && unset DOCKER_HOST && eval \"$(<env.sh)\" && docker ps").fails().never_says("panic");
}

fn self_signed(dir: &std::path::Path, host: &str) -> (String, String) {
    let (cert, key) = (dir.join("cert.pem"), dir.join("key.pem"));
    let mut openssl = std::process::Command::new("openssl");
    openssl
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
        .args(["-days", "30", "-subj", &format!("/CN={host}"), "-addext", &format!("subjectAltName=DNS:{host}")])
        .arg("-keyout")
        .arg(&key)
        .arg("-out")
        .arg(&cert);
    wharfinger_e2e::run(openssl).unwrap().ok();
    (cert.display().to_string(), key.display().to_string())
}
