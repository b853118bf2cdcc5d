use wharfinger_storage::audit::Audit as _;
use wharfinger_storage::repositories::{AccessLevel, Repositories as _, Scope, Visibility};

use super::shelf::{Shelf, shelf};

const ACCESS: &str = "/repositories/ada/app/access";

/// `ada` owns it, `bea` is in a team that may read and write, `cem` may nothing.
async fn with_a_repository() -> Shelf {
    let shelf = shelf().await;
    for name in ["ada", "bea", "cem"] {
        shelf.user(name).await;
    }
    shelf.team("acme", "dev", "bea").await;
    shelf.repository("ada/app", Visibility::Private).await;
    shelf
}

impl Shelf {
    async fn visibility(&self) -> Visibility {
        self.sql.find(&"ada/app".parse().unwrap()).await.unwrap().unwrap().visibility
    }

    async fn levels(&self) -> Vec<AccessLevel> {
        let grants = self.sql.grants(&Scope::Repository("ada/app".parse().unwrap())).await.unwrap();
        grants.into_iter().map(|(_, level)| level).collect()
    }
}

#[tokio::test]
async fn an_owner_lets_a_team_in_and_out_again_and_the_log_knows() {
    let shelf = with_a_repository().await;
    let ada = shelf.browser_of("ada").await;
    ada.get(ACCESS).await.is(200).says("No team has access").says("ada");
    let give = [("do", "grant"), ("team", "acme/dev"), ("level", "read-write")];
    assert_eq!(ada.submit(ACCESS, &give).await.leads_to(), ACCESS);
    assert_eq!(shelf.levels().await, [AccessLevel::ReadWrite]);
    ada.get(ACCESS).await.is(200).says("Members of acme/dev may read and write ada/app").says("<td>acme/dev</td>");
    shelf.browser_of("bea").await.get("/repositories").await.is(200).says("ada/app<");

    ada.submit(ACCESS, &[("do", "revoke"), ("team", "acme/dev")]).await.is(200).says("Take access to ada/app from acme/dev?");
    assert_eq!(shelf.levels().await, [AccessLevel::ReadWrite], "asked first");
    ada.submit(ACCESS, &[("do", "revoke"), ("team", "acme/dev"), ("confirmed", "yes")]).await.leads_to();
    assert!(shelf.levels().await.is_empty());
    let acts = shelf.sql.oldest(0, 100).await.unwrap();
    let acts: Vec<String> =
        acts.iter().map(|entry| format!("{} {} {}", entry.act.actor, entry.act.action, entry.act.object)).collect();
    for expected in ["ada access.grant ada/app", "ada access.revoke ada/app"] {
        assert!(acts.iter().any(|act| act == expected), "{acts:?}");
    }
}

#[tokio::test]
async fn visibility_and_administration_are_given_after_a_question() {
    let shelf = with_a_repository().await;
    let ada = shelf.browser_of("ada").await;
    let public = [("do", "visibility"), ("visibility", "public")];
    ada.submit(ACCESS, &public).await.is(200).says("Make ada/app public?").says("without signing in");
    assert_eq!(shelf.visibility().await, Visibility::Private);
    ada.submit(ACCESS, &[public[0], public[1], ("confirmed", "yes")]).await.leads_to();
    assert_eq!(shelf.visibility().await, Visibility::Public);
    let admin = [("do", "grant"), ("team", "acme/dev"), ("level", "admin")];
    ada.submit(ACCESS, &admin).await.is(200).says("Let acme/dev administer ada/app?");
    assert!(shelf.levels().await.is_empty());
    ada.submit(ACCESS, &[admin[0], admin[1], admin[2], ("confirmed", "yes")]).await.leads_to();
    assert_eq!(shelf.levels().await, [AccessLevel::Admin]);
}

#[tokio::test]
async fn who_does_not_administer_it_can_neither_see_nor_send_the_form() {
    let shelf = with_a_repository().await;
    let scope = Scope::Repository("ada/app".parse().unwrap());
    let team = shelf.team_id("acme", "dev").await;
    assert!(shelf.sql.grant(&scope, &team, AccessLevel::ReadWrite).await.unwrap());
    let form = [("do", "visibility"), ("visibility", "public"), ("confirmed", "yes")];
    for (name, status) in [("bea", 403), ("cem", 404)] {
        let browser = shelf.browser_of(name).await;
        browser.get(ACCESS).await.is(status);
        browser.submit(ACCESS, &form).await.is(status);
    }
    let nobody = shelf.browser();
    assert_eq!(nobody.post(ACCESS, &form).await.leads_to(), "/manage/login");
    let mut ada = shelf.browser_of("ada").await;
    ada.post(ACCESS, &form).await.is(403).says("another session");
    ada.post(ACCESS, &[("token", "AAAA"), form[0], form[1], form[2]]).await.is(403);
    ada.says = vec![("sec-fetch-site", "same-site")];
    ada.submit(ACCESS, &form).await.is(403).says("not sent by a page of this console");
    assert_eq!(shelf.visibility().await, Visibility::Private);
}

#[tokio::test]
async fn what_the_form_cannot_mean_is_said_above_it() {
    let shelf = with_a_repository().await;
    let ada = shelf.browser_of("ada").await;
    let cases: [(&[(&str, &str)], &str); 5] = [
        (&[("do", "visibility"), ("visibility", "secret")], "Choose public or private."),
        (&[("do", "grant"), ("team", "acme/dev"), ("level", "owner")], "Choose what the team may do."),
        (&[("do", "grant"), ("team", "<b>"), ("level", "read-only")], "There is no team `&#60;b&#62;`"),
        (&[("do", "revoke"), ("team", "acme/dev"), ("confirmed", "yes")], "had no access to this repository alone"),
        (&[], "the form does not say what to do"),
    ];
    for (fields, says) in cases {
        ada.submit(ACCESS, fields).await.is(400).says(says).says("Let a team in");
    }
    assert!(shelf.levels().await.is_empty());
}
