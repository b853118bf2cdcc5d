//! What changes of the directory are refused, and what follows those that are made.

use wharfinger_auth::{AccountChanges, DirectoryError, KeyChanges, NewAccount, NewKey, PolicyTeams, Principal, Secret};
use wharfinger_identity::{AccountId, Role};
use wharfinger_storage::accounts::{AccountFilter, Page};
use wharfinger_storage::audit::Audit as _;

use crate::house::{HOME, PASSWORD, UNTOLD, house, with_password};

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
async fn listings_say_where_the_next_page_starts() {
    let house = house().await;
    let [ada, ..] = [house.user("ada").await, house.user("bea").await, house.user("carl").await];
    let mut page = Page { start: String::new(), limit: 3 };
    let first = house.directory.accounts(&house.admin(), AccountFilter::All, &page).await.unwrap();
    assert_eq!((first.rows.len(), first.next.as_deref()), (3, Some("carl")));
    page.start = first.next.unwrap();
    let rest = house.directory.accounts(&house.admin(), AccountFilter::All, &page).await.unwrap();
    assert_eq!((rest.rows.len(), rest.next), (1, None));
    let everything = Page::everything();
    let found = async |actor: &Principal, find: &str| {
        let listed = house.directory.find_accounts(actor, AccountFilter::All, find, &everything).await.unwrap();
        listed.rows.iter().map(|row| row.account.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(found(&house.admin(), "BE").await, ["bea"]);
    let ada = with_password(&ada);
    assert_eq!(
        (found(&ada, "AD").await, found(&ada, "be").await),
        (vec!["ada".to_owned()], vec![]),
        "and nobody finds more than they see"
    );
}
