use serde_json::{Value, json};

use super::{DIGEST, IMAGE};
use crate::house::{House, house};

const STACK: &str = "/manage/deploy/stack";
const FILE: &str = "services:\n  web:\n    image: dtr.test/acme/app:1\n    build: .\n  api:\n    image: dtr.test/acme/app:1\n";

fn service(name: &str, id: &str) -> Value {
    json!({ "ID": id, "Version": { "Index": 7 }, "Spec": { "Name": name, "TaskTemplate": { "ForceUpdate": 3 } } })
}

/// `shop_web` and `shop_old` are there, and the network.
fn runs_already(house: &House) {
    house.has_image();
    house.engine.answers("GET /services", 200, &json!([service("shop_web", "w1"), service("shop_old", "o1")]));
    house.engine.answers("GET /services/w1", 200, &service("shop_web", "w1"));
    house.engine.answers("GET /networks", 200, &json!([{ "Name": "shop_default" }]));
}

#[tokio::test]
async fn a_stack_is_shown_before_it_is_deployed_and_then_made_in_order() {
    let house = house().await;
    house.has_image();
    let admin = house.browser_of("admin").await;
    admin.get(STACK).await.is(200).says("Deploy a stack");
    let fields = [("name", "shop"), ("file", FILE)];
    let preview = admin.submit(STACK, &[&fields[..], &[("do", "preview")]].concat()).await.is(200);
    preview
        .says("Deploy the stack shop?")
        .says("services.web.build has no effect")
        .says("policy off")
        .says("Make the network shop_default")
        .says("Make the service shop_api");
    assert_eq!(house.engine.calls(), [""; 0], "a preview makes nothing");
    let edit = admin.submit(STACK, &[&fields[..], &[("do", "edit")]].concat()).await.is(200);
    edit.says("    image: dtr.test/acme/app:1").says("value=\"shop\"");

    let answer = admin.submit(STACK, &[&fields[..], &[("do", "deploy")]].concat()).await;
    assert_eq!(answer.leads_to(), "/manage/deploy/progress?stack=shop");
    assert_eq!(house.engine.calls(), ["POST /networks/create", "POST /services/create", "POST /services/create"]);
    let seen = house.engine.changes();
    assert_eq!(seen[0].body["Driver"], "overlay");
    assert_eq!((&seen[1].body["Name"], &seen[2].body["Name"]), (&json!("shop_api"), &json!("shop_web")));
    assert_eq!(seen[1].body["TaskTemplate"]["ContainerSpec"]["Image"], format!("{IMAGE}@{DIGEST}"));
    assert_eq!(seen[1].body["Labels"]["com.docker.stack.image"], IMAGE);
}

#[tokio::test]
async fn a_stack_that_is_there_is_updated_and_what_it_does_not_name_goes_if_that_is_ticked() {
    let house = house().await;
    runs_already(&house);
    let admin = house.browser_of("admin").await;
    let fields = [("name", "shop"), ("file", FILE), ("do", "deploy")];
    admin.submit(STACK, &fields).await.leads_to();
    assert_eq!(house.engine.calls(), ["POST /services/create", "POST /services/w1/update?version=7"]);
    assert_eq!(house.engine.changes()[1].body["TaskTemplate"]["ForceUpdate"], 3);

    let preview = admin.submit(STACK, &[("name", "shop"), ("file", FILE), ("prune", "yes"), ("do", "preview")]).await.is(200);
    preview.says("<strong>Remove the service shop_old</strong>").says("name=\"prune\" value=\"yes\"");
    admin.submit(STACK, &[&fields[..], &[("prune", "yes")]].concat()).await.leads_to();
    assert_eq!(house.engine.calls()[2], "DELETE /services/o1");
}

#[tokio::test]
async fn of_a_deployment_that_stops_half_way_is_said_what_was_made_and_what_was_not() {
    let house = house().await;
    runs_already(&house);
    let admin = house.browser_of("admin").await;
    house.engine.answers("POST /services/create", 500, &json!({ "message": "no such luck" }));
    let page = admin.submit(STACK, &[("name", "shop"), ("file", FILE), ("prune", "yes"), ("do", "deploy")]).await.is(500);
    let text = page.says("is deployed in part").says("no such luck").text();
    let at = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words}: {text}"));
    assert!(at("Remove the service shop_old") < at(">done<") && at(">done<") < at("Make the service shop_api"));
    assert!(at(">refused<") < at("Update the service shop_web") && at("Update the service shop_web") < at(">not tried<"));
    assert_eq!(house.engine.calls(), ["DELETE /services/o1", "POST /services/create"]);
}

#[tokio::test]
async fn whoever_closes_the_page_has_the_stack_made_to_its_end_all_the_same() {
    let house = house().await;
    let admin = house.browser_of("admin").await;
    let held = house.engine.hold().await;
    tokio::select! {
        answer = admin.submit(STACK, &[("name", "shop"), ("file", FILE), ("do", "deploy")]) => panic!("{answer:?}"),
        () = house.engine.reached(1) => {}
    }
    drop(held);
    house.engine.reached(3).await;
    assert_eq!(house.engine.calls(), ["POST /networks/create", "POST /services/create", "POST /services/create"]);
}

#[tokio::test]
async fn nothing_of_a_stack_is_made_when_one_of_its_images_may_not_run() {
    let house = house().await;
    house.enforce().await;
    house.user("ada").await;
    for name in ["admin", "ada"] {
        let browser = house.browser_of(name).await;
        for (act, status) in [("preview", 200), ("deploy", 403)] {
            let page = browser.submit(STACK, &[("name", "shop"), ("file", FILE), ("do", act)]).await.is(status);
            let page = page.says("nothing is made").says("must be a registered trusted registry").says("Decide again");
            let page = if name == "admin" { page.says("/manage/why?image=") } else { page.hides("/manage/why") };
            page.hides("class=\"primary\" name=\"do\" value=\"deploy\"");
        }
    }
    assert_eq!(house.engine.calls(), [""; 0]);
}

#[tokio::test]
async fn a_file_that_cannot_be_deployed_comes_back_with_what_is_wrong() {
    let house = house().await;
    let admin = house.browser_of("admin").await;
    house.engine.answers("GET /networks/outside", 404, &json!({ "message": "network outside not found" }));
    house.engine.answers("GET /networks/bridged", 200, &json!({ "Name": "bridged", "Scope": "local" }));
    house.engine.answers("GET /secrets", 200, &json!([]));
    let long = format!("# {}\n", "x".repeat(512 * 1024));
    for (name, file, status, why) in [
        ("", FILE, 400, "cannot be the name of a stack"),
        ("shop", "", 400, "`services` is what it begins with"),
        ("shop", "services: {web: {image: a, imagee: b}}", 400, "services.web: `imagee` is not a key"),
        ("shop", "services: {web: {image: \"a:${TAG}\"}}", 400, "would take its value from an environment"),
        ("shop", "services: {web: {image: \"A b\"}}", 200, "malformed"),
        (
            "shop",
            "services: {w: {image: a, networks: [outside]}}\nnetworks: {outside: {external: true}}",
            400,
            "docker network create",
        ),
        (
            "shop",
            "services: {w: {image: a, networks: [bridged]}}\nnetworks: {bridged: {external: true}}",
            400,
            "for the whole swarm",
        ),
        ("shop", "services: {w: {image: a, secrets: [key]}}\nsecrets: {key: {external: true}}", 400, "docker secret create key"),
        ("shop", long.as_str(), 413, "at most 512 KiB"),
    ] {
        if why == "malformed" {
            house.enforce().await;
        }
        let page = admin.submit(STACK, &[("name", name), ("file", file), ("do", "preview")]).await.is(status);
        page.says(why);
    }
    house.engine.answers("GET /services", 503, &json!({ "message": "This node is not a swarm manager." }));
    let page = admin.submit(STACK, &[("name", "shop"), ("file", FILE), ("do", "preview")]).await.is(503);
    page.says("not a swarm manager").says("value=\"shop\"");
    assert_eq!(house.engine.calls(), [""; 0]);
}

#[tokio::test]
async fn a_password_goes_to_the_registry_it_was_typed_for() {
    let house = house().await;
    let admin = house.browser_of("admin").await;
    let file = "services: {a: {image: \"dtr.test/acme/app:1\"}, b: {image: \"other.test/acme/app:1\"}}";
    let fields = [("name", "shop"), ("file", file), ("do", "deploy"), ("registry-user", "ada"), ("registry-password", "hunter2")];
    admin.submit(STACK, &fields).await.is(400).says("Choose the registry that the password is for").hides("hunter2");
    assert_eq!(house.engine.calls(), [""; 0]);
    admin.submit(STACK, &[&fields[..], &[("registry", "other.test")]].concat()).await.leads_to();
    let sent: Vec<bool> = house.engine.changes().iter().map(|seen| seen.headers.contains_key("x-registry-auth")).collect();
    assert_eq!(sent, [false, false, true], "the network, the service of dtr.test, the one of other.test");
}
