use wharfinger_auth::{Grant, LoginError, Secret, TokenRequest};

use crate::house::{HOME, PASSWORD, house};

#[tokio::test]
async fn nothing_that_is_printed_holds_a_secret() {
    let house = house().await;
    let session = house.accounts.login("admin", &Secret::new(PASSWORD), HOME).await.unwrap();
    let request = TokenRequest {
        grant: Grant::Password { username: "admin".into(), password: Secret::new(PASSWORD) },
        service: None,
        scopes: Vec::new(),
        offline: true,
        from: HOME,
    };
    let printed = format!("{request:?} {:?} {:?}", Grant::RefreshToken(Secret::new(PASSWORD)), Secret::new(PASSWORD));
    let answer = house.service.answer(request).await.unwrap();
    let issued = house.ca.issue_server(&["a.test".to_owned()]).unwrap();
    let bundle = house.bundles.make(&house.admin(), "").await.unwrap();
    let printed = format!(
        "{printed} {session:?} {answer:?} {issued:?} {bundle:?} {:?} {:?} {:?}",
        house.ca,
        house.tokens,
        LoginError::Wrong
    );
    let refresh = answer.refresh_token.unwrap();
    for secret in [PASSWORD, session.token.reveal(), answer.token.reveal(), refresh.reveal(), "PRIVATE KEY", "BEGIN"] {
        assert!(!printed.contains(secret), "{secret} in {printed}");
    }
}
