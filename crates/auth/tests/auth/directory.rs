//! Who may change what of the directory, and what follows.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use time::Duration;
use wharfinger_auth::{
    AccountChanges, DirectoryError, KeyChanges, MemberChange, NewAccount, NewKey, NewTeam, PolicyTeams, Principal, Secret,
    TeamChanges, Via,
};
use wharfinger_identity::{Account, AccountId, Role};
use wharfinger_keys::PrivateKey;
use wharfinger_storage::accounts::{AccountFilter, Page};
use wharfinger_storage::audit::Audit as _;

use crate::house::{HOME, House, PASSWORD, UNTOLD, house, with_password};

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
async fn membership_of_policy_teams_is_delegated_only_where_the_policy_says_so() {
    let house = house().await;
    house.org("acme").await;
    let boss = house.user("boss").await;
    house.user("ada").await;
    house.org_admin("acme", "boss").await;
    let team = house.team("acme", "qa", &[]).await;
    *house.policy.0.lock().unwrap() =
        PolicyTeams { teams: vec![team.clone()], delegate_membership: true, ..PolicyTeams::default() };
    let boss = with_password(&boss);
    house.directory.put_team_member(&boss, "acme", "qa", "ada").await.unwrap();
    assert!(matches!(house.directory.delete_team(&boss, "acme", "qa").await, Err(DirectoryError::Conflict(_))));
    assert!(matches!(house.directory.delete_account(&house.admin(), "acme").await, Err(DirectoryError::Conflict(_))));
    house.policy.0.lock().unwrap().teams.clear();
    house.directory.delete_account(&house.admin(), "acme").await.unwrap();
    assert!(house.accounts.directory().team(&team).await.unwrap().is_none());
}

#[tokio::test]
async fn a_user_whom_a_rule_names_is_not_deleted_before_the_rule_changes() {
    let house = house().await;
    let ada = house.user("ada").await;
    house.user("eve").await;
    house.policy.0.lock().unwrap().users = vec![ada.id.clone()];
    let refused = house.directory.delete_account(&house.admin(), "ada").await;
    assert!(matches!(refused, Err(DirectoryError::Conflict(said)) if said.contains("`ada`")));
    house.directory.delete_account(&house.admin(), "eve").await.unwrap();
    house.policy.0.lock().unwrap().users.clear();
    house.directory.delete_account(&house.admin(), "ada").await.unwrap();
}

#[tokio::test]
async fn whoever_is_shut_out_is_cut_off_and_the_answer_says_what_is_lost() {
    let house = house().await;
    let ada = house.user("ada").await;
    let (_, key) = house.bundle(&ada).await;
    assert_eq!(
        house.directory.would_lose(&house.admin(), "ada", key.as_str()).await.unwrap().tags.unwrap(),
        ["dtr.test/qa/app:laptop"]
    );
    let retire = KeyChanges { login: Some(false), ..KeyChanges::default() };
    house.directory.update_key(&house.admin(), "ada", key.as_str(), retire).await.unwrap();
    let lost = house.directory.delete_key(&house.admin(), "ada", key.as_str()).await.unwrap();
    assert_eq!(lost.tags.unwrap(), ["dtr.test/qa/app:laptop"]);
    house.bundle(&ada).await;
    let off = AccountChanges { is_active: Some(false), ..AccountChanges::default() };
    let (_, lost) = house.directory.update_account(&house.admin(), "ada", off).await.unwrap();
    assert_eq!(lost.tags.unwrap(), ["dtr.test/qa/app:laptop"]);
    house.directory.delete_account(&house.admin(), "ada").await.unwrap();
    let cuts = house.cuts.0.lock().unwrap().clone();
    assert_eq!(cuts, [key.to_string(), key.to_string(), ada.id.to_string(), ada.id.to_string()]);
}

#[tokio::test]
async fn an_open_stream_does_not_outlive_the_role_it_was_opened_with() {
    let house = house().await;
    let ada = house.user("ada").await;
    let change = async |changes| drop(house.directory.update_account(&house.admin(), "ada", changes).await.unwrap());
    let cuts = || house.cuts.0.lock().unwrap().len();
    change(AccountChanges { is_admin: Some(true), role: Some(Role::FullControl), ..AccountChanges::default() }).await;
    let before = cuts();
    change(AccountChanges { full_name: Some("Ada".into()), ..AccountChanges::default() }).await;
    assert_eq!(cuts(), before);
    change(AccountChanges { is_admin: Some(false), ..AccountChanges::default() }).await;
    change(AccountChanges { role: Some(Role::None), ..AccountChanges::default() }).await;
    assert_eq!(cuts(), before + 2);
    assert_eq!(house.cuts.0.lock().unwrap().last(), Some(&ada.id.to_string()));
}

#[tokio::test]
async fn shutting_somebody_out_does_not_wait_for_what_it_takes_along() {
    let house = house().await;
    let ada = house.user("ada").await;
    for _ in 0..2 {
        house.bundles.make(&with_password(&ada), UNTOLD).await.unwrap();
    }
    let keys = house.directory.keys(&house.admin(), "ada", &Page::everything()).await.unwrap().rows;
    let id = keys[0].id.as_str();
    assert!(matches!(house.directory.would_lose(&house.admin(), "ada", id).await, Err(DirectoryError::Storage(_))));
    assert_eq!(house.directory.delete_key(&house.admin(), "ada", id).await.unwrap().tags, None);
    house.deactivate(&ada).await;
    assert_eq!(house.directory.delete_account(&house.admin(), "ada").await.unwrap().tags, None);
}

#[tokio::test]
async fn every_change_is_audited_with_who_did_it_and_no_secret() {
    let house = house().await;
    let new = NewAccount { name: "ada".into(), password: Some(Secret::new(PASSWORD)), ..NewAccount::default() };
    let ada = house.directory.create_account(&house.admin(), new).await.unwrap().account;
    house.org("acme").await;
    house.team("acme", "qa", &["ada"]).await;
    house.directory.change_password(&house.admin(), "ada", None, &Secret::new("another password"), HOME).await.unwrap();
    let (_, key) = house.bundle(&ada).await;
    house.directory.delete_key(&with_password(&ada), "ada", key.as_str()).await.unwrap();
    house.directory.remove_member(&house.admin(), "acme", "ada").await.unwrap();
    let acts: Vec<_> = house.sql.newest(None, 100).await.unwrap().into_iter().map(|recorded| recorded.act).collect();
    let told: Vec<String> = acts.iter().rev().map(|act| format!("{} {} {}", act.actor, act.action, act.object)).collect();
    let expected = [
        "admin account.create ada",
        "admin account.create acme",
        "admin team.create acme/qa",
        "admin team.member.put acme/qa/ada",
        "admin account.password ada",
        "ada key.issue ada",
        "ada key.delete ada",
        "admin member.remove acme/ada",
    ];
    assert_eq!(told, expected);
    assert!(acts.iter().all(|act| act.outcome == "done" && !act.detail.contains("another password")));
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

#[tokio::test]
async fn a_change_that_failed_after_it_was_recorded_is_recorded_as_failed() {
    let house = house().await;
    let ada = house.user("ada").await;
    let key = |label: &str| NewKey { public_key: house.ca.ca_pem().to_owned(), label: label.to_owned(), ..NewKey::default() };
    house.directory.add_key(&house.admin(), "ada", key("one")).await.unwrap();
    let twice = house.directory.add_key(&house.admin(), "ada", key("two")).await;
    assert!(matches!(twice, Err(DirectoryError::Conflict(_))), "{twice:?}");
    let entries = house.sql.newest(None, 2).await.unwrap();
    assert_eq!((entries[0].act.outcome.as_str(), entries[0].act.action.as_str()), ("failed", "key.add"));
    assert!(entries[0].act.detail.contains(&format!("\"entry\":{}", entries[1].id)), "{}", entries[0].act.detail);
    assert_eq!(house.directory.keys(&house.admin(), ada.id.as_str(), &Page::everything()).await.unwrap().rows.len(), 1);
}

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
async fn ones_own_password_needs_the_old_one_and_ends_the_other_sessions() {
    let house = house().await;
    let ada = house.user("ada").await;
    let one = house.accounts.login("ada", &Secret::new(PASSWORD), HOME).await.unwrap();
    let other = house.accounts.login("ada", &Secret::new(PASSWORD), HOME).await.unwrap();
    let caller = house.accounts.authenticate(None, Some(one.token.reveal()), None).await.unwrap().unwrap();
    let new = Secret::new("another password");
    let change = async |old: Option<&Secret>, new: &Secret| house.directory.change_password(&caller, "ada", old, new, HOME).await;
    assert!(matches!(change(None, &new).await, Err(DirectoryError::Invalid { field: "oldPassword", .. })));
    assert!(matches!(change(Some(&Secret::new("guess")), &new).await, Err(DirectoryError::OldPassword(_))));
    assert!(matches!(change(Some(&Secret::new(PASSWORD)), &Secret::new("short")).await, Err(DirectoryError::Invalid { .. })));
    change(Some(&Secret::new(PASSWORD)), &new).await.unwrap();
    assert!(house.accounts.authenticate(None, Some(one.token.reveal()), None).await.is_ok());
    assert!(house.accounts.authenticate(None, Some(other.token.reveal()), None).await.is_err());
    assert!(house.accounts.login("ada", &new, HOME).await.is_ok());
    assert_eq!(ada.name.as_str(), "ada");
}

#[tokio::test]
async fn what_cannot_be_an_account_is_refused_by_field() {
    let house = house().await;
    let user = |name: &str| NewAccount { name: name.into(), password: Some(Secret::new(PASSWORD)), ..NewAccount::default() };
    let like_an_id = AccountId::generate().to_string();
    for (new, expected) in [
        (user("a.b"), "name"),
        (user("Ada"), "name"),
        (user(""), "name"),
        (user(&like_an_id), "name"),
        (NewAccount { password: None, ..user("ada") }, "password"),
        (NewAccount { password: Some(Secret::new("short")), ..user("ada") }, "password"),
        (NewAccount { full_name: "a\nb".into(), ..user("ada") }, "fullName"),
        (NewAccount { is_org: true, ..user("acme") }, "isOrg"),
        (NewAccount { is_org: true, is_admin: true, password: None, ..user("acme") }, "isOrg"),
        (NewAccount { is_org: true, role: Some(Role::FullControl), password: None, ..user("acme") }, "isOrg"),
    ] {
        match house.directory.create_account(&house.admin(), new).await {
            Err(DirectoryError::Invalid { field, .. }) => assert_eq!(field, expected),
            other => panic!("{other:?}"),
        }
    }
    house.user("ada").await;
    assert!(matches!(house.directory.create_account(&house.admin(), user("ada")).await, Err(DirectoryError::Conflict(_))));
    assert!(matches!(house.directory.delete_account(&house.admin(), "admin").await, Err(DirectoryError::Conflict(_))));
}

#[tokio::test]
async fn a_new_user_has_restricted_control_unless_the_administrator_says_otherwise() {
    let house = house().await;
    let new = NewAccount { name: "ada".into(), password: Some(Secret::new(PASSWORD)), ..NewAccount::default() };
    let ada = house.directory.create_account(&house.admin(), new).await.unwrap().account;
    assert!(ada.role == Role::RestrictedControl && ada.is_active && !ada.is_admin);
    let new = NewAccount {
        name: "bea".into(),
        password: Some(Secret::new(PASSWORD)),
        role: Some(Role::ViewOnly),
        is_admin: true,
        ..NewAccount::default()
    };
    let bea = house.directory.create_account(&house.admin(), new).await.unwrap().account;
    assert!(bea.role == Role::ViewOnly && bea.is_admin);
    assert_eq!(house.role(&bea, Role::FullControl).await.role, Role::FullControl);
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

#[tokio::test]
async fn listings_say_where_the_next_page_starts() {
    let house = house().await;
    for name in ["ada", "bea", "carl"] {
        house.user(name).await;
    }
    let mut page = Page { start: String::new(), limit: 3 };
    let first = house.directory.accounts(&house.admin(), AccountFilter::All, &page).await.unwrap();
    assert_eq!((first.rows.len(), first.next.as_deref()), (3, Some("carl")));
    page.start = first.next.unwrap();
    let rest = house.directory.accounts(&house.admin(), AccountFilter::All, &page).await.unwrap();
    assert_eq!((rest.rows.len(), rest.next), (1, None));
}
