use axum::body::Body;
use http::Request;
use wharfinger_tuf::publish::Named;

use crate::client::{ALL, Answer, file, forge, get, path, post, publish, published, send};
use crate::forge::{Forge, Identity, role, sign};
use crate::stage::Stage;

/// What a client says when it has nothing to say.
#[tokio::test]
async fn an_empty_publish_makes_a_new_snapshot_and_timestamp() {
    let stage = Stage::guarded().await;
    published(&stage.notary, "qa/app").await;
    let boundary = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab";
    let body = format!("\r\n--{boundary}--\r\n");
    assert_eq!(body.len(), 68);
    let request = Request::post(path("qa/app", "tuf/"))
        .header("authorization", "Bearer push")
        .header("content-type", format!("multipart/form-data; boundary={boundary}"));
    let answer = send(&stage.notary, request, Body::from(body)).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (200, 0));
    for name in ["timestamp.json", "snapshot.json"] {
        assert_eq!(get(&stage.notary, "qa/app", name).await.version(), 2);
    }
    assert_eq!(get(&stage.notary, "qa/app", "targets.json").await.version(), 1);
}

#[tokio::test]
async fn a_refused_publish_changes_nothing_and_says_why() {
    let stage = Stage::guarded().await;
    let mut forge = published(&stage.notary, "qa/app").await;
    forge.next();
    let good = file(&forge, "targets/qa");
    let forged = sign(&forge.targets[&role("targets/releases")], &[&Identity::bare()]);
    let answer = post(&stage.notary, "qa/app", &[("targets/qa", good.clone()), ("targets/releases", forged)]).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "INVALID_UPDATE"));
    assert_eq!(answer.json()["errors"][0]["detail"]["Name"], "ErrBadTargets");
    assert_eq!(answer.message(), "valid signatures did not meet threshold for targets/releases");
    assert_eq!(get(&stage.notary, "qa/app", "targets/qa.json").await.version(), 1);
    assert_eq!(get(&stage.notary, "qa/app", "timestamp.json").await.version(), 1);
    assert_eq!(post(&stage.notary, "qa/app", &[("targets/qa", good)]).await.status, 200);
}

#[tokio::test]
async fn each_kind_of_refusal_has_its_stock_name() {
    let stage = Stage::guarded().await;
    let forge = forge(&stage.notary, "qa/app").await;
    let kind = |answer: &Answer| answer.json()["errors"][0]["detail"]["Name"].as_str().unwrap_or_default().to_owned();
    let rootless = publish(&stage.notary, "qa/app", &forge, &["targets"]).await;
    assert_eq!(kind(&rootless), "ErrValidation");
    let mut other = Forge::signed("dtr.test:5400/qa/other");
    other.root.version = 1;
    let foreign = publish(&stage.notary, "qa/app", &other, &["root", "targets"]).await;
    assert_eq!(kind(&foreign), "ErrBadRoot");
    // Its snapshot key is the client's: then every upload has to bring a snapshot.
    let mut own = crate::client::forge(&stage.notary, "qa/app").await;
    let client = Identity::bare();
    own.root.keys.insert(client.id(), client.key.clone());
    own.root.roles.get_mut(&role("snapshot")).unwrap().keyids = vec![client.id()];
    let missing = publish(&stage.notary, "qa/app", &own, &["root", "targets"]).await;
    assert_eq!(kind(&missing), "ErrBadHierarchy");
    assert_eq!(missing.json()["errors"][0]["detail"]["Error"]["Missing"], "snapshot");
    let bad = sign(&own.targets[&role("targets")], &[&client]);
    let files = [("root", file(&own, "root")), ("targets", file(&own, "targets")), ("snapshot", bad)];
    assert_eq!(kind(&post(&stage.notary, "qa/app", &files).await), "ErrBadSnapshot");
    assert_eq!(publish(&stage.notary, "qa/app", &forge, &ALL).await.status, 200);
}

#[tokio::test]
async fn versions_go_up_only() {
    let stage = Stage::guarded().await;
    let mut forge = published(&stage.notary, "qa/app").await;
    // The same again, and something else under a version that is taken.
    assert_eq!(publish(&stage.notary, "qa/app", &forge, &["targets/qa"]).await.code(), "VERSION");
    forge.tag("targets/qa", "v2", "manifest two");
    assert_eq!(publish(&stage.notary, "qa/app", &forge, &["targets/qa"]).await.code(), "VERSION");
    forge.file("targets/qa").version = 7;
    assert_eq!(publish(&stage.notary, "qa/app", &forge, &["targets/qa"]).await.status, 200);
    forge.file("targets/qa").version = 6;
    let lower = publish(&stage.notary, "qa/app", &forge, &["targets/qa"]).await;
    assert_eq!((lower.status.as_u16(), lower.code().as_str()), (400, "VERSION"));
    // A root of the same version passes the validation and fails here.
    forge.root.expires += time::Duration::days(1);
    assert_eq!(publish(&stage.notary, "qa/app", &forge, &["root"]).await.code(), "VERSION");
}

#[tokio::test]
async fn a_file_of_one_role_cannot_be_brought_back_as_another() {
    let stage = Stage::guarded().await;
    let mut forge = crate::client::forge(&stage.notary, "qa/app").await;
    // One key that signs for both roles: then a file of the one verifies as the other.
    let both = || Identity {
        private: copy(&forge.signers[&role("targets/qa")][0]),
        key: forge.signers[&role("targets/qa")][0].key.clone(),
    };
    let (one, two) = (both(), both());
    forge.delegate("targets/one", vec![one], 1);
    forge.delegate("targets/two", vec![two], 1);
    assert_eq!(publish(&stage.notary, "qa/app", &forge, &ALL).await.status, 200);
    forge.tag("targets/one", "v1", "revoked tomorrow");
    let yesterday = file(&forge, "targets/one");
    assert_eq!(post(&stage.notary, "qa/app", &[("targets/one", yesterday.clone())]).await.status, 200);
    let replayed = post(&stage.notary, "qa/app", &[("targets/two", yesterday.clone())]).await;
    assert_eq!((replayed.status.as_u16(), replayed.code().as_str()), (400, "INVALID_UPDATE"));
    assert!(replayed.message().contains("published before as targets/one"), "{}", replayed.message());
    // White space and signatures around the same signed bytes make no difference.
    let tree: serde_json::Value = serde_json::from_slice(&yesterday).unwrap();
    let dressed = serde_json::to_vec_pretty(&tree).unwrap();
    assert_eq!(post(&stage.notary, "qa/app", &[("targets/two", dressed)]).await.code(), "INVALID_UPDATE");
    forge.tag("targets/two", "v1", "anew");
    assert_eq!(publish(&stage.notary, "qa/app", &forge, &["targets/two"]).await.status, 200);
}

#[tokio::test]
async fn a_file_of_one_repository_cannot_be_brought_back_in_another() {
    let stage = Stage::guarded().await;
    let mut first = published(&stage.notary, "qa/app").await;
    let yesterday = file(&first, "targets/qa");
    let mut second = crate::client::forge(&stage.notary, "dev/app").await;
    let signer = &first.signers[&role("targets/qa")][0];
    let signer = Identity { private: copy(signer), key: signer.key.clone() };
    second.delegate("targets/theirs", vec![signer], 1);
    let mut files: Vec<_> = ALL.into_iter().map(|name| (name, file(&second, name))).collect();
    files.push(("targets/theirs", yesterday.clone()));
    let replayed = post(&stage.notary, "dev/app", &files).await;
    assert!(replayed.message().contains("under another repository"), "{}", replayed.message());
    assert!(!replayed.message().contains("qa/app"), "which one is not told");
    // Deleting the first does not free them, neither elsewhere nor where they come from.
    crate::client::ask(&stage.notary, "DELETE", &path("qa/app", "tuf/"), "owner").await;
    assert_eq!(post(&stage.notary, "dev/app", &files).await.code(), "INVALID_UPDATE");
    files.pop();
    assert_eq!(post(&stage.notary, "dev/app", &files).await.status, 200);
    assert_eq!(publish(&stage.notary, "qa/app", &first, &ALL).await.code(), "INVALID_UPDATE");
    first.next();
    assert_eq!(publish(&stage.notary, "qa/app", &first, &ALL).await.status, 200);
}

#[tokio::test]
async fn two_roles_that_say_the_same_in_one_upload_are_no_replay() {
    let stage = Stage::guarded().await;
    let mut forge = crate::client::forge(&stage.notary, "qa/app").await;
    // As a client on a coarse clock signs them: same tags, same version, same expiry.
    *forge.file("targets/qa") = forge.targets[&role("targets/releases")].clone();
    assert_eq!(forge.targets[&role("targets/qa")], forge.targets[&role("targets/releases")]);
    assert_eq!(publish(&stage.notary, "qa/app", &forge, &ALL).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn signers_of_different_roles_do_not_stand_in_each_others_way() {
    let stage = Stage::guarded().await;
    let mut forge = crate::client::forge(&stage.notary, "qa/app").await;
    let names: Vec<String> = (0..8).map(|number| format!("targets/s{number}")).collect();
    for name in &names {
        forge.delegate(name, vec![Identity::bare()], 1);
    }
    assert_eq!(publish(&stage.notary, "qa/app", &forge, &["root", "targets"]).await.status, 200);
    let racers: Vec<_> = names
        .iter()
        .enumerate()
        .map(|(number, name)| {
            forge.tag(name, "v1", &format!("manifest {number}"));
            let (notary, name, bytes) = (stage.notary.clone(), name.clone(), file(&forge, name));
            tokio::spawn(async move { post(&notary, "qa/app", &[(&name, bytes)]).await.status })
        })
        .collect();
    for finished in racers {
        assert_eq!(finished.await.unwrap(), 200);
    }
    let snapshot = get(&stage.notary, "qa/app", "snapshot.json").await;
    assert_eq!(snapshot.version(), 9);
    let snapshot = Named::parse(&snapshot.body).unwrap();
    for name in names {
        assert!(snapshot.sha256(&role(&name)).is_some(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_publishes_racing_for_one_version_exactly_one_wins() {
    let stage = Stage::guarded().await;
    let mut forge = published(&stage.notary, "qa/app").await;
    forge.next();
    let racers: Vec<_> = (0..6)
        .map(|number| {
            forge.tag("targets/qa", "v2", &format!("manifest {number}"));
            let (notary, bytes) = (stage.notary.clone(), file(&forge, "targets/qa"));
            tokio::spawn(async move { post(&notary, "qa/app", &[("targets/qa", bytes)]).await })
        })
        .collect();
    let mut won = 0;
    for finished in racers {
        let answer = finished.await.unwrap();
        if answer.status == 200 {
            won += 1;
        } else {
            assert_eq!(answer.code(), "VERSION");
        }
    }
    assert_eq!(won, 1);
}

#[tokio::test]
async fn what_is_no_upload_is_refused_in_the_stock_servers_words() {
    let stage = Stage::guarded().await;
    let refused = async |content_type: &str, body: &'static str| {
        let request =
            Request::post(path("qa/app", "tuf/")).header("authorization", "Bearer push").header("content-type", content_type);
        send(&stage.notary, request, Body::from(body)).await
    };
    for (content_type, body, code) in [
        ("application/json", "{}", "MALFORMED_UPLOAD"),
        ("multipart/form-data; boundary=b", "", "MALFORMED_UPLOAD"),
        (
            "multipart/form-data; boundary=b",
            "--b\r\nContent-Disposition: form-data; name=\"files\"\r\n\r\n{}\r\n--b--\r\n",
            "NO_FILENAME",
        ),
        (
            "multipart/form-data; boundary=b",
            "--b\r\nContent-Disposition: form-data; name=\"files\"; filename=\"mirrors\"\r\n\r\n{}\r\n--b--\r\n",
            "INVALID_ROLE",
        ),
        (
            "multipart/form-data; boundary=b",
            "--b\r\nContent-Disposition: form-data; name=\"files\"; filename=\"root\"\r\n\r\n{}\r\n--b--\r\n",
            "MALFORMED_JSON",
        ),
    ] {
        let answer = refused(content_type, body).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, code));
    }
}

fn copy(identity: &Identity) -> wharfinger_keys::PrivateKey {
    wharfinger_keys::PrivateKey::from_pkcs8_der(&identity.private.to_pkcs8_der()).unwrap()
}

#[tokio::test]
async fn no_octet_of_an_upload_can_be_changed() {
    let stage = Stage::guarded().await;
    let mut forge = published(&stage.notary, "qa/app").await;
    forge.next();
    forge.root.version = 2;
    for name in ALL {
        let good = file(&forge, name);
        // Every seventh: all of them take minutes and find the same.
        for at in (0..good.len()).step_by(7) {
            let mut bad = good.clone();
            bad[at] ^= 1;
            let answer = post(&stage.notary, "qa/app", &[(name, bad)]).await;
            assert_eq!(answer.status, 400, "{name}: octet {at} of {}", String::from_utf8_lossy(&good));
        }
        assert_eq!(post(&stage.notary, "qa/app", &[(name, good)]).await.status, 200, "{name}");
    }
}
