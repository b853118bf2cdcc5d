//! The stock `notary` command against our server.

use wharfinger_e2e::{PASSWORD, Person, Scene};

fn at_the_server() -> (Scene, Person, String) {
    let scene = Scene::up();
    let dev = scene.person("dev");
    scene.push(&dev, "dev/app:1", "v1");
    let auth = dev.does(&format!("printf 'dev:{PASSWORD}' | base64 -w0")).line().to_owned();
    let ca = dev.home().join("ca.pem");
    scene.registry_api().download("GET", "/ca", &ca);
    let dev = dev.with("NOTARY_AUTH", &auth);
    dev.does("notary() { command notary -s https://$REGISTRY --tlscacert ~/ca.pem -d ~/.notary \"$@\"; }");
    let gun = scene.image("dev/app");
    (scene, dev, gun)
}

#[test]
fn init_add_publish_list_and_remove() {
    let (_scene, dev, gun) = at_the_server();
    dev.does(&format!("notary init -p {gun}")).says("Successfully published");
    dev.writes("target", "content");
    dev.does(&format!("notary add {gun} v1 target && notary status {gun}")).says("v1");
    dev.does(&format!("notary publish {gun}")).says("Successfully published");
    dev.does(&format!("notary list {gun}")).says("v1").says("targets");
    dev.does(&format!("notary lookup {gun} v1"));
    dev.does(&format!("notary verify {gun} v1 < target; notary verify {gun} v1 -i target"));
    dev.does(&format!("notary remove -p {gun} v1"));
    dev.does(&format!("notary list {gun}")).never_says("v1 ");
}

#[test]
fn delegations_come_sign_and_go() {
    let (_scene, dev, gun) = at_the_server();
    dev.does(&format!("notary init -p {gun}"));
    dev.does(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 300 \
         -subj /CN=qa -keyout qa.key -out qa.pem 2>/dev/null; chmod 600 qa.key",
    );
    dev.does("notary key import --role targets/qa qa.key");
    dev.does(&format!("notary delegation add -p {gun} targets/qa qa.pem --all-paths"));
    dev.does(&format!("notary delegation list {gun}")).says("targets/qa");
    dev.writes("target", "content");
    dev.does(&format!("notary add -p -r targets/qa {gun} v1 target"));
    dev.does(&format!("notary list -r targets/qa {gun}")).says("v1");
    dev.does(&format!("notary witness -p {gun} targets/qa"));
    dev.does(&format!("notary delegation remove -p -y {gun} targets/qa"));
    dev.does(&format!("notary delegation list {gun}")).never_says("targets/qa");
}

#[test]
fn every_key_rotates_and_old_clients_follow() {
    let (_scene, dev, gun) = at_the_server();
    dev.does(&format!("notary init -p {gun}"));
    dev.writes("target", "content");
    dev.does(&format!("notary add -p {gun} v1 target"));
    dev.does(&format!("notary key rotate {gun} snapshot -r"));
    dev.does(&format!("notary key rotate {gun} timestamp -r"));
    dev.does(&format!("notary key rotate {gun} targets"));
    dev.does(&format!("yes yes | notary key rotate {gun} root"));
    dev.does(&format!("notary add -p {gun} v2 target"));
    dev.does(&format!("notary key rotate {gun} snapshot"));
    dev.does(&format!("notary add -p {gun} v3 target"));
    dev.does(&format!("notary list {gun}")).says("v2").says("v3");
}

#[test]
fn a_deleted_collection_is_gone_and_may_be_made_anew() {
    let (_scene, dev, gun) = at_the_server();
    dev.does(&format!("notary init -p {gun}"));
    dev.does(&format!("notary delete --remote {gun}"));
    dev.sh(&format!("notary list {gun}")).fails().says("does not have trust data");
    dev.does(&format!("notary init -p {gun}"));
    dev.does(&format!("notary list {gun}"));
}

#[test]
fn a_stranger_neither_reads_nor_writes_a_private_collection() {
    let (scene, dev, gun) = at_the_server();
    dev.does(&format!("notary init -p {gun}"));
    scene.account("other");
    let auth = dev.does(&format!("printf 'other:{PASSWORD}' | base64 -w0")).line().to_owned();
    let list =
        dev.sh(&format!("NOTARY_AUTH={auth} command notary -s https://$REGISTRY --tlscacert ~/ca.pem -d ~/other list {gun}"));
    list.fails();
    let init =
        dev.sh(&format!("NOTARY_AUTH={auth} command notary -s https://$REGISTRY --tlscacert ~/ca.pem -d ~/other init -p {gun}"));
    init.fails();
}
