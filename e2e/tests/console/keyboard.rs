//! The administrator's steps without a mouse: everything is reached, and where one is can be seen.

use crate::browser::{Browser, DOWN, ENTER, JavaScript, SPACE, TAB};
use crate::up;

#[test]
fn only_signed_images_run_by_keys_alone() {
    let (scene, browser) = (up(), Browser::start(JavaScript::On));
    scene.account("quinn");
    scene.team("acme", "qa", &["quinn"]);
    browser.goes(&format!("https://{}/", scene.cluster)).sees("With the name and password");
    assert_eq!(browser.focus(), "User name", "one begins where one has to write");
    browser.types(&format!("admin{TAB}")).types(&scene.wharfinger.admin_password().unwrap()).types(ENTER).sees("Signed in as");

    browser.types(TAB);
    assert_eq!(browser.focus(), "Skip to the content", "the first stop leads past the navigation");
    browser.types(ENTER);
    assert_eq!(browser.focus(), "#content");
    browser.tabs_to("Turn on Run only signed images").types(ENTER).sees("Content Trust Settings");
    browser.tabs_to("Run only signed images").types(SPACE);
    assert!(browser.is_ticked("Run only signed images"));
    browser.tabs_to("Signed by anyone").types(DOWN);
    assert!(browser.is_ticked("Signed by any user of this cluster"));
    browser.tabs_to("Organization").types("acme");
    browser.waits_for(|| browser.text().contains("qa"));
    browser.tabs_to("Team").types("qa").tabs_to("Add Team").types(ENTER).sees("acme/qa").sees("not saved yet");
    browser.tabs_to("Remove acme/qa").tabs_to("Save").types(ENTER).sees("Save this policy?");
    browser.tabs_to("Save this policy").types(ENTER).sees("The policy is saved and in force");
    assert_eq!(scene.admin().get("/api/config/trust").json()["require_signature_from"], serde_json::json!(["acme/qa"]));
    browser.tabs_to("Sign out").types(ENTER).sees("With the name and password");
    browser.complained_of_nothing();
}

#[test]
fn what_is_sent_by_enter_in_a_field_is_what_its_form_is_for() {
    let (scene, browser) = (up(), Browser::start(JavaScript::Off));
    scene.team("acme", "qa", &[]);
    browser.signs_in_as_admin(&scene).goes(&format!("https://{}/manage/accounts/acme", scene.cluster));
    browser.tabs_to("Name").types("security").types(ENTER).sees("The team acme/security is made");
    browser.goes(&format!("https://{}/manage/settings/dtr", scene.cluster));
    browser.tabs_to("Host").types("127.0.0.1:1").types(ENTER).sees("What the test found");
    assert!(!scene.admin().get("/api/ucp/config-toml").body.contains("127.0.0.1:1"), "only tested");
    browser.complained_of_nothing_but_bad_input();
}
