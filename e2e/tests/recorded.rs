//! The audit log: decisions reached again from it, what was changed found; and who the policy names is not changed behind its back.

use std::process::Command;

use serde_json::{Value, json};
use wharfinger_e2e::{PASSWORD, Ran, Scene, binary};

fn wharfinger(scene: &Scene, arguments: &[&str]) -> Ran {
    let mut command = Command::new(binary());
    command.args(arguments).arg("--data-dir").arg(scene.wharfinger.data());
    wharfinger_e2e::run(command).unwrap()
}

/// Writes in the database behind the server's back, as whoever has the machine can.
fn tamper(scene: &Scene, sql: &str) {
    let script = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); c.commit()";
    let mut command = Command::new("python3");
    command.args(["-c", script]).arg(scene.wharfinger.data().join("wharfinger.db")).arg(sql);
    wharfinger_e2e::run(command).unwrap().ok();
}

#[test]
fn a_decision_is_replayed_from_its_record_and_a_changed_one_is_not() {
    let scene = Scene::up();
    let cast = scene.acme("public");
    let image = scene.push(&cast.dev, "acme/app:1", "v1");
    scene.enforce(&["acme/qa"]);
    let run = format!("docker run --rm --entrypoint cat {image} /etc/says");
    cast.olga.sh(&run).fails();
    cast.add_quinn(&image);
    cast.quinn_signs(&image);
    cast.olga.does(&run).says("v1");
    // Later policies do not count.
    scene.enforce_nothing();
    let last = |outcome: &str| -> (String, Value) {
        let found = scene.admin().get(&format!("/api/audit?action=deploy&outcome={outcome}&limit=1")).is(200).json();
        let entry = &found["entries"][0];
        (entry["id"].to_string(), entry["detail"].clone())
    };
    let ((denied, _), (allowed, grounds)) = (last("deny"), last("allow"));
    wharfinger(&scene, &["audit", "replay", &denied]).ok().says("deny (no-trust-data) follows");
    wharfinger(&scene, &["audit", "replay", &allowed]).ok().says("allow (signed) follows");
    assert_eq!(grounds["signers"][0]["owner"]["name"], "quinn", "{grounds}");
    for role in ["root", "timestamp", "targets/quinn"] {
        assert_eq!(grounds["files"][role].as_str().map(str::len), Some(64), "{grounds}");
    }
    wharfinger(&scene, &["audit", "replay", "1"]).fails().says("is no decision");
    wharfinger(&scene, &["audit", "replay", "99999"]).fails().says("no entry");
    wharfinger(&scene, &["audit", "verify"]).ok();
    tamper(&scene, &format!("UPDATE audit SET outcome = 'deny' WHERE id = {allowed}"));
    wharfinger(&scene, &["audit", "replay", &allowed]).fails().says("not what was recorded");
    wharfinger(&scene, &["audit", "replay", &denied]).fails().says("not what was recorded");
    wharfinger(&scene, &["audit", "verify"]).fails().says("BROKEN");
}

#[test]
fn whom_the_policy_names_is_not_taken_away_from_under_it() {
    let scene = Scene::up();
    let _cast = scene.acme("public");
    scene.account("ruth");
    let rules = |users: Value| {
        let images = [scene.image("acme/*")];
        json!({"require_content_trust": true, "require_signature_from": ["acme/qa"],
               "rules": [{"images": images, "require": {"teams": ["acme/builders"], "users": users}}]})
    };
    scene.admin().put("/api/config/trust", &rules(json!(["ruth"]))).ok();
    let ruth = scene.session("ruth");
    let key = json!({"publicKey": "", "label": "mine"});
    ruth.post("/accounts/ruth/publicKeys", &key).is(403).says("delegate_membership");
    for path in ["/accounts/ruth", "/accounts/acme/teams/qa", "/accounts/acme/teams/builders", "/accounts/acme"] {
        scene.admin().delete(path).is(409).says("policy");
    }
    scene.admin().delete("/accounts/acme/teams/operations").ok();
    scene.admin().put("/api/config/trust", &rules(json!([]))).ok();
    ruth.post("/accounts/ruth/publicKeys", &key).is(400);
    scene.admin().delete("/accounts/ruth").ok();
}

#[test]
fn refused_logins_are_counted_and_not_recorded() {
    let port = wharfinger_e2e::free_port();
    let scene = Scene::up_with(|serve| serve.flag("--metrics-listen", &format!("127.0.0.1:{port}")));
    let metrics = || wharfinger_e2e::Api::at(&format!("http://127.0.0.1:{port}")).get("/metrics").is(200);
    metrics().says("wharfinger_logins_refused_total 0\n");
    let login = |password: &str| scene.cluster_api().post("/auth/login", &json!({"username": "admin", "password": password}));
    login(PASSWORD).is(401);
    login("another guess").is(401);
    metrics().says("wharfinger_logins_refused_total 2\n");
    let audit = scene.admin().get("/api/audit").is(200);
    assert!(!audit.body.contains("login"), "{}", audit.body);
}
