use wharfinger_identity::{Account, PublicKeyId};
use wharfinger_storage::StorageError;
use wharfinger_storage::accounts::{Accounts, Page, PublicKeyChange, PublicKeyRecord};

use crate::{NOW, admin, made, org, store, team, user};

fn key(account: &Account, spki: &[u8]) -> PublicKeyRecord {
    PublicKeyRecord {
        id: PublicKeyId::generate(),
        account: account.id.clone(),
        spki: spki.to_vec(),
        label: "laptop".into(),
        certificates: vec!["pem".into()],
        login: true,
        created: NOW,
    }
}

#[tokio::test]
async fn a_public_key_belongs_to_one_account_at_most() {
    let store = store().await;
    let (ada, bea) = (made(&store.sql, user("ada")).await, made(&store.sql, user("bea")).await);
    store.sql.add_key(&key(&ada, b"spki")).await.unwrap();
    assert!(matches!(store.sql.add_key(&key(&bea, b"spki")).await, Err(StorageError::Conflict(_))));
    assert!(matches!(store.sql.add_key(&key(&ada, b"spki")).await, Err(StorageError::Conflict(_))));
    assert_eq!(store.sql.owner_of(b"spki").await.unwrap().unwrap().account.id, ada.id);
}

#[tokio::test]
async fn the_owner_of_a_key_comes_with_their_teams() {
    let store = store().await;
    let ada = made(&store.sql, user("ada")).await;
    let acme = made(&store.sql, org("acme")).await;
    let (qa, dev) = (team(&store.sql, &acme, "qa").await, team(&store.sql, &acme, "dev").await);
    store.sql.put_team_member(&qa.id, &ada.id).await.unwrap();
    let added = key(&ada, b"spki");
    store.sql.add_key(&added).await.unwrap();
    let owner = store.sql.owner_of(b"spki").await.unwrap().unwrap();
    assert_eq!((owner.key, owner.account, owner.teams), (added, ada, vec![qa.id]));
    assert_eq!(store.sql.owner_of(b"other").await.unwrap(), None);
    assert_eq!(store.sql.team_member_count(&dev.id).await.unwrap(), 0);
}

#[tokio::test]
async fn a_key_is_retired_renamed_and_deleted() {
    let store = store().await;
    let ada = made(&store.sql, user("ada")).await;
    let added = key(&ada, b"spki");
    store.sql.add_key(&added).await.unwrap();
    let before = store.sql.revision().await.unwrap();
    let retire = PublicKeyChange { login: Some(false), ..PublicKeyChange::default() };
    let retired = store.sql.update_key(&added.id, &retire).await.unwrap().unwrap();
    assert_eq!(retired, PublicKeyRecord { login: false, ..added.clone() });
    assert!(store.sql.delete_key(&added.id).await.unwrap());
    assert!(!store.sql.delete_key(&added.id).await.unwrap());
    assert_eq!(store.sql.key(&added.id).await.unwrap(), None);
    assert_eq!(store.sql.owner_of(b"spki").await.unwrap(), None);
    assert_eq!(store.sql.revision().await.unwrap(), before + 2);
}

#[tokio::test]
async fn keys_go_with_their_account_and_may_come_back_to_another() {
    let store = store().await;
    made(&store.sql, admin("root")).await;
    let (ada, bea) = (made(&store.sql, user("ada")).await, made(&store.sql, user("bea")).await);
    store.sql.add_key(&key(&ada, b"spki")).await.unwrap();
    store.sql.delete_account(&ada.id).await.unwrap();
    assert_eq!(store.sql.owner_of(b"spki").await.unwrap(), None);
    store.sql.add_key(&key(&bea, b"spki")).await.unwrap();
}

#[tokio::test]
async fn keys_are_listed_in_the_order_they_were_added() {
    let store = store().await;
    let ada = made(&store.sql, user("ada")).await;
    let keys: Vec<_> = (0_u8..5).map(|n| key(&ada, &[n])).collect();
    for key in &keys {
        store.sql.add_key(key).await.unwrap();
    }
    assert_eq!(store.sql.keys_of(&ada.id, &Page::everything()).await.unwrap(), keys);
    let page = Page { start: keys[2].id.to_string(), limit: 2 };
    assert_eq!(store.sql.keys_of(&ada.id, &page).await.unwrap(), keys[2..4]);
}
