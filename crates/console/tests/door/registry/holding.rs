use wharfinger_keys::PrivateKey;
use wharfinger_storage::audit::Audit as _;
use wharfinger_storage::repositories::{AccessLevel, Content as _, Repositories as _, Scope, Visibility};

use super::shelf::{Shelf, Signing, shelf};

const NEW: &str = "/repositories/new";
const SETTINGS: &str = "/repositories/ada/app/settings";
const TAG: &str = "/repositories/ada/app/tags/1";

impl Shelf {
    async fn acts(&self) -> Vec<String> {
        let acts = self.sql.oldest(0, 1000).await.unwrap();
        acts.iter().map(|entry| format!("{} {} {}", entry.act.actor, entry.act.action, entry.act.object)).collect()
    }

    async fn has(&self, repository: &str) -> bool {
        self.sql.find(&repository.parse().unwrap()).await.unwrap().is_some()
    }
}

async fn with_a_repository() -> Shelf {
    let shelf = shelf().await;
    for name in ["ada", "bea", "cem"] {
        shelf.user(name).await;
    }
    shelf.team("acme", "dev", "bea").await;
    shelf.repository("ada/app", Visibility::Private).await;
    shelf
}

#[tokio::test]
async fn a_repository_is_made_where_one_may_and_with_what_was_typed() {
    let shelf = with_a_repository().await;
    let (ada, bea) = (shelf.browser_of("ada").await, shelf.browser_of("bea").await);
    assert!(shelf.browser().get(NEW).await.leads_to().starts_with("/manage/login"));
    ada.get("/repositories").await.says(NEW);
    ada.get(NEW).await.is(200).says("<option>ada</option>").hides("<option>acme</option>").hides("<option>bea</option>");
    let form = [("namespace", "ada"), ("name", "web"), ("visibility", "public"), ("short", "The <web>"), ("long", "All of it.")];
    assert_eq!(ada.submit(NEW, &form).await.leads_to(), "/repositories/ada/web");
    ada.get("/repositories/ada/web")
        .await
        .is(200)
        .says("ada/web is made")
        .says("The &#60;web&#62;")
        .says("All of it.")
        .says("public");
    let made = shelf.sql.find(&"ada/web".parse().unwrap()).await.unwrap().unwrap();
    let owner = shelf.principal("ada").await.account.id;
    assert!(made.owner == Some(owner) && !made.immutable_tags && made.visibility == Visibility::Public);
    assert!(shelf.acts().await.contains(&"ada repository.create ada/web".to_owned()));

    // A team that administers the namespace may make them there, one that only reads may not.
    let (team, scope) = (shelf.team_id("acme", "dev").await, Scope::Namespace("acme".parse().unwrap()));
    let in_acme = [("namespace", "acme"), ("name", "tool"), ("visibility", "private"), ("immutable", "yes")];
    for (level, may) in [(AccessLevel::ReadWrite, false), (AccessLevel::Admin, true)] {
        assert!(shelf.sql.grant(&scope, &team, level).await.unwrap());
        assert_eq!(bea.get(NEW).await.is(200).text().contains("<option>acme</option>"), may);
        let answer = bea.submit(NEW, &in_acme).await;
        if may {
            assert_eq!(answer.leads_to(), "/repositories/acme/tool");
        } else {
            answer.is(403).says("You may not make repositories there").says("value=\"tool\"");
        }
    }
    assert!(shelf.sql.find(&"acme/tool".parse().unwrap()).await.unwrap().unwrap().immutable_tags);
    let admin = shelf.browser_of("admin").await;
    admin.get(NEW).await.is(200).says("<input id=\"namespace\"");
    assert_eq!(
        admin.submit(NEW, &[("namespace", "bea"), ("name", "x"), ("visibility", "private")]).await.leads_to(),
        "/repositories/bea/x"
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_new_repository_stands_above_what_was_typed() {
    let shelf = with_a_repository().await;
    let (ada, admin) = (shelf.browser_of("ada").await, shelf.browser_of("admin").await);
    for (namespace, name, visibility, status, why) in [
        ("ada", "UPPER", "private", 400, "That is no name of a repository"),
        ("ada", "", "private", 400, "That is no name of a repository"),
        ("ada", "app", "private", 409, "There is a repository ada/app already"),
        ("ada", "web", "secret", 400, "Choose public or private."),
        ("bea", "web", "private", 403, "You may not make repositories there"),
        ("nobody", "web", "private", 403, "You may not make repositories there"),
    ] {
        let form = [("namespace", namespace), ("name", name), ("visibility", visibility), ("short", "kept")];
        ada.submit(NEW, &form).await.is(status).says(why).says("value=\"kept\"").says(&format!("value=\"{name}\""));
    }
    let form = [("namespace", "nobody"), ("name", "web"), ("visibility", "private")];
    admin.submit(NEW, &form).await.is(400).says("There is no account `nobody`");
    assert!(!shelf.has("bea/web").await && !shelf.has("nobody/web").await);
    ada.post(NEW, &[("namespace", "ada"), ("name", "web"), ("visibility", "private")]).await.is(403).says("another session");
}

#[tokio::test]
async fn what_it_is_said_to_be_is_changed_by_those_who_administer_it() {
    let shelf = with_a_repository().await;
    let (team, scope) = (shelf.team_id("acme", "dev").await, Scope::Repository("ada/app".parse().unwrap()));
    assert!(shelf.sql.grant(&scope, &team, AccessLevel::ReadWrite).await.unwrap());
    let form = [("do", "save"), ("short", "new"), ("long", "longer"), ("immutable", "yes")];
    for (name, status) in [("bea", 403), ("cem", 404)] {
        let browser = shelf.browser_of(name).await;
        browser.get(SETTINGS).await.is(status);
        browser.submit(SETTINGS, &form).await.is(status);
        browser.submit(SETTINGS, &[("do", "delete"), ("confirmed", "yes"), ("signed", "")]).await.is(status);
    }
    assert!(shelf.browser().get(SETTINGS).await.leads_to().starts_with("/manage/login"));
    let ada = shelf.browser_of("ada").await;
    ada.get(SETTINGS).await.is(200).says("value=\"&#60;script&#62;alert(1)&#60;/script&#62;\"").hides("checked");
    assert_eq!(ada.submit(SETTINGS, &form).await.leads_to(), "/repositories/ada/app");
    ada.get(SETTINGS).await.is(200).says("value=\"new\"").says(">longer</textarea>").says("checked");
    ada.submit(SETTINGS, &[("do", "dance")]).await.is(400);
    assert!(shelf.acts().await.contains(&"ada repository.update ada/app".to_owned()));
}

#[tokio::test]
async fn a_repository_goes_after_a_question_that_says_what_goes_along() {
    let (shelf, key) = (with_a_repository().await, PrivateKey::generate_p256());
    let pushed = shelf.push("ada/app", "1", "").await;
    shelf.tag("ada/app", "2", &pushed).await;
    let ada = shelf.browser_of("ada").await;
    let asked = ada.submit(SETTINGS, &[("do", "delete")]).await.is(200).says("With it go 2 tags").says("No tag in it is signed");
    assert_eq!(asked.hidden("signed"), "");
    // Signed between question and answer: nobody was told.
    shelf.sign("ada/app", "1", &pushed, Signing::by("qa", &key)).await;
    let confirmed = |signed: &'static str| [("do", "delete"), ("confirmed", "yes"), ("signed", signed)];
    ada.submit(SETTINGS, &confirmed("")).await.is(409).says("has changed meanwhile");
    let asked = ada.submit(SETTINGS, &[("do", "delete")]).await.is(200);
    assert_eq!(asked.hidden("signed"), "1");
    asked.says("the signatures of 1 tag: 1. Clusters");
    assert!(shelf.has("ada/app").await, "asked first");
    assert_eq!(ada.submit(SETTINGS, &confirmed("1")).await.leads_to(), "/repositories");
    ada.get("/repositories").await.says("ada/app is deleted");
    assert!(!shelf.has("ada/app").await && shelf.console.collections.head("dtr.test:5443/ada/app").await.unwrap().is_none());
    let acts = shelf.acts().await;
    let [trust, repository] = ["ada trust.delete dtr.test:5443/ada/app", "ada repository.delete ada/app"]
        .map(|act| acts.iter().position(|line| line == act).unwrap_or_else(|| panic!("no {act} in {acts:?}")));
    assert!(trust < repository);
    ada.submit(SETTINGS, &confirmed("")).await.is(404);
}

#[tokio::test]
async fn a_tag_goes_after_a_question_and_a_signed_one_stays() {
    let (shelf, key) = (with_a_repository().await, PrivateKey::generate_p256());
    let first = shelf.push("ada/app", "1", "first").await;
    shelf.tag("ada/app", "2", &first).await;
    let (team, scope) = (shelf.team_id("acme", "dev").await, Scope::Repository("ada/app".parse().unwrap()));
    assert!(shelf.sql.grant(&scope, &team, AccessLevel::ReadWrite).await.unwrap());
    let bea = shelf.browser_of("bea").await;
    bea.get(TAG).await.is(200).hides("Delete 1");
    bea.submit(TAG, &[("do", "delete"), ("confirmed", "yes"), ("digest", first.digest.as_str())]).await.is(403);
    let ada = shelf.browser_of("ada").await;
    ada.get(TAG).await.is(200).says("Delete 1");
    let asked = ada.submit(TAG, &[("do", "delete")]).await.is(200).says("It is not signed").hidden("digest");
    let confirmed = [("do", "delete"), ("confirmed", "yes"), ("digest", asked.as_str())];
    shelf.push("ada/app", "1", "second").await;
    ada.submit(TAG, &confirmed).await.is(409).says("it was pushed meanwhile");
    shelf.tag("ada/app", "1", &first).await;
    assert_eq!(ada.submit(TAG, &confirmed).await.leads_to(), "/repositories/ada/app");
    ada.get("/repositories/ada/app").await.says("The tag 1 is deleted");
    let (name, tag) = ("ada/app".parse().unwrap(), "1".parse().unwrap());
    assert!(shelf.sql.tag(&name, &tag).await.unwrap().is_none() && shelf.sql.tag_count(&name).await.unwrap() == 1);
    assert!(shelf.acts().await.contains(&"ada tag.delete ada/app:1".to_owned()));
    ada.submit(TAG, &confirmed).await.is(404);

    shelf.sign("ada/app", "2", &first, Signing::by("qa", &key)).await;
    let signed = TAG.replace("/1", "/2");
    ada.get(&signed).await.is(200).says("A signed tag stays").hides(">Delete 2<");
    for confirmed in [&confirmed[..1], &confirmed[..]] {
        let answer = ada.submit(&signed, confirmed).await.is(409).says("docker trust revoke dtr.test:5443/ada/app:2");
        answer.says("2 is signed").says(first.digest.as_str());
    }
    assert_eq!(shelf.sql.tag_count(&name).await.unwrap(), 1);
}
