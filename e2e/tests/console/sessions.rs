//! Who is signed in where, and what a page of elsewhere cannot do.

use wharfinger_e2e::PASSWORD;

use crate::browser::{Browser, JavaScript};
use crate::up;

#[test]
fn two_consoles_on_one_host_name_do_not_share_sessions() {
    let (one, other, browser) = (up(), up(), Browser::start(JavaScript::On));
    browser.signs_in_as_admin(&one).signs_in_as_admin(&other);
    let names: Vec<String> = browser.cookies().into_iter().map(|(name, _)| name).collect();
    assert!(names.len() == 2 && names[0] != names[1] && names.iter().all(|name| name.starts_with("__Host-")), "{names:?}");
    for scene in [&one, &other] {
        browser.goes(&format!("https://{}/manage/", scene.cluster)).sees("Signed in as admin").sees(&scene.cluster);
    }
    browser.clicks("Sign out").sees("With the name and password");
    browser.goes(&format!("https://{}/manage/", one.cluster)).sees("Signed in as admin");
    browser.goes(&format!("https://{}/manage/", other.cluster)).sees("With the name and password");
    browser.complained_of_nothing();
}

#[test]
fn a_page_of_elsewhere_changes_nothing_with_a_visitors_session() {
    let (scene, other, browser) = (up(), up(), Browser::start(JavaScript::On));
    browser.signs_in_as_admin(&scene);
    let token = browser.runs("return document.querySelector('input[name=token]').value");
    assert_eq!(browser.runs("return document.cookie"), "", "no script reads the session");
    // Another origin of the same site, which the cookie does go to: with everything but the right origin.
    let form = format!(
        "const form = document.createElement('form'); form.method = 'post';
         form.action = 'https://{}/manage/logout';
         const field = document.createElement('input'); field.name = 'token'; field.value = {token};
         form.append(field); document.body.append(form); HTMLFormElement.prototype.submit.call(form);",
        scene.cluster
    );
    // A page without a content security policy of ours: the other instance's CA.
    browser.goes(&format!("https://{}/_ping", other.registry));
    browser.runs(&form);
    browser.sees("this was not sent by a page of this console");
    browser.goes(&format!("https://{}/manage/", scene.cluster)).sees("Signed in as admin");
    browser.complained_of_nothing_but_bad_input();
}

#[test]
fn a_member_sees_no_page_of_the_administrators_and_a_wrong_password_opens_nothing() {
    let (scene, browser) = (up(), Browser::start(JavaScript::Off));
    scene.account("olga");
    browser.goes(&format!("https://{}/manage/settings/contenttrust", scene.cluster));
    browser.fills("User name", "olga").fills("Password", "guess").clicks("Sign in").sees("Invalid username or password.");
    assert_eq!(browser.holds("User name"), "olga");
    browser.fills("Password", PASSWORD).clicks("Sign in").sees("Not allowed").clicks("Go to the overview");
    browser.sees("Signed in as olga").never_sees("Admin Settings").never_sees("Docker Content Trust");
    for page in ["settings/dtr", "settings/configuration", "audit"] {
        browser.goes(&format!("https://{}/manage/{page}", scene.cluster)).sees("an administrator can change the role");
    }
    browser.complained_of_nothing_but_bad_input();
}
