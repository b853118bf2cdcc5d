//! What a mistake, an accident or an attacker sends: a clear error, nothing half-written, nothing lost.

use serde_json::json;
use wharfinger_e2e::{PASSWORD, Scene};

#[test]
fn malformed_bodies_are_refused_with_a_reason() {
    let scene = Scene::up();
    let admin = scene.admin();
    for path in ["/accounts/", "/api/config/trustedregistry_"] {
        admin.call("POST", path, Some(("application/json", "{\"name\":"))).is(400);
        admin.call("POST", path, Some(("application/json", ""))).is(400);
        admin.call("POST", path, Some(("application/json", "[]"))).is(400);
    }
    admin.call("PUT", "/api/config/trust", Some(("application/json", "{\"require_content_trust\":\"yes\"}"))).is(400);
    admin.call("PUT", "/api/config/trust", Some(("application/json", "{\"no_such_field\":1}"))).is(400);
    admin.put("/api/config/trust", &json!({"require_content_trust": true, "require_signature_from": ["no/team"]})).is(400);
    scene.cluster_api().call("POST", "/auth/login", Some(("application/json", "{"))).is(400);
    admin.get("/id/").is(200);
}

#[test]
fn a_wrong_login_says_so_and_is_throttled() {
    let scene = Scene::up();
    scene.account("dev");
    let wrong = json!({"username": "dev", "password": "wrong"});
    scene.cluster_api().post("/auth/login", &wrong).is(401).says("Invalid username or password.");
    let unknown = json!({"username": "nobody", "password": PASSWORD});
    scene.cluster_api().post("/auth/login", &unknown).is(401).says("Invalid username or password.");
    let throttled = (0..40).any(|_| scene.cluster_api().post("/auth/login", &wrong).status == 429);
    assert!(throttled, "forty wrong passwords in a row should be throttled");
}

#[test]
fn an_oversized_body_is_refused() {
    let scene = Scene::up();
    let dev = scene.person("dev");
    dev.does("head -c 900000 /dev/zero | tr '\\0' 'a' > big");
    // Over HTTP/1.1: Debian's curl gives up on an HTTP/2 answer that comes before it has sent everything.
    let answer = dev.does("curl -ksS --http1.1 -o /dev/null -w '%{http_code}' -H 'Content-Type: application/json' --data-binary @big https://$CLUSTER/auth/login");
    assert_eq!(answer.line(), "413", "{answer}");
    scene.cluster_api().login("dev", PASSWORD);
}

#[test]
fn a_refusal_is_readable_however_early_it_comes() {
    let scene = Scene::up();
    let body = json!({"Image": "x", "padding": "p".repeat(20_000)});
    for _ in 0..15 {
        // Debian's curl takes an HTTP/2 stream that is reset while it sends for broken framing.
        scene.cluster_api().post("/no/such/call", &body).is(404);
        scene.admin().post("/no/such/call", &body).is(404);
        scene.registry_api().post("/no/such/call", &body).is(404);
    }
}

#[test]
fn names_that_would_confuse_are_refused() {
    let scene = Scene::up();
    for name in ["", "a.b", "a:b", "a/b", "../x", "admin"] {
        let account = json!({"name": name, "password": PASSWORD});
        let status = scene.admin().post("/accounts/", &account).status;
        assert!([400, 409].contains(&status), "{name:?} gave {status}");
    }
}

#[test]
fn a_registry_that_does_not_answer_is_undecided_and_refused() {
    let scene = Scene::up();
    let cast = scene.acme("public");
    let image = scene.push(&cast.dev, "acme/app:1", "v1");
    let second = scene.dir().join("second");
    let cluster = wharfinger_e2e::Serve::new("cluster serve", &second)
        .flag("--cluster-listen", &format!("127.0.0.1:{}", wharfinger_e2e::free_port()))
        .flag("--engine", scene.engine())
        .start()
        .unwrap();
    let session = wharfinger_e2e::Api::at(cluster.cluster().unwrap()).login("admin", &cluster.admin_password().unwrap());
    let ca = scene.registry_api().get("/ca").body;
    session.post("/api/config/trustedregistry_", &json!({"hostAddress": scene.registry, "caBundle": ca})).ok();
    session.put("/api/config/trust", &json!({"require_content_trust": true})).ok();
    let admin = scene.machine("second-admin", wharfinger_e2e::DockerCli::newest());
    wharfinger_e2e::bundle(&session, &admin);
    admin.does("cd bundle; eval \"$(<env.sh)\"; cd ~");
    let mut scene = scene;
    scene.wharfinger.stop().unwrap();
    let ran = admin.sh(&format!("docker run --rm {image}")).fails();
    ran.says(&scene.registry).never_says("image or trust data does not exist");
    session.get("/id/").is(200);
}
