use std::io::Read as _;

use crate::browser::PASSWORD;
use crate::house::house;

/// Every page there is, by who may see it.
const FOR_ALL: [&str; 5] = ["/manage/", "/manage/accounts", "/manage/profile", "/manage/deploy", "/manage/deploy/stack"];
/// For whoever may see the service that is named; none of it is there here.
const OF_A_SERVICE: [&str; 2] = ["/manage/deploy/progress?service=web", "/manage/deploy/events?stack=shop"];
const FOR_ADMINS: [&str; 11] = [
    "/manage/workloads",
    "/manage/settings/contenttrust",
    "/manage/settings/contenttrust/teams?organization=acme",
    "/manage/settings/dtr",
    "/manage/settings/dtr/remove?host=dtr.test",
    "/manage/settings/configuration",
    "/manage/settings/configuration/file",
    "/manage/audit",
    "/manage/audit?verify=yes",
    "/manage/audit/export?format=csv",
    "/manage/why",
];
/// Every form there is, by who may send it. What one may do to accounts is said by the directory.
const FORMS_FOR_ALL: [&str; 6] = [
    "/manage/logout",
    "/manage/profile",
    "/manage/accounts/ada",
    "/manage/accounts/acme/teams/qa",
    "/manage/deploy",
    "/manage/deploy/stack",
];
const FORMS_FOR_ADMINS: [&str; 5] = [
    "/manage/settings/contenttrust",
    "/manage/settings/dtr",
    "/manage/settings/dtr/remove",
    "/manage/settings/configuration",
    "/manage/accounts",
];

#[tokio::test]
async fn whoever_is_not_signed_in_is_led_to_the_login_page_and_back() {
    let house = house().await;
    let nobody = house.browser();
    assert_eq!(nobody.get("/").await.leads_to(), "/manage/");
    for path in FOR_ALL.iter().chain(&OF_A_SERVICE).chain(&FOR_ADMINS) {
        let next = percent_encoding::utf8_percent_encode(path, percent_encoding::NON_ALPHANUMERIC);
        assert_eq!(nobody.get(path).await.leads_to(), format!("/manage/login?next={next}"));
    }
    for path in FORMS_FOR_ALL.iter().chain(&FORMS_FOR_ADMINS) {
        assert_eq!(nobody.post(path, &[]).await.leads_to(), "/manage/login", "{path}");
    }
    let fields = [("username", "admin"), ("password", PASSWORD), ("next", "/manage/settings/dtr")];
    assert_eq!(nobody.post("/manage/login", &fields).await.leads_to(), "/manage/settings/dtr");
    let fields = [("username", "admin"), ("password", PASSWORD), ("next", "https://evil.test/")];
    assert_eq!(nobody.post("/manage/login", &fields).await.leads_to(), "/manage/");
}

#[tokio::test]
async fn the_session_is_a_cookie_that_scripts_and_other_sites_do_not_have() {
    let house = house().await;
    let fields = [("username", "admin"), ("password", PASSWORD)];
    let answer = house.browser().post("/manage/login", &fields).await;
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    let name = house.console.accounts.cookie_name().unwrap();
    assert!(cookie.starts_with(&format!("{name}=")) && name.starts_with("__Host-"), "{cookie}");
    for attribute in ["Path=/", "Secure", "HttpOnly", "SameSite=Lax"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    let admin = house.browser_of("admin").await;
    assert_eq!(admin.get("/manage/login").await.leads_to(), "/manage/");
    assert_eq!(admin.submit("/manage/logout", &[]).await.leads_to(), "/manage/login");
    assert!(admin.get("/manage/").await.leads_to().starts_with("/manage/login"), "the session has ended, not only the cookie");
}

#[tokio::test]
async fn a_wrong_password_says_no_more_than_it_must_and_guessing_is_slowed_down() {
    let house = house().await;
    let nobody = house.browser();
    for name in ["admin", "nobody", "a\"><script>"] {
        let answer = nobody.post("/manage/login", &[("username", name), ("password", "guess-4711")]).await.is(401);
        answer.says("Invalid username or password.").hides("<script>").hides("guess-4711");
    }
    let endless = "x".repeat(20_000);
    nobody.post("/manage/login", &[("username", "admin"), ("password", &endless)]).await.is(413);
    for _ in 0..5 {
        nobody.post("/manage/login", &[("username", "admin"), ("password", "guess")]).await;
    }
    let answer = nobody.post("/manage/login", &[("username", "admin"), ("password", PASSWORD)]).await.is(429);
    assert!(answer.headers.contains_key("retry-after"));
    answer.says("too many failed logins");
}

#[tokio::test]
async fn a_form_is_taken_from_our_own_pages_and_the_session_it_was_made_for_alone() {
    let house = house().await;
    house.user("ada").await;
    let mut admin = house.browser_of("admin").await;
    let ada = house.browser_of("ada").await;
    for path in FORMS_FOR_ALL.iter().chain(&FORMS_FOR_ADMINS) {
        admin.post(path, &[]).await.is(403).says("another session");
        admin.post(path, &[("token", &ada.token)]).await.is(403).says("another session");
        let token = admin.token.clone();
        for says in [
            vec![],
            vec![("sec-fetch-site", "cross-site"), ("origin", "https://evil.test")],
            vec![("sec-fetch-site", "same-site"), ("origin", "https://other.cluster.test")],
            vec![("sec-fetch-site", "none")],
            vec![("origin", "https://evil.test")],
            vec![("origin", "null")],
        ] {
            let before = std::mem::replace(&mut admin.says, says.clone());
            admin.post(path, &[("token", &token)]).await.is(403).says("not sent by a page of this console");
            admin.post("/manage/login", &[("username", "admin"), ("password", PASSWORD)]).await.is(403);
            admin.says = before;
        }
    }
    assert_eq!(admin.get("/manage/").await.is(200).hidden("token"), admin.token, "and the session goes on");
}

#[tokio::test]
async fn a_member_sees_no_page_of_the_administrators_and_cannot_send_their_forms() {
    let house = house().await;
    house.user("ada").await;
    let ada = house.browser_of("ada").await;
    for path in FOR_ALL {
        ada.get(path).await.is(200).hides("Admin Settings").hides("/manage/settings/");
    }
    for path in FOR_ADMINS {
        ada.get(path).await.is(403).says("an administrator can change the role");
        ada.get("/manage/").await.is(200).hides(path);
    }
    for path in FORMS_FOR_ADMINS {
        ada.submit(path, &[("do", "confirm"), ("revision", "0"), ("signers", "any"), ("require", "yes")]).await.is(403);
    }
    assert!(!house.console.cluster.current().await.unwrap().configuration.trust.require_content_trust);
    let admin = house.browser_of("admin").await;
    for path in FOR_ALL.iter().chain(&FOR_ADMINS).filter(|path| !path.contains('?') && !path.ends_with("/file")) {
        admin.get(path).await.is(200).says("Admin Settings");
    }
}

#[tokio::test]
async fn no_route_is_missing_from_these_lists() {
    let table = include_str!("../../src/routes.rs");
    let routes = table.matches(".route(").count();
    let others = ["/manage", "/manage/{*rest}"].len();
    let mut paths: Vec<&str> =
        FOR_ALL.iter().chain(&OF_A_SERVICE).chain(&FOR_ADMINS).chain(&FORMS_FOR_ALL).chain(&FORMS_FOR_ADMINS).copied().collect();
    // Signing out is in the table of what both consoles have.
    paths.retain(|path| !path.contains("?verify") && *path != "/manage/logout");
    for path in &mut paths {
        *path = path.split('?').next().unwrap();
    }
    paths.sort_unstable();
    paths.dedup();
    assert_eq!(routes, paths.len() + others, "a page or form is not tested for who may see it");
}

#[tokio::test]
async fn a_browser_is_told_to_run_and_show_nothing_but_our_own() {
    let house = house().await;
    let admin = house.browser_of("admin").await;
    for path in ["/manage/", "/manage/login", "/manage/nowhere", "/manage/settings/dtr"] {
        let answer = admin.get(path).await;
        let policy = answer.headers["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        for (name, value) in
            [("x-content-type-options", "nosniff"), ("referrer-policy", "same-origin"), ("cache-control", "no-store")]
        {
            assert_eq!(answer.headers[name], value, "{path}");
        }
        for inline in ["<style", " style=", "onclick=", "javascript:", "<script>"] {
            assert!(!answer.text().contains(inline), "{path} has {inline}");
        }
    }
    admin.get("/manage/nowhere").await.is(404).says("Go to the overview");
}

#[tokio::test]
async fn a_page_is_small_and_what_goes_with_it_is_fetched_once() {
    let house = house().await;
    let admin = house.browser_of("admin").await;
    let page = admin.get("/manage/settings/contenttrust").await.is(200);
    let mut bytes = page.bytes.len();
    for (before, kind) in
        [("rel=\"stylesheet\" href=\"", "text/css; charset=utf-8"), ("module\" src=\"", "text/javascript; charset=utf-8")]
    {
        let text = page.text();
        let path = text.split_once(before).unwrap().1.split('"').next().unwrap().to_owned();
        let whole = house.browser().get(&path).await.is(200);
        let asked = http::Request::get(&path).header("accept-encoding", "br, gzip");
        let asset = house.browser().send(asked, String::new()).await.is(200);
        assert_eq!(asset.headers["content-encoding"], "gzip");
        let mut read = String::new();
        flate2::read::GzDecoder::new(asset.bytes.as_slice()).read_to_string(&mut read).unwrap();
        assert!(read == whole.text() && asset.bytes.len() < whole.bytes.len() / 2, "the same, in less");
        for answer in [&whole, &asset] {
            assert_eq!(answer.headers["content-type"], kind);
            assert_eq!(answer.headers["cache-control"], "public, max-age=31536000, immutable");
            assert_eq!(answer.headers["vary"], "accept-encoding");
        }
        bytes += asset.bytes.len();
    }
    assert!(bytes <= 60 * 1024, "{bytes} bytes");
    // What is secret would be told by its length, compressed beside what an address can say.
    for path in ["/manage/", "/manage/login?next=/manage/", "/manage/nowhere"] {
        let answer = admin.send(http::Request::get(path).header("accept-encoding", "gzip"), String::new()).await;
        assert!(!answer.headers.contains_key("content-encoding"), "{path}");
    }
}
