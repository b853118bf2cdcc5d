use serde_json::json;
use wharfinger_identity::Role;

use super::{DIGEST, IMAGE};
use crate::house::house;

const DEPLOY: &str = "/manage/deploy";
const WEB: [(&str, &str); 4] = [("name", "web"), ("image", IMAGE), ("mode", "replicated"), ("replicas", "2")];

fn with<'a>(fields: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut all: Vec<(&str, &str)> = WEB.into_iter().filter(|(name, _)| !fields.iter().any(|(other, _)| other == name)).collect();
    all.extend(fields);
    all
}

#[tokio::test]
async fn a_service_is_made_as_the_stock_client_makes_it_and_belongs_to_whoever_clicked() {
    let house = house().await;
    house.has_image();
    house.user("ada").await;
    let ada = house.browser_of("ada").await;
    ada.get(DEPLOY).await.is(200).says("Create a service").says("aria-current=\"page\">Deploy");
    let answer = ada
        .submit(
            DEPLOY,
            &with(&[
                ("command", "serve --greeting 'hello there'"),
                ("environment", "A=1\r\n\r\nB=two words"),
                ("ports", "8080:80\r\n9000-9001:9000-9001/udp"),
                ("labels", "team=shop"),
            ]),
        )
        .await;
    assert_eq!(answer.leads_to(), "/manage/deploy/progress?service=web");
    let seen = house.engine.changes();
    let [create] = seen.as_slice() else { panic!("{seen:?}") };
    assert_eq!(create.call, "POST /services/create");
    for secret in ["authorization", "cookie", "x-registry-auth"] {
        assert!(!create.headers.contains_key(secret), "{secret} goes to the engine");
    }
    let owner = house.id_of("ada").await;
    let port = |protocol: &str, published: u16, target: u16| json!({ "Protocol": protocol, "PublishedPort": published, "TargetPort": target, "PublishMode": "ingress" });
    assert_eq!(
        create.body,
        json!({
            "Name": "web",
            "Labels": { "team": "shop", "com.wharfinger.owner": owner },
            "Mode": { "Replicated": { "Replicas": 2 } },
            "EndpointSpec": { "Ports": [port("tcp", 8080, 80), port("udp", 9000, 9000), port("udp", 9001, 9001)] },
            "TaskTemplate": {
                "ContainerSpec": {
                    "Image": format!("{IMAGE}@{DIGEST}"),
                    "Args": ["serve", "--greeting", "hello there"],
                    "Env": ["A=1", "B=two words"],
                    "Labels": { "com.wharfinger.owner": owner },
                },
                "Placement": {
                    "Platforms": [{ "Architecture": "amd64", "OS": "linux" }, { "Architecture": "", "OS": "linux" }],
                },
            },
        })
    );
}

#[tokio::test]
async fn what_a_full_control_asks_for_is_asked_for_in_full() {
    let house = house().await;
    let admin = house.browser_of("admin").await;
    let fields = with(&[
        ("mode", "global"),
        ("replicas", ""),
        ("mounts", "data:/data:ro\n/srv:/srv"),
        ("networks", "back"),
        ("constraints", "node.role == worker"),
    ]);
    admin.submit(DEPLOY, &fields).await.leads_to();
    let body = house.engine.changes().remove(0).body;
    assert_eq!(body["Mode"], json!({ "Global": {} }));
    let task = &body["TaskTemplate"];
    assert_eq!(task["Networks"], json!([{ "Target": "back" }]));
    assert_eq!(task["Placement"]["Constraints"], json!(["node.role == worker"]));
    let mounts = json!([
        { "Type": "volume", "Source": "data", "Target": "/data", "ReadOnly": true },
        { "Type": "bind", "Source": "/srv", "Target": "/srv" },
    ]);
    assert_eq!(task["ContainerSpec"]["Mounts"], mounts);
    // Nobody could say what the registry has.
    assert_eq!(task["ContainerSpec"]["Image"], IMAGE);
}

#[tokio::test]
async fn each_wrong_field_says_what_is_wrong_and_keeps_what_was_typed() {
    let house = house().await;
    let admin = house.browser_of("admin").await;
    for (field, typed, why) in [
        ("name", "", "Write a name of letters"),
        ("name", "-web", "Write a name of letters"),
        ("name", "a b", "Write a name of letters"),
        ("image", "", "Write the image as"),
        ("image", "A Bild", "Write the image as"),
        ("replicas", "", "Write how many"),
        ("replicas", "-1", "Write how many"),
        ("replicas", "99999999", "Write how many"),
        ("command", "sh 'open", "A quote is not closed"),
        ("environment", "A=1\nnothing", "Line 2: write it as NAME=value"),
        ("ports", "http", "Line 1: `http` is not a port"),
        ("ports", "\n127.0.0.1:80:80", "Line 2: a service listens on all addresses"),
        ("mounts", "data:var", "is no path in the container"),
        ("constraints", "somewhere", "write it as node.role == worker"),
        ("labels", "=x", "write it as name=value"),
        ("registry-user", "ada", "Write the password that belongs"),
        ("registry-password", "hunter2", "Write the user name that belongs"),
    ] {
        let page = admin.submit(DEPLOY, &with(&[(field, typed), ("labels", "keep=this")])).await;
        let page = if field == "labels" { admin.submit(DEPLOY, &with(&[(field, typed)])).await } else { page };
        let page = page.is(400).says(&why.replace('\'', "&#39;")).hides("hunter2");
        if field != "labels" {
            page.says("keep=this");
        }
    }
    let page = admin.submit(DEPLOY, &with(&[("name", "\"><script>alert(1)</script>"), ("environment", "</textarea><b>")])).await;
    page.is(400).hides("<script>alert").hides("</textarea><b>").says("id=\"name-wrong\"").says("id=\"environment-wrong\"");
    assert_eq!(house.engine.calls(), [""; 0]);
}

#[tokio::test]
async fn a_password_for_a_registry_goes_along_once_and_is_not_shown_again() {
    let house = house().await;
    let admin = house.browser_of("admin").await;
    house.engine.answers("POST /services/create", 409, &json!({ "message": "name conflicts with an existing object" }));
    let login = [("registry-user", "ada"), ("registry-password", "hunter2")];
    let page = admin.submit(DEPLOY, &with(&login)).await.is(409);
    page.says("name conflicts with an existing object. Choose another name")
        .says("id=\"name-wrong\"")
        .says("value=\"ada\"")
        .hides("hunter2");
    let sent = house.engine.changes().remove(0).headers["x-registry-auth"].to_str().unwrap().to_owned();
    let expected = json!({ "username": "ada", "password": "hunter2", "serveraddress": "dtr.test" }).to_string();
    assert_eq!(base64_of(&expected), sent);
}

fn base64_of(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE.encode(text)
}

#[tokio::test]
async fn an_image_that_may_not_run_is_refused_with_what_to_do() {
    let house = house().await;
    house.enforce().await;
    house.user("ada").await;
    let admin = house.browser_of("admin").await;
    let page = admin.submit(DEPLOY, &with(&[("environment", "A=1")])).await.is(403);
    page.says("dtr.test must be a registered trusted registry")
        .says("What to do")
        .says("/manage/why?image=dtr.test%2Facme%2Fapp%3A1")
        .says("A=1");
    let ada = house.browser_of("ada").await;
    ada.submit(DEPLOY, &WEB).await.is(403).says("must be a registered trusted registry").hides("/manage/why");
    assert_eq!(house.engine.calls(), [""; 0]);
    let recorded = house.console.audit.newest(None, 1).await.unwrap().remove(0).act;
    assert_eq!((recorded.actor.as_str(), recorded.outcome.as_str()), ("ada", "deny"), "{recorded:?}");
}

#[tokio::test]
async fn whoever_may_not_deploy_reads_why_and_reaches_no_engine() {
    let house = house().await;
    for (name, role) in [("vera", Role::ViewOnly), ("nils", Role::None)] {
        house.user_as(name, role).await;
        let browser = house.browser_of(name).await;
        browser.get("/manage/").await.is(200).hides("/manage/deploy");
        for path in [DEPLOY, "/manage/deploy/stack"] {
            browser.get(path).await.is(403).says("this needs restrictedcontrol or more");
            browser.submit(path, &WEB).await.is(403).says("this needs restrictedcontrol or more");
        }
    }
    // The limits of restricted control are the door's to say.
    house.user("ada").await;
    let ada = house.browser_of("ada").await;
    ada.submit(DEPLOY, &with(&[("mounts", "/etc:/etc")])).await.is(403).says("/etc").says("value=\"web\"");
    ada.submit(DEPLOY, &with(&[("constraints", "node.role == manager")])).await.is(403).says("Constraints");
    assert_eq!(house.engine.calls(), [""; 0]);
}

#[tokio::test]
async fn a_session_that_has_ended_deploys_nothing() {
    let house = house().await;
    let (one, mut two) = (house.browser_of("admin").await, house.browser());
    (two.cookie, two.token) = (one.cookie.clone(), one.token.clone());
    one.submit("/manage/logout", &[]).await.leads_to();
    assert_eq!(two.submit(DEPLOY, &WEB).await.leads_to(), "/manage/login");
    let again = house.browser_of("admin").await;
    two.cookie = again.cookie.clone();
    two.submit(DEPLOY, &WEB).await.is(403).says("another session");
    assert_eq!(house.engine.calls(), [""; 0]);
}
