//! What is found while somebody types, and what they carry home of it.

use std::fs;

use wharfinger_e2e::Scene;

use crate::browser::{Browser, JavaScript};
use crate::up;

fn stage() -> Scene {
    let scene = up();
    scene.account("quinn");
    scene.account("sam");
    scene.team("acme", "qa", &["quinn"]);
    for name in ["payments", "front"] {
        let new = serde_json::json!({ "name": name, "visibility": "public" });
        scene.registry_admin().post("/api/v0/repositories/acme", &new).is(201);
    }
    scene
}

#[test]
fn what_is_found_stands_there_while_one_types_and_the_address_keeps_it() {
    let (scene, browser) = (stage(), Browser::start(JavaScript::On));
    let (cluster, registry) = (format!("https://{}", scene.cluster), format!("https://{}", scene.registry));
    browser.signs_in_as_admin(&scene).goes(&format!("{cluster}/manage/audit")).sees("sam").sees("quinn");
    browser.fills("Of what", "quin").waits_for(|| !browser.text().contains("sam"));
    browser.sees("quinn").sees("account.create");
    assert_eq!(browser.focus(), "Of what", "one goes on typing");
    assert_eq!(
        browser.runs(
            "return document.getElementById('found-many').role || document.getElementById('found-many').getAttribute('role')"
        ),
        "status"
    );
    browser.fills("Act", "update").sees("1 entry").chooses("Outcome", "deny").sees("Nothing matches").sees("0 entries");
    browser
        .chooses("Outcome", "done")
        .sees("1 entry")
        .waits_for(|| browser.address().ends_with("action=update&object=quin&outcome=done"));
    let kept = browser.address();
    browser.goes(&cluster).sees("Overview").goes(&kept).sees("1 entry");
    assert_eq!((browser.holds("Of what"), browser.holds("Act")), ("quin".to_owned(), "update".to_owned()));
    browser.clicks("CSV").clicks("JSON lines");
    let [csv, lines] = ["audit.csv", "audit.jsonl"].map(|name| browser.downloads().join(name));
    browser.waits_for(|| csv.exists() && lines.exists());
    let csv = fs::read_to_string(csv).unwrap();
    assert!(csv.lines().count() == 2 && csv.contains("\"account.update\",\"quinn\",\"done\""), "{csv}");
    assert_eq!(fs::read_to_string(lines).unwrap().lines().count(), 1);

    browser.goes(&format!("{cluster}/manage/accounts")).sees("sam").fills("Find by name", "QUI").sees("0 organizations, 1 user");
    browser.never_sees("sam").sees("No organization that you may see has this in its name");
    browser.fills("Find by name", "acm").sees("1 organization, 0 users").clicks("acme").sees("New team");

    browser.goes(&format!("{registry}/repositories")).sees("2 repositories").fills("Find by name", "pay").sees("1 repository");
    browser.never_sees("acme/front").clicks("acme/payments").sees("No tag yet");
    browser.complained_of_nothing();
    browser.goes(&format!("{cluster}/manage/audit")).sees("sam").forgets_who_one_is();
    browser.fills("Of what", "quinn").sees("With the name and password");
}

#[test]
fn the_same_is_found_by_a_button_without_javascript() {
    let (scene, browser) = (stage(), Browser::start(JavaScript::Off));
    browser.signs_in_as_admin(&scene).goes(&format!("https://{}/manage/audit", scene.cluster));
    browser.fills("Of what", "quin").chooses("Outcome", "done").clicks("Show").sees("quinn").never_sees("sam");
    browser.clicks("CSV");
    let csv = browser.downloads().join("audit.csv");
    browser.waits_for(|| csv.exists() && !fs::read_to_string(&csv).unwrap().contains("sam"));
    browser.goes(&format!("https://{}/manage/accounts", scene.cluster)).fills("Find by name", "sa").clicks("Find");
    browser.sees("0 organizations, 1 user").never_sees("quinn");
    browser.goes(&format!("https://{}/repositories", scene.registry)).fills("Find by name", "front").clicks("Find");
    browser.sees("1 repository").never_sees("acme/payments");
    browser.complained_of_nothing();
}
