use wharfinger_identity::Role;

use crate::browser::PASSWORD;
use crate::house::{House, house};

const ACCOUNTS: &str = "/manage/accounts";
const PROFILE: &str = "/manage/profile";

async fn account(house: &House, name: &str) -> Option<wharfinger_identity::Account> {
    house.console.accounts.find_named(&name.parse().unwrap()).await.unwrap()
}

#[tokio::test]
async fn users_organizations_and_teams_are_made_changed_and_removed() {
    let house = house().await;
    let admin = house.browser_of("admin").await;
    admin.get(ACCOUNTS).await.is(200).says("None yet. Teams");
    let ada = [("do", "user"), ("name", "ada"), ("full-name", "Ada <L.>"), ("password", PASSWORD), ("role", "viewonly")];
    assert_eq!(admin.submit(ACCOUNTS, &ada).await.leads_to(), "/manage/accounts/ada");
    admin.get("/manage/accounts/ada").await.is(200).says("ada is made").says("Ada &#60;L.&#62;");
    assert_eq!(account(&house, "ada").await.unwrap().role, Role::ViewOnly);
    let org = [("do", "organization"), ("name", "acme"), ("full-name", "")];
    assert_eq!(admin.submit(ACCOUNTS, &org).await.leads_to(), "/manage/accounts/acme");
    let acme = "/manage/accounts/acme";
    admin.get(acme).await.is(200).says("No team yet").says("Nobody yet");
    let team = admin.submit(acme, &[("do", "create-team"), ("team", "qa"), ("description", "signs")]).await.leads_to();
    assert_eq!(team, "/manage/accounts/acme/teams/qa");
    admin.submit(&team, &[("do", "put-member"), ("user", "ada")]).await.leads_to();
    admin.get(&team).await.is(200).says("/manage/accounts/ada");
    admin.get("/manage/accounts/ada").await.is(200).says("acme/qa");
    admin.submit(&team, &[("do", "remove-member"), ("user", "ada")]).await.is(200).says("do not count any more");
    admin.get(&team).await.says("/manage/accounts/ada");
    admin.submit(&team, &[("do", "remove-member"), ("user", "ada"), ("confirmed", "yes")]).await.leads_to();
    admin.get(&team).await.says("Nobody yet, so nobody can sign for it");
    admin.submit(&team, &[("do", "save"), ("description", "tests")]).await.leads_to();
    admin.get(acme).await.says("tests");
    admin.submit(&team, &[("do", "delete")]).await.is(200).says("Its members stay in acme");
    assert_eq!(admin.submit(&team, &[("do", "delete"), ("confirmed", "yes")]).await.leads_to(), acme);
    admin.submit(acme, &[("do", "remove-member"), ("user", "ada"), ("confirmed", "yes")]).await.leads_to();
    admin.submit(acme, &[("do", "delete"), ("confirmed", "yes")]).await.leads_to();
    assert!(account(&house, "acme").await.is_none());
    admin.submit("/manage/accounts/ada", &[("do", "delete")]).await.is(200).says("With ada go their keys");
    admin.submit("/manage/accounts/ada", &[("do", "delete"), ("confirmed", "yes")]).await.leads_to();
    assert!(account(&house, "ada").await.is_none());
}

#[tokio::test]
async fn role_flag_and_state_of_a_user_are_saved_and_deactivating_is_asked_for_twice() {
    let house = house().await;
    house.user("ada").await;
    let admin = house.browser_of("admin").await;
    let path = "/manage/accounts/ada";
    let form = [("do", "save"), ("full-name", "Ada"), ("role", "scheduler"), ("admin", "yes"), ("active", "yes")];
    admin.submit(path, &form).await.leads_to();
    let ada = account(&house, "ada").await.unwrap();
    assert!(ada.is_admin && ada.is_active && ada.role == Role::Scheduler && ada.full_name == "Ada");
    let off = [("do", "save"), ("full-name", "Ada"), ("role", "scheduler"), ("admin", "")];
    let asked = admin.submit(path, &off).await.is(200).says("Deactivate ada?");
    assert_eq!((asked.hidden("role"), asked.hidden("admin")), ("scheduler".to_owned(), String::new()));
    assert!(account(&house, "ada").await.unwrap().is_active);
    let mut confirmed = off.to_vec();
    confirmed.push(("confirmed", "yes"));
    admin.submit(path, &confirmed).await.leads_to();
    let ada = account(&house, "ada").await.unwrap();
    assert!(!ada.is_admin && !ada.is_active);
    let last = [("do", "save"), ("full-name", ""), ("role", "fullcontrol"), ("active", "yes")];
    admin.submit("/manage/accounts/admin", &last).await.is(409);
    admin.submit(path, &[("do", "password"), ("password", "short")]).await.is(400).says("a password has");
    admin.submit(path, &[("do", "save"), ("role", "king"), ("active", "yes")]).await.is(400).says("`king` is not a role");
    admin.submit(path, &[("do", "dance")]).await.is(400);
}

#[tokio::test]
async fn what_is_wrong_with_a_new_account_stands_above_what_was_typed() {
    let house = house().await;
    house.user("ada").await;
    let admin = house.browser_of("admin").await;
    for (name, password, role, status, why) in [
        ("a.b", PASSWORD, "", 400, "cannot be an account name"),
        ("ada", PASSWORD, "", 409, "is there already"),
        ("bea", "short-4711", "king", 400, "is not a role"),
        ("bea", "x", "", 400, "a password has"),
    ] {
        let form = [("do", "user"), ("name", name), ("password", password), ("role", role)];
        let answer = admin.submit(ACCOUNTS, &form).await.is(status).says(why).says(&format!("name=\"name\" value=\"{name}\""));
        answer.hides("short-4711");
    }
}

#[tokio::test]
async fn a_member_sees_their_own_and_changes_nobody_else() {
    let house = house().await;
    for name in ["ada", "bea"] {
        house.user(name).await;
    }
    house.team("acme", "qa", "ada").await;
    house.team("other", "dev", "bea").await;
    let ada = house.browser_of("ada").await;
    ada.get(ACCOUNTS).await.is(200).says("acme").hides("bea").hides("other").hides("Create user");
    ada.get("/manage/accounts/acme").await.is(200).hides("Add a member");
    ada.get("/manage/accounts/acme/teams/qa").await.is(200).hides("Add a member");
    for path in ["/manage/accounts/bea", "/manage/accounts/other", "/manage/accounts/other/teams/dev", "/manage/accounts/nobody"]
    {
        ada.get(path).await.is(404);
        ada.submit(path, &[("do", "delete"), ("confirmed", "yes")]).await.is(404);
    }
    let own = [("do", "save"), ("role", "fullcontrol"), ("admin", "yes"), ("active", "yes")];
    ada.submit("/manage/accounts/ada", &own).await.is(403);
    for act in ["put-member", "create-team", "save", "delete"] {
        let form = [("do", act), ("user", "bea"), ("team", "x"), ("confirmed", "yes")];
        ada.submit("/manage/accounts/acme", &form).await.is(403);
    }
    for act in ["put-member", "remove-member", "save", "delete"] {
        let form = [("do", act), ("user", "ada"), ("confirmed", "yes")];
        ada.submit("/manage/accounts/acme/teams/qa", &form).await.is(403);
    }
    assert!(!account(&house, "ada").await.unwrap().is_admin);
}

#[tokio::test]
async fn a_bundle_is_downloaded_with_its_label_and_revoked_after_a_question() {
    let house = house().await;
    house.user("ada").await;
    let ada = house.browser_of("ada").await;
    ada.get(PROFILE).await.is(200).says("No key yet");
    let answer = ada.submit(PROFILE, &[("do", "bundle"), ("label", "my <laptop>")]).await.is(200);
    assert_eq!(answer.headers["content-type"], "application/zip");
    assert_eq!(answer.headers["content-disposition"], "attachment; filename=\"ucp-bundle-ada.zip\"");
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert!(answer.bytes.starts_with(b"PK"));
    let page = ada.get(PROFILE).await.says("my &#60;laptop&#62;").says("login and signing");
    let key = page.hidden("key");
    ada.submit(PROFILE, &[("do", "retire-key"), ("key", &key)]).await.leads_to();
    ada.get(PROFILE).await.says("signing only").says("Its signatures count as before");
    ada.submit(PROFILE, &[("do", "remove-key"), ("key", &key)]).await.is(200).says("cannot be told here");
    ada.submit(PROFILE, &[("do", "remove-key"), ("key", &key), ("confirmed", "yes")]).await.leads_to();
    ada.get(PROFILE).await.says("No key yet");
    ada.submit(PROFILE, &[("do", "remove-key"), ("key", &key), ("confirmed", "yes")]).await.is(404).says("there is no publicKey");
    ada.submit(PROFILE, &[("do", "bundle"), ("label", &"x".repeat(201))]).await.is(400).says("a label is one line");
}

#[tokio::test]
async fn a_key_is_registered_with_proof_and_the_password_changed_with_the_old_one() {
    let house = house().await;
    house.user("ada").await;
    let ada = house.browser_of("ada").await;
    let pem = wharfinger_keys::PrivateKey::generate_p256().public_key().to_pem();
    let nonce = ada.get(PROFILE).await.is(200).hidden("nonce");
    let form = [("do", "add-key"), ("public-key", pem.as_str()), ("label", "token"), ("nonce", nonce.as_str())];
    ada.submit(PROFILE, &form).await.is(400).says("a signature by the key").says("value=\"token\"");
    let admin = house.browser_of("admin").await;
    admin.submit(PROFILE, &[("do", "add-key"), ("public-key", "nonsense")]).await.is(400);
    admin.submit(PROFILE, &form).await.leads_to();
    admin.get(PROFILE).await.says("signing only").says("token");

    let change = |old: &'static str, new: &'static str| [("do", "password"), ("old-password", old), ("password", new)];
    ada.submit(PROFILE, &change("guess", "another good one")).await.is(400).says("the present password is another");
    ada.submit(PROFILE, &change(PASSWORD, "short")).await.is(400).says("a password has");
    ada.submit(PROFILE, &change(PASSWORD, "another good one")).await.leads_to();
    ada.get(PROFILE).await.is(200).says("Your password is changed");
    ada.submit(PROFILE, &[("do", "save"), ("full-name", "Ada L.")]).await.leads_to();
    assert_eq!(account(&house, "ada").await.unwrap().full_name, "Ada L.");
}

#[tokio::test]
async fn thousands_of_accounts_come_in_pages_and_an_organization_among_them_is_typed() {
    let house = house().await;
    let admin = house.browser_of("admin").await;
    for number in 0..120 {
        house.team(&format!("org{number:03}"), "qa", "admin").await;
    }
    let trust = "/manage/settings/contenttrust";
    let first = admin.get(ACCOUNTS).await.is(200).says("org000").says("org049<").hides("org050<").says("50 organizations");
    let (_, next) = first.text().split_once("organizations=").map(|(_, next)| (0, next[..6].to_owned())).unwrap();
    admin.get(&format!("{ACCOUNTS}?find=&organizations={next}")).await.is(200).says("org050").says("org099").hides("org049<");
    admin.get(&format!("{ACCOUNTS}?find=org119")).await.is(200).says("org119").hides("org118").hides("More organizations");
    let page = admin.get(trust).await.is(200).says("<input id=\"organization\"").hides("<option>org000</option>");
    let revision = page.hidden("revision");
    let form = |team: &'static str, organization: &'static str| {
        [("do", "add-team"), ("revision", ""), ("signers", "any"), ("organization", organization), ("team-name", team)]
    };
    let sent = |team, organization| {
        let mut form = form(team, organization);
        form[1].1 = &revision;
        form
    };
    admin.submit(trust, &sent("", "org119")).await.is(200).says("value=\"org119\"").says("<option>qa</option>");
    admin.submit(trust, &sent("qa", "org119")).await.is(200).says("org119/qa");
    admin.submit(trust, &sent("", "nowhere")).await.is(404).says("there is no account");
}
