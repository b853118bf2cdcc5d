use time::Duration;
use wharfinger_auth::{Access, Grant, Secret, TokenAnswer, TokenError, TokenRequest};
use wharfinger_storage::repositories::{AccessLevel, Visibility};

use crate::house::{HOME, House, PASSWORD, REGISTRY, house};

fn password(name: &str, password: &str) -> Grant {
    Grant::Password { username: name.into(), password: Secret::new(password) }
}

fn request(grant: Grant, scopes: &[&str]) -> TokenRequest {
    let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
    TokenRequest { grant, service: Some(REGISTRY.into()), scopes, offline: false, from: HOME }
}

async fn asked(house: &House, grant: Grant, scopes: &[&str]) -> Result<TokenAnswer, TokenError> {
    house.service.answer(request(grant, scopes)).await
}

fn granted(house: &House, answer: &TokenAnswer) -> Vec<(String, String)> {
    let access = house.tokens.verify(answer.token.reveal()).unwrap().access;
    access.into_iter().map(|Access { name, actions, .. }| (name, actions.join(","))).collect()
}

async fn room() -> House {
    let house = house().await;
    let ada = house.user("ada").await;
    house.user("bea").await;
    house.repository("ada/app", Some(&ada), Visibility::Private).await;
    house.repository("ada/public", Some(&ada), Visibility::Public).await;
    house
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, actions)| ((*name).to_owned(), (*actions).to_owned())).collect()
}

#[tokio::test]
async fn names_come_back_as_they_were_asked_with_no_more_actions_than_are_allowed() {
    let house = room().await;
    let scopes = [
        "repository:ada/app:pull,push repository:dtr.test:5443/ada/app:push,pull",
        "repository:DTR.test:5443/ada/app:*",
        "repository:ada/public:pull,fly",
        "registry:catalog:*",
    ];
    let answer = asked(&house, password("ada", PASSWORD), &scopes).await.unwrap();
    let expected = [
        ("ada/app", "pull,push"),
        ("dtr.test:5443/ada/app", "push,pull"),
        ("DTR.test:5443/ada/app", "*"),
        ("ada/public", "pull"),
    ];
    assert_eq!(granted(&house, &answer), pairs(&expected));
    assert_eq!(answer.expires_in, Duration::minutes(5));
    assert!(answer.refresh_token.is_none());
    let answer = asked(&house, password("bea", PASSWORD), &scopes).await.unwrap();
    assert_eq!(granted(&house, &answer), pairs(&[("ada/public", "pull")]));
    let answer = asked(&house, password("admin", PASSWORD), &["registry:catalog:*,pull"]).await.unwrap();
    assert_eq!(granted(&house, &answer), pairs(&[("catalog", "*")]));
}

#[tokio::test]
async fn nobody_gets_a_token_for_what_anybody_may() {
    let house = room().await;
    let answer = asked(&house, Grant::Anonymous, &["repository:ada/public:pull,push", "repository:ada/app:pull"]).await.unwrap();
    assert_eq!(granted(&house, &answer), pairs(&[("ada/public", "pull")]));
    let answer = asked(&house, Grant::Anonymous, &["repository:ada/app:pull"]).await.unwrap();
    assert_eq!(granted(&house, &answer), pairs(&[]));
    let nothing = asked(&house, Grant::Anonymous, &[]).await.unwrap();
    assert_eq!(house.tokens.verify(nothing.token.reveal()).unwrap().sub, "");
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_throttled() {
    let house = room().await;
    for _ in 0..5 {
        assert!(matches!(asked(&house, password("ada", "guess"), &[]).await, Err(TokenError::WrongCredentials)));
    }
    assert!(matches!(asked(&house, password("ada", "guess"), &[]).await, Err(TokenError::Throttled { .. })));
}

#[tokio::test]
async fn another_services_token_is_not_made_here() {
    let house = room().await;
    let mut elsewhere = request(Grant::Anonymous, &[]);
    elsewhere.service = Some("other.test".into());
    assert!(matches!(house.service.answer(elsewhere).await, Err(TokenError::Service { .. })));
    let mut unsaid = request(Grant::Anonymous, &[]);
    unsaid.service = None;
    assert!(house.service.answer(unsaid).await.is_ok());
}

async fn logged_in(house: &House) -> Secret {
    let mut login = request(password("ada", PASSWORD), &[]);
    login.offline = true;
    house.service.answer(login).await.unwrap().refresh_token.unwrap()
}

fn copy(token: &Secret) -> Grant {
    Grant::RefreshToken(Secret::new(token.reveal()))
}

#[tokio::test]
async fn docker_login_gets_a_refresh_token_that_goes_on_working() {
    let house = room().await;
    let token = logged_in(&house).await;
    house.later(Duration::days(89));
    let answer = asked(&house, copy(&token), &["repository:ada/app:pull"]).await.unwrap();
    assert_eq!(granted(&house, &answer), pairs(&[("ada/app", "pull")]));
    house.later(Duration::days(1));
    assert!(matches!(asked(&house, copy(&token), &[]).await, Err(TokenError::WrongCredentials)));
}

#[tokio::test]
async fn a_refresh_token_ends_with_the_password_and_the_account() {
    let house = room().await;
    let token = logged_in(&house).await;
    house.accounts.reset_password(&"ada".parse().unwrap(), &Secret::new("another password")).await.unwrap();
    assert!(matches!(asked(&house, copy(&token), &[]).await, Err(TokenError::WrongCredentials)));
    house.accounts.reset_password(&"ada".parse().unwrap(), &Secret::new(PASSWORD)).await.unwrap();
    let token = logged_in(&house).await;
    house.deactivate(&house.accounts.find_named(&"ada".parse().unwrap()).await.unwrap().unwrap()).await;
    assert!(matches!(asked(&house, copy(&token), &[]).await, Err(TokenError::WrongCredentials)));
    for guess in ["", "guess"] {
        let refused = asked(&house, Grant::RefreshToken(Secret::new(guess)), &[]).await;
        assert!(matches!(refused, Err(TokenError::WrongCredentials)));
    }
}

#[tokio::test]
async fn nobody_and_refresh_tokens_get_no_refresh_token() {
    let house = room().await;
    let token = logged_in(&house).await;
    for grant in [Grant::Anonymous, copy(&token)] {
        let mut again = request(grant, &[]);
        again.offline = true;
        assert!(house.service.answer(again).await.unwrap().refresh_token.is_none());
    }
}

#[tokio::test]
async fn a_team_gets_what_it_was_granted_under_both_names() {
    let house = room().await;
    house.org("acme").await;
    let team = house.team("acme", "qa", &["bea"]).await;
    house.grant("ada/app", &team, AccessLevel::ReadWrite).await;
    let scopes = ["repository:ada/app:pull,push,delete,*", "repository:dtr.test:5443/ada/app:push,pull"];
    let answer = asked(&house, password("bea", PASSWORD), &scopes).await.unwrap();
    assert_eq!(granted(&house, &answer), pairs(&[("ada/app", "pull,push"), ("dtr.test:5443/ada/app", "push,pull")]));
}
