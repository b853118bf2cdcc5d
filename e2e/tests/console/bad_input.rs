//! What nobody should send, in every form: it is said what is wrong and what helps, what was typed stays, and nothing is changed.

use std::collections::BTreeSet;

use serde_json::json;
use wharfinger_e2e::{PASSWORD, Scene};

use crate::browser::{Browser, JavaScript};
use crate::up;

const HOSTILE: &str = "<script>hacked=1</script>\"'><img src=x onerror=hacked=1>";
const FOREIGN: &str = "Größe 日本 🚢";

/// A form, the fields (by id) that are filled in it, its button, and what has to be said.
struct Bad {
    at: &'static str,
    /// The button that opens the form; empty: it is open.
    opens: &'static str,
    fields: Vec<(&'static str, String)>,
    button: &'static str,
    says: &'static str,
}

fn bad(at: &'static str, fields: &[(&'static str, &str)], button: &'static str, says: &'static str) -> Bad {
    Bad { at, opens: "", fields: fields.iter().map(|(id, text)| (*id, (*text).to_owned())).collect(), button, says }
}

/// A form whose one field takes names: nothing, markup, other letters, too many of them.
fn names(at: &'static str, field: &'static str, button: &'static str, says: &'static str) -> Vec<Bad> {
    let endless = "x".repeat(300);
    ["", HOSTILE, FOREIGN, &endless].into_iter().map(|name| bad(at, &[(field, name)], button, says)).collect()
}

fn of_cluster() -> Vec<Bad> {
    const PEOPLE: &str = "/manage/accounts";
    const USER: &str = "/manage/accounts/quinn";
    const ORG: &str = "/manage/accounts/acme";
    const TEAM: &str = "/manage/accounts/acme/teams/qa";
    const ME: &str = "/manage/profile";
    const POLICY: &str = "/manage/settings/contenttrust";
    const REGISTRIES: &str = "/manage/settings/dtr";
    const SERVICE: &str = "/manage/deploy";
    const STACK: &str = "/manage/deploy/stack";
    const FILE: &str = "/manage/settings/configuration";
    let endless = "x".repeat(300);
    let mut all = Vec::new();
    for name in ["", HOSTILE, FOREIGN, &endless] {
        let user = [("name", name), ("full-name", HOSTILE), ("password", PASSWORD)];
        all.push(bad(PEOPLE, &user, "Create user", "use 1 to"));
        all.push(bad(PEOPLE, &[("org-name", name), ("org-full-name", FOREIGN)], "Create organization", "use 1 to"));
    }
    let user = |full_name, password| [("name", "ada"), ("full-name", full_name), ("password", password)];
    all.push(bad(PEOPLE, &user(&endless, PASSWORD), "Create user", "Full name: one line of at most 256 characters"));
    all.push(bad(PEOPLE, &user("", "short"), "Create user", "characters"));
    all.push(bad(PEOPLE, &[("name", "quinn"), ("password", PASSWORD)], "Create user", "is there already"));
    all.push(bad(USER, &[("full-name", &endless)], "Save", "Full name: one line"));
    all.push(bad(USER, &[("password", "")], "Set password", "characters"));
    all.extend(names(ORG, "team", "Create team", "use 1 to"));
    all.push(bad(ORG, &[("team", "security"), ("description", &endless)], "Create team", "Description: one line"));
    all.extend(names(ORG, "user", "Add member", "there is no account"));
    all.push(bad(ORG, &[("full-name", &endless)], "Save", "Full name: one line"));
    all.extend(names(TEAM, "user", "Add member", "there is no account"));
    all.push(bad(TEAM, &[("description", &endless)], "Save", "Description: one line"));
    all.push(bad(ME, &[("label", &endless)], "Download client bundle", "a label is one line"));
    all.push(bad(ME, &[("public-key", HOSTILE), ("key-label", FOREIGN)], "Register key", "public key"));
    all.push(bad(ME, &[("full-name", &endless)], "Save", "Full name: one line"));
    all.push(bad(ME, &[("old-password", "guess"), ("password", PASSWORD)], "Change password", "the present password is another"));
    all.push(bad(POLICY, &[], "Add Team", "Choose the organization first"));
    let rule = [("rule-images", "dtr.test/a/*"), ("rule-users", "quinn")];
    for (field, text, says) in [
        ("rule-images", HOSTILE, "is not a repository pattern"),
        ("rule-teams", "acme/nobody", "acme/nobody"),
        ("rule-users", FOREIGN, "no"),
        ("rule-at-least", "many", "Write a number"),
        ("rule-namespaces", HOSTILE, "script"),
    ] {
        let fields: Vec<_> = rule.into_iter().filter(|(known, _)| *known != field).chain([(field, text)]).collect();
        all.push(Bad { opens: "Add a rule", ..bad(POLICY, &fields, "Add the rule", says) });
    }
    let exemption = [
        ("exemption-repository", "dtr.test/a/*"),
        ("exemption-reason", HOSTILE),
        ("exemption-requested-by", "quinn"),
        ("exemption-expires", "2999-01-31 12:00"),
    ];
    for (field, text, says) in [
        ("exemption-repository", FOREIGN, "is not a repository pattern"),
        ("exemption-reason", "", "Say why"),
        ("exemption-requested-by", "nobody", "nobody"),
        ("exemption-requested-by", "admin", "somebody else has to approve it"),
        ("exemption-expires", "soon", "Write day and time in UTC"),
        ("exemption-digest", "sha256:1", "sha256"),
    ] {
        let fields: Vec<_> = exemption.into_iter().filter(|(known, _)| *known != field).chain([(field, text)]).collect();
        all.push(Bad { opens: "Add an exemption", ..bad(POLICY, &fields, "Add the exemption", says) });
    }
    all.push(bad(POLICY, &[("repository-name", HOSTILE)], "Exempt", "is not a repository pattern"));
    let service = [("name", "web"), ("image", "dtr.test/a/b:1")];
    for (field, text) in [
        ("name", ""),
        ("name", HOSTILE),
        ("name", FOREIGN),
        ("image", HOSTILE),
        ("ports", "eighty"),
        ("environment", "=nameless"),
        ("mounts", HOSTILE),
    ] {
        let fields: Vec<_> = service.into_iter().filter(|(known, _)| *known != field).chain([(field, text)]).collect();
        all.push(bad(SERVICE, &fields, "Create the service", "look at the fields that say so"));
    }
    for (name, file) in
        [("", "services: {}"), (HOSTILE, "services: {}"), ("shop", HOSTILE), ("shop", ""), ("shop", "services: [")]
    {
        all.push(bad(STACK, &[("name", name), ("file", file)], "Look at what it does", ""));
    }
    all.push(bad(REGISTRIES, &[("host", "")], "Test the connection", "Write the registry's host"));
    all.push(bad(REGISTRIES, &[("host", "https://dtr.test/")], "Test the connection", "without a scheme"));
    all.push(bad(REGISTRIES, &[("host", HOSTILE)], "Fetch the CA", "host"));
    all.push(bad(REGISTRIES, &[("host", FOREIGN)], "Fetch the CA", "host"));
    all.push(bad(REGISTRIES, &[("host", "127.0.0.1:1"), ("ca", HOSTILE)], "Test the connection", "The CA is not PEM"));
    all.push(bad(REGISTRIES, &[("host", "127.0.0.1:1")], "Fetch the CA", "could not be fetched"));
    for text in ["", HOSTILE, "[trust_configuration]\nno_such_key = true", "colour = \"Größe\""] {
        all.push(bad(FILE, &[("text", text)], "Compare", ""));
    }
    all
}

fn of_registry() -> Vec<Bad> {
    const NEW: &str = "/repositories/new";
    let mut all = names("/repositories/acme/app/access", "team", "Give access", "write it as organization/team");
    for name in ["", HOSTILE, FOREIGN, &"x".repeat(300)] {
        let new = [("namespace", "acme"), ("name", name), ("short", HOSTILE)];
        all.push(bad(NEW, &new, "Create repository", "That is no name of a repository"));
    }
    all.push(bad(NEW, &[("namespace", "nobody"), ("name", "app")], "Create repository", "There is no account `nobody`"));
    all.push(bad(NEW, &[("namespace", "acme"), ("name", "app")], "Create repository", "There is a repository acme/app already"));
    all
}

/// Opens a form as somebody has it who sends what it does not let them write.
fn opens(browser: &Browser, origin: &str, form: &Bad, token: &str) {
    browser.goes(&format!("https://{origin}{}", form.at));
    if !form.opens.is_empty() {
        browser.clicks(form.opens).sees("as they are");
    }
    browser.runs(&format!(
        "for (const form of document.forms) form.noValidate = true;
         for (const one of document.querySelectorAll('details')) one.open = true;
         for (const [id, text] of {}) document.getElementById(id).value = text;
         if ({token:?}) for (const one of document.querySelectorAll('input[name=token]')) one.value = {token:?};",
        json!(form.fields)
    ));
    browser.clicks(form.button);
}

/// What there is: everything that changes something is recorded.
fn recorded(scene: &Scene) -> String {
    scene.admin().get("/api/audit?limit=1").is(200).body
}

fn all_are_refused(browser: &Browser, scene: &Scene, origin: &str, forms: &[Bad]) {
    let (before, mut examined, mut buttons) = (recorded(scene), BTreeSet::new(), BTreeSet::new());
    for form in forms {
        opens(browser, origin, form, "");
        let (Bad { at, fields, button, says, .. }, wrong) = (form, browser.alert());
        assert!(!wrong.is_empty() && wrong.contains(says), "{at}, {button}, {fields:?}: should say {says:?}, not {wrong:?}");
        let kept = browser.runs(
            "return [typeof hacked, [...document.querySelectorAll('main input:not([type=password]), main textarea')]
               .map((one) => [one.id, one.value])]",
        );
        assert_eq!(kept[0], "undefined", "{at}: what was typed is run");
        for (id, text) in fields.iter().filter(|(id, _)| !id.ends_with("password")) {
            assert!(
                kept[1].as_array().unwrap().contains(&json!([id, text])),
                "{at}, {button}: {text:?} was typed as {id}: {kept}"
            );
        }
        if examined.insert((*at, form.opens)) {
            browser.fits().has_no_obstacles();
        }
        if buttons.insert((*at, *button)) {
            opens(browser, origin, form, "guessed");
            browser.sees("this form was made for another session");
        }
    }
    assert_eq!(recorded(scene), before, "nothing is changed");
    browser.complained_of_nothing_but_bad_input();
}

fn stage() -> Scene {
    let scene = up();
    scene.account("quinn");
    scene.team("acme", "qa", &["quinn"]);
    let new = json!({ "name": "app", "visibility": "private" });
    scene.registry_admin().post("/api/v0/repositories/acme", &new).is(201);
    scene
}

#[test]
fn every_form_says_what_is_wrong_with_what_was_sent_and_keeps_it() {
    let (scene, browser) = (stage(), Browser::start(JavaScript::On));
    browser.goes(&format!("https://{}/manage/login", scene.cluster));
    browser.fills("User name", HOSTILE).fills("Password", "guess").clicks("Sign in").sees("Invalid username or password.");
    assert_eq!((browser.holds("User name"), browser.holds("Password")), (HOSTILE.to_owned(), String::new()));
    browser.has_no_obstacles();
    browser.signs_in_as_admin(&scene);
    all_are_refused(&browser, &scene, &scene.cluster, &of_cluster());

    browser.goes(&format!("https://{}/manage/login?next=/repositories", scene.registry));
    browser.fills("User name", "admin").fills("Password", &scene.wharfinger.admin_password().unwrap()).clicks("Sign in");
    browser.sees("Signed in as");
    all_are_refused(&browser, &scene, &scene.registry, &of_registry());
    for (origin, page) in [(&scene.cluster, "/manage/why?image="), (&scene.registry, "/repositories?find=")] {
        let hostile = "%3Cscript%3Ehacked%3D1%3C%2Fscript%3E%22%3E%3Cimg%20src%3Dx%20onerror%3Dhacked%3D1%3E";
        browser.goes(&format!("https://{origin}{page}{hostile}")).sees("<script>");
        assert_eq!(browser.runs("return typeof hacked"), "undefined");
    }
    browser.complained_of_nothing_but_bad_input();
}

#[test]
fn what_is_sent_twice_or_too_late_is_done_once_and_said() {
    let (scene, browser) = (stage(), Browser::start(JavaScript::On));
    browser.signs_in_as_admin(&scene).clicks("Users and teams").fills_id("org-name", "globex");
    browser.runs("const button = document.querySelector('#new-org ~ form button'); button.click(); button.click();");
    browser.sees("globex is made").never_sees("already");
    browser.goes_back().sees("New organization").runs("document.getElementById('org-name').value = ''");
    browser.fills_id("org-name", "globex").clicks("Create organization").sees("is there already");
    assert_eq!(browser.runs("return document.getElementById('org-name').value"), "globex");
    let made = scene.admin().get("/api/audit?action=account.create&object=globex").is(200).json();
    assert_eq!(made["entries"].as_array().map(Vec::len), Some(1), "{made}");

    browser.clicks("Docker Content Trust").ticks("Run only signed images");
    let policy = json!({ "require_content_trust": false, "signers": "cluster" });
    scene.admin().put("/api/config/trust", &policy).ok();
    browser.clicks("Save").sees("somebody else changed the configuration since you opened this page");
    assert!(browser.is_ticked("Signed by any user of this cluster"), "what stands there now is shown");
    browser.ticks("Run only signed images").clicks("Save").sees("Save this policy?");
    scene.admin().put("/api/config/trust", &json!({ "require_content_trust": false, "signers": "any" })).ok();
    browser.clicks("Save this policy").sees("somebody else changed the configuration");
    assert!(scene.admin().get("/api/config/trust").body.contains("\"require_content_trust\":false"));
    browser.complained_of_nothing_but_bad_input();
}
