//! Client bundles: what a person downloads, unpacks and uses as it is.

use serde_json::json;
use wharfinger_e2e::{DockerCli, PASSWORD, Scene};

#[test]
fn a_bundle_works_as_unpacked() {
    let scene = Scene::up();
    scene.account("olga");
    for cli in DockerCli::present() {
        let olga = scene.machine(&format!("olga{cli:?}"), cli);
        let session = scene.session("olga");
        wharfinger_e2e::bundle(&session, &olga);
        olga.does("ls -l bundle/key.pem").says("-rw-------");
        olga.does("cd bundle && eval \"$(<env.sh)\"");
        olga.does("echo $DOCKER_HOST $DOCKER_TLS_VERIFY $DOCKER_CERT_PATH").says(&scene.cluster).says(" 1 ");
        olga.does("docker version").says("Server:");
        olga.does("docker ps").says("CONTAINER ID");
        olga.does("docker trust key load --name olga key.pem").says("Successfully imported");
        olga.does("openssl x509 -in cert.pem -noout -pubkey | diff - cert.pub");
        olga.does("openssl x509 -in cert.pem -noout -subject -ext extendedKeyUsage")
            .says("CN = olga")
            .says("TLS Web Client Authentication");
        olga.does("curl -sS --cacert ca.pem --cert cert.pem --key key.pem https://$CLUSTER/id/").says("olga");
    }
}

#[test]
fn the_inner_zip_imports_as_a_context() {
    let scene = Scene::up();
    scene.account("olga");
    for cli in DockerCli::present() {
        let olga = scene.machine(&format!("olga{cli:?}"), cli);
        wharfinger_e2e::bundle(&scene.session("olga"), &olga);
        olga.does("unset DOCKER_HOST; cd bundle; DOCKER_HOST= docker context import ours ucp-docker-bundle.zip");
        olga.does("unset DOCKER_HOST; docker --context ours ps").says("CONTAINER ID");
    }
}

#[test]
fn each_download_is_a_key_of_its_own_and_deleting_it_ends_it() {
    let scene = Scene::up();
    scene.account("olga");
    let session = scene.session("olga");
    let (first, second) = (scene.machine("olga1", DockerCli::newest()), scene.machine("olga2", DockerCli::newest()));
    for machine in [&first, &second] {
        wharfinger_e2e::bundle(&session, machine);
        machine.does("cd bundle; eval \"$(<env.sh)\"; docker ps");
    }
    let keys = session.get("/accounts/olga/publicKeys").is(200).json();
    let keys = keys["accountPublicKeys"].as_array().unwrap().clone();
    assert_eq!(keys.len(), 2, "{keys:?}");
    let public = first.does("cat ~/bundle/cert.pub").line().to_owned();
    let id = keys.iter().find(|k| k["publicKey"].as_str().unwrap_or_default().trim() == public);
    let id = id.unwrap()["id"].as_str().unwrap();
    session.delete(&format!("/accounts/olga/publicKeys/{id}")).ok();
    first.sh("docker ps").fails();
    second.does("docker ps");
}

#[test]
fn deleting_a_key_cuts_its_open_connections() {
    let scene = Scene::up();
    scene.account("olga");
    let session = scene.session("olga");
    let olga = scene.machine("olga", DockerCli::newest());
    wharfinger_e2e::bundle(&session, &olga);
    olga.does("cd bundle; eval \"$(<env.sh)\"; cd ~");
    let keys = session.get("/accounts/olga/publicKeys").is(200).json();
    let id = keys["accountPublicKeys"][0]["id"].as_str().unwrap().to_owned();
    olga.does("(docker events; echo ended > ended) > events.log 2>&1 & disown; sleep 1");
    session.delete(&format!("/accounts/olga/publicKeys/{id}")).ok();
    let ended = wharfinger_e2e::until(std::time::Duration::from_secs(4), || olga.home().join("ended").exists());
    assert!(ended, "docker events went on after its key was deleted");
}

#[test]
fn a_bundle_is_made_in_a_password_session_only() {
    let scene = Scene::up();
    scene.account("olga");
    let olga = scene.machine("olga", DockerCli::newest());
    let folder = wharfinger_e2e::bundle(&scene.session("olga"), &olga);
    let by_certificate = scene.cluster_api().with_bundle(&folder);
    by_certificate.get("/id/").is(200);
    let answer = by_certificate.post("/api/clientbundle", &json!({}));
    assert!([401, 403].contains(&answer.status), "{answer:?}");
    scene.cluster_api().post("/api/clientbundle", &json!({})).is(401);
}

#[test]
fn a_user_who_may_only_view_lists_and_does_nothing_else() {
    let scene = Scene::up();
    let account = json!({"name": "viewer", "password": PASSWORD});
    scene.admin().post("/accounts/", &account).is(201);
    scene.admin().call("PATCH", "/accounts/viewer", Some(("application/json", r#"{"role":"viewonly"}"#))).is(200);
    let viewer = scene.machine("viewer", DockerCli::newest());
    scene.operates(&viewer);
    viewer.does("docker ps").says("CONTAINER ID");
    viewer.sh("docker volume create mine").fails().says("viewonly");
    viewer.sh("docker run busybox").fails().says("viewonly");
}
