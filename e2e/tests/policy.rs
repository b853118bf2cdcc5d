//! *Run only signed images*: what runs, what is refused, and the sentence each refusal says.

use serde_json::json;
use wharfinger_e2e::{Cast, DockerCli, Person, Ran, Scene, import_busybox};

/// The cast, a pushed `acme/app:1`, and the switch on for team `acme/qa`.
fn enforced() -> (Scene, Cast, String) {
    let scene = Scene::up();
    let cast = scene.acme("public");
    let image = scene.push(&cast.dev, "acme/app:1", "v1");
    scene.enforce(&["acme/qa"]);
    (scene, cast, image)
}

fn signed() -> (Scene, Cast, String) {
    let (scene, cast, image) = enforced();
    cast.add_quinn(&image);
    cast.quinn_signs(&image);
    (scene, cast, image)
}

fn runs(person: &Person, image: &str) -> Ran {
    person.sh(&format!("docker run --rm --entrypoint cat {image} /etc/says"))
}

#[track_caller]
fn denied(ran: Ran, sentence: &str) {
    assert_eq!(ran.status, 125, "{ran}");
    ran.says(&format!("docker: Error response from daemon: {sentence}"));
}

#[test]
fn the_three_errors_are_verbatim_in_every_client() {
    let (scene, cast, image) = enforced();
    for cli in DockerCli::present() {
        let olga = scene.machine(&format!("olga{cli:?}"), cli);
        wharfinger_e2e::bundle(&scene.session("olga"), &olga);
        olga.does("cd bundle; eval \"$(<env.sh)\"; cd ~");
        denied(runs(&olga, &image), &format!("image or trust data does not exist for {image}"));
        let missing = scene.image("acme/app:missing");
        denied(runs(&olga, &missing), &format!("image or trust data does not exist for {missing}"));
        denied(runs(&olga, "dtr.elsewhere.example/a/b:1"), "dtr.elsewhere.example must be a registered trusted registry");
        denied(runs(&olga, "busybox"), "docker.io must be a registered trusted registry");
    }
    cast.dev.does(&format!("docker trust sign {image}"));
    for cli in DockerCli::present() {
        let olga = scene.machine(&format!("olga-again{cli:?}"), cli);
        wharfinger_e2e::bundle(&scene.session("olga"), &olga);
        olga.does("cd bundle; eval \"$(<env.sh)\"; cd ~");
        denied(
            runs(&olga, &image),
            &format!("image did not meet required signing policy\n\n{image}: image did not meet required signing policy"),
        );
    }
}

#[test]
fn what_the_team_signed_runs_pinned() {
    let (scene, cast, image) = signed();
    runs(&cast.olga, &image).ok().says("v1");
    cast.olga.does(&format!("docker pull {image}")).says("sha256:");
    let c = format!("pinned-{}", scene.cluster.rsplit(':').next().unwrap());
    cast.olga.does(&format!("docker run -d --name {c} {image}"));
    cast.olga.does(&format!("docker ps --filter name={c}")).says(&c);
    cast.olga.does(&format!("docker rm -f {c}"));
}

#[test]
fn a_pull_brings_what_is_signed_and_nothing_else() {
    let (scene, cast, image) = enforced();
    scene.forget(&image);
    cast.olga
        .sh(&format!("docker pull {image}"))
        .fails()
        .says(&format!("Error response from daemon: image or trust data does not exist for {image}"));
    cast.dev.sh(&format!("docker image inspect {image}")).fails();
    cast.olga.sh(&format!("docker pull -a {}", image.rsplit_once(':').unwrap().0)).fails();
}

#[test]
fn compose_and_python_are_held_to_the_policy() {
    let (scene, cast, image) = signed();
    let unsigned = scene.push(&cast.dev, "acme/app:2", "v2");
    let project = format!("c{}", scene.cluster.rsplit(':').next().unwrap());
    let file = |image: &str| format!("version: '3'\nservices:\n  web:\n    image: {image}\n");
    cast.olga.writes("docker-compose.yml", file(&image));
    cast.olga.does(&format!("docker-compose -p {project} up -d && docker-compose -p {project} down -t 0"));
    cast.olga.writes("docker-compose.yml", file(&unsigned));
    cast.olga.sh(&format!("docker-compose -p {project} up -d")).fails().says("image or trust data does not exist");
    cast.olga.does(&format!("docker-compose -p {project} down -t 0"));
    let python = |image: &str| {
        format!("python3 -c \"import docker; print(docker.from_env().containers.run('{image}', ['echo', 'ran'], remove=True))\"")
    };
    cast.olga.does(&python(&image)).says("ran");
    cast.olga.sh(&python(&unsigned)).fails().says("image or trust data does not exist");
}

#[test]
fn a_tag_that_moved_unsigned_runs_what_was_signed() {
    let (scene, cast, image) = signed();
    scene.push(&cast.dev, "acme/app:1", "v2-unsigned");
    scene.forget(&image);
    runs(&cast.olga, &image).ok().says("v1");
    cast.olga.does(&format!("docker run --rm --pull always --entrypoint cat {image} /etc/says")).says("v1");
}

#[test]
fn a_revoked_tag_is_refused_and_what_runs_goes_on() {
    let (scene, cast, image) = signed();
    let c = format!("old-{}", scene.cluster.rsplit(':').next().unwrap());
    cast.olga.does(&format!("docker run -d --name {c} {image}"));
    cast.quinn.does(&format!("docker trust revoke --yes {image}"));
    assert_eq!(runs(&cast.olga, &image).status, 125);
    cast.olga.does(&format!("docker restart -t 0 {c}; docker stop -t 0 {c}; docker start {c}"));
    cast.olga.does(&format!("docker exec {c} echo alive")).says("alive");
    cast.olga.does(&format!("docker rm -f {c}"));
}

#[test]
fn a_digest_runs_only_when_it_is_the_signed_one() {
    let (scene, cast, image) = signed();
    let digest = digest_of(&cast.dev, &image);
    let repository = image.rsplit_once(':').unwrap().0;
    runs(&cast.olga, &format!("{repository}@{digest}")).ok().says("v1");
    runs(&cast.olga, &format!("{image}@{digest}")).ok().says("v1");
    scene.push(&cast.dev, "acme/app:2", "v2");
    let other = digest_of(&cast.dev, &scene.image("acme/app:2"));
    assert_eq!(runs(&cast.olga, &format!("{repository}@{other}")).status, 125);
    assert_eq!(runs(&cast.olga, &format!("{image}@{other}")).status, 125);
}

fn digest_of(person: &Person, image: &str) -> String {
    let pushed = person.does(&format!("docker push {image}"));
    let at = pushed.stdout.split("digest: ").nth(1).unwrap_or_default();
    at.split(' ').next().unwrap_or_default().to_owned()
}

#[test]
fn an_image_by_id_or_local_name_runs_only_when_it_is_signed() {
    let (scene, cast, image) = signed();
    runs(&cast.olga, &image).ok();
    let id = cast.olga.does(&format!("docker image inspect -f '{{{{.Id}}}}' {image}")).line().to_owned();
    runs(&cast.olga, &id).ok().says("v1");
    let local = format!("unsigned-{}:1", scene.cluster.rsplit(':').next().unwrap());
    import_busybox(&cast.dev, &local, "nobody signed this").unwrap();
    assert_eq!(runs(&cast.olga, &local).status, 125);
    let id = cast.dev.does(&format!("docker image inspect -f '{{{{.Id}}}}' {local}")).line().to_owned();
    assert_eq!(runs(&cast.olga, &id).status, 125);
}

#[test]
fn every_team_of_the_list_must_have_signed() {
    let (scene, cast, image) = signed();
    scene.team("acme", "security", &["olga"]);
    scene.enforce(&["acme/qa", "acme/security"]);
    denied(runs(&cast.olga, &image), "image did not meet required signing policy");
    scene.admin().put("/accounts/acme/teams/security/members/quinn", &json!({})).ok();
    runs(&cast.olga, &image).ok();
}

#[test]
fn without_teams_any_delegation_counts_but_the_repository_key_never() {
    let scene = Scene::up();
    let cast = scene.acme("public");
    let image = scene.push(&cast.dev, "acme/app:1", "v1");
    scene.enforce(&[]);
    cast.dev.does(&format!("DOCKER_CONTENT_TRUST=1 docker push {image}")).says("Successfully signed");
    denied(runs(&cast.olga, &image), "image did not meet required signing policy");
    cast.dev.does(&format!(
        "docker trust key generate someone && docker trust signer add --key someone.pub someone {}",
        image.rsplit_once(':').unwrap().0
    ));
    cast.dev.does(&format!("docker trust sign {image}"));
    runs(&cast.olga, &image).ok();
    let policy = json!({"require_content_trust": true, "require_signature_from": [], "signers": "cluster"});
    scene.admin().put("/api/config/trust", &policy).ok();
    denied(runs(&cast.olga, &image), "image did not meet required signing policy");
}

#[test]
fn a_key_counts_for_the_account_that_owns_it_whatever_the_signer_is_called() {
    let (scene, cast, image) = enforced();
    let repository = image.rsplit_once(':').unwrap().0;
    cast.dev.does("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out k.pem; chmod 600 k.pem; openssl pkey -in k.pem -pubout -out k.pub");
    // Loaded as one name, added as another; it is a key of quinn's account.
    cast.dev.does("docker trust key load --name alpha k.pem");
    cast.dev.does(&format!("docker trust signer add --key k.pub beta {repository}"));
    cast.dev.does(&format!("docker trust sign {image}"));
    denied(runs(&cast.olga, &image), "image did not meet required signing policy");
    let public = std::fs::read_to_string(cast.dev.home().join("k.pub")).unwrap();
    let key = json!({"publicKey": public, "label": "loaded"});
    scene.admin().post("/accounts/quinn/publicKeys", &key).is(201);
    runs(&cast.olga, &image).ok();
}

#[test]
fn a_signature_stops_counting_with_its_key_its_member_and_its_account() {
    let (scene, cast, image) = signed();
    runs(&cast.olga, &image).ok();
    scene.admin().delete("/accounts/acme/teams/qa/members/quinn").ok();
    denied(runs(&cast.olga, &image), "image did not meet required signing policy");
    scene.admin().put("/accounts/acme/teams/qa/members/quinn", &json!({})).ok();
    runs(&cast.olga, &image).ok();
    scene.admin().patch("/accounts/quinn", &json!({"isActive": false})).ok();
    denied(runs(&cast.olga, &image), "image did not meet required signing policy");
    scene.admin().patch("/accounts/quinn", &json!({"isActive": true})).ok();
    runs(&cast.olga, &image).ok();
    let keys = scene.admin().get("/accounts/quinn/publicKeys").json();
    for key in keys["accountPublicKeys"].as_array().unwrap() {
        let id = key["id"].as_str().unwrap();
        scene.admin().patch(&format!("/accounts/quinn/publicKeys/{id}"), &json!({"login": false})).ok();
    }
    runs(&cast.olga, &image).ok();
    for key in keys["accountPublicKeys"].as_array().unwrap() {
        let id = key["id"].as_str().unwrap();
        scene.admin().delete(&format!("/accounts/quinn/publicKeys/{id}")).ok();
    }
    denied(runs(&cast.olga, &image), "image did not meet required signing policy");
}

#[test]
fn an_exempt_repository_runs_unsigned() {
    let (scene, cast, image) = enforced();
    denied(runs(&cast.olga, &image), "image or trust data does not exist");
    let repository = image.rsplit_once(':').unwrap().0;
    let policy = json!({
        "require_content_trust": true, "require_signature_from": ["acme/qa"], "allow_repos": [repository],
    });
    scene.admin().put("/api/config/trust", &policy).ok();
    runs(&cast.olga, &image).ok().says("v1");
}

#[test]
fn existing_containers_survive_the_switch() {
    let scene = Scene::up();
    let cast = scene.acme("public");
    let image = scene.push(&cast.dev, "acme/app:1", "v1");
    let c = format!("before-{}", scene.cluster.rsplit(':').next().unwrap());
    cast.olga.does(&format!("docker run -d --name {c} {image}"));
    scene.enforce(&["acme/qa"]);
    cast.olga.does(&format!("docker stop -t 0 {c}; docker start {c}; docker restart -t 0 {c}"));
    cast.olga.does(&format!("docker update --restart=always {c}; docker rename {c} {c}x; docker rm -f {c}x"));
    scene.enforce_nothing();
    runs(&cast.olga, &image).ok();
}

#[test]
fn the_settings_come_and_go_as_toml() {
    let (scene, cast, _image) = enforced();
    let toml = scene.admin().get("/api/ucp/config-toml").is(200).body;
    assert!(toml.contains("[[registries]]") && toml.contains(&scene.registry), "{toml}");
    assert!(toml.contains("require_content_trust = true"), "{toml}");
    scene.admin().call("PUT", "/api/ucp/config-toml", Some(("text/plain", "[auth]\n"))).is(400);
    scene.admin().call("PUT", "/api/ucp/config-toml", Some(("text/plain", "not toml ["))).is(400);
    let off = toml.replace("require_content_trust = true", "require_content_trust = false");
    scene.admin().call("PUT", "/api/ucp/config-toml", Some(("text/plain", &off))).is(200).says("message");
    let trust = scene.admin().get("/api/config/trust").is(200).json();
    assert_eq!(trust["require_content_trust"], false);
    let olga = scene.session("olga");
    assert_eq!(olga.put("/api/config/trust", &json!({"require_content_trust": false})).status, 403);
    drop(cast);
}
