//! Who may change what: every act, tried by everybody.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use wharfinger_auth::{
    AccountChanges, DirectoryError, KeyChanges, MemberChange, NewAccount, NewKey, NewTeam, PolicyTeams, Principal, Secret,
    TeamChanges,
};
use wharfinger_identity::Role;
use wharfinger_keys::PrivateKey;
use wharfinger_storage::accounts::{AccountFilter, Page};

use crate::house::{HOME, House, PASSWORD, house, with_password};

const ACTORS: [&str; 5] = ["admin", "orgadmin", "member", "stranger", "self"];
const ACTS: [&str; 21] = [
    "create an account",
    "list everybody",
    "read an account",
    "rename",
    "deactivate",
    "make admin",
    "set role",
    "delete account",
    "set password",
    "read the org",
    "put member",
    "remove member",
    "create team",
    "rename team",
    "delete team",
    "join team",
    "leave team",
    "list keys",
    "add key",
    "retire key",
    "delete key",
];

async fn act(house: &House, actor: &Principal, act: &str) -> Result<(), DirectoryError> {
    let directory = &house.directory;
    let all = Page::everything();
    let change = AccountChanges::default();
    match act {
        "create an account" => {
            let new = NewAccount { name: "new".into(), password: Some(Secret::new(PASSWORD)), ..NewAccount::default() };
            directory.create_account(actor, new).await.map(drop)
        }
        "list everybody" => {
            let rows = directory.accounts(actor, AccountFilter::All, &all).await?.rows;
            let everybody = rows.len() == 6;
            if everybody { Ok(()) } else { Err(DirectoryError::Forbidden(format!("only {}", rows.len()))) }
        }
        "read an account" => directory.account(actor, "self").await.map(drop),
        "rename" => {
            directory.update_account(actor, "self", AccountChanges { full_name: Some("N".into()), ..change }).await.map(drop)
        }
        "deactivate" => {
            directory.update_account(actor, "self", AccountChanges { is_active: Some(false), ..change }).await.map(drop)
        }
        "make admin" => {
            directory.update_account(actor, "self", AccountChanges { is_admin: Some(true), ..change }).await.map(drop)
        }
        "set role" => {
            directory.update_account(actor, "self", AccountChanges { role: Some(Role::FullControl), ..change }).await.map(drop)
        }
        "delete account" => directory.delete_account(actor, "self").await.map(drop),
        "set password" => {
            let (old, new) = (Secret::new(PASSWORD), Secret::new("another password"));
            directory.change_password(actor, "self", Some(&old), &new, HOME).await
        }
        "read the org" => directory.members(actor, "acme", &all).await.map(drop),
        "put member" => directory.put_member(actor, "acme", "self", MemberChange::default()).await.map(drop),
        "remove member" => directory.remove_member(actor, "acme", "member").await,
        "create team" => {
            directory.create_team(actor, "acme", NewTeam { name: "new".into(), ..NewTeam::default() }).await.map(drop)
        }
        "rename team" => directory
            .update_team(actor, "acme", "qa", TeamChanges { name: Some("qb".into()), ..TeamChanges::default() })
            .await
            .map(drop),
        "delete team" => directory.delete_team(actor, "acme", "qa").await,
        "join team" => directory.put_team_member(actor, "acme", "qa", "self").await.map(drop),
        "leave team" => directory.remove_team_member(actor, "acme", "qa", "member").await,
        "list keys" => directory.keys(actor, "self", &all).await.map(drop),
        "add key" => {
            let key = PrivateKey::generate_p256();
            let nonce = directory.nonce(actor, "self").await?.nonce;
            let signature = Some(STANDARD.encode(key.sign(nonce.as_bytes()).unwrap()));
            let new = NewKey { public_key: key.public_key().to_pem(), label: String::new(), nonce: Some(nonce), signature };
            directory.add_key(actor, "self", new).await.map(drop)
        }
        "retire key" | "delete key" => {
            let key = directory.keys(&house.admin(), "self", &all).await?.rows[0].id.clone();
            let changes = KeyChanges { login: Some(false), ..KeyChanges::default() };
            match act {
                "retire key" => directory.update_key(actor, "self", key.as_str(), changes).await.map(drop),
                _ => directory.delete_key(actor, "self", key.as_str()).await.map(drop),
            }
        }
        other => panic!("{other}"),
    }
}

/// `y` may, `n` may not (403), `-` is not there for them (404), `c` conflicts (409).
async fn column(policy: bool) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    for act_name in ACTS {
        let mut letters = String::new();
        for actor in ACTORS {
            let house = house().await;
            house.org("acme").await;
            for name in ["orgadmin", "member", "stranger", "self"] {
                house.user(name).await;
            }
            house.org_admin("acme", "orgadmin").await;
            let team = house.team("acme", "qa", &["member"]).await;
            let own = house.accounts.find_named(&"self".parse().unwrap()).await.unwrap().unwrap();
            house.bundle(&own).await;
            if policy {
                *house.policy.0.lock().unwrap() = PolicyTeams { teams: vec![team], ..PolicyTeams::default() };
            }
            let account = house.accounts.find_named(&actor.parse().unwrap()).await.unwrap().unwrap();
            letters.push(match act(&house, &with_password(&account), act_name).await {
                Ok(()) => 'y',
                Err(DirectoryError::Forbidden(_)) => 'n',
                Err(DirectoryError::NoSuch { .. }) => '-',
                Err(DirectoryError::Conflict(_)) => 'c',
                Err(other) => panic!("{actor} {act_name}: {other}"),
            });
        }
        rows.push((act_name.to_owned(), letters));
    }
    rows
}

fn expect(got: &[(String, String)], expected: &[&str]) {
    let got: Vec<String> = got.iter().map(|(act, letters)| format!("{letters} {act}")).collect();
    assert_eq!(got, expected, "{got:#?}");
}

#[tokio::test]
async fn the_table_of_who_may_change_what_holds() {
    // admin, admin of acme, member of acme and its team qa, stranger, the account concerned
    expect(
        &column(false).await,
        &[
            "ynnnn create an account",
            "ynnnn list everybody",
            "y---y read an account",
            "y---y rename",
            "y---n deactivate",
            "y---n make admin",
            "y---n set role",
            "ynnnn delete account",
            "y---y set password",
            "yyy-- read the org",
            "yyn-- put member",
            "yyn-- remove member",
            "yyn-- create team",
            "yyn-- rename team",
            "yyn-- delete team",
            "yyn-- join team",
            "yyn-- leave team",
            "y---y list keys",
            "y---y add key",
            "y---y retire key",
            "y---y delete key",
        ],
    );
}

#[tokio::test]
async fn the_table_of_who_may_change_what_holds_with_a_team_in_the_policy() {
    expect(
        &column(true).await,
        &[
            "ynnnn create an account",
            "ynnnn list everybody",
            "y---y read an account",
            "y---y rename",
            "y---n deactivate",
            "y---n make admin",
            "y---n set role",
            "ynnnn delete account",
            "y---y set password",
            "yyy-- read the org",
            "yyn-- put member",
            "ynn-- remove member",
            "yyn-- create team",
            "ynn-- rename team",
            "ccn-- delete team",
            "ynn-- join team",
            "ynn-- leave team",
            "y---y list keys",
            "y---y add key",
            "y---y retire key",
            "y---y delete key",
        ],
    );
}

#[tokio::test]
async fn a_change_that_cannot_be_recorded_is_not_made() {
    for name in ACTS.iter().filter(|act| !["list", "read"].iter().any(|reading| act.starts_with(reading))) {
        let house = house().await;
        house.org("acme").await;
        for name in ["orgadmin", "member", "stranger", "self"] {
            house.user(name).await;
        }
        house.team("acme", "qa", &["member"]).await;
        let own = house.accounts.find_named(&"self".parse().unwrap()).await.unwrap().unwrap();
        house.bundle(&own).await;
        let before = house.accounts.revision().await.unwrap();
        house.audit.fail();
        let refused = act(&house, &house.admin(), name).await;
        assert!(matches!(refused, Err(DirectoryError::Storage(_))), "{name}: {refused:?}");
        assert_eq!(house.accounts.revision().await.unwrap(), before, "{name}");
        assert!(house.accounts.login("self", &Secret::new(PASSWORD), HOME).await.is_ok(), "{name}");
        assert!(house.bundles.make(&with_password(&own), "laptop").await.is_err());
        assert_eq!(house.accounts.revision().await.unwrap(), before, "no key was made");
        assert!(house.cuts.0.lock().unwrap().is_empty(), "{name}: nobody was cut off");
    }
}
