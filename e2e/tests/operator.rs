//! The operator's commands at the machine with the data.

use std::process::Command;

use serde_json::json;
use wharfinger_e2e::{PASSWORD, Ran, Scene, binary};

fn wharfinger(scene: &Scene, arguments: &[&str]) -> Ran {
    let mut command = Command::new(binary());
    command.args(arguments).arg("--data-dir").arg(scene.wharfinger.data());
    wharfinger_e2e::run(command).unwrap()
}

#[test]
fn a_lost_password_is_reset_at_the_machine() {
    let mut scene = Scene::up();
    let old = scene.wharfinger.admin_password().unwrap();
    scene.wharfinger.stop().unwrap();
    let reset = wharfinger(&scene, &["admin", "reset-password"]).ok();
    scene.wharfinger.start_again().unwrap();
    let wrong = json!({"username": "admin", "password": old});
    let new = scene.wharfinger.admin_password().unwrap();
    if new != old {
        scene.cluster_api().post("/auth/login", &wrong).is(401);
    }
    let said = reset.output.split_whitespace().find(|word| {
        let login = json!({"username": "admin", "password": word});
        scene.cluster_api().post("/auth/login", &login).status == 200
    });
    let login = json!({"username": "admin", "password": new});
    let in_file = scene.cluster_api().post("/auth/login", &login).status == 200;
    assert!(said.is_some() || in_file, "{reset}");
}

#[test]
fn break_glass_turns_the_policy_off_and_is_written_down() {
    let scene = Scene::up();
    let cast = scene.acme("public");
    let image = scene.push(&cast.dev, "acme/app:1", "v1");
    scene.enforce(&["acme/qa"]);
    let run = format!("docker run --rm --entrypoint cat {image} /etc/says");
    cast.olga.sh(&run).fails();
    wharfinger(&scene, &["policy", "off"]).fails();
    wharfinger(&scene, &["policy", "off", "--reason", "the registry burns"]).ok();
    cast.olga.does(&run).says("v1");
    scene.admin().get("/api/audit").is(200).says("the registry burns");
}

#[test]
fn the_audit_tells_who_deployed_what_and_was_refused_why() {
    let scene = Scene::up();
    let cast = scene.acme("public");
    let image = scene.push(&cast.dev, "acme/app:1", "v1");
    scene.enforce(&["acme/qa"]);
    cast.olga.sh(&format!("docker run --rm {image}")).fails();
    let audit = scene.admin().get("/api/audit").is(200);
    assert!(audit.body.contains("olga") && audit.body.contains(&image), "{}", audit.body);
    assert!(!audit.body.contains(PASSWORD), "no secret is written down");
    let denied = scene.admin().get("/api/audit?actor=olga&action=deploy&outcome=deny").is(200);
    assert!(denied.body.contains(&image) && !denied.body.contains("account.create"), "{}", denied.body);
    scene.admin().get("/api/audit?outcome=refused").is(400);
    let olga = scene.session("olga");
    assert_eq!(olga.get("/api/audit").status, 403);
}

#[test]
fn explain_says_what_was_required_and_what_was_found() {
    let scene = Scene::up();
    let cast = scene.acme("public");
    let image = scene.push(&cast.dev, "acme/app:1", "v1");
    scene.enforce(&["acme/qa"]);
    let explain = || scene.admin().post("/api/trust/explain", &json!({"image": image})).is(200).json();
    assert_eq!(explain()["verdict"], "deny");
    cast.dev.does(&format!("docker trust sign {image}"));
    let unsigned = explain();
    assert_eq!(unsigned["verdict"], "deny");
    assert!(unsigned["missing"].to_string().contains("acme/qa"), "{unsigned}");
    cast.add_quinn(&image);
    cast.quinn_signs(&image);
    let signed = explain();
    assert_eq!(signed["verdict"], "allow", "{signed}");
    assert!(signed["signers"].to_string().contains("quinn"), "{signed}");
}

#[test]
fn the_engines_trust_in_the_registry_is_written_but_never_over_somebody_elses_file() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().display().to_string();
    let scene = Scene::up_with(|serve| serve.flag("--engine-certs-dir", &folder));
    let file = dir.path().join(&scene.registry).join("ca.crt");
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(written.contains(scene.registry_api().get("/ca").body.trim()), "{written}");

    let mut scene = scene;
    scene.wharfinger.stop().unwrap();
    std::fs::write(&file, "somebody else's\n").unwrap();
    scene.wharfinger.start_again().unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "somebody else's\n");
}

#[test]
fn a_generated_configuration_is_a_correct_one() {
    let dir = tempfile::tempdir().unwrap();
    let mut generate = Command::new(binary());
    generate.args(["config", "generate"]);
    let generated = wharfinger_e2e::run(generate).unwrap().ok();
    let file = dir.path().join("wharfinger.toml");
    std::fs::write(&file, &generated.stdout).unwrap();
    let mut check = Command::new(binary());
    check.args(["config", "check", "--config"]).arg(&file);
    wharfinger_e2e::run(check).unwrap().ok();
    std::fs::write(&file, "nonsense = 1\n").unwrap();
    let mut check = Command::new(binary());
    check.args(["config", "check", "--config"]).arg(&file);
    let ran = wharfinger_e2e::run(check).unwrap();
    assert_eq!(ran.status, 64, "{ran}");
    ran.says("nonsense");
}

#[test]
fn what_comes_in_a_later_version_says_so() {
    for command in ["verify", "trust", "login", "bundle"] {
        let mut later = Command::new(binary());
        later.arg(command);
        let ran = wharfinger_e2e::run(later).unwrap();
        assert_eq!(ran.status, 64, "{ran}");
        ran.says("not built yet");
    }
}

#[test]
fn doctor_finds_what_is_well_and_what_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().display().to_string();
    let scene = Scene::up_with(|serve| serve.flag("--engine-certs-dir", &folder));
    let doctor = |engine: &str| {
        let mut command = Command::new(binary());
        command.args(["doctor", "--engine", engine, "--engine-certs-dir", &folder]);
        command.args(["--registry-host", &scene.registry, "--cluster-host", &scene.cluster]);
        command.arg("--data-dir").arg(scene.wharfinger.data());
        wharfinger_e2e::run(command).unwrap()
    };
    doctor(scene.engine()).ok();
    doctor("unix:///nowhere.sock").fails().says("nowhere.sock");
    std::fs::remove_dir_all(dir.path().join(&scene.registry)).unwrap();
    doctor(scene.engine()).says(&scene.registry);
}
