use wharfinger_identity::{AccountId, Role};
use wharfinger_storage::StorageError;
use wharfinger_storage::accounts::{AccountChange, AccountFilter, Accounts, Page, TeamChange};
use wharfinger_storage_sql::Sql;

use crate::{NOW, admin, made, org, store, team, user};

fn names(accounts: &[wharfinger_identity::Account]) -> Vec<&str> {
    accounts.iter().map(|account| account.name.as_str()).collect()
}

#[tokio::test]
async fn an_account_is_found_by_id_and_by_name_as_it_was_made() {
    let store = store().await;
    let ada = made(&store.sql, admin("ada")).await;
    assert_eq!(store.sql.account(&ada.id).await.unwrap().as_ref(), Some(&ada));
    assert_eq!(store.sql.account_named(&ada.name).await.unwrap().as_ref(), Some(&ada));
    assert_eq!(store.sql.password(&ada.id).await.unwrap().as_deref(), Some("phc"));
    assert_eq!(store.sql.account(&AccountId::stored("ada")).await.unwrap(), None);
}

#[tokio::test]
async fn a_name_is_taken_once() {
    let store = store().await;
    made(&store.sql, user("ada")).await;
    let again = store.sql.create_account(&org("ada"), None, NOW).await;
    assert!(matches!(again, Err(StorageError::Conflict(message)) if message.contains("`ada`")));
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_opening_again() {
    let store = store().await;
    let ada = made(&store.sql, user("ada")).await;
    let revision = store.sql.revision().await.unwrap();
    let again = Sql::open(&store.folder.path().join("db")).await.unwrap();
    assert_eq!(again.account(&ada.id).await.unwrap(), Some(ada));
    assert_eq!(again.revision().await.unwrap(), revision);
}

#[tokio::test]
async fn listings_are_ordered_filtered_and_begin_at_start() {
    let store = store().await;
    for account in [user("carl"), admin("ada"), org("acme"), user("bea")] {
        made(&store.sql, account).await;
    }
    let off = store.sql.account_named(&"carl".parse().unwrap()).await.unwrap().unwrap();
    let change = AccountChange { is_active: Some(false), ..AccountChange::default() };
    store.sql.update_account(&off.id, &change).await.unwrap();
    let all = Page::everything();
    for (filter, expected) in [
        (AccountFilter::All, &["acme", "ada", "bea", "carl"][..]),
        (AccountFilter::Users, &["ada", "bea", "carl"]),
        (AccountFilter::Orgs, &["acme"]),
        (AccountFilter::Admins, &["ada"]),
        (AccountFilter::NonAdmins, &["bea", "carl"]),
        (AccountFilter::ActiveUsers, &["ada", "bea"]),
        (AccountFilter::InactiveUsers, &["carl"]),
    ] {
        assert_eq!(names(&store.sql.accounts(filter, "", &all).await.unwrap()), expected, "{filter:?}");
    }
    let named = AccountChange { full_name: Some("Beatrice A%".into()), ..AccountChange::default() };
    let bea = store.sql.account_named(&"bea".parse().unwrap()).await.unwrap().unwrap();
    store.sql.update_account(&bea.id, &named).await.unwrap();
    for (find, expected) in [("A", &["acme", "ada", "bea", "carl"][..]), ("trice", &["bea"]), ("a%", &["bea"]), ("_", &[])] {
        assert_eq!(names(&store.sql.accounts(AccountFilter::All, find, &all).await.unwrap()), expected, "{find}");
    }
    assert_eq!(names(&store.sql.accounts(AccountFilter::Users, "ac", &all).await.unwrap()), [""; 0]);
    let page = Page { start: "ada".into(), limit: 2 };
    assert_eq!(names(&store.sql.accounts(AccountFilter::All, "", &page).await.unwrap()), ["ada", "bea"]);
}

#[tokio::test]
async fn a_change_leaves_what_it_does_not_name() {
    let store = store().await;
    made(&store.sql, admin("root")).await;
    let ada = made(&store.sql, user("ada")).await;
    let change = AccountChange { role: Some(Role::FullControl), ..AccountChange::default() };
    let changed = store.sql.update_account(&ada.id, &change).await.unwrap().unwrap();
    assert_eq!(changed, wharfinger_identity::Account { role: Role::FullControl, ..ada });
    assert_eq!(store.sql.update_account(&AccountId::generate(), &change).await.unwrap(), None);
}

#[tokio::test]
async fn an_active_administrator_is_always_left() {
    let store = store().await;
    let root = made(&store.sql, admin("root")).await;
    let retired = made(&store.sql, wharfinger_identity::Account { is_active: false, ..admin("retired") }).await;
    let demote = AccountChange { is_admin: Some(false), ..AccountChange::default() };
    let retire = AccountChange { is_active: Some(false), ..AccountChange::default() };
    assert!(matches!(store.sql.update_account(&root.id, &demote).await, Err(StorageError::Conflict(_))));
    assert!(matches!(store.sql.update_account(&root.id, &retire).await, Err(StorageError::Conflict(_))));
    assert!(matches!(store.sql.delete_account(&root.id).await, Err(StorageError::Conflict(_))));
    assert_eq!(store.sql.account(&root.id).await.unwrap().as_ref(), Some(&root), "nothing was changed");
    // With a second one, the first may go.
    made(&store.sql, admin("second")).await;
    assert!(store.sql.delete_account(&root.id).await.unwrap());
    assert!(store.sql.delete_account(&retired.id).await.unwrap());
}

#[tokio::test]
async fn every_change_of_the_directory_bumps_its_revision() {
    let store = store().await;
    let sql = &store.sql;
    made(sql, admin("root")).await;
    let mut last = sql.revision().await.unwrap();
    let mut bumped = async |what: &str| {
        let now = sql.revision().await.unwrap();
        assert!(now > last, "{what}");
        last = now;
    };
    let ada = made(sql, user("ada")).await;
    bumped("create").await;
    let acme = made(sql, org("acme")).await;
    bumped("create org").await;
    let qa = team(sql, &acme, "qa").await;
    bumped("create team").await;
    sql.put_member(&acme.id, &ada.id, true).await.unwrap();
    bumped("member").await;
    sql.put_team_member(&qa.id, &ada.id).await.unwrap();
    bumped("team member").await;
    sql.update_team(&qa.id, &TeamChange { description: Some("d".into()), ..TeamChange::default() }).await.unwrap();
    bumped("update team").await;
    sql.remove_team_member(&qa.id, &ada.id).await.unwrap();
    bumped("leave team").await;
    sql.remove_member(&acme.id, &ada.id).await.unwrap();
    bumped("leave org").await;
    sql.delete_team(&qa.id).await.unwrap();
    bumped("delete team").await;
    sql.update_account(&ada.id, &AccountChange { is_active: Some(false), ..AccountChange::default() }).await.unwrap();
    bumped("deactivate").await;
    sql.set_password(&ada.id, "other").await.unwrap();
    bumped("password").await;
    sql.delete_account(&ada.id).await.unwrap();
    bumped("delete").await;
}

#[tokio::test]
async fn whoever_joins_a_team_is_in_its_organization_and_whoever_leaves_that_is_in_no_team_of_it() {
    let store = store().await;
    let sql = &store.sql;
    let (acme, other) = (made(sql, org("acme")).await, made(sql, org("other")).await);
    let ada = made(sql, user("ada")).await;
    let (qa, dev, foreign) = (team(sql, &acme, "qa").await, team(sql, &acme, "dev").await, team(sql, &other, "qa").await);
    for team in [&qa, &dev, &foreign] {
        sql.put_team_member(&team.id, &ada.id).await.unwrap();
    }
    let member = sql.member(&acme.id, &ada.id).await.unwrap().unwrap();
    assert!(!member.is_admin);
    assert_eq!(sql.memberships(&ada.id).await.unwrap().len(), 2);
    assert_eq!(sql.counts(&acme.id).await.unwrap(), wharfinger_storage::accounts::Counts { members: 1, teams: 2 });
    assert_eq!(sql.teams_called(&qa.name).await.unwrap().len(), 2);
    assert!(sql.remove_member(&acme.id, &ada.id).await.unwrap());
    assert_eq!(sql.teams_of(&ada.id).await.unwrap(), [foreign]);
    assert!(!sql.remove_member(&acme.id, &ada.id).await.unwrap());
}

#[tokio::test]
async fn joining_a_team_again_does_not_take_an_organization_admin_their_rights() {
    let store = store().await;
    let acme = made(&store.sql, org("acme")).await;
    let ada = made(&store.sql, user("ada")).await;
    let qa = team(&store.sql, &acme, "qa").await;
    store.sql.put_member(&acme.id, &ada.id, true).await.unwrap();
    store.sql.put_team_member(&qa.id, &ada.id).await.unwrap();
    assert!(store.sql.member(&acme.id, &ada.id).await.unwrap().unwrap().is_admin);
    store.sql.put_member(&acme.id, &ada.id, false).await.unwrap();
    assert!(!store.sql.member(&acme.id, &ada.id).await.unwrap().unwrap().is_admin);
}

#[tokio::test]
async fn only_users_are_members_and_only_of_organizations() {
    let store = store().await;
    let (acme, other) = (made(&store.sql, org("acme")).await, made(&store.sql, org("other")).await);
    let (ada, bea) = (made(&store.sql, user("ada")).await, made(&store.sql, user("bea")).await);
    let qa = team(&store.sql, &acme, "qa").await;
    store.sql.put_member(&acme.id, &other.id, true).await.unwrap();
    store.sql.put_member(&ada.id, &bea.id, true).await.unwrap();
    store.sql.put_team_member(&qa.id, &other.id).await.unwrap();
    assert_eq!(store.sql.members(&acme.id, &Page::everything()).await.unwrap(), []);
    assert_eq!(store.sql.members(&ada.id, &Page::everything()).await.unwrap(), []);
    assert_eq!(store.sql.team_member_count(&qa.id).await.unwrap(), 0);
}

#[tokio::test]
async fn a_team_name_is_taken_once_per_organization() {
    let store = store().await;
    let (acme, other) = (made(&store.sql, org("acme")).await, made(&store.sql, org("other")).await);
    let qa = team(&store.sql, &acme, "qa").await;
    let dev = team(&store.sql, &acme, "dev").await;
    team(&store.sql, &other, "qa").await;
    let again = wharfinger_identity::Team { id: wharfinger_identity::TeamId::generate(), ..qa.clone() };
    assert!(matches!(store.sql.create_team(&again).await, Err(StorageError::Conflict(_))));
    let rename = TeamChange { name: Some(qa.name.clone()), ..TeamChange::default() };
    assert!(matches!(store.sql.update_team(&dev.id, &rename).await, Err(StorageError::Conflict(_))));
    assert_eq!(store.sql.team_named(&acme.id, &dev.name).await.unwrap(), Some(dev));
    assert_eq!(store.sql.teams(&acme.id, &Page { start: "dev".into(), limit: 1 }).await.unwrap()[0].name.as_str(), "dev");
}

#[tokio::test]
async fn an_organization_takes_its_teams_along_and_a_user_their_memberships() {
    let store = store().await;
    let sql = &store.sql;
    made(sql, admin("root")).await;
    let acme = made(sql, org("acme")).await;
    let (ada, bea) = (made(sql, user("ada")).await, made(sql, user("bea")).await);
    let qa = team(sql, &acme, "qa").await;
    sql.put_team_member(&qa.id, &ada.id).await.unwrap();
    sql.put_team_member(&qa.id, &bea.id).await.unwrap();
    assert!(sql.delete_account(&ada.id).await.unwrap());
    assert_eq!(names(&sql.team_members(&qa.id, &Page::everything()).await.unwrap()), ["bea"]);
    assert!(sql.delete_account(&acme.id).await.unwrap());
    assert_eq!(sql.team(&qa.id).await.unwrap(), None);
    assert_eq!(sql.teams_of(&bea.id).await.unwrap(), []);
    assert_eq!(sql.memberships(&bea.id).await.unwrap(), []);
}

#[tokio::test]
async fn an_organization_has_no_password() {
    let store = store().await;
    let acme = org("acme");
    store.sql.create_account(&acme, None, NOW).await.unwrap();
    assert!(!store.sql.set_password(&acme.id, "phc").await.unwrap());
    assert_eq!(store.sql.password(&acme.id).await.unwrap(), None);
}
