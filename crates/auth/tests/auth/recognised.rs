use time::Duration;
use wharfinger_auth::{AuthError, KeyChanges, Need, Principal, Reach, Secret, Session, SessionSettings, Via, authorize};
use wharfinger_identity::{Account, Role};

use crate::house::{HOME, House, PASSWORD, house, spki, with_password};

async fn session(house: &House, name: &str) -> Session {
    house.accounts.login(name, &Secret::new(PASSWORD), HOME).await.unwrap()
}

async fn by_token(house: &House, session: &Session) -> Result<Option<Principal>, AuthError> {
    house.accounts.authenticate(None, Some(session.token.reveal()), None).await
}

#[tokio::test]
async fn nothing_shown_is_nobody_and_something_wrong_is_refused() {
    let house = house().await;
    assert!(house.accounts.authenticate(None, None, None).await.unwrap().is_none());
    for token in ["", "guess", &"x".repeat(100_000)] {
        assert!(matches!(house.accounts.authenticate(None, Some(token), None).await, Err(AuthError::Refused(_))));
    }
    assert!(matches!(house.accounts.authenticate(Some(b"no key"), None, None).await, Err(AuthError::Refused(_))));
}

#[tokio::test]
async fn a_session_lives_an_hour_from_its_last_renewal() {
    let house = house().await;
    let settings = SessionSettings::default();
    let idle = session(&house, "admin").await;
    let used = session(&house, "admin").await;
    house.later(Duration::minutes(45));
    assert!(by_token(&house, &used).await.unwrap().is_some(), "within the renewal threshold");
    house.later(Duration::minutes(16));
    assert!(matches!(by_token(&house, &idle).await, Err(AuthError::Refused(_))));
    assert!(by_token(&house, &used).await.unwrap().is_some());
    house.later(Duration::try_from(settings.lifetime).unwrap());
    assert!(matches!(by_token(&house, &used).await, Err(AuthError::Refused(_))));
}

#[tokio::test]
async fn an_eleventh_session_ends_the_oldest() {
    let house = house().await;
    let first = session(&house, "admin").await;
    let mut newest = Vec::new();
    for _ in 0..10 {
        newest.push(session(&house, "admin").await);
    }
    assert!(by_token(&house, &first).await.is_err());
    for session in &newest {
        assert!(by_token(&house, session).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn logging_out_ends_that_session_only() {
    let house = house().await;
    let (one, other) = (session(&house, "admin").await, session(&house, "admin").await);
    let caller = by_token(&house, &one).await.unwrap().unwrap();
    house.accounts.logout(&caller).await.unwrap();
    assert!(by_token(&house, &one).await.is_err());
    assert!(by_token(&house, &other).await.is_ok());
}

#[tokio::test]
async fn a_cookie_is_read_by_its_whole_name_and_a_stale_one_is_nobody() {
    let house = house().await;
    let session = session(&house, "admin").await;
    let name = house.accounts.cookie_name().unwrap().to_owned();
    assert!(name.starts_with("__Host-") && name.ends_with(house.ca.instance_id()));
    let token = session.token.reveal();
    let header = format!("theme=dark; {name}={token}; other=1");
    let caller = house.accounts.authenticate(None, None, Some(&header)).await.unwrap().unwrap();
    assert!(matches!(caller.via, Via::Cookie(_)));
    for header in [format!("{name}x={token}"), format!("x{name}={token}"), format!("{name}=stale"), name.clone(), "=".into()] {
        assert!(house.accounts.authenticate(None, None, Some(&header)).await.unwrap().is_none(), "{header}");
    }
}

#[tokio::test]
async fn a_certificate_lets_its_keys_owner_in_whatever_name_it_bears() {
    let house = house().await;
    let (ada, bea) = (house.user("ada").await, house.user("bea").await);
    let (files, key) = house.bundle(&ada).await;
    let caller = house.accounts.authenticate(Some(&spki(&files["cert.pem"])), None, None).await.unwrap().unwrap();
    assert_eq!((&caller.account, &caller.via), (&ada, &Via::Certificate(key)));
    assert!(!caller.via.is_password_session());
    // A certificate of our CA that says CN=bea, for a key nobody registered.
    let stranger = wharfinger_keys::PrivateKey::generate_p256();
    house.ca.issue_client(&bea, &[], stranger.public_key(), Duration::days(1)).unwrap();
    let refused = house.accounts.authenticate(Some(stranger.public_key().spki_der()), None, None).await;
    assert!(matches!(refused, Err(AuthError::Refused(_))));
}

#[tokio::test]
async fn a_key_that_is_retired_deleted_or_whose_account_is_off_lets_nobody_in() {
    let house = house().await;
    for case in ["retired", "deleted", "deactivated", "account deleted"] {
        let ada = house.user("ada").await;
        let (files, key) = house.bundle(&ada).await;
        let spki = spki(&files["cert.pem"]);
        assert!(house.accounts.authenticate(Some(&spki), None, None).await.is_ok());
        match case {
            "retired" => {
                let changes = KeyChanges { login: Some(false), ..KeyChanges::default() };
                house.directory.update_key(&house.admin(), "ada", key.as_str(), changes).await.unwrap();
            }
            "deleted" => drop(house.directory.delete_key(&house.admin(), "ada", key.as_str()).await.unwrap()),
            "deactivated" => house.deactivate(&ada).await,
            _ => drop(house.directory.delete_account(&house.admin(), "ada").await.unwrap()),
        }
        let refused = house.accounts.authenticate(Some(&spki), None, None).await;
        assert!(matches!(refused, Err(AuthError::Refused(_))), "{case}");
        let counts = house.sql_owner(&spki).await;
        assert_eq!(counts, matches!(case, "retired" | "deactivated"), "{case}: the row");
        if case != "account deleted" {
            house.directory.delete_account(&house.admin(), "ada").await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_certificate_that_was_recognised_is_again_without_the_database_until_something_changes() {
    let house = house().await;
    let ada = house.user("ada").await;
    let (files, _) = house.bundle(&ada).await;
    let spki = spki(&files["cert.pem"]);
    // The clock stands still, also while the database is waited for: as long as a blocking task runs, it is not wound on.
    tokio::time::pause();
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let standing = tokio::task::spawn_blocking(move || ended.recv());
    assert!(house.accounts.authenticate(Some(&spki), None, None).await.is_ok());
    house.sql.close().await;
    assert!(house.accounts.authenticate(Some(&spki), None, None).await.is_ok());
    tokio::time::advance(std::time::Duration::from_secs(1)).await;
    assert!(
        matches!(house.accounts.authenticate(Some(&spki), None, None).await, Err(AuthError::Storage(_))),
        "another process may have changed something"
    );
    drop(end);
    let _ = standing.await;
}

impl House {
    async fn sql_owner(&self, spki: &[u8]) -> bool {
        let key = wharfinger_keys::PublicKey::from_spki_der(spki).unwrap();
        self.accounts.owner_of(&key).await.unwrap().is_some()
    }
}

#[tokio::test]
async fn an_expired_certificate_lets_nobody_in_on_a_connection_that_is_still_open() {
    let house = house().await;
    let ada = house.user("ada").await;
    let (files, _) = house.bundle(&ada).await;
    let spki = spki(&files["cert.pem"]);
    house.later(Duration::days(364));
    assert!(house.accounts.authenticate(Some(&spki), None, None).await.is_ok());
    house.later(Duration::days(2));
    assert!(
        matches!(house.accounts.authenticate(Some(&spki), None, None).await, Err(AuthError::Refused(why)) if why.contains("expired"))
    );
    assert!(house.sql_owner(&spki).await, "and the key still signs for its owner");
}

#[tokio::test]
async fn a_token_beside_a_certificate_is_who_calls_and_a_bad_one_is_refused() {
    let house = house().await;
    let ada = house.user("ada").await;
    let (files, _) = house.bundle(&ada).await;
    let spki = spki(&files["cert.pem"]);
    let admin = session(&house, "admin").await;
    let caller = house.accounts.authenticate(Some(&spki), Some(admin.token.reveal()), None).await.unwrap().unwrap();
    assert_eq!(caller.account.name.as_str(), "admin");
    assert!(house.accounts.authenticate(Some(&spki), Some("guess"), None).await.is_err());
}

#[tokio::test]
async fn each_role_may_what_it_says_and_no_more() {
    let house = house().await;
    let ada = house.user("ada").await;
    let (everything, own, placed) = (Reach::Everything, Reach::Own { nodes: false }, Reach::Own { nodes: true });
    // (administrator, role, active) may (view, work, operate, administer), and how far that goes
    for (is_admin, role, is_active, may, reach) in [
        (false, Role::None, true, [false, false, false, false], everything),
        (false, Role::ViewOnly, true, [true, false, false, false], everything),
        (false, Role::RestrictedControl, true, [true, true, false, false], own),
        (false, Role::Scheduler, true, [true, true, false, false], placed),
        (false, Role::FullControl, true, [true, true, true, false], everything),
        (true, Role::None, true, [true, true, true, true], everything),
        (true, Role::RestrictedControl, true, [true, true, true, true], everything),
        (true, Role::FullControl, false, [false, false, false, false], everything),
    ] {
        let account = Account { is_admin, role, is_active, ..ada.clone() };
        for (need, may) in [Need::View, Need::Work, Need::Operate, Need::Admin].into_iter().zip(may) {
            let granted = authorize(with_password(&account), need);
            assert_eq!(granted.is_ok(), may, "{role} admin={is_admin} active={is_active} {need:?}");
            match granted {
                Ok(granted) => assert_eq!(granted.reach(), reach, "{role} admin={is_admin}"),
                Err(denied) => assert!(denied.to_string().contains("`ada`")),
            }
        }
    }
    let org = Account { is_org: true, is_admin: true, ..ada };
    assert!(authorize(with_password(&org), Need::View).is_err());
}

#[tokio::test]
async fn the_circle_is_oneself_and_those_who_share_a_team() {
    let house = house().await;
    let (ada, bob, eve) = (house.user("ada").await, house.user("bob").await, house.user("eve").await);
    let owns = async |whose: &Account| house.accounts.circle(&ada.id).await.unwrap().owns(Some(whose.id.as_str()));
    assert!(owns(&ada).await && !owns(&bob).await);
    assert!(!house.accounts.circle(&ada.id).await.unwrap().owns(None), "what nobody owns is nobody's");
    house.org("acme").await;
    house.team("acme", "qa", &["ada", "bob"]).await;
    house.team("acme", "ops", &["eve"]).await;
    assert!(owns(&bob).await && !owns(&eve).await, "an organization alone is not a team");
    house.directory.remove_team_member(&with_password(&house.admin), "acme", "qa", "bob").await.unwrap();
    assert!(owns(&ada).await && !owns(&bob).await);
}
