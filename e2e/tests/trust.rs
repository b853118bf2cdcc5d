//! `docker trust` of the stock clients against our Notary server.

use wharfinger_e2e::{DockerCli, PASSWORD, Person, Scene};

/// A repository whose owner `dev` pushed `1`.
fn pushed() -> (Scene, Person, String) {
    let scene = Scene::up();
    let dev = scene.person("dev");
    let image = scene.push(&dev, "dev/app:1", "v1");
    (scene, dev, image)
}

fn signers(person: &Person, image: &str) -> Vec<String> {
    let inspected = person.does(&format!("docker trust inspect {image}")).json();
    let tags = inspected[0]["SignedTags"].as_array().cloned().unwrap_or_default();
    let tag = image.rsplit(':').next().unwrap();
    let of_tag = tags.iter().find(|t| t["SignedTag"] == tag).cloned().unwrap_or_default();
    let mut names: Vec<String> =
        of_tag["Signers"].as_array().into_iter().flatten().filter_map(|s| s.as_str().map(str::to_owned)).collect();
    names.sort();
    names
}

#[test]
fn every_stock_client_signs_inspects_and_revokes() {
    let (scene, dev, image) = pushed();
    drop(dev);
    for cli in DockerCli::present() {
        let repository = format!("dev/by{}", format!("{cli:?}").to_lowercase());
        let person = scene.machine(&format!("dev{cli:?}"), cli);
        scene.docker_login(&person, "dev", PASSWORD);
        let image_here = scene.image(&format!("{repository}:1"));
        person.does(&format!("docker tag {image} {image_here}"));
        person.does(&format!("docker trust sign {image_here}")).says("Successfully signed");
        assert_eq!(signers(&person, &image_here), ["dev"]);
        person.does(&format!("docker trust sign {image_here}"));
        person.does(&format!("docker trust inspect --pretty {image_here}")).says("Signatures for").says("dev");
        person.does(&format!("docker trust revoke --yes {image_here}")).says("Successfully deleted signature");
        person.sh(&format!("docker trust inspect {image_here}"));
        assert!(signers(&person, &image_here).is_empty());
    }
}

#[test]
fn keys_of_every_kind_load_and_sign() {
    let (scene, dev, image) = pushed();
    let repository = image.rsplit_once(':').unwrap().0;
    dev.does(&format!("docker trust sign {image}"));
    let kinds = [
        ("rsa1", "openssl genrsa -traditional -out rsa1.pem 2048"),
        ("rsa8", "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa8.pem"),
        ("ec", "openssl ecparam -name prime256v1 -genkey -noout -out ec.pem"),
        ("ec8", "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec8.pem"),
    ];
    for (name, make) in kinds {
        dev.does(make);
        dev.does(&format!("chmod 600 {name}.pem; openssl pkey -in {name}.pem -pubout -out {name}.pub"));
        dev.does(&format!("docker trust key load --name {name} {name}.pem")).says("Successfully imported");
        dev.does(&format!("docker trust signer add --key {name}.pub {name} {repository}"));
    }
    dev.does("docker trust key generate made").says("Successfully generated");
    dev.does(&format!("docker trust signer add --key made.pub made {repository}"));
    dev.does(&format!("docker trust sign {image}"));
    assert_eq!(signers(&dev, &image), ["dev", "ec", "ec8", "made", "rsa1", "rsa8"]);
    drop(scene);
}

#[test]
fn a_second_person_signs_without_the_repository_key() {
    let scene = Scene::up();
    let cast = scene.acme("private");
    let image = scene.push(&cast.dev, "acme/app:1", "v1");
    cast.dev.does(&format!("docker trust sign {image}"));
    cast.add_quinn(&image);
    cast.quinn_signs(&image);
    assert_eq!(signers(&cast.quinn, &image), ["dev", "quinn"]);
}

#[test]
fn sign_local_moves_the_signature_to_what_the_tag_is_here() {
    let (scene, dev, image) = pushed();
    dev.does(&format!("docker trust sign {image}"));
    let before = digest(&dev, &image);
    scene.push(&dev, "dev/app:1", "v2");
    dev.does(&format!("docker trust sign {image}"));
    assert_eq!(digest(&dev, &image), before, "sign repeats what is recorded");
    dev.does(&format!("docker trust sign --local {image}"));
    assert_ne!(digest(&dev, &image), before);
}

fn digest(person: &Person, image: &str) -> String {
    let inspected = person.does(&format!("docker trust inspect {image}")).json();
    let digest = &inspected[0]["SignedTags"][0]["Digest"];
    digest.as_str().unwrap_or_default().to_owned()
}

#[test]
fn content_trust_in_the_client_pushes_pulls_runs_and_builds() {
    let scene = Scene::up();
    for cli in DockerCli::present() {
        let user = format!("dev{}", format!("{cli:?}").to_lowercase());
        scene.account(&user);
        let dev = scene.machine(&user, cli);
        scene.docker_login(&dev, &user, PASSWORD);
        let image = scene.push(&dev, &format!("{user}/app:unsigned"), "v1");
        dev.does("export DOCKER_CONTENT_TRUST=1");
        dev.sh(&format!("docker pull {image}")).fails();
        let signed = scene.image(&format!("{user}/app:1"));
        dev.does(&format!("DOCKER_CONTENT_TRUST=0 docker tag {image} {signed}"));
        dev.does(&format!("docker push {signed}")).says("Successfully signed");
        dev.does(&format!("docker pull {signed}")).says("@sha256:");
        dev.does(&format!("docker run --rm --entrypoint cat {signed} /etc/says")).says("v1");
        dev.writes("Dockerfile", format!("FROM {signed}\nLABEL built=yes\n"));
        dev.does("DOCKER_BUILDKIT=0 docker build --no-cache .").says("Successfully built");
        dev.writes("Dockerfile", format!("FROM {image}\nLABEL built=yes\n"));
        dev.sh("DOCKER_BUILDKIT=0 docker build --no-cache .").fails();
    }
}

#[test]
fn revoke_without_a_tag_takes_all_signatures_back() {
    let (scene, dev, image) = pushed();
    let second = scene.push(&dev, "dev/app:2", "v2");
    dev.does(&format!("docker trust sign {image}"));
    dev.does(&format!("docker trust sign {second}"));
    let repository = image.rsplit_once(':').unwrap().0;
    dev.does(&format!("docker trust revoke --yes {repository}"));
    assert!(signers(&dev, &image).is_empty() && signers(&dev, &second).is_empty());
}

#[test]
fn a_removed_signer_is_no_signer() {
    let (scene, dev, image) = pushed();
    let repository = image.rsplit_once(':').unwrap().0;
    // From version 26 on the stock client's own `signer remove` does nothing, so the older one proves ours.
    let old = scene.machine("old", DockerCli::V20);
    scene.docker_login(&old, "dev", PASSWORD);
    old.does(&format!("docker trust sign {image}"));
    old.does("docker trust key generate helper");
    old.does(&format!("docker trust signer add --key helper.pub helper {repository}"));
    old.does(&format!("docker trust sign {image}"));
    assert_eq!(signers(&old, &image), ["dev", "helper"]);
    old.does(&format!("docker trust signer remove --force helper {repository}"));
    assert_eq!(signers(&dev, &image), ["dev"]);
}
