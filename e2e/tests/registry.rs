//! `docker login`, push and pull with the stock clients.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;
use wharfinger_e2e::{DockerCli, PASSWORD, Scene, import_busybox};

#[test]
fn login_takes_the_right_password_and_refuses_the_wrong_one() {
    let scene = Scene::up();
    scene.account("dev");
    for cli in DockerCli::present() {
        let person = scene.machine(&format!("dev{cli:?}"), cli);
        let login = |password: &str| {
            person.writes("password", password);
            person.sh("docker login -u dev --password-stdin $REGISTRY < password")
        };
        login("wrong").fails().says("unauthorized");
        login(PASSWORD).ok().says("Login Succeeded");
        person.does("docker logout $REGISTRY");
    }
}

#[test]
fn every_stock_client_pushes_and_pulls() {
    let scene = Scene::up();
    scene.account("dev");
    for cli in DockerCli::present() {
        let person = scene.machine(&format!("dev{cli:?}"), cli);
        scene.docker_login(&person, "dev", PASSWORD);
        let image = scene.push(&person, &format!("dev/app:{}", format!("{cli:?}").to_lowercase()), "hello");
        scene.forget(&image);
        person.does(&format!("docker pull {image}")).says("Digest: sha256:");
        person.does(&format!("docker run --rm --entrypoint cat {image} /etc/says")).says("hello");
    }
}

#[test]
fn the_first_push_makes_a_private_repository_and_its_owner_may_open_it() {
    let scene = Scene::up();
    let dev = scene.person("dev");
    let image = scene.push(&dev, "dev/app:1", "v1");
    let other = scene.person("other");
    scene.forget(&image);
    other.sh(&format!("docker pull {image}")).fails();
    let anonymous = scene.machine("nobody", DockerCli::newest());
    anonymous.sh(&format!("docker pull {image}")).fails();

    let owner = scene.session("dev");
    let path = format!("https://{}/api/v0/repositories/dev/app", scene.registry);
    drop(owner);
    dev.does(&format!(
        "curl -ksS --fail-with-body -u dev:'{PASSWORD}' -X PATCH -H 'Content-Type: application/json' -d '{{\"visibility\":\"public\"}}' {path}"
    ))
    .says("public");
    anonymous.does(&format!("docker pull {image}"));
}

#[test]
fn nobody_pushes_into_a_strangers_namespace() {
    let scene = Scene::up();
    scene.account("dev");
    let other = scene.person("other");
    let image = scene.image("dev/app:1");
    import_busybox(&other, &image, "v1").unwrap();
    other.sh(&format!("docker push {image}")).fails().says("denied");
}

#[test]
fn teams_have_the_access_they_were_given() {
    let scene = Scene::up();
    let (reader, writer) = (scene.person("reader"), scene.person("writer"));
    scene.team("acme", "readers", &["reader"]);
    scene.team("acme", "writers", &["writer"]);
    let admin = scene.registry_admin();
    admin.post("/api/v0/repositories/acme", &json!({"name": "app", "visibility": "private"})).is(201);
    for (team, level) in [("readers", "read-only"), ("writers", "read-write")] {
        let path = format!("/api/v0/repositories/acme/app/teamAccess/{team}");
        admin.put(&path, &json!({"accessLevel": level})).ok();
    }
    let image = scene.push(&writer, "acme/app:1", "v1");
    scene.forget(&image);
    reader.does(&format!("docker pull {image}"));
    reader.sh(&format!("docker push {image}")).fails().says("denied");
}

#[test]
fn a_flipped_byte_in_a_stored_blob_makes_the_pull_fail() {
    let scene = Scene::up();
    let dev = scene.person("dev");
    let image = scene.push(&dev, "dev/app:1", "bytes that no other image has");
    scene.forget(&image);
    let largest = files(&scene.wharfinger.data())
        .into_iter()
        .filter(|f| !f.to_string_lossy().contains("sqlite") && !f.to_string_lossy().contains(".db"))
        .max_by_key(|f| fs::metadata(f).map(|m| m.len()).unwrap_or_default())
        .unwrap();
    let mut bytes = fs::read(&largest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&largest, bytes).unwrap();
    dev.sh(&format!("docker pull {image}")).fails();
}

#[test]
fn a_pushed_digest_that_does_not_fit_is_refused_and_leaves_nothing() {
    let scene = Scene::up();
    let dev = scene.person("dev");
    scene.push(&dev, "dev/app:1", "v1");
    let wrong = "sha256:0000000000000000000000000000000000000000000000000000000000000000";
    let token = dev
        .does(&format!(
            "curl -ksS -u dev:'{PASSWORD}' \"https://$REGISTRY/auth/token?service=$REGISTRY&scope=repository:dev/app:pull,push\" \
             | sed 's/.*\"token\":\"\\([^\"]*\\)\".*/\\1/'"
        ))
        .line()
        .to_owned();
    let api = scene.registry_api().with_token(&token);
    let upload = dev.does(&format!(
        "curl -ksS -X POST -H 'Authorization: Bearer {token}' -D - -o /dev/null https://$REGISTRY/v2/dev/app/blobs/uploads/ \
         | tr -d '\\r' | sed -n 's/^[Ll]ocation: //p'"
    ));
    let location = upload.line().replace(&format!("https://{}", scene.registry), "");
    let joint = if location.contains('?') { '&' } else { '?' };
    api.call("PUT", &format!("{location}{joint}digest={wrong}"), Some(("application/octet-stream", "bytes")))
        .is(400)
        .says("DIGEST_INVALID");
    api.get(&format!("/v2/dev/app/blobs/{wrong}")).is(404);
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}
