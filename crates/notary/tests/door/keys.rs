use wharfinger_keys::SealKey;
use wharfinger_storage::collections::Collections as _;

use crate::client::{ALL, ask, file, get, key, path, post, publish, published, server_key};
use crate::forge::{Identity, keys_of, role, sign};
use crate::stage::{HOST, Stage};

#[tokio::test]
async fn asking_again_before_publishing_answers_the_same_pending_key() {
    let stage = Stage::guarded().await;
    let first = server_key(&stage.notary, "qa/app", "timestamp").await;
    assert_eq!(server_key(&stage.notary, "qa/app", "timestamp").await, first);
    let rotated = key(&ask(&stage.notary, "POST", &path("qa/app", "tuf/timestamp.key"), "all").await);
    assert_eq!(rotated, first);
    assert_ne!(server_key(&stage.notary, "qa/app", "snapshot").await, first);
    assert_ne!(server_key(&stage.notary, "qa/other", "timestamp").await, first);
}

#[tokio::test]
async fn a_new_key_signs_once_a_root_names_it() {
    let stage = Stage::guarded().await;
    let mut forge = published(&stage.notary, "qa/app").await;
    let old = server_key(&stage.notary, "qa/app", "snapshot").await;
    assert!(forge.root.roles[&role("snapshot")].keyids.contains(&old.tuf_id()));
    let new = key(&ask(&stage.notary, "POST", &path("qa/app", "tuf/snapshot.key"), "all").await);
    assert_ne!(new, old);
    assert_eq!(server_key(&stage.notary, "qa/app", "snapshot").await, old, "nothing changes before it is published");
    let identity = Identity { key: new.clone(), ..Identity::bare() };
    forge.root.keys.insert(identity.id(), identity.key.clone());
    forge.root.roles.insert(role("snapshot"), keys_of(&[&identity], 1));
    forge.root.version = 2;
    assert_eq!(publish(&stage.notary, "qa/app", &forge, &["root"]).await.status, 200);
    assert_eq!(server_key(&stage.notary, "qa/app", "snapshot").await, new);
    let snapshot = get(&stage.notary, "qa/app", "snapshot.json").await.json();
    assert_eq!(snapshot["signatures"][0]["keyid"], new.tuf_id().to_string());
    assert_ne!(key(&ask(&stage.notary, "POST", &path("qa/app", "tuf/snapshot.key"), "all").await), new);
}

#[tokio::test]
async fn a_key_of_another_repository_is_not_the_servers_here() {
    let stage = Stage::guarded().await;
    let mut forge = crate::client::forge(&stage.notary, "qa/app").await;
    let foreign = server_key(&stage.notary, "qa/other", "timestamp").await;
    let identity = Identity { key: foreign, ..Identity::bare() };
    forge.root.keys.insert(identity.id(), identity.key.clone());
    forge.root.roles.insert(role("timestamp"), keys_of(&[&identity], 1));
    let refused = publish(&stage.notary, "qa/app", &forge, &ALL).await;
    assert_eq!(refused.message(), "no  timestamp keys exist on the server");
}

#[tokio::test]
async fn private_keys_are_sealed_at_rest_and_open_with_the_same_seal_only() {
    let stage = Stage::guarded().await;
    published(&stage.notary, "qa/app").await;
    let gun = format!("{HOST}/qa/app");
    for role in ["timestamp", "snapshot"] {
        for stored in stage.sql.server_keys(&gun, role).await.unwrap() {
            assert!(wharfinger_keys::PrivateKey::from_pkcs8_der(&stored.sealed_private).is_err());
            assert!(!format!("{stored:?}").contains("sealed_private"));
        }
    }
    let restarted = stage.restarted(None);
    assert_eq!(post(&restarted, "qa/app", &[]).await.status, 200);
    let stranger = stage.restarted(Some(SealKey::generate()));
    let failed = post(&stranger, "qa/app", &[]).await;
    assert_eq!((failed.status.as_u16(), failed.code().as_str()), (500, "UNKNOWN"));
    assert_eq!(failed.json()["errors"][0]["message"], "unknown error", "the log has the reason, the client has not");
    assert_eq!(get(&stranger, "qa/app", "timestamp.json").await.version(), 2);
}

#[tokio::test]
async fn a_snapshot_key_moves_to_the_client_and_back() {
    let stage = Stage::guarded().await;
    let mut forge = published(&stage.notary, "qa/app").await;
    let client = Identity::bare();
    let servers = server_key(&stage.notary, "qa/app", "snapshot").await;
    forge.root.keys.insert(client.id(), client.key.clone());
    forge.root.roles.insert(role("snapshot"), keys_of(&[&client], 1));
    forge.root.version = 2;
    let refused = publish(&stage.notary, "qa/app", &forge, &["root"]).await;
    assert_eq!(refused.json()["errors"][0]["detail"]["Name"], "ErrBadHierarchy");
    let root = file(&forge, "root");
    let current = get(&stage.notary, "qa/app", "snapshot.json").await;
    let mut snapshot = wharfinger_tuf::Signed::<wharfinger_tuf::Snapshot>::parse(&current.body).unwrap().signed;
    snapshot.version = 2;
    snapshot.meta.insert(role("root"), wharfinger_tuf::Meta::of(&root));
    let files = [("root", root), ("snapshot", sign(&snapshot, &[&client]))];
    assert_eq!(post(&stage.notary, "qa/app", &files).await.status, 200);
    assert_eq!(post(&stage.notary, "qa/app", &[]).await.json()["errors"][0]["detail"]["Name"], "ErrBadHierarchy");

    let back = Identity { key: servers, ..Identity::bare() };
    forge.root.roles.insert(role("snapshot"), keys_of(&[&back], 1));
    forge.root.version = 3;
    assert_eq!(publish(&stage.notary, "qa/app", &forge, &["root"]).await.status, 200);
    assert_eq!(get(&stage.notary, "qa/app", "snapshot.json").await.version(), 3);
}
