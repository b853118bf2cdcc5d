use serde_json::Value;

use crate::house::{Answer, PASSWORD, house};

fn access(answer: &Answer) -> Value {
    let token = answer.json()["token"].as_str().unwrap().to_owned();
    let claims = token.split('.').nth(1).unwrap();
    let claims = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, claims).unwrap();
    serde_json::from_slice::<Value>(&claims).unwrap()["access"].take()
}

#[tokio::test]
async fn docker_login_and_docker_pull_get_what_they_need() {
    let house = house().await;
    house.user("ada").await;
    let path = "/auth/token?account=ada&client_id=docker&offline_token=true&service=dtr.test";
    let answer = house.basic("ada", PASSWORD).get(path).await.is(200);
    assert_eq!(answer.headers["cache-control"], "no-store");
    let login = answer.json();
    assert_eq!((&login["expires_in"], &login["issued_at"]), (&300.into(), &"2026-11-21T12:00:00Z".into()));
    assert_eq!(login["token"], login["access_token"]);
    let refresh = login["refresh_token"].as_str().unwrap();
    let form = format!(
        "client_id=docker&grant_type=refresh_token&refresh_token={refresh}&service=dtr.test\
         &scope=repository%3Adtr.test%2Fada%2Fapp%3Apull%2Cpush+repository%3Aada%2Fapp%3Apull"
    );
    let answer = house.nobody().post("/auth/token", &form).await.is(200);
    assert_eq!(access(&answer)[0]["name"], "dtr.test/ada/app");
    assert_eq!(access(&answer)[0]["actions"], serde_json::json!(["pull", "push"]));
    assert_eq!(access(&answer)[1]["name"], "ada/app");
    let form = format!("grant_type=password&username=ada&password={}&access_type=offline", PASSWORD.replace(' ', "+"));
    assert!(house.nobody().post("/auth/token", &form).await.is(200).json()["refresh_token"].is_string());
}

#[tokio::test]
async fn scopes_may_be_repeated_or_stand_together() {
    let house = house().await;
    house.user("ada").await;
    let repeated = "/auth/token?scope=repository:ada/a:pull&scope=repository:ada/b:pull%20repository:ada/c:pull";
    let answer = house.basic("ada", PASSWORD).get(repeated).await.is(200);
    assert_eq!(access(&answer).as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn nobody_gets_an_empty_token_and_a_wrong_password_none() {
    let house = house().await;
    let answer = house.nobody().get("/auth/token?service=dtr.test&scope=repository:ada/app:pull").await.is(200);
    assert_eq!(access(&answer), serde_json::json!([]));
    assert!(answer.json().get("refresh_token").is_none());
    for client in [
        house.basic("admin", "guess"),
        house.basic("nobody", "guess"),
        house.nobody().with("authorization", "Basic %"),
        house.nobody().with("authorization", "Bearer x"),
    ] {
        let answer = client.get("/auth/token?service=dtr.test").await.is(401);
        assert_eq!(answer.error(), ("UNAUTHORIZED".into(), "incorrect username or password".into()));
        assert!(answer.headers["www-authenticate"].to_str().unwrap().starts_with("Basic "));
    }
}

#[tokio::test]
async fn what_cannot_be_asked_is_said_by_name() {
    let house = house().await;
    for (form, field) in [
        ("grant_type=magic", "grant_type"),
        ("", "grant_type"),
        ("grant_type=refresh_token", "refresh_token"),
        ("grant_type=password&username=admin", "password"),
        ("grant_type=password&password=x", "username"),
    ] {
        let answer = house.nobody().post("/auth/token", form).await.is(400);
        assert_eq!(answer.json()["errors"][0]["detail"]["field"], field, "{form}");
    }
    house.nobody().get("/auth/token?service=other.test").await.is(400);
    house.nobody().post("/auth/token", "grant_type=refresh_token&refresh_token=guess").await.is(401);
}
