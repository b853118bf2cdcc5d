use time::OffsetDateTime;
use wharfinger_storage::repositories::{AccessLevel, Repositories as _, RepositoryRecord, Scope, Visibility};

use super::shelf::shelf;

#[tokio::test]
async fn anybody_finds_what_is_public_and_everybody_what_they_may_read() {
    let shelf = shelf().await;
    for name in ["ada", "bea", "cem"] {
        shelf.user(name).await;
    }
    shelf.team("acme", "dev", "bea").await;
    shelf.repository("ada/open", Visibility::Public).await;
    shelf.repository("ada/secret", Visibility::Private).await;
    shelf.repository("acme/app", Visibility::Private).await;
    let bea = shelf.principal("bea").await;
    let team = shelf.team_id("acme", "dev").await;
    let scope = Scope::Repository("acme/app".parse().unwrap());
    assert!(shelf.sql.grant(&scope, &team, AccessLevel::ReadOnly).await.unwrap());
    assert!(!bea.account.is_admin);

    let all = ["ada/open", "ada/secret", "acme/app"];
    let cases: [(Option<&str>, &[&str]); 5] = [
        (None, &["ada/open"]),
        (Some("cem"), &["ada/open"]),
        (Some("ada"), &["ada/open", "ada/secret"]),
        (Some("bea"), &["ada/open", "acme/app"]),
        (Some("admin"), &all),
    ];
    for (who, may) in cases {
        let browser = match who {
            Some(name) => shelf.browser_of(name).await,
            None => shelf.browser(),
        };
        let list = browser.get("/repositories").await.is(200);
        for name in all {
            let links = list.text().contains(&format!("href=\"/repositories/{name}\""));
            assert_eq!(links, may.contains(&name), "{who:?} {name}");
            for (page, status) in [("", 200), ("/tags", 200), ("/tags/1", 404), ("/trust", 200)] {
                let answer = browser.get(&format!("/repositories/{name}{page}")).await;
                if may.contains(&name) {
                    answer.is(status).hides("you may not see it");
                } else if who.is_some() {
                    answer.is(404).says("there is no such repository, or you may not see it");
                } else {
                    assert!(answer.leads_to().starts_with("/manage/login?next="), "{name}{page}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_repository_that_one_may_not_see_is_answered_as_one_that_is_not_there() {
    let shelf = shelf().await;
    shelf.user("ada").await;
    shelf.user("bea").await;
    shelf.repository("ada/secret", Visibility::Private).await;
    let bea = shelf.browser_of("bea").await;
    for page in ["", "/tags", "/tags/1", "/trust", "/access"] {
        let [hidden, absent] = [
            bea.get(&format!("/repositories/ada/secret{page}")).await.is(404).text(),
            bea.get(&format!("/repositories/ada/nothing{page}")).await.is(404).text(),
        ];
        assert_eq!(hidden, absent, "{page}");
    }
    for bad in ["UPPER/x", "ada/..%2F..", "ada/%3Cscript%3E", "ada/a%00b"] {
        bea.get(&format!("/repositories/{bad}")).await.is(404).hides("<script>");
    }
    bea.get("/repositories/ada").await.is(404).says("Go to the repositories").hides("overview");
}

#[tokio::test]
async fn a_search_shows_the_names_that_hold_what_was_typed_and_escapes_it() {
    let shelf = shelf().await;
    for name in ["acme/app", "acme/apple", "zoo/ape"] {
        shelf.repository(name, Visibility::Public).await;
    }
    let nobody = shelf.browser();
    let found = nobody.get("/repositories?find=APP").await.is(200).says("acme/app<").says("acme/apple<").hides("zoo/ape");
    found.says("&#60;script&#62;alert(1)").hides("<script>alert");
    nobody.get("/repositories?find=%25").await.is(200).says("No repository that you may read").hides("acme/app<");
    nobody.get("/repositories?find=%3Cb%3E").await.is(200).hides("<b>").says("&#60;b&#62;");
    assert_eq!(nobody.get("/").await.leads_to(), "/repositories");
}

#[tokio::test]
async fn who_has_nothing_yet_is_told_how_to_push() {
    let shelf = shelf().await;
    shelf.user("ada").await;
    let nobody = shelf.browser();
    nobody.get("/repositories").await.is(200).says("No repository here is public").says("Sign in");
    let ada = shelf.browser_of("ada").await;
    ada.get("/repositories").await.is(200).says("docker login dtr.test:5443").says("docker push dtr.test:5443/ada/app:1");
    shelf.repository("ada/app", Visibility::Private).await;
    let page = ada.get("/repositories/ada/app/tags").await.is(200).says("No tag yet").says("docker push dtr.test:5443/ada/app:1");
    page.says("Nothing in it was ever signed");
    ada.get("/repositories/ada/app/trust").await.is(200).says("Nothing in it was ever signed").hides("<svg");
    ada.get("/repositories/ada/app/tags/1").await.is(404).says("there is no tag");
}

#[tokio::test]
async fn many_repositories_come_in_pages_without_the_private_ones_between_them() {
    let shelf = shelf().await;
    let now = OffsetDateTime::now_utc();
    for number in 0..240 {
        let record = RepositoryRecord {
            name: format!("acme/app{number:03}").parse().unwrap(),
            owner: None,
            visibility: if number % 2 == 0 { Visibility::Public } else { Visibility::Private },
            short_description: String::new(),
            long_description: String::new(),
            immutable_tags: false,
            created_at: now,
            updated_at: now,
        };
        assert!(shelf.sql.create(&record).await.unwrap());
    }
    let nobody = shelf.browser();
    let first = nobody.get("/repositories").await.is(200).says("acme/app000<").says("acme/app098<").hides("acme/app001<");
    first.says("after=acme%2Fapp098").hides("acme/app100<");
    let last = nobody.get("/repositories?find=&after=acme%2Fapp198").await.is(200);
    last.says("acme/app200<").says("acme/app238<").hides("Next page");
}

#[tokio::test]
async fn the_registrys_cookie_is_not_the_clusters() {
    let shelf = shelf().await;
    let mut browser = shelf.browser_of("admin").await;
    let cookie = browser.cookie.clone().unwrap();
    let (name, token) = cookie.split_once('=').unwrap();
    let clusters = shelf.console.accounts.cookie_name().unwrap();
    assert_eq!(name, format!("{clusters}-registry"));
    browser.cookie = Some(format!("{clusters}={token}"));
    browser.get("/repositories").await.is(200).says("Sign in").hides("Signed in as");
    browser.cookie = Some(cookie);
    browser.get("/repositories").await.is(200).says("Signed in as");
    assert_eq!(browser.submit("/manage/logout", &[]).await.leads_to(), "/manage/login");
    browser.get("/repositories").await.is(200).hides("Signed in as");
}

#[tokio::test]
async fn signing_in_leads_back_to_the_page_that_asked_for_it() {
    let shelf = shelf().await;
    shelf.user("ada").await;
    shelf.repository("ada/app", Visibility::Private).await;
    let nobody = shelf.browser();
    let there = nobody.get("/repositories/ada/app/tags?after=1").await.leads_to();
    assert_eq!(there, "/manage/login?next=%2Frepositories%2Fada%2Fapp%2Ftags%3Fafter%3D1");
    let next = nobody.get(&there).await.is(200).says("on this registry").hidden("next");
    let fields = [("username", "ada"), ("password", crate::browser::PASSWORD), ("next", next.as_str())];
    assert_eq!(nobody.post("/manage/login", &fields).await.leads_to(), "/repositories/ada/app/tags?after=1");
}
