use time::Duration;
use wharfinger_identity::AccountId;
use wharfinger_storage::accounts::{AccountChange, Accounts};
use wharfinger_storage::sessions::{RefreshRecord, SessionRecord, Sessions, TokenHash};

use crate::{NOW, admin, made, store, user};

fn session(account: &AccountId, n: u8) -> SessionRecord {
    SessionRecord {
        id: format!("session-{n}"),
        account: account.clone(),
        token: TokenHash([n; 32]),
        created: NOW + Duration::seconds(i64::from(n)),
        expires: NOW + Duration::hours(1),
    }
}

fn refresh(account: &AccountId, n: u8) -> RefreshRecord {
    RefreshRecord {
        token: TokenHash([n; 32]),
        account: account.clone(),
        service: "registry".into(),
        created: NOW + Duration::seconds(i64::from(n)),
        expires: NOW + Duration::hours(1),
    }
}

#[tokio::test]
async fn a_session_is_found_by_the_hash_of_its_token_until_it_is_closed() {
    let store = store().await;
    let ada = made(&store.sql, user("ada")).await;
    let one = session(&ada.id, 1);
    store.sql.open(&one, 10).await.unwrap();
    assert_eq!(store.sql.session(&one.token).await.unwrap().as_ref(), Some(&one));
    assert_eq!(store.sql.session(&TokenHash([2; 32])).await.unwrap(), None);
    store.sql.renew(&one.id, NOW + Duration::hours(2)).await.unwrap();
    assert_eq!(store.sql.session(&one.token).await.unwrap().unwrap().expires, NOW + Duration::hours(2));
    store.sql.renew(&one.id, NOW).await.unwrap();
    assert_eq!(store.sql.session(&one.token).await.unwrap().unwrap().expires, NOW + Duration::hours(2), "never shortened");
    assert!(Sessions::close(&store.sql, &one.id).await.unwrap());
    assert!(!Sessions::close(&store.sql, &one.id).await.unwrap());
    assert_eq!(store.sql.session(&one.token).await.unwrap(), None);
}

#[tokio::test]
async fn only_the_newest_sessions_of_an_account_live_on() {
    let store = store().await;
    let (ada, bea) = (made(&store.sql, user("ada")).await, made(&store.sql, user("bea")).await);
    store.sql.open(&session(&bea.id, 100), 3).await.unwrap();
    for n in 1..=5 {
        store.sql.open(&session(&ada.id, n), 3).await.unwrap();
    }
    for (n, lives) in [(1, false), (2, false), (3, true), (4, true), (5, true), (100, true)] {
        assert_eq!(store.sql.session(&TokenHash([n; 32])).await.unwrap().is_some(), lives, "{n}");
    }
}

#[tokio::test]
async fn deactivating_or_deleting_an_account_ends_its_sessions_and_refresh_tokens() {
    let store = store().await;
    made(&store.sql, admin("root")).await;
    let (ada, bea) = (made(&store.sql, user("ada")).await, made(&store.sql, user("bea")).await);
    for (account, n) in [(&ada, 1), (&bea, 2)] {
        store.sql.open(&session(&account.id, n), 10).await.unwrap();
        store.sql.add_refresh(&refresh(&account.id, n), 10).await.unwrap();
    }
    store.sql.update_account(&ada.id, &AccountChange { is_active: Some(false), ..AccountChange::default() }).await.unwrap();
    store.sql.delete_account(&bea.id).await.unwrap();
    for n in [1, 2] {
        assert_eq!(store.sql.session(&TokenHash([n; 32])).await.unwrap(), None);
        assert_eq!(store.sql.refresh(&TokenHash([n; 32])).await.unwrap(), None);
    }
}

#[tokio::test]
async fn all_but_one_session_may_be_ended() {
    let store = store().await;
    let ada = made(&store.sql, user("ada")).await;
    for n in [1, 2] {
        store.sql.open(&session(&ada.id, n), 10).await.unwrap();
    }
    store.sql.add_refresh(&refresh(&ada.id, 3), 10).await.unwrap();
    store.sql.close_all(&ada.id, Some("session-2")).await.unwrap();
    assert_eq!(store.sql.session(&TokenHash([1; 32])).await.unwrap(), None);
    assert!(store.sql.session(&TokenHash([2; 32])).await.unwrap().is_some());
    assert_eq!(store.sql.refresh(&TokenHash([3; 32])).await.unwrap(), None);
}

#[tokio::test]
async fn only_the_newest_refresh_tokens_live_on_and_the_one_just_made_always() {
    let store = store().await;
    let ada = made(&store.sql, user("ada")).await;
    for n in 1..=4 {
        store.sql.add_refresh(&refresh(&ada.id, n), 2).await.unwrap();
    }
    assert_eq!(store.sql.refresh(&TokenHash([1; 32])).await.unwrap(), None);
    assert_eq!(store.sql.refresh(&TokenHash([4; 32])).await.unwrap(), Some(refresh(&ada.id, 4)));
    // Made in the same second as others: kept all the same.
    let mut late = refresh(&ada.id, 200);
    late.created = NOW;
    store.sql.add_refresh(&late, 2).await.unwrap();
    assert!(store.sql.refresh(&late.token).await.unwrap().is_some());
}

#[tokio::test]
async fn what_has_ended_is_swept() {
    let store = store().await;
    let ada = made(&store.sql, user("ada")).await;
    store.sql.open(&session(&ada.id, 1), 10).await.unwrap();
    store.sql.add_refresh(&refresh(&ada.id, 1), 10).await.unwrap();
    store.sql.sweep(NOW).await.unwrap();
    assert!(store.sql.session(&TokenHash([1; 32])).await.unwrap().is_some());
    store.sql.sweep(NOW + Duration::hours(1)).await.unwrap();
    assert!(store.sql.session(&TokenHash([1; 32])).await.unwrap().is_none());
    assert!(store.sql.refresh(&TokenHash([1; 32])).await.unwrap().is_none());
}
