//! `docker login`, push and pull with the stock clients.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;
use wharfinger_e2e::{DockerCli, PASSWORD, Person, Scene, import_busybox};

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
    let token = token(&dev, "repository:dev/app:pull,push");
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

#[test]
fn an_index_of_images_is_pushed_and_pulled() {
    let scene = Scene::up();
    let dev = scene.person("dev");
    // By hand: `docker manifest push` speaks plain HTTP to every registry on loopback.
    let (one, first) = described(&scene, &dev, "dev/app:one", "amd64");
    let (_, second) = described(&scene, &dev, "dev/app:two", "arm64");
    let kind = "application/vnd.docker.distribution.manifest.list.v2+json";
    let index = json!({"schemaVersion": 2, "mediaType": kind, "manifests": [first, second]}).to_string();
    let token = token(&dev, "repository:dev/app:pull,push");
    let api = scene.registry_api().with_token(&token);
    api.call("PUT", "/v2/dev/app/manifests/both", Some((kind, &index))).is(201);
    let both = scene.image("dev/app:both");
    scene.forget(&one);
    dev.does(&format!("docker pull {both} && docker run --rm --entrypoint cat {both} /etc/says")).says("dev/app:one");
    let hollow = index.replace("sha256:", "sha256:00").replace("00\"", "\"");
    let answer = api.call("PUT", "/v2/dev/app/manifests/hollow", Some((kind, &hollow)));
    assert!((400..500).contains(&answer.status), "{answer:?}");
    api.get("/v2/dev/app/manifests/hollow").is(404);
}

/// Pushes an image that says its own name; its name and its descriptor.
fn described(scene: &Scene, dev: &Person, name: &str, architecture: &str) -> (String, serde_json::Value) {
    let image = scene.push(dev, name, name);
    let said = dev.does(&format!("docker push {image} | grep -o 'sha256:.*'")).stdout;
    let words: Vec<&str> = said.split_whitespace().collect();
    let descriptor = json!({
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "digest": words[0],
        "size": words[2].parse::<u64>().unwrap(),
        "platform": {"os": "linux", "architecture": architecture},
    });
    (image, descriptor)
}

/// A token as any client gets it.
fn token(dev: &Person, scope: &str) -> String {
    dev.does(&format!(
        "curl -ksS -u dev:'{PASSWORD}' \"https://$REGISTRY/auth/token?service=$REGISTRY&scope={scope}\" \
         | sed 's/.*\"token\":\"\\([^\"]*\\)\".*/\\1/'"
    ))
    .line()
    .to_owned()
}

#[test]
fn a_signed_tag_is_shown_as_signed_and_not_deleted_by_accident() {
    let scene = Scene::up();
    let dev = scene.person("dev");
    let image = scene.push(&dev, "dev/app:1", "v1");
    scene.push(&dev, "dev/app:2", "v2");
    dev.does(&format!("docker trust sign {image}"));
    let owner = scene.registry_api().with_password("dev", PASSWORD);
    let tags = owner.get("/api/v0/repositories/dev/app/tags").is(200).json();
    let signed: Vec<_> = tags.as_array().unwrap().iter().map(|t| (t["name"].clone(), t["inNotary"].clone())).collect();
    assert_eq!(signed, [("1".into(), true.into()), ("2".into(), false.into())]);
    owner.delete("/api/v0/repositories/dev/app/tags/1").is(409).says("TAG_IN_NOTARY");
    owner.delete("/api/v0/repositories/dev/app").is(405).says("REPOSITORY_CONTAINS_TAGS_IN_NOTARY");
    owner.delete("/api/v0/repositories/dev/app/tags/2").ok();
    scene.push(&dev, "dev/app:1", "v1-again-unsigned");
    let tags = owner.get("/api/v0/repositories/dev/app/tags").is(200).json();
    assert_eq!(tags[0]["hashMismatch"], true, "{tags}");
    dev.does(&format!("docker trust revoke --yes {image}"));
    owner.delete("/api/v0/repositories/dev/app/tags/1").ok();
}

#[test]
fn somebody_shut_out_neither_pulls_nor_pushes_with_an_old_login() {
    let scene = Scene::up();
    let dev = scene.person("dev");
    let image = scene.push(&dev, "dev/app:1", "v1");
    scene.admin().patch("/accounts/dev", &json!({"isActive": false})).ok();
    scene.forget(&image);
    dev.sh(&format!("docker pull {image}")).fails();
    import_busybox(&dev, &image, "v2").unwrap();
    dev.sh(&format!("docker push {image}")).fails();
    scene.admin().patch("/accounts/dev", &json!({"isActive": true})).ok();
    // The old login stays dead; a new one works.
    scene.docker_login(&dev, "dev", PASSWORD);
    dev.does(&format!("docker push {image}"));
}

#[test]
fn a_login_keeps_no_password_on_disk() {
    let scene = Scene::up();
    let dev = scene.person("dev");
    let config = dev.does("cat ~/.docker/config.json").stdout;
    let encoded = dev.does(&format!("printf 'dev:{PASSWORD}' | base64 -w0")).line().to_owned();
    assert!(config.contains("identitytoken") && !config.contains(&encoded), "{config}");
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
