//! Whose collection it is: a cluster remembers the root it first saw, and follows only what that root signed.

use std::process::Command;

use serde_json::json;
use wharfinger_e2e::{Cast, PASSWORD, Person, Scene, binary};

/// `acme/app:1` signed by quinn and seen by the cluster; dev holds the repository's keys and a `notary` command that
/// shares them.
fn seen() -> (Scene, Cast, String) {
    let scene = Scene::up();
    let mut cast = scene.acme("private");
    let image = scene.push(&cast.dev, "acme/app:1", "v1");
    scene.enforce(&["acme/qa"]);
    cast.add_quinn(&image);
    cast.quinn_signs(&image);
    runs(&cast.olga, &image);
    let auth = cast.dev.does(&format!("printf 'dev:{PASSWORD}' | base64 -w0")).line().to_owned();
    scene.registry_api().download("GET", "/ca", &cast.dev.home().join("ca.pem"));
    cast.dev = cast.dev.clone().with("NOTARY_AUTH", &auth);
    cast.dev.does("notary() { command notary -s https://$REGISTRY --tlscacert ~/ca.pem -d ~/.docker/trust \"$@\"; }");
    (scene, cast, image)
}

fn runs(person: &Person, image: &str) {
    person.does(&format!("docker run --rm --entrypoint cat {image} /etc/says")).says("v1");
}

#[test]
fn a_rotated_root_is_followed() {
    let (scene, cast, image) = seen();
    let gun = scene.image("acme/app");
    for _ in 0..3 {
        cast.dev.does(&format!("yes yes | notary key rotate {gun} root")).says("Successfully rotated");
    }
    runs(&cast.olga, &image);
    cast.dev.does(&format!("notary key rotate {gun} targets && notary key rotate {gun} timestamp -r"));
    runs(&cast.olga, &image);
}

#[test]
fn a_collection_made_anew_by_somebody_is_not_the_one_that_was_seen() {
    let (scene, cast, image) = seen();
    let gun = scene.image("acme/app");
    cast.dev.does(&format!("notary delete --remote {gun}"));
    cast.olga.sh(&format!("docker run --rm {image}")).fails().says("image or trust data does not exist");
    // New keys, the right signer: only the root tells that this is another collection.
    cast.dev.does("rm -rf ~/.docker/trust");
    cast.add_quinn(&image);
    cast.quinn.does("rm -rf ~/.docker/trust/tuf");
    cast.quinn_signs(&image);
    let ran = cast.olga.sh(&format!("docker run --rm --entrypoint cat {image} /etc/says")).fails();
    ran.says("root");
}

#[test]
fn a_collection_made_anew_is_accepted_by_an_admin_and_by_the_operator_with_a_reason() {
    let (scene, cast, image) = seen();
    let gun = scene.image("acme/app");
    let made_anew = || {
        cast.dev.does(&format!("notary delete --remote {gun}"));
        cast.dev.does("rm -rf ~/.docker/trust");
        cast.add_quinn(&image);
        cast.quinn.does("rm -rf ~/.docker/trust/tuf");
        cast.quinn_signs(&image);
        let explained = scene.admin().post("/api/trust/explain", &json!({"image": image})).is(200).json();
        assert_eq!(explained["code"], "re-created", "{explained}");
        assert!(explained["remedy"].as_str().unwrap().contains("wharfinger policy re-pin"), "{explained}");
        cast.olga.sh(&format!("docker run --rm {image}")).fails();
    };
    made_anew();
    // Over the API: an admin's to say, with a reason, about a repository that is known.
    let body = json!({"gun": gun, "reason": "dev lost the root key"});
    scene.session("olga").post("/api/trust/repin", &body).is(403);
    scene.cluster_api().post("/api/trust/repin", &body).is(401);
    scene.admin().post("/api/trust/repin", &json!({"gun": gun})).is(400);
    scene.admin().post("/api/trust/repin", &json!({"gun": gun, "reason": " "})).is(400);
    scene.admin().post("/api/trust/repin", &json!({"gun": image, "reason": "a tag is no repository"})).is(400);
    scene.admin().post("/api/trust/repin", &json!({"gun": gun, "reason": "x", "more": 1})).is(400);
    assert!(scene.admin().post("/api/trust/repin", &json!({"gun": scene.image("no/such"), "reason": "x"})).status >= 400);
    cast.olga.sh(&format!("docker run --rm {image}")).fails();
    scene.admin().post("/api/trust/repin", &body).is(204);
    runs(&cast.olga, &image);

    made_anew();
    let operator = |arguments: &[&str]| {
        let mut command = Command::new(binary());
        command.args(["policy", "re-pin"]).args(arguments).arg("--data-dir").arg(scene.wharfinger.data());
        wharfinger_e2e::run(command).unwrap()
    };
    operator(&[&gun]).fails();
    operator(&[&gun, "--reason", ""]).fails().says("give a reason");
    operator(&[&scene.image("no/such"), "--reason", "x"]).fails().says("nothing is remembered");
    operator(&[&gun, "--reason", "and again"]).ok().says("is trusted from then on");
    runs(&cast.olga, &image);
    let audit = scene.admin().get("/api/audit?action=trust.repin").is(200);
    audit.says("dev lost the root key").says("and again");
}
