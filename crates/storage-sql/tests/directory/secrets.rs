use wharfinger_storage::secrets::Secrets;

use crate::store;

#[tokio::test]
async fn of_two_makers_of_a_secret_both_keep_the_first_one() {
    let store = store().await;
    assert_eq!(store.sql.secret("ca").await.unwrap(), None);
    assert_eq!(store.sql.keep_first("ca", b"one").await.unwrap(), b"one");
    assert_eq!(store.sql.keep_first("ca", b"two").await.unwrap(), b"one");
    assert_eq!(store.sql.secret("ca").await.unwrap().as_deref(), Some(&b"one"[..]));
    assert_eq!(store.sql.secret("other").await.unwrap(), None);
}

#[tokio::test]
async fn a_secret_is_replaced_and_forgotten() {
    let store = store().await;
    store.sql.replace("tls", b"one").await.unwrap();
    store.sql.replace("tls", b"two").await.unwrap();
    assert_eq!(store.sql.secret("tls").await.unwrap().as_deref(), Some(&b"two"[..]));
    assert!(store.sql.forget("tls").await.unwrap());
    assert!(!store.sql.forget("tls").await.unwrap());
}
