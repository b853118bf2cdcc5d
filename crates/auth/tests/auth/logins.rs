use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use time::Duration;
use wharfinger_auth::{Accounts, Clock, LoginError, PasswordError, Secret, SessionSettings, Via};
use wharfinger_identity::Role;
use wharfinger_storage_sql::Sql;

use crate::house::{HOME, PASSWORD, START, house};

fn secret(text: &str) -> Secret {
    Secret::new(text)
}

#[tokio::test]
async fn the_right_password_begins_a_session_and_nothing_else_does() {
    let house = house().await;
    house.user("ada").await;
    house.org("acme").await;
    let session = house.accounts.login("ada", &secret(PASSWORD), HOME).await.unwrap();
    let caller = house.accounts.authenticate(None, Some(session.token.reveal()), None).await.unwrap().unwrap();
    assert_eq!(caller.account.name.as_str(), "ada");
    assert!(matches!(caller.via, Via::Session(_)));
    for (name, password) in [("ada", "wrong"), ("ada", ""), ("nobody", PASSWORD), ("acme", ""), ("ADA", PASSWORD), ("", "")] {
        let refused = house.accounts.login(name, &secret(password), HOME).await;
        assert!(matches!(refused, Err(LoginError::Wrong)), "{name}:{password}");
    }
    let endless = secret(&"x".repeat(1_000_000));
    assert!(matches!(house.accounts.login("ada", &endless, HOME).await, Err(LoginError::Wrong)));
}

#[tokio::test]
async fn a_refused_login_says_the_same_whoever_asks() {
    assert_eq!(LoginError::Wrong.to_string(), "Invalid username or password.");
}

#[tokio::test]
async fn whoever_guesses_waits_and_others_do_not() {
    let house = house().await;
    house.user("ada").await;
    house.user("bea").await;
    for _ in 0..5 {
        assert!(matches!(house.accounts.login("ada", &secret("guess"), HOME).await, Err(LoginError::Wrong)));
    }
    let Err(LoginError::Throttled { retry_after }) = house.accounts.login("ada", &secret(PASSWORD), HOME).await else {
        panic!("the sixth attempt must wait, with the right password too");
    };
    assert!(retry_after.as_secs() >= 10 && retry_after.as_secs() <= 11);
    let elsewhere = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 99));
    assert!(house.accounts.login("ada", &secret(PASSWORD), elsewhere).await.is_ok(), "from elsewhere");
    assert!(house.accounts.login("bea", &secret(PASSWORD), HOME).await.is_ok(), "another name");
    house.later(Duration::seconds(11));
    assert!(matches!(house.accounts.login("ada", &secret("guess"), HOME).await, Err(LoginError::Wrong)));
    let Err(LoginError::Throttled { retry_after }) = house.accounts.login("ada", &secret(PASSWORD), HOME).await else {
        panic!("longer each time");
    };
    assert!(retry_after.as_secs() >= 20);
    house.later(Duration::seconds(21));
    assert!(house.accounts.login("ada", &secret(PASSWORD), HOME).await.is_ok());
    assert!(matches!(house.accounts.login("ada", &secret("typo"), HOME).await, Err(LoginError::Wrong)), "and all is forgotten");
}

#[tokio::test]
async fn names_that_do_not_exist_are_throttled_alike() {
    let house = house().await;
    for _ in 0..5 {
        let _ = house.accounts.login("nobody", &secret("guess"), HOME).await;
    }
    assert!(matches!(house.accounts.login("nobody", &secret("guess"), HOME).await, Err(LoginError::Throttled { .. })));
}

#[tokio::test]
async fn a_customer_of_a_v6_network_is_one_address() {
    let house = house().await;
    for host in 0..5_u16 {
        let from = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 1, 2, 3, 4, 5, host));
        let _ = house.accounts.login("admin", &secret("guess"), from).await;
    }
    let again = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 1, 2, 9, 9, 9, 9));
    assert!(matches!(house.accounts.login("admin", &secret("guess"), again).await, Err(LoginError::Throttled { .. })));
    let neighbour = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 1, 3, 3, 4, 5, 1));
    assert!(matches!(house.accounts.login("admin", &secret("guess"), neighbour).await, Err(LoginError::Wrong)));
}

#[tokio::test]
async fn a_burst_of_guesses_is_counted_guess_by_guess() {
    let house = house().await;
    let accounts = Arc::clone(&house.accounts);
    let guesses: Vec<_> = (0..20)
        .map(|n| {
            let accounts = Arc::clone(&accounts);
            tokio::spawn(async move { accounts.login("admin", &Secret::new(format!("guess {n}")), HOME).await })
        })
        .collect();
    let mut wrong = 0;
    for guess in guesses {
        wrong += usize::from(matches!(guess.await.unwrap(), Err(LoginError::Wrong)));
    }
    assert_eq!(wrong, 5);
}

#[tokio::test]
async fn many_connections_with_the_right_password_all_get_in() {
    let house = house().await;
    let accounts = Arc::clone(&house.accounts);
    let all: Vec<_> = (0..20)
        .map(|_| {
            let accounts = Arc::clone(&accounts);
            tokio::spawn(async move { accounts.check_password("admin", &Secret::new(PASSWORD), HOME).await.is_ok() })
        })
        .collect();
    for one in all {
        assert!(one.await.unwrap());
    }
}

#[tokio::test]
async fn a_remembered_password_is_forgotten_when_it_changes_or_the_account_is_off() {
    let house = house().await;
    let ada = house.user("ada").await;
    assert!(house.accounts.check_password("ada", &secret(PASSWORD), HOME).await.is_ok());
    let new = secret("another password");
    house.accounts.reset_password(&ada.name, &new).await.unwrap();
    assert!(matches!(house.accounts.check_password("ada", &secret(PASSWORD), HOME).await, Err(LoginError::Wrong)));
    assert!(house.accounts.check_password("ada", &new, HOME).await.is_ok());
    house.deactivate(&ada).await;
    assert!(matches!(house.accounts.check_password("ada", &new, HOME).await, Err(LoginError::Wrong)));
}

#[tokio::test]
async fn the_first_administrator_is_made_once() {
    let empty = tempfile::tempdir().unwrap();
    let sql = Arc::new(Sql::open(&empty.path().join("db")).await.unwrap());
    let accounts = Accounts::new(sql.clone(), sql, SessionSettings::default(), Clock::new(|| START));
    assert!(!accounts.has_admin().await.unwrap());
    assert!(matches!(accounts.ensure_admin(&secret("short")).await, Err(PasswordError::Length { .. })));
    assert!(accounts.ensure_admin(&secret(PASSWORD)).await.unwrap());
    assert!(!accounts.ensure_admin(&secret("another password")).await.unwrap());
    let admin = accounts.login("admin", &secret(PASSWORD), HOME).await.unwrap().account;
    assert!(admin.is_admin && admin.role == Role::FullControl);
}

#[tokio::test]
async fn a_right_guess_waits_too_while_its_owner_is_about() {
    let house = house().await;
    let elsewhere = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 99));
    assert!(house.accounts.check_password("admin", &secret(PASSWORD), elsewhere).await.is_ok());
    for _ in 0..5 {
        assert!(house.accounts.check_password("admin", &secret("guess"), HOME).await.is_err());
    }
    let right = house.accounts.check_password("admin", &secret(PASSWORD), HOME).await;
    assert!(matches!(right, Err(LoginError::Throttled { .. })));
}

#[tokio::test]
async fn the_operator_resets_a_password_and_lets_the_account_in_again() {
    let house = house().await;
    let ada = house.user("ada").await;
    let session = house.accounts.login("ada", &secret(PASSWORD), HOME).await.unwrap();
    house.accounts.reset_password(&ada.name, &secret("another password")).await.unwrap();
    assert!(house.accounts.authenticate(None, Some(session.token.reveal()), None).await.is_err(), "old sessions ended");
    house.deactivate(&ada).await;
    house.accounts.reset_password(&ada.name, &secret("a third password")).await.unwrap();
    assert!(house.accounts.login("ada", &secret("a third password"), HOME).await.is_ok());
    let short = house.accounts.reset_password(&ada.name, &secret("short")).await;
    assert!(matches!(short, Err(PasswordError::Length { .. })));
    house.org("acme").await;
    for name in ["nobody", "acme"] {
        let unknown = house.accounts.reset_password(&name.parse().unwrap(), &secret("a third password")).await;
        assert!(matches!(unknown, Err(PasswordError::NoAccount(_))), "{name}");
    }
}
