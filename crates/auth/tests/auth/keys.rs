//! Public keys of accounts: who may add one, and what proves that it is theirs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use time::Duration;
use wharfinger_auth::{DirectoryError, KeyChanges, NewKey, PolicyTeams, Principal, Via};
use wharfinger_identity::Account;
use wharfinger_keys::PrivateKey;

use crate::house::{house, with_password};

#[tokio::test]
async fn keys_whose_signatures_the_policy_counts_are_added_by_administrators_only() {
    let house = house().await;
    house.org("acme").await;
    let [ada, ben, eve] = [house.user("self").await, house.user("ben").await, house.user("eve").await];
    let team = house.team("acme", "qa", &["ben"]).await;
    let adds = async |account: &Account, delegate_membership| {
        *house.policy.0.lock().unwrap() =
            PolicyTeams { teams: vec![team.clone()], users: vec![ada.id.clone()], delegate_membership };
        let key = PrivateKey::generate_p256();
        let actor = with_password(account);
        let nonce = house.directory.nonce(&actor, account.id.as_str()).await.unwrap().nonce;
        let signature = Some(STANDARD.encode(key.sign(nonce.as_bytes()).unwrap()));
        let new = NewKey { public_key: key.public_key().to_pem(), label: String::new(), nonce: Some(nonce), signature };
        house.directory.add_key(&actor, account.id.as_str(), new).await
    };
    for named in [&ada, &ben] {
        let refused = adds(named, false).await;
        assert!(matches!(refused, Err(DirectoryError::Forbidden(said)) if said.contains("delegate_membership")));
        let key = adds(named, true).await.unwrap();
        adds(named, false).await.unwrap_err();
        house.directory.delete_key(&with_password(named), named.id.as_str(), key.id.as_str()).await.unwrap();
    }
    adds(&eve, false).await.unwrap();
    house.bundle(&ada).await;
}

#[tokio::test]
async fn a_key_is_registered_with_proof_once_and_lets_nobody_in() {
    let house = house().await;
    let (ada, bea) = (house.user("ada").await, house.user("bea").await);
    let (ada, bea) = (with_password(&ada), with_password(&bea));
    let key = PrivateKey::generate_p256();
    let pem = key.public_key().to_pem();
    let nonce = house.directory.nonce(&ada, "ada").await.unwrap().nonce;
    let signed = |nonce: &str| Some(STANDARD.encode(key.sign(nonce.as_bytes()).unwrap()));
    let new = |nonce: &str, signature: Option<String>| NewKey {
        public_key: pem.clone(),
        label: "mine".into(),
        nonce: Some(nonce.to_owned()),
        signature,
    };
    let other = PrivateKey::generate_p256();
    let bad = [
        ("no proof", NewKey { public_key: pem.clone(), ..NewKey::default() }),
        ("no signature", new(&nonce, None)),
        ("another's signature", new(&nonce, Some(STANDARD.encode(other.sign(nonce.as_bytes()).unwrap())))),
        ("another text", new(&nonce, signed("hello"))),
        ("not base64", new(&nonce, Some("%".into()))),
        ("our own nonce", new("wharfinger-key-proof:1:x:9999999999:AAAA", signed("wharfinger-key-proof:1:x:9999999999:AAAA"))),
        ("not a key", NewKey { public_key: "x".into(), ..new(&nonce, signed(&nonce)) }),
    ];
    for (what, new) in bad {
        assert!(matches!(house.directory.add_key(&ada, "ada", new).await, Err(DirectoryError::Invalid { .. })), "{what}");
    }
    // The nonce is this account's.
    assert!(matches!(
        house.directory.add_key(&bea, "bea", new(&nonce, signed(&nonce))).await,
        Err(DirectoryError::Invalid { .. })
    ));
    let added = house.directory.add_key(&ada, "ada", new(&nonce, signed(&nonce))).await.unwrap();
    assert!(!added.login);
    let refused = house.accounts.authenticate(Some(key.public_key().spki_der()), None, None).await;
    assert!(refused.is_err(), "no certificate was made for it");
    let let_in = KeyChanges { login: Some(true), ..KeyChanges::default() };
    let refused = house.directory.update_key(&ada, "ada", added.id.as_str(), let_in).await;
    assert!(matches!(refused, Err(DirectoryError::Invalid { field: "login", .. })));
    let hers = house.directory.nonce(&bea, "bea").await.unwrap().nonce;
    let again = house.directory.add_key(&bea, "bea", new(&hers, signed(&hers))).await;
    assert!(matches!(again, Err(DirectoryError::Conflict(_))));
    let admin = house.directory.add_key(&house.admin(), "bea", NewKey { public_key: pem.clone(), ..NewKey::default() }).await;
    assert!(matches!(admin, Err(DirectoryError::Conflict(_))));
    house.later(Duration::minutes(10));
    house.directory.delete_key(&ada, "ada", added.id.as_str()).await.unwrap();
    let late = house.directory.add_key(&ada, "ada", new(&nonce, signed(&nonce))).await;
    assert!(matches!(late, Err(DirectoryError::Invalid { .. })), "the nonce has ended");
}

#[tokio::test]
async fn a_certificate_registers_no_key() {
    let house = house().await;
    let ada = house.user("ada").await;
    let (_, key) = house.bundle(&ada).await;
    for account in [ada, house.admin.clone()] {
        let caller = Principal { account, via: Via::Certificate(key.clone()) };
        let new = NewKey { public_key: PrivateKey::generate_p256().public_key().to_pem(), ..NewKey::default() };
        assert!(matches!(house.directory.add_key(&caller, "ada", new).await, Err(DirectoryError::Forbidden(_))));
    }
}

#[tokio::test]
async fn the_signatures_of_stock_openssl_prove_a_key() {
    let house = house().await;
    let ada = house.user("ada").await;
    let ada = with_password(&ada);
    let folder = house.folder.path();
    let kinds = [
        ("p256", "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:named_curve"),
        ("p384", "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -pkeyopt ec_param_enc:named_curve"),
        ("p521", "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521 -pkeyopt ec_param_enc:named_curve"),
        ("rsa", "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048"),
    ];
    for (kind, generate) in kinds {
        let nonce = house.directory.nonce(&ada, "ada").await.unwrap().nonce;
        let script = format!(
            "openssl {generate} -out {kind}.key 2>/dev/null && openssl pkey -in {kind}.key -pubout -out {kind}.pub && \
             printf %s \"$nonce\" | openssl dgst -sha256 -sign {kind}.key | base64 -w0"
        );
        let output =
            std::process::Command::new("bash").args(["-c", &script]).current_dir(folder).env("nonce", &nonce).output().unwrap();
        assert!(output.status.success(), "{kind}: {}", String::from_utf8_lossy(&output.stderr));
        let new = NewKey {
            public_key: std::fs::read_to_string(folder.join(format!("{kind}.pub"))).unwrap(),
            label: kind.into(),
            nonce: Some(nonce),
            signature: Some(String::from_utf8(output.stdout).unwrap()),
        };
        house.directory.add_key(&ada, "ada", new).await.unwrap_or_else(|error| panic!("{kind}: {error}"));
    }
}
