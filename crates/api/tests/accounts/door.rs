use std::io::{Cursor, Read as _};

use http::Method;
use serde_json::json;

use crate::house::{House, PASSWORD, SERVED_CA, house};

#[tokio::test]
async fn whoever_does_not_say_who_they_are_gets_nowhere() {
    let house = house().await;
    let routes = [
        "GET /id/",
        "GET /id",
        "POST /id/logout",
        "GET /accounts/",
        "GET /accounts",
        "POST /accounts/",
        "GET /accounts/admin",
        "PATCH /accounts/admin",
        "DELETE /accounts/admin",
        "POST /accounts/admin/changePassword",
        "GET /accounts/admin/publicKeys",
        "POST /accounts/admin/publicKeys",
        "GET /accounts/admin/publicKeys/nonce",
        "GET /accounts/admin/publicKeys/x",
        "PATCH /accounts/admin/publicKeys/x",
        "DELETE /accounts/admin/publicKeys/x",
        "GET /accounts/admin/publicKeys/x/losses",
        "GET /accounts/acme/members",
        "GET /accounts/acme/members/admin",
        "PUT /accounts/acme/members/admin",
        "DELETE /accounts/acme/members/admin",
        "GET /accounts/acme/teams",
        "POST /accounts/acme/teams",
        "GET /accounts/acme/teams/qa",
        "PATCH /accounts/acme/teams/qa",
        "DELETE /accounts/acme/teams/qa",
        "GET /accounts/acme/teams/qa/members",
        "PUT /accounts/acme/teams/qa/members/admin",
        "DELETE /accounts/acme/teams/qa/members/admin",
        "GET /api/clientbundle",
        "POST /api/clientbundle",
    ];
    for route in routes {
        let (method, path) = route.split_once(' ').unwrap();
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        for client in [
            house.nobody(),
            house.nobody().with("authorization", "Bearer guess"),
            house.nobody().with("authorization", "Negotiate x"),
            house.nobody().with("authorization", "Basic %"),
            house.nobody().with("authorization", "Bearer"),
            house.certificate(b"not a certificate"),
            house.nobody().with("x-remote-user", "admin").with("x-forwarded-user", "admin"),
        ] {
            let answer = client.send(method.clone(), path, "{}").await;
            assert_eq!(answer.status, 401, "{route}");
            assert_eq!(answer.error().0, "NOT_AUTHENTICATED", "{route}");
        }
    }
}

#[tokio::test]
async fn login_takes_json_under_any_content_type_and_says_no_more_than_it_must() {
    let house = house().await;
    let token = house.token("admin", PASSWORD).await;
    let me = house.nobody().with("authorization", &format!("bearer {token}")).get("/id/").await.is(200).json();
    assert_eq!((&me["name"], &me["isAdmin"], &me["role"]), (&json!("admin"), &json!(true), &json!("fullcontrol")));
    for body in [r#"{"username":"admin","password":"guess"}"#, r#"{"username":"nobody","password":"guess"}"#] {
        let answer = house.nobody().post("/auth/login", body).await.is(401);
        assert_eq!(answer.error().1, "Invalid username or password.");
    }
    for body in ["", "{", "[]", "username=admin", r#"{"username":"admin"}"#, r#"{"username":1,"password":2}"#] {
        let answer = house.nobody().post("/auth/login", body).await.is(400);
        assert_eq!(answer.error().0, "INVALID_JSON", "{body}");
    }
    let endless = format!(r#"{{"username":"admin","password":"{}"}}"#, "x".repeat(1_000_000));
    house.nobody().post("/auth/login", &endless).await.is(413);
    house.nobody().get("/auth/login").await.is(405);
}

#[tokio::test]
async fn guessing_is_answered_with_when_to_try_again() {
    let house = house().await;
    for _ in 0..5 {
        house.nobody().post("/auth/login", r#"{"username":"admin","password":"guess"}"#).await.is(401);
    }
    let answer = house.nobody().post("/auth/login", &format!(r#"{{"username":"admin","password":"{PASSWORD}"}}"#)).await.is(429);
    let wait: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=11).contains(&wait));
    // The same limit stands at the other places that take a password.
    house.basic("admin", PASSWORD).get("/id/").await.is(429);
    house.basic("admin", PASSWORD).get("/auth/token").await.is(429);
}

#[tokio::test]
async fn logging_out_ends_the_session() {
    let house = house().await;
    let admin = house.session("admin").await;
    admin.post("/id/logout", "").await.is(204);
    admin.get("/id/").await.is(401);
}

#[tokio::test]
async fn accounts_are_made_read_changed_and_deleted_by_ucps_names() {
    let house = house().await;
    let admin = house.session("admin").await;
    let body = r#"{"name":"ada","password":"correct horse battery","fullName":"Ada L."}"#;
    let ada = admin.post("/accounts/", body).await.is(201).json();
    let id = ada["id"].as_str().unwrap().to_owned();
    assert_eq!(
        ada,
        json!({
            "name": "ada", "id": id, "fullName": "Ada L.", "isOrg": false, "isActive": true, "isAdmin": false,
            "role": "restrictedcontrol", "membersCount": 0, "teamsCount": 0,
        })
    );
    assert_eq!(admin.get("/accounts/ada").await.is(200).json(), ada);
    assert_eq!(admin.get(&format!("/accounts/{id}")).await.is(200).json(), ada);
    let changed = admin.patch("/accounts/ada", r#"{"role":"fullcontrol","fullName":""}"#).await.is(200).json();
    assert_eq!((&changed["role"], &changed["fullName"]), (&json!("fullcontrol"), &json!("")));
    assert_eq!(admin.post("/accounts/", body).await.is(409).error().0, "CONFLICT");
    for (body, field) in [
        (r#"{"name":"a.b","password":"correct horse battery"}"#, "name"),
        (r#"{"name":"bea"}"#, "password"),
        (r#"{"name":"bea","password":"x"}"#, "password"),
        (r#"{"name":"bea","password":"correct horse battery","role":"king"}"#, "role"),
    ] {
        let answer = admin.post("/accounts/", body).await.is(400);
        assert_eq!(answer.json()["errors"][0]["detail"]["field"], field, "{body}");
    }
    let answer = admin.post("/accounts/", r#"{"name":"bea","password":"correct horse battery","isadmin":true}"#).await.is(400);
    assert!(answer.error().1.contains("isadmin"), "an unknown field is named");
    admin.delete("/accounts/ada").await.is(204);
    assert_eq!(admin.get("/accounts/ada").await.is(404).error().0, "NO_SUCH_ACCOUNT");
    admin.delete("/accounts/ada").await.is(404);
    admin.delete("/accounts/admin").await.is(409);
}

#[tokio::test]
async fn listings_have_pages_and_filters() {
    let house = house().await;
    for name in ["ada", "bea"] {
        house.user(name).await;
    }
    let admin = house.session("admin").await;
    admin.post("/accounts/", r#"{"name":"acme","isOrg":true}"#).await.is(201);
    let names = |listed: &serde_json::Value| -> Vec<String> {
        listed["accounts"].as_array().unwrap().iter().map(|account| account["name"].as_str().unwrap().to_owned()).collect()
    };
    let first = admin.get("/accounts/?limit=3").await.is(200).json();
    assert_eq!((names(&first), &first["nextPageStart"]), (vec!["acme".into(), "ada".into(), "admin".into()], &json!("bea")));
    let rest = admin.get("/accounts/?limit=3&start=bea").await.is(200).json();
    assert_eq!((names(&rest), &rest["nextPageStart"]), (vec!["bea".into()], &json!("")));
    assert_eq!(names(&admin.get("/accounts?filter=orgs").await.is(200).json()), ["acme"]);
    assert_eq!(names(&admin.get("/accounts?filter=admins").await.is(200).json()), ["admin"]);
    for bad in ["limit=0", "limit=1001", "limit=x", "limit=-1", "filter=everybody"] {
        admin.get(&format!("/accounts/?{bad}")).await.is(400);
    }
    let ada = house.session("ada").await;
    assert_eq!(names(&ada.get("/accounts/").await.is(200).json()), ["ada"], "others see themselves");
}

#[tokio::test]
async fn organizations_teams_and_members_by_ucps_paths() {
    let house = house().await;
    for name in ["ada", "bea"] {
        house.user(name).await;
    }
    let admin = house.session("admin").await;
    admin.post("/accounts/", r#"{"name":"acme","isOrg":true}"#).await.is(201);
    admin.put("/accounts/acme/members/ada", r#"{"isAdmin":true}"#).await.is(200);
    let ada = house.session("ada").await;
    let team = ada.post("/accounts/acme/teams", r#"{"name":"qa","description":"quality"}"#).await.is(201).json();
    assert_eq!((&team["name"], &team["membersCount"]), (&json!("qa"), &json!(0)));
    ada.put("/accounts/acme/teams/qa/members/bea", "").await.is(200);
    let members = ada.get("/accounts/acme/teams/qa/members").await.is(200).json();
    assert_eq!(members["members"][0]["member"]["name"], "bea");
    let members = ada.get("/accounts/acme/members").await.is(200).json();
    assert_eq!(members["members"][0], json!({ "member": members["members"][0]["member"], "isAdmin": true }));
    let bea = house.session("bea").await;
    assert_eq!(bea.get("/accounts/acme/teams").await.is(200).json()["teams"][0]["membersCount"], 1);
    bea.put("/accounts/acme/teams/qa/members/ada", "").await.is(403);
    bea.delete("/accounts/acme/teams/qa").await.is(403);
    assert_eq!(ada.put("/accounts/acme/members/nobody", "{}").await.is(404).error().0, "NO_SUCH_ACCOUNT");
    assert_eq!(ada.put("/accounts/acme/members/acme", "{}").await.is(400).error().0, "INVALID_FORM_FIELD");
    assert_eq!(ada.get("/accounts/acme/teams/no").await.is(404).error().0, "NO_SUCH_TEAM");
    ada.patch("/accounts/acme/teams/qa", r#"{"name":"test"}"#).await.is(200);
    let id = team["id"].as_str().unwrap();
    assert_eq!(ada.get(&format!("/accounts/acme/teams/{id}")).await.is(200).json()["name"], "test");
    ada.delete("/accounts/acme/teams/test/members/bea").await.is(204);
    ada.delete("/accounts/acme/teams/test/members/bea").await.is(404);
    ada.delete("/accounts/acme/teams/test").await.is(204);
    ada.delete("/accounts/acme/members/bea").await.is(204);
    bea.get("/accounts/acme").await.is(404);
    let org = admin.get("/accounts/acme").await.is(200).json();
    assert_eq!((&org["membersCount"], &org["teamsCount"]), (&json!(1), &json!(0)));
}

fn unzipped(zip: &[u8], name: &str) -> String {
    let mut text = String::new();
    zip::ZipArchive::new(Cursor::new(zip)).unwrap().by_name(name).unwrap().read_to_string(&mut text).unwrap();
    text
}

fn der(pem: &str) -> Vec<u8> {
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    base64::Engine::decode(&base64::engine::general_purpose::STANDARD, base64).unwrap()
}

async fn bundle(house: &House, user: &str) -> Vec<u8> {
    let answer = house.session(user).await.post("/api/clientbundle?label=laptop", "").await.is(200);
    assert_eq!(answer.headers["content-type"], "application/zip");
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert!(answer.headers["content-disposition"].to_str().unwrap().contains(&format!("ucp-bundle-{user}.zip")));
    answer.bytes
}

#[tokio::test]
async fn everybody_can_have_the_ca_that_is_served_and_that_of_the_clients() {
    let house = house().await;
    house.user("ada").await;
    let ca = async |path| String::from_utf8(house.nobody().get(path).await.is(200).bytes).unwrap();
    assert_eq!(ca("/ca").await, SERVED_CA);
    let clients = der(&ca("/ca/clients").await);
    let (_, clients) = x509_parser::parse_x509_certificate(&clients).unwrap();
    let certificate = der(&unzipped(&bundle(&house, "ada").await, "cert.pem"));
    let (_, certificate) = x509_parser::parse_x509_certificate(&certificate).unwrap();
    certificate.verify_signature(Some(clients.public_key())).unwrap();
}

#[tokio::test]
async fn a_bundle_lets_in_until_its_key_is_deleted_and_open_connections_end() {
    let house = house().await;
    house.user("ada").await;
    let zip = bundle(&house, "ada").await;
    assert!(unzipped(&zip, "env.sh").contains("tcp://cluster.test:443"));
    assert_eq!(unzipped(&zip, "ca.pem"), SERVED_CA);
    let laptop = house.certificate(&der(&unzipped(&zip, "cert.pem")));
    assert_eq!(laptop.get("/id/").await.is(200).json()["name"], "ada");
    assert_eq!(laptop.post("/api/clientbundle", "").await.is(403).error().0, "NOT_AUTHORIZED");
    let ada = house.session("ada").await;
    let keys = ada.get("/accounts/ada/publicKeys").await.is(200).json();
    let key = &keys["accountPublicKeys"][0];
    assert_eq!((&key["label"], &key["login"]), (&json!("laptop"), &json!(true)));
    assert_eq!(key["publicKey"], unzipped(&zip, "cert.pub"));
    let path = format!("/accounts/ada/publicKeys/{}", key["id"].as_str().unwrap());
    ada.get(&format!("{path}/losses")).await.is(204);
    assert!(!laptop.peer.cancelled().is_cancelled());
    ada.delete(&path).await.is(204);
    assert!(laptop.peer.cancelled().is_cancelled(), "the connection it came by is closed");
    laptop.get("/id/").await.is(401);
    ada.get("/id/").await.is(200);
    ada.delete(&path).await.is(404);
}

#[tokio::test]
async fn deactivating_somebody_closes_every_connection_of_theirs() {
    let house = house().await;
    house.user("ada").await;
    let zip = bundle(&house, "ada").await;
    let (laptop, session) = (house.certificate(&der(&unzipped(&zip, "cert.pem"))), house.session("ada").await);
    laptop.get("/id/").await.is(200);
    session.get("/id/").await.is(200);
    let admin = house.session("admin").await;
    admin.patch("/accounts/ada", r#"{"isActive":false}"#).await.is(200);
    assert!(laptop.peer.cancelled().is_cancelled() && session.peer.cancelled().is_cancelled());
    laptop.get("/id/").await.is(401);
    session.get("/id/").await.is(401);
    assert!(!admin.peer.cancelled().is_cancelled());
    admin.patch("/accounts/ada", r#"{"isActive":true}"#).await.is(200);
    house.certificate(&der(&unzipped(&zip, "cert.pem"))).get("/id/").await.is(200);
    session.get("/id/").await.is(401);
}

#[tokio::test]
async fn a_retired_key_lets_nobody_in_and_stays() {
    let house = house().await;
    house.user("ada").await;
    let zip = bundle(&house, "ada").await;
    let laptop = house.certificate(&der(&unzipped(&zip, "cert.pem")));
    let ada = house.session("ada").await;
    let keys = ada.get("/accounts/ada/publicKeys").await.is(200).json();
    let path = format!("/accounts/ada/publicKeys/{}", keys["accountPublicKeys"][0]["id"].as_str().unwrap());
    ada.patch(&path, r#"{"login":false}"#).await.is(200);
    laptop.get("/id/").await.is(401);
    assert_eq!(ada.get(&path).await.is(200).json()["login"], false);
    ada.patch(&path, r#"{"login":true}"#).await.is(200);
    laptop.get("/id/").await.is(200);
}

#[tokio::test]
async fn keys_of_others_are_not_there() {
    let house = house().await;
    for name in ["ada", "bea"] {
        house.user(name).await;
    }
    bundle(&house, "ada").await;
    let (ada, bea) = (house.session("ada").await, house.session("bea").await);
    let keys = ada.get("/accounts/ada/publicKeys").await.is(200).json();
    let id = keys["accountPublicKeys"][0]["id"].as_str().unwrap().to_owned();
    bea.get("/accounts/ada/publicKeys").await.is(404);
    bea.delete(&format!("/accounts/ada/publicKeys/{id}")).await.is(404);
    bea.delete(&format!("/accounts/bea/publicKeys/{id}")).await.is(404);
    bea.get("/accounts/ada").await.is(404);
    let key = json!({ "publicKey": keys["accountPublicKeys"][0]["publicKey"] }).to_string();
    let admin = house.session("admin").await;
    assert_eq!(admin.post("/accounts/bea/publicKeys", &key).await.is(409).error().0, "CONFLICT");
    assert_eq!(bea.post("/accounts/bea/publicKeys", &key).await.is(400).json()["errors"][0]["detail"]["field"], "signature");
    assert!(bea.get("/accounts/bea/publicKeys/nonce").await.is(200).json()["nonce"].is_string());
}

#[tokio::test]
async fn a_password_is_changed_with_the_old_one() {
    let house = house().await;
    house.user("ada").await;
    let ada = house.session("ada").await;
    let change = |old: &str, new: &str| format!(r#"{{"oldPassword":"{old}","newPassword":"{new}"}}"#);
    ada.post("/accounts/ada/changePassword", &change("guess", "another password")).await.is(400);
    ada.post("/accounts/ada/changePassword", r#"{"newPassword":"another password"}"#).await.is(400);
    ada.post("/accounts/ada/changePassword", &change(PASSWORD, "x")).await.is(400);
    ada.post("/accounts/ada/changePassword", &change(PASSWORD, "another password")).await.is(200);
    ada.get("/id/").await.is(200);
    house.token("ada", "another password").await;
    let admin = house.session("admin").await;
    admin.post("/accounts/ada/changePassword", r#"{"newPassword":"a third password"}"#).await.is(200);
    ada.get("/id/").await.is(401);
    house.token("ada", "a third password").await;
}

#[tokio::test]
async fn a_cookie_reads_and_changes_only_from_our_own_pages() {
    let house = house().await;
    let token = house.token("admin", PASSWORD).await;
    // The cookie's name holds the instance's id, which the CA's subject shows too; here it is found by the login it fits.
    let pem = String::from_utf8(house.nobody().get("/ca/clients").await.is(200).bytes).unwrap();
    let der = der(&pem);
    let text = String::from_utf8_lossy(&der);
    let id = text.split("Wharfinger CA ").nth(1).unwrap().get(..36).unwrap();
    let cookie = format!("__Host-wharfinger-{id}={token}");
    let browser = house.nobody().with("cookie", &cookie);
    browser.get("/id/").await.is(200);
    let body = r#"{"name":"eve","password":"correct horse battery"}"#;
    browser.post("/accounts/", body).await.is(401);
    browser.clone().with("sec-fetch-site", "cross-site").post("/accounts/", body).await.is(403);
    browser.clone().with("sec-fetch-site", "same-site").post("/accounts/", body).await.is(403);
    browser.clone().with("sec-fetch-site", "same-origin").post("/accounts/", body).await.is(201);
}
