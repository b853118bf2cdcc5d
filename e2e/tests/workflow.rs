//! The example workflow with separate people, trust stores and engines: developer, build server, QA, operations.

use serde_json::json;
use wharfinger_e2e::{Cast, Engine, EngineOptions, Scene, bundle};

/// The cast with workstations of their own: nothing they build lies on the cluster's engine.
struct Apart {
    scene: Scene,
    cast: Cast,
    image: String,
    _workstation: Engine,
    _dir: tempfile::TempDir,
}

fn apart(visibility: &str) -> Apart {
    let dir = tempfile::Builder::new().prefix("wf-").tempdir().unwrap();
    let workstation = Engine::start(&dir.path().join("w"), EngineOptions::default()).unwrap();
    let scene = Scene::up();
    let mut cast = scene.acme(visibility);
    for person in [&mut cast.dev, &mut cast.quinn] {
        person.does("unset DOCKER_HOST");
        *person = person.clone().at_engine(&workstation.host());
        person.does(&format!("export DOCKER_HOST={}", workstation.host()));
    }
    let image = scene.push(&cast.dev, "acme/app:1", "v1");
    Apart { scene, cast, image, _workstation: workstation, _dir: dir }
}

fn story(visibility: &str) {
    let Apart { scene, cast, image, .. } = &apart(visibility);
    let run = format!("docker run --rm --entrypoint cat {image} /etc/says");
    scene.enforce(&["acme/qa"]);
    cast.olga.sh(&run).fails().says(&format!("image or trust data does not exist for {image}"));
    cast.dev.does(&format!("docker trust sign {image}"));
    cast.olga.sh(&run).fails().says("image did not meet required signing policy");
    cast.add_quinn(image);
    cast.quinn_signs(image);
    cast.olga.does(&run).says("v1");

    scene.push(&cast.dev, "acme/app:1", "v2-unsigned");
    scene.forget(image);
    cast.olga.does(&run).says("v1");

    let service = format!("w{}", scene.cluster.rsplit(':').next().unwrap());
    for flag in ["", "--with-registry-auth"] {
        scene.forget(image);
        cast.olga.does(&format!("docker service create {flag} --name {service} {image}")).says("converged");
        cast.olga.does(&format!("docker service rm {service}"));
    }
    cast.quinn.does(&format!("docker trust revoke --yes {image}"));
    scene.forget(image);
    cast.olga.sh(&run).fails().says("image");
}

#[test]
fn the_workflow_runs_with_a_public_repository() {
    story("public");
}

#[test]
fn the_workflow_runs_with_a_private_repository_and_a_cold_cache() {
    story("private");
}

#[test]
fn a_local_cluster_needs_no_credentials_but_a_right_to_read() {
    let Apart { scene, cast, image, .. } = &apart("private");
    scene.enforce(&["acme/qa"]);
    cast.add_quinn(image);
    cast.quinn_signs(image);
    cast.olga.does("docker logout $REGISTRY");
    cast.olga.does(&format!("docker run --rm --entrypoint cat {image} /etc/says")).says("v1");
    scene.account("stranger");
    let stranger = scene.machine("stranger", wharfinger_e2e::DockerCli::newest());
    scene.operates(&stranger);
    scene.forget(image);
    stranger.sh(&format!("docker pull {image}")).fails();
}

#[test]
fn a_remote_cluster_needs_credentials_for_a_private_repository() {
    use wharfinger_e2e::{Api, DockerCli, PASSWORD, Serve, free_port};
    let Apart { scene, cast, image, .. } = &apart("private");
    cast.add_quinn(image);
    cast.quinn_signs(image);
    let remote = Serve::new("cluster serve", &scene.dir().join("remote"))
        .flag("--cluster-listen", &format!("127.0.0.1:{}", free_port()))
        .flag("--engine", scene.engine())
        .start()
        .unwrap();
    let session = Api::at(remote.cluster().unwrap()).login("admin", &remote.admin_password().unwrap());
    let ca = scene.registry_api().get("/ca").body;
    session.post("/api/config/trustedregistry_", &json!({"hostAddress": scene.registry, "caBundle": ca})).ok();
    session.put("/api/config/trust", &json!({"require_content_trust": true})).ok();
    let admin = scene.machine("remote-admin", DockerCli::newest());
    bundle(&session, &admin);
    admin.does("cd bundle; eval \"$(<env.sh)\"; cd ~");
    let service = format!("r{}", scene.cluster.rsplit(':').next().unwrap());
    admin.sh(&format!("docker run --rm {image}")).fails().says(&format!("image or trust data does not exist for {image}"));
    admin.sh(&format!("docker service create --name {service} {image}")).fails().says("image or trust data does not exist");
    scene.docker_login(&admin, "olga", PASSWORD);
    admin.does(&format!("docker service create --with-registry-auth --name {service} {image}")).says("converged");
    admin.does(&format!("docker service rm {service}"));
    admin.does(&format!("docker run --rm --entrypoint cat {image} /etc/says")).says("v1");
}
