//! The administrator's steps of the documents this project starts from, as they are written there.

use std::process::Command;

use wharfinger_e2e::{PASSWORD, Serve, free_port};

use crate::browser::{Browser, JavaScript};
use crate::{up, with_signers};

/// Admin Settings › Docker Content Trust › Run only signed images › Add Team › Save.
fn run_only_signed_images(javascript: JavaScript) {
    let (scene, browser) = (with_signers(), Browser::start(javascript));
    browser.signs_in_as_admin(&scene).sees("Any image may run");
    browser.clicks("Docker Content Trust").sees("Content Trust Settings");
    browser.ticks("Run only signed images");
    for team in ["qa", "security"] {
        browser.chooses("Organization", "acme");
        if javascript == JavaScript::Off {
            // The first click brings the organization's teams.
            browser.clicks("Add Team").sees("not saved yet");
        }
        browser.chooses("Team", team).clicks("Add Team").sees(&format!("acme/{team}"));
    }
    browser.clicks("Remove acme/security").sees("acme/qa").never_sees("acme/security");
    browser.clicks("Cancel").never_sees("acme/qa");
    assert!(!browser.is_ticked("Run only signed images"), "Cancel forgets what was not saved");

    browser.ticks("Run only signed images").ticks("Signed by any user of this cluster").chooses("Organization", "acme");
    if javascript == JavaScript::Off {
        browser.clicks("Add Team").sees("not saved yet");
    }
    browser.chooses("Team", "qa").clicks("Add Team").sees("acme/qa").clicks("Save").sees("Save this policy?");
    browser.sees("Only images signed by a member of acme/qa may run.").sees("What runs could not be asked");
    assert!(scene.admin().get("/api/config/trust").body.contains("\"require_content_trust\":false"), "not yet");
    browser.clicks("Save this policy").sees("The policy is saved and in force");
    assert_eq!(browser.place(), "/manage/settings/contenttrust");
    assert!(browser.is_ticked("Run only signed images") && browser.is_ticked("Signed by any user of this cluster"));
    let saved = scene.admin().get("/api/config/trust").json();
    assert_eq!(saved["require_signature_from"], serde_json::json!(["acme/qa"]));
    assert_eq!((&saved["require_content_trust"], &saved["signers"]), (&true.into(), &"cluster".into()));
    browser.clicks("Overview").sees("Only images signed by a member of acme/qa may run.");
    browser.complained_of_nothing();
}

#[test]
fn only_signed_images_run_by_a_few_clicks() {
    run_only_signed_images(JavaScript::On);
}

#[test]
fn only_signed_images_run_by_a_few_clicks_without_javascript() {
    run_only_signed_images(JavaScript::Off);
}

#[test]
fn a_remote_registry_is_trusted_after_its_ca_was_compared_and_tested() {
    let (scene, browser) = (up(), Browser::start(JavaScript::Off));
    let cluster = Serve::new("cluster serve", &scene.dir().join("cluster2"))
        .flag("--cluster-listen", &format!("127.0.0.1:{}", free_port()))
        .flag("--engine", "unix:///run/no-engine-here.sock")
        .start()
        .unwrap();
    browser.goes(&format!("{}/manage/settings/dtr", cluster.cluster().unwrap()));
    browser.fills("User name", "admin").fills("Password", &cluster.admin_password().unwrap()).clicks("Sign in").sees("None yet");
    assert_eq!(browser.place(), "/manage/settings/dtr", "signing in leads on");

    browser.fills("Host", &format!("https://{}", scene.registry)).clicks("Test the connection").sees("without a scheme");
    browser.fills("Host", &scene.registry).clicks("Test the connection").sees("failed").sees("not tested").clicks("Cancel");
    browser.fills("Host", &scene.registry).clicks("Fetch the CA").sees("not vouched for by anybody yet");
    let mut openssl = Command::new("bash");
    openssl.args(["-c", &format!("curl -ks https://{}/ca | openssl x509 -noout -fingerprint -sha256", scene.registry)]);
    let printed = wharfinger_e2e::run(openssl).unwrap().ok().stdout;
    let fingerprint = printed.trim().rsplit('=').next().unwrap();
    browser.sees(fingerprint);
    browser.clicks("Test the connection").sees("It answers as a registry").sees("Images can be signed there").sees(fingerprint);
    browser.clicks(&format!("Add {}", scene.registry)).sees("is a trusted registry of this cluster now").sees(fingerprint);

    browser.fills("Host", &scene.registry).clicks("Test the connection").sees("is registered already");
    browser.clicks(&format!("Remove {}", scene.registry)).sees("From then on no image").clicks("Cancel").sees(fingerprint);
    browser.clicks(&format!("Remove {}", scene.registry)).sees("From then on no image");
    browser.clicks(&format!("Remove {}", scene.registry)).sees("None yet");
    browser.complained_of_nothing_but_bad_input();
}

#[test]
fn people_are_made_and_bring_home_a_bundle() {
    let (scene, browser) = (up(), Browser::start(JavaScript::On));
    browser.signs_in_as_admin(&scene).clicks("Users and teams").sees("None yet");
    browser.fills("Name", "quinn").fills("Password", PASSWORD).clicks("Create user").sees("quinn is made");
    browser.clicks("Users and teams").sees("quinn");
    browser.goes(&format!("https://{}/manage/accounts#new-org", scene.cluster));
    browser.fills_id("org-name", "acme").clicks("Create organization").sees("acme is made");
    browser.fills("Name", "qa").clicks("Create team").sees("The team acme/qa is made");
    browser.fills("User", "nobody").clicks("Add member").sees("there is no account `nobody` here");
    browser.fills("User", "quinn").clicks("Add member").sees("quinn is a member of acme/qa");
    browser.clicks("Sign out").sees("Sign in");
    browser.signs_in(&scene, "quinn", PASSWORD).never_sees("Admin Settings").clicks("My profile").sees("No key yet");
    browser.fills("Label", "my laptop").clicks("Download client bundle");
    let zip = browser.downloads().join("ucp-bundle-quinn.zip");
    browser.waits_for(|| zip.exists());
    let mut list = Command::new("unzip");
    list.arg("-l").arg(&zip);
    wharfinger_e2e::run(list).unwrap().ok().says("key.pem").says("env.sh");
    browser.goes(&format!("https://{}/manage/profile", scene.cluster)).sees("my laptop").sees("login and signing");
    browser.clicks("Remove my laptop").sees("No tag that this cluster knows loses a signature");
    browser.clicks("Remove the key").sees("The key is removed").sees("No key yet");
    browser.complained_of_nothing_but_bad_input();
}
