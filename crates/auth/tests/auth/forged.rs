//! Tokens that were not made here, not for this, or not for now.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use time::Duration;
use wharfinger_auth::{Access, AccessError, Action, Claims, Clock, TokenFault, Tokens};
use wharfinger_identity::Account;
use wharfinger_keys::PrivateKey;
use wharfinger_storage::repositories::Visibility;
use wharfinger_storage::secrets::Secrets as _;

use crate::house::{House, REGISTRY, START, house};

fn pull(name: &str) -> Vec<Access> {
    vec![Access { typ: "repository".into(), name: name.into(), actions: vec!["pull".into()] }]
}

async fn room() -> (House, Account) {
    let house = house().await;
    let ada = house.user("ada").await;
    house.repository("ada/app", Some(&ada), Visibility::Private).await;
    (house, ada)
}

fn claims(house: &House, account: &Account) -> Claims {
    let token = house.tokens.issue(Some(account), pull("ada/app")).unwrap();
    house.tokens.verify(&token).unwrap()
}

async fn key(house: &House) -> PrivateKey {
    let sealed = house.sql.secret("token-key").await.unwrap().unwrap();
    PrivateKey::from_pkcs8_der(&house.seal.open("token-key", &sealed).unwrap()).unwrap()
}

fn header(algorithm: Algorithm, key: &PrivateKey) -> Header {
    let mut header = Header::new(algorithm);
    header.kid = Some(key.public_key().canonical_id().to_string());
    header
}

fn signed(key: &PrivateKey, header: &Header, claims: &impl serde::Serialize) -> String {
    jsonwebtoken::encode(header, claims, &EncodingKey::from_ec_pem(key.to_pkcs8_pem().as_bytes()).unwrap()).unwrap()
}

fn glued(header: &Value, claims: &Claims, signature: &[u8]) -> String {
    let part = |value: &[u8]| URL_SAFE_NO_PAD.encode(value);
    let claims = serde_json::to_vec(claims).unwrap();
    format!("{}.{}.{}", part(header.to_string().as_bytes()), part(&claims), part(signature))
}

async fn fault(house: &House, token: &str, name: &str, action: Action) -> Option<TokenFault> {
    match house.access.authorize(Some(token), &name.parse().unwrap(), name, action).await {
        Ok(_) => None,
        Err(AccessError::Challenge(challenge)) => Some(challenge.fault),
        Err(AccessError::Storage(error)) => panic!("{error}"),
    }
}

#[tokio::test]
async fn our_own_token_is_taken() {
    let (house, ada) = room().await;
    let token = house.tokens.issue(Some(&ada), pull("ada/app")).unwrap();
    assert_eq!(fault(&house, &token, "ada/app", Action::Pull).await, None);
    let claims = house.tokens.verify(&token).unwrap();
    assert_eq!((claims.iss.as_str(), claims.aud.as_str(), claims.sub.as_str()), (REGISTRY, REGISTRY, ada.id.as_str()));
    assert_eq!(claims.exp - claims.iat, 300);
    // The forger's tools work: what they make of the real claims with the real key is taken too.
    let key = key(&house).await;
    assert!(house.tokens.verify(&signed(&key, &header(Algorithm::ES256, &key), &claims)).is_ok());
}

#[tokio::test]
async fn a_token_without_a_signature_is_refused() {
    let (house, ada) = room().await;
    let claims = claims(&house, &ada);
    let kid = key(&house).await.public_key().canonical_id().to_string();
    for algorithm in ["none", "None", "NONE", ""] {
        let header = json!({ "alg": algorithm, "typ": "JWT", "kid": kid });
        assert!(house.tokens.verify(&glued(&header, &claims, b"")).is_err(), "{algorithm}");
    }
    let header = json!({ "alg": "ES256", "typ": "JWT", "kid": kid });
    for signature in [&b""[..], &[0; 64], b"short"] {
        assert!(house.tokens.verify(&glued(&header, &claims, signature)).is_err());
    }
}

#[tokio::test]
async fn a_public_key_is_no_shared_secret() {
    let (house, ada) = room().await;
    let claims = claims(&house, &ada);
    let key = key(&house).await;
    let public = key.public_key();
    for secret in [public.to_pem().into_bytes(), public.to_pem().trim().as_bytes().to_vec(), public.spki_der().to_vec()] {
        for algorithm in [Algorithm::HS256, Algorithm::HS512] {
            let token = jsonwebtoken::encode(&header(algorithm, &key), &claims, &EncodingKey::from_secret(&secret)).unwrap();
            assert!(house.tokens.verify(&token).is_err(), "{algorithm:?}");
        }
    }
}

#[tokio::test]
async fn another_key_signs_nothing_here() {
    let (house, ada) = room().await;
    let claims = claims(&house, &ada);
    let (ours, other) = (key(&house).await, PrivateKey::generate_p256());
    for named in [&ours, &other] {
        assert!(house.tokens.verify(&signed(&other, &header(Algorithm::ES256, named), &claims)).is_err());
    }
    let mut embedded = header(Algorithm::ES256, &ours);
    embedded.x5c = Some(vec![URL_SAFE_NO_PAD.encode(other.public_key().spki_der())]);
    assert!(house.tokens.verify(&signed(&other, &embedded, &claims)).is_err());
    let mut nameless = header(Algorithm::ES256, &ours);
    nameless.kid = None;
    assert!(house.tokens.verify(&signed(&ours, &nameless, &claims)).is_err());
}

#[tokio::test]
async fn a_token_for_another_audience_is_refused() {
    let (house, ada) = room().await;
    let other = Tokens::open(&house.sql, &house.seal, "other.test", Clock::new(|| START)).await.unwrap();
    let token = other.issue(Some(&ada), pull("ada/app")).unwrap();
    assert!(other.verify(&token).is_ok());
    assert_eq!(fault(&house, &token, "ada/app", Action::Pull).await, Some(TokenFault::Invalid));
    let key = key(&house).await;
    for changed in [
        Claims { aud: "other.test".into(), ..claims(&house, &ada) },
        Claims { iss: "other.test".into(), ..claims(&house, &ada) },
        Claims { aud: String::new(), ..claims(&house, &ada) },
    ] {
        assert!(house.tokens.verify(&signed(&key, &header(Algorithm::ES256, &key), &changed)).is_err(), "{changed:?}");
    }
    for missing in ["exp", "nbf", "aud", "iss", "sub", "access"] {
        let mut claims = serde_json::to_value(claims(&house, &ada)).unwrap();
        claims.as_object_mut().unwrap().remove(missing);
        assert!(house.tokens.verify(&signed(&key, &header(Algorithm::ES256, &key), &claims)).is_err(), "{missing}");
    }
}

#[tokio::test]
async fn a_token_lives_five_minutes() {
    let (house, ada) = room().await;
    let token = house.tokens.issue(Some(&ada), pull("ada/app")).unwrap();
    house.later(Duration::seconds(299));
    assert_eq!(fault(&house, &token, "ada/app", Action::Pull).await, None);
    house.later(Duration::seconds(1));
    assert_eq!(fault(&house, &token, "ada/app", Action::Pull).await, Some(TokenFault::Invalid));
    let early = house.tokens.issue(Some(&ada), pull("ada/app")).unwrap();
    house.later(-Duration::hours(1));
    assert_eq!(fault(&house, &early, "ada/app", Action::Pull).await, Some(TokenFault::Invalid), "before its time");
}

#[tokio::test]
async fn a_changed_token_is_refused() {
    let (house, ada) = room().await;
    let token = house.tokens.issue(Some(&ada), pull("ada/app")).unwrap();
    let parts: Vec<&str> = token.split('.').collect();
    let mut claims = claims(&house, &ada);
    claims.access[0].actions = vec!["*".into()];
    let body = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&claims).unwrap());
    assert!(house.tokens.verify(&format!("{}.{body}.{}", parts[0], parts[2])).is_err());
    for bad in ["", ".", "..", "a.b.c", &format!("{token}."), &"x".repeat(1_000_000)] {
        assert_eq!(fault(&house, bad, "ada/app", Action::Pull).await, Some(TokenFault::Invalid));
    }
}

#[tokio::test]
async fn a_scope_of_another_repository_or_another_action_opens_nothing() {
    let (house, ada) = room().await;
    house.repository("ada/other", Some(&ada), Visibility::Private).await;
    for scope in [
        "ada/other",
        "ada/ap",
        "ada/app/x",
        "ada",
        "*",
        "",
        "ada/*",
        "other.test/ada/other",
        "dtr.test:5443/dtr.test:5443/ada/app",
    ] {
        let token = house.tokens.issue(Some(&ada), pull(scope)).unwrap();
        assert_eq!(fault(&house, &token, "ada/app", Action::Pull).await, Some(TokenFault::Insufficient), "{scope}");
    }
    for scope in ["ada/app", "dtr.test:5443/ada/app", "DTR.test:5443/ada/app"] {
        let token = house.tokens.issue(Some(&ada), pull(scope)).unwrap();
        assert_eq!(fault(&house, &token, "ada/app", Action::Pull).await, None, "{scope}");
        for action in [Action::Push, Action::Delete, Action::All] {
            assert_eq!(fault(&house, &token, "ada/app", action).await, Some(TokenFault::Insufficient), "{scope} {action:?}");
        }
    }
    let plugin = Access { typ: "repository(plugin)".into(), ..pull("ada/app").remove(0) };
    let token = house.tokens.issue(Some(&ada), vec![plugin]).unwrap();
    assert_eq!(fault(&house, &token, "ada/app", Action::Pull).await, Some(TokenFault::Insufficient));
}

#[tokio::test]
async fn a_token_ends_with_the_permission_it_stood_on() {
    let (house, ada) = room().await;
    let all = |name: &str| vec![Access { actions: vec!["*".into()], ..pull(name).remove(0) }];
    // A token that says more than its account may.
    let bea = house.user("bea").await;
    let token = house.tokens.issue(Some(&bea), all("ada/app")).unwrap();
    assert_eq!(fault(&house, &token, "ada/app", Action::Pull).await, Some(TokenFault::Insufficient));
    // And one kept after the account is off, or gone.
    let token = house.tokens.issue(Some(&ada), all("ada/app")).unwrap();
    assert_eq!(fault(&house, &token, "ada/app", Action::All).await, None);
    house.deactivate(&ada).await;
    assert_eq!(fault(&house, &token, "ada/app", Action::Pull).await, Some(TokenFault::Invalid));
    house.directory.delete_account(&house.admin(), "ada").await.unwrap();
    assert_eq!(fault(&house, &token, "ada/app", Action::Pull).await, Some(TokenFault::Invalid));
    // Another `ada` is not the one the token or the repository knew.
    let second = house.user("ada").await;
    assert_eq!(fault(&house, &token, "ada/app", Action::Pull).await, Some(TokenFault::Invalid));
    let token = house.tokens.issue(Some(&second), all("ada/app")).unwrap();
    assert_eq!(fault(&house, &token, "ada/app", Action::Pull).await, Some(TokenFault::Insufficient));
}

#[tokio::test]
async fn the_catalog_is_the_administrators_with_a_token_that_says_so() {
    let (house, ada) = room().await;
    let catalog = Access { typ: "registry".into(), name: "catalog".into(), actions: vec!["*".into()] };
    let admin = house.tokens.issue(Some(&house.admin), vec![catalog.clone()]).unwrap();
    assert_eq!(house.access.catalog(Some(&admin)).await.unwrap().account().name.as_str(), "admin");
    let without = house.tokens.issue(Some(&house.admin), pull("ada/app")).unwrap();
    let user = house.tokens.issue(Some(&ada), vec![catalog.clone()]).unwrap();
    let nobody = house.tokens.issue(None, vec![catalog]).unwrap();
    for token in [without, user, nobody] {
        assert!(matches!(house.access.catalog(Some(&token)).await, Err(AccessError::Challenge(_))));
    }
    assert!(matches!(house.access.catalog(None).await, Err(AccessError::Challenge(c)) if c.fault == TokenFault::Missing));
}

#[tokio::test]
async fn the_feed_is_of_what_one_may_read_and_of_everything_for_who_may_see_everything() {
    let (house, ada) = room().await;
    house.repository("ada/public", Some(&ada), Visibility::Public).await;
    let entry = |name: &str, action: &str| Access { typ: "registry".into(), name: name.into(), actions: vec![action.into()] };
    let (changes, catalog) = (entry("changes", "pull"), entry("catalog", "*"));
    let token = |account, access: &[Access]| house.tokens.issue(account, access.to_vec()).unwrap();
    let mirror = house.access.mirror_token().unwrap();
    let eve = house.user("eve").await;
    for (token, everything, private) in [
        (token(Some(&house.admin), &[catalog.clone(), changes.clone()]), true, true),
        (mirror.reveal().to_owned(), true, true),
        (token(Some(&ada), std::slice::from_ref(&changes)), false, true),
        (token(Some(&eve), &[changes.clone(), catalog.clone()]), false, false),
        (token(None, std::slice::from_ref(&changes)), false, false),
    ] {
        let granted = house.access.feed(Some(&token)).await.unwrap();
        assert_eq!(granted.everything(), everything);
        assert!(house.access.follows(&granted, &"ada/public".parse().unwrap()).await.unwrap());
        assert_eq!(house.access.follows(&granted, &"ada/app".parse().unwrap()).await.unwrap(), private);
    }
    // A token for something else says nothing of the feed, and there is none without a token.
    for token in [None, Some(token(Some(&ada), &pull("ada/app"))), Some(token(Some(&eve), &[catalog]))] {
        assert!(matches!(house.access.feed(token.as_deref()).await, Err(AccessError::Challenge(_))));
    }
    // Nobody is granted a mirror's token, and it is of no other use.
    assert!(house.access.is_mirror(Some(mirror.reveal())));
    let asked = house.tokens.issue(Some(&house.admin), vec![entry("mirror", "pull")]).unwrap();
    assert!(!house.access.is_mirror(Some(&asked)));
    assert!(fault(&house, mirror.reveal(), "ada/app", Action::Pull).await.is_some());
    assert!(house.access.catalog(Some(mirror.reveal())).await.is_err());
}

#[tokio::test]
async fn readers_may_be_others_after_each_change_that_takes_a_right() {
    use wharfinger_storage::repositories::{AccessLevel, Repositories as _, RepositoryChange, Scope};
    let (house, ada) = room().await;
    house.org("acme").await;
    let team = house.team("acme", "qa", &["ada"]).await;
    let app = "ada/app".parse().unwrap();
    let scope = Scope::Repository("ada/app".parse().unwrap());
    house.sql.grant(&scope, &team, AccessLevel::ReadOnly).await.unwrap();
    let changes = Access { typ: "registry".into(), name: "changes".into(), actions: vec!["pull".into()] };
    let feed = async |account| {
        let token = house.tokens.issue(account, vec![changes.clone()]).unwrap();
        house.access.feed(Some(&token)).await.unwrap()
    };
    let (granted, nobody) = (feed(Some(&ada)).await, feed(None).await);
    let mut before = house.access.readers_revision(&granted).await.unwrap();
    let mut differs = async |what: &str| {
        let now = house.access.readers_revision(&granted).await.unwrap();
        assert_ne!(std::mem::replace(&mut before, now), now, "{what}");
    };
    house.sql.revoke(&scope, &team).await.unwrap();
    differs("a grant was taken back").await;
    let private = RepositoryChange { visibility: Some(Visibility::Private), ..RepositoryChange::default() };
    house.sql.change(&app, &private, START).await.unwrap();
    differs("it was made private").await;
    let of_nobody = house.access.readers_revision(&nobody).await.unwrap();
    house.directory.remove_team_member(&house.admin(), "acme", "qa", "ada").await.unwrap();
    differs("somebody left a team").await;
    house.deactivate(&ada).await;
    differs("an account was switched off").await;
    assert_eq!(house.access.readers_revision(&nobody).await.unwrap(), of_nobody, "nobody is in no team");
    house.sql.delete(&app).await.unwrap();
    differs("the repository is gone").await;
}
