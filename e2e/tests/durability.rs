//! Power cuts and engine restarts.

use wharfinger_e2e::{Engine, EngineOptions, Scene};

#[test]
fn kill_9_keeps_images_signatures_policy_and_bundles() {
    let mut scene = Scene::up();
    let cast = scene.acme("private");
    let image = scene.push(&cast.dev, "acme/app:1", "v1");
    cast.add_quinn(&image);
    cast.quinn_signs(&image);
    scene.enforce(&["acme/qa"]);
    scene.wharfinger.kill();
    scene.wharfinger.start_again().unwrap();
    scene.forget(&image);
    cast.olga.does(&format!("docker run --rm --entrypoint cat {image} /etc/says")).says("v1");
    cast.olga.sh("docker run --rm busybox").fails().says("docker.io must be a registered trusted registry");
    cast.quinn.does(&format!("docker trust inspect --pretty {image}")).says("quinn");
    cast.quinn.does(&format!("docker trust sign {image}"));
}

#[test]
fn kill_9_in_the_middle_of_pushes_leaves_nothing_half_written() {
    let mut scene = Scene::up();
    let dev = scene.person("dev");
    for round in 0..4 {
        let image = scene.image(&format!("dev/app:{round}"));
        wharfinger_e2e::import_busybox(&dev, &image, &format!("round {round}")).unwrap();
        dev.does(&format!("(docker push {image} > push.log 2>&1; echo done > push.done) & sleep 0.{round}"));
        scene.wharfinger.kill();
        scene.wharfinger.start_again().unwrap();
        wharfinger_e2e::until(std::time::Duration::from_mins(1), || dev.home().join("push.done").exists());
        dev.does("rm -f push.done");
        dev.does(&format!("docker push {image}"));
        scene.forget(&image);
        dev.does(&format!("docker run --rm --entrypoint cat {image} /etc/says")).says(&format!("round {round}"));
    }
}

#[test]
fn an_engine_restart_never_blocks_what_existed() {
    let dir = tempfile::Builder::new().prefix("wf-").tempdir().unwrap();
    let mut engine = Engine::start(&dir.path().join("e"), EngineOptions::default()).unwrap();
    let scene = Scene::try_up(&engine.host(), |s| s).unwrap();
    let cast = scene.acme("public");
    let image = scene.push(&cast.dev, "acme/app:1", "v1");
    cast.olga.does(&format!("docker run -d --restart always --name always {image}"));
    cast.olga.does(&format!("docker run -d --name once {image}"));
    scene.enforce(&["acme/qa"]);
    engine.down();
    cast.olga.sh("docker ps").fails().never_says("panic");
    scene.cluster_api().get("/_ping").is(500);
    engine.again().unwrap();
    cast.olga.does("docker ps --filter name=always --filter status=running").says("always");
    cast.olga.does("docker start once");
    cast.olga.does("docker restart -t 0 always once");
    cast.olga.sh(&format!("docker run --rm {image}")).fails().says("image or trust data does not exist");
}
