use wharfinger_console::People;
use wharfinger_keys::PrivateKey;

use super::shelf::{shelf, shelf_with};
use crate::browser::PASSWORD;

const ACCOUNT: &str = "/manage/profile";

#[tokio::test]
async fn a_registry_with_its_own_accounts_lets_people_change_theirs() {
    let shelf = shelf().await;
    shelf.user("ada").await;
    shelf.team("acme", "dev", "ada").await;
    let nobody = shelf.browser();
    assert_eq!(nobody.get(ACCOUNT).await.leads_to(), "/manage/login?next=%2Fmanage%2Fprofile");
    nobody.get("/repositories").await.hides("My account");
    let fields = [("username", "ada"), ("password", PASSWORD), ("next", ACCOUNT)];
    assert_eq!(nobody.post("/manage/login", &fields).await.leads_to(), ACCOUNT, "and back");
    let ada = shelf.browser_of("ada").await;
    ada.get("/repositories").await.says("My account");
    let page = ada.get(ACCOUNT).await.is(200).says("<h1>My account</h1>").says("acme/dev").hides("/manage/accounts");
    page.hides("bundle").says("No key yet");
    assert_eq!(ada.submit(ACCOUNT, &[("do", "save"), ("full-name", "Ada L.")]).await.leads_to(), ACCOUNT);
    assert_eq!(shelf.principal("ada").await.account.full_name, "Ada L.");
    let change = |old: &'static str, new: &'static str| [("do", "password"), ("old-password", old), ("password", new)];
    ada.submit(ACCOUNT, &change("guess", "another good one")).await.is(400).says("the present password is another");
    ada.submit(ACCOUNT, &change(PASSWORD, "another good one")).await.leads_to();
    ada.submit(ACCOUNT, &[("do", "bundle"), ("label", "x")]).await.is(400).says("client bundles lead to a cluster");
    let pem = PrivateKey::generate_p256().public_key().to_pem();
    ada.submit(ACCOUNT, &[("do", "add-key"), ("public-key", pem.as_str())]).await.is(400).says("a signature by the key");
    let admin = shelf.browser_of("admin").await;
    admin.submit(ACCOUNT, &[("do", "add-key"), ("public-key", pem.as_str()), ("label", "token")]).await.leads_to();
    let key = admin.get(ACCOUNT).await.says("token").says("The key is registered").hidden("key");
    admin.submit(ACCOUNT, &[("do", "remove-key"), ("key", &key), ("confirmed", "yes")]).await.leads_to();
    admin.get(ACCOUNT).await.says("No key yet");
    ada.post(ACCOUNT, &[("do", "save"), ("full-name", "x")]).await.is(403).says("another session");
}

#[tokio::test]
async fn accounts_that_a_cluster_keeps_are_shown_and_changed_there_alone() {
    let shelf = shelf_with(|_| People::AtCluster("cluster.test:8443".to_owned())).await;
    shelf.user("ada").await;
    let ada = shelf.browser_of("ada").await;
    let page = ada.get(ACCOUNT).await.is(200).says("<h1>My account</h1>").says("https://cluster.test:8443/manage/profile");
    page.hides("name=\"password\"").hides("name=\"full-name\"");
    let pem = PrivateKey::generate_p256().public_key().to_pem();
    for act in [
        [("do", "save"), ("full-name", "Eve")],
        [("do", "password"), ("password", "another good one")],
        [("do", "add-key"), ("public-key", pem.as_str())],
    ] {
        ada.submit(ACCOUNT, &act).await.is(403).says("https://cluster.test:8443/manage/profile");
    }
    assert_eq!(shelf.principal("ada").await.account.full_name, "");
}
