//! Who may do what with which repository: the table.

use std::fmt::Write as _;

use wharfinger_auth::{Access, AccessError, Action, MemberChange, TokenFault};
use wharfinger_identity::Account;
use wharfinger_storage::repositories::{AccessLevel, Visibility};

use crate::house::{House, house};

struct People {
    house: House,
    all: Vec<(&'static str, Option<Account>)>,
}

const OBJECTS: [&str; 7] = ["ada/private", "ada/public", "ada/new", "acme/private", "acme/public", "acme/new", "nobody/new"];

async fn people() -> People {
    let house = house().await;
    let ada = house.user("ada").await;
    let acme = house.org("acme").await;
    let mut all = vec![("anonymous", None), ("admin", Some(house.admin.clone())), ("ada", Some(ada.clone()))];
    for name in ["stranger", "member", "orgadmin", "reader", "writer", "teamadmin", "nsreader", "nswriter", "nsadmin"] {
        all.push((name, Some(house.user(name).await)));
    }
    house.directory.put_member(&house.admin(), "acme", "member", MemberChange::default()).await.unwrap();
    house.org_admin("acme", "orgadmin").await;
    for (name, owner) in [("ada/private", &ada), ("ada/public", &ada), ("acme/private", &acme), ("acme/public", &acme)] {
        let visibility = if name.ends_with("public") { Visibility::Public } else { Visibility::Private };
        house.repository(name, Some(owner), visibility).await;
    }
    for (name, level) in
        [("reader", AccessLevel::ReadOnly), ("writer", AccessLevel::ReadWrite), ("teamadmin", AccessLevel::Admin)]
    {
        let team = house.team("acme", name, &[name]).await;
        house.grant("acme/private", &team, level).await;
        house.grant("acme/public", &team, level).await;
        let team =
            house.team("acme", &format!("ns{name}").replace("team", ""), &[&format!("ns{name}").replace("team", "")]).await;
        house.grant_namespace("acme", &team, level).await;
    }
    People { house, all }
}

/// `pull`, `push`, `delete`, `*` as letters; `-` for none.
fn letters(allowed: &[bool]) -> String {
    let letters: String = "rwd*".chars().zip(allowed).filter_map(|(letter, allowed)| allowed.then_some(letter)).collect();
    if letters.is_empty() { "-".to_owned() } else { letters }
}

const TABLE: &str = "
           | ada/private | ada/public | ada/new | acme/private | acme/public | acme/new | nobody/new
anonymous  | -           | r          | -       | -            | r           | -        | -
admin      | rwd*        | rwd*       | rwd*    | rwd*         | rwd*        | rwd*     | rwd*
ada        | rwd*        | rwd*       | rwd*    | -            | r           | -        | -
stranger   | -           | r          | -       | -            | r           | -        | -
member     | -           | r          | -       | -            | r           | -        | -
orgadmin   | -           | r          | -       | rwd*         | rwd*        | rwd*     | -
reader     | -           | r          | -       | r            | r           | -        | -
writer     | -           | r          | -       | rw           | rw          | -        | -
teamadmin  | -           | r          | -       | rwd*         | rwd*        | -        | -
nsreader   | -           | r          | -       | r            | r           | r        | -
nswriter   | -           | r          | -       | rw           | rw          | r        | -
nsadmin    | -           | r          | -       | rwd*         | rwd*        | rwd*     | -
";

#[tokio::test]
async fn the_table_of_who_may_do_what_holds() {
    let people = people().await;
    let access = &people.house.access;
    let mut table = format!("\n           | {}\n", OBJECTS.join(" | "));
    for (name, account) in &people.all {
        let mut cells = Vec::new();
        for object in OBJECTS {
            let repository = object.parse().unwrap();
            let actions = Action::ALL.map(|action| Access {
                typ: "repository".into(),
                name: object.into(),
                actions: vec![action.as_str().into()],
            });
            // A token that says everything: what is allowed is then what is allowed now.
            let token = people.house.tokens.issue(account.as_ref(), actions.to_vec()).unwrap();
            let mut allowed = Vec::new();
            for action in Action::ALL {
                let granted = access.authorize(Some(&token), &repository, object, action).await;
                let permitted = access.permits(account.as_ref(), &repository, action).await.unwrap();
                match &granted {
                    Ok(granted) => {
                        assert_eq!(granted.account(), account.as_ref());
                        assert_eq!((granted.repository(), granted.action()), (&repository, action));
                        assert_eq!(granted.exists(), !object.ends_with("new"));
                    }
                    Err(AccessError::Challenge(challenge)) => assert_eq!(challenge.fault, TokenFault::Insufficient),
                    Err(AccessError::Storage(error)) => panic!("{error}"),
                }
                assert_eq!(granted.is_ok(), permitted, "{name} {object} {action:?}: with and without a token");
                allowed.push(permitted);
            }
            cells.push(format!("{:width$}", letters(&allowed), width = object.len()));
        }
        let _ = writeln!(table, "{name:10} | {}", cells.join(" | ").trim_end());
    }
    assert_eq!(table, TABLE, "got:{table}");
}

#[tokio::test]
async fn a_permission_that_is_taken_away_is_gone_at_once() {
    let people = people().await;
    let house = &people.house;
    let writer = people.all.iter().find(|(name, _)| *name == "writer").unwrap().1.clone().unwrap();
    let access =
        vec![Access { typ: "repository".into(), name: "acme/private".into(), actions: vec!["pull".into(), "push".into()] }];
    let token = house.tokens.issue(Some(&writer), access).unwrap();
    let repository = "acme/private".parse().unwrap();
    let push = async || house.access.authorize(Some(&token), &repository, "acme/private", Action::Push).await.is_ok();
    assert!(push().await);
    house.directory.remove_team_member(&house.admin(), "acme", "writer", "writer").await.unwrap();
    assert!(!push().await);
}

#[tokio::test]
async fn whoever_gets_a_deleted_accounts_name_gets_neither_its_repositories_nor_its_guests() {
    let people = people().await;
    let house = &people.house;
    house.org("guests").await;
    let guests = house.team("guests", "all", &["stranger"]).await;
    house.grant_namespace("ada", &guests, AccessLevel::Admin).await;
    let stranger = people.all.iter().find(|(name, _)| *name == "stranger").unwrap().1.clone().unwrap();
    let (old, new) = ("ada/private".parse().unwrap(), "ada/fresh".parse().unwrap());
    assert!(house.access.permits(Some(&stranger), &new, Action::Push).await.unwrap());
    house.directory.delete_account(&house.admin(), "ada").await.unwrap();
    let second = house.user("ada").await;
    assert!(!house.access.permits(Some(&second), &old, Action::Pull).await.unwrap());
    assert!(house.access.permits(Some(&second), &new, Action::Push).await.unwrap());
    assert!(!house.access.permits(Some(&stranger), &new, Action::Pull).await.unwrap());
}

#[tokio::test]
async fn without_a_token_the_challenge_says_where_and_for_what() {
    let people = people().await;
    let access = &people.house.access;
    let challenge = async |name: &str, action| match access.authorize(None, &"ada/public".parse().unwrap(), name, action).await {
        Err(AccessError::Challenge(challenge)) => challenge,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        challenge("ada/public", Action::Pull).await.www_authenticate(),
        r#"Bearer realm="https://dtr.test:5443/auth/token",service="dtr.test:5443",scope="repository:ada/public:pull""#
    );
    assert_eq!(
        challenge("dtr.test:5443/ada/public", Action::Push).await.www_authenticate(),
        r#"Bearer realm="https://dtr.test:5443/auth/token",service="dtr.test:5443",scope="repository:dtr.test:5443/ada/public:pull,push""#
    );
    let forged = challenge("ada/public\",realm=\"https://evil.test/\r\nX: y", Action::Pull).await.www_authenticate();
    assert!(!forged.contains("\",realm=\"https://evil") && !forged.contains('\n'), "{forged}");
    let Err(AccessError::Challenge(bare)) = access.anyone(None).await else { panic!("a token is needed") };
    assert_eq!(bare.www_authenticate(), r#"Bearer realm="https://dtr.test:5443/auth/token",service="dtr.test:5443""#);
    let Err(AccessError::Challenge(invalid)) = access.anyone(Some("x")).await else { panic!("not a token") };
    assert!(invalid.www_authenticate().ends_with(r#",error="invalid_token""#));
}

#[tokio::test]
async fn any_token_of_ours_opens_the_bare_v2() {
    let people = people().await;
    let house = &people.house;
    let nobody = house.tokens.issue(None, Vec::new()).unwrap();
    assert_eq!(house.access.anyone(Some(&nobody)).await.unwrap(), None);
    let admin = house.tokens.issue(Some(&house.admin), Vec::new()).unwrap();
    assert_eq!(house.access.anyone(Some(&admin)).await.unwrap(), Some(house.admin.clone()));
}

#[tokio::test]
async fn a_path_that_begins_like_a_host_is_nobodys() {
    let people = people().await;
    let house = &people.house;
    let token = |name: &str| {
        let access = vec![Access { typ: "repository".into(), name: name.into(), actions: vec!["*".into()] }];
        house.tokens.issue(Some(&house.admin), access).unwrap()
    };
    // `evil.test/ada/private` on this registry is not `ada/private` seen from elsewhere.
    let repository = "evil.test/ada/private".parse().unwrap();
    for name in ["ada/private", "evil.test/ada/private"] {
        let refused = house.access.authorize(Some(&token(name)), &repository, name, Action::Pull).await;
        assert!(refused.is_err(), "{name}");
    }
}

#[tokio::test]
async fn the_pull_token_for_the_engine_pulls_that_repository_only() {
    let people = people().await;
    let house = &people.house;
    let reader = people.all.iter().find(|(name, _)| *name == "reader").unwrap().1.clone().unwrap();
    let (private, other) = ("acme/private".parse().unwrap(), "ada/private".parse().unwrap());
    let token = house.access.pull_token(&reader.id, &private, "acme/private").await.unwrap().unwrap();
    assert!(house.access.authorize(Some(token.reveal()), &private, "acme/private", Action::Pull).await.is_ok());
    assert!(house.access.authorize(Some(token.reveal()), &private, "acme/private", Action::Push).await.is_err());
    assert!(house.access.pull_token(&reader.id, &other, "ada/private").await.unwrap().is_none());
    house.deactivate(&reader).await;
    assert!(house.access.pull_token(&reader.id, &private, "acme/private").await.unwrap().is_none());
}
