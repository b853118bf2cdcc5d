//! Rules and exemptions of the policy, written by clicking.

use serde_json::json;

use crate::browser::{Browser, JavaScript};
use crate::with_signers;

fn rules_and_exemptions(javascript: JavaScript) {
    let (scene, browser) = (with_signers(), Browser::start(javascript));
    browser.signs_in_as_admin(&scene).clicks("Docker Content Trust").ticks("Run only signed images");
    browser
        .clicks("Add a rule")
        .sees("A new rule")
        .fills("Images", "dtr.test/pay/*\nbusybox")
        .fills("Kubernetes namespaces", "pay\nteam-*");
    browser.fills("Teams", "acme/qa\nacme/security").fills("Users", "sam").fills("How many of them", "2");
    browser.ticks("It runs, and is only recorded").clicks("Add the rule").sees("`busybox` is not a repository pattern");
    assert_eq!(
        (browser.holds("Teams"), browser.holds("How many of them")),
        ("acme/qa\nacme/security".to_owned(), "2".to_owned())
    );
    assert!(browser.is_ticked("It runs, and is only recorded") && browser.is_ticked("Run only signed images"));
    browser.fills("Images", "dtr.test/pay/*").clicks("Add the rule");
    browser.sees(
        "Images of dtr.test/pay/* in the Kubernetes namespaces pay and team-* need the signatures of at least 2 of these: a member of \
         acme/qa, a member of acme/security, sam. For now that is only recorded: without them they run all the same.",
    );
    browser.clicks("Add a rule").sees("A new rule").fills("Images", "dtr.test/labs/*").fills("Users", "quinn");
    browser
        .clicks("Add the rule")
        .sees("Images of dtr.test/labs/* need the signature of quinn.")
        .clicks("Move rule 2 (dtr.test/labs/*) up");
    // Whose name says already that it is the second.
    browser.clicks("Change rule 2 (dtr.test/pay/* in pay, team-*)").sees("Change rule 2");
    browser.ticks("It is refused").clicks("Change the rule").sees("Add a rule").never_sees("only recorded");

    browser.clicks("Add an exemption").sees("A new exemption").fills("Repository", "dtr.test/vendor/*");
    browser
        .fills("Reason", "they sign soon")
        .fills("Asked for by", "admin")
        .fills("Until", "2999-01-31 12:00")
        .clicks("Add the exemption");
    browser.sees("somebody else has to approve it").fills("Asked for by", "quinn").clicks("Add the exemption");
    browser.sees("Until 2999-01-31 12:00 UTC nobody has to sign images of dtr.test/vendor/*").sees("not saved yet");
    browser.clicks("Cancel").sees("nothing runs unsigned").never_sees("dtr.test/labs/*").never_sees("dtr.test/vendor/*");

    // Once more, with what is still open taken along by Save.
    browser.clicks("Add a rule").sees("A new rule").fills("Images", "dtr.test/labs/*").fills("Users", "quinn");
    browser.clicks("Add the rule").sees("the signature of quinn.").clicks("Add an exemption").sees("A new exemption");
    browser
        .fills("Repository", "dtr.test/vendor/*")
        .fills("Reason", "they sign soon")
        .fills("Asked for by", "quinn")
        .fills("Until", "2999-01-31 12:00")
        .clicks("Save")
        .sees("Save this policy?");
    browser.sees("Images of dtr.test/labs/* need the signature of quinn.").sees("they sign soon");
    browser.clicks("Back to the settings").sees("not saved yet").clicks("Save").sees("Save this policy?");
    browser.clicks("Save this policy").sees("The policy is saved");
    let saved = scene.admin().get("/api/config/trust").is(200).json();
    let rule = json!({"images": ["dtr.test/labs/*"], "require": {"users": ["quinn"]}, "mode": "enforce"});
    assert_eq!(saved["rules"], json!([rule]));
    let exemption = json!({"repository": "dtr.test/vendor/*", "reason": "they sign soon", "requested_by": "quinn",
        "approved_by": "admin", "expires": "2999-01-31T12:00:00Z"});
    assert_eq!(saved["exemptions"], json!([exemption]));
    browser
        .clicks("Remove rule 1 (dtr.test/labs/*)")
        .sees("not saved yet")
        .clicks("Save")
        .sees("Removed")
        .clicks("Save this policy");
    browser.sees("The policy is saved");
    assert!(scene.admin().get("/api/config/trust").is(200).json()["rules"].as_array().is_none_or(Vec::is_empty));
    browser.complained_of_nothing_but_bad_input();
}

#[test]
fn rules_and_exemptions_are_written_by_clicking() {
    rules_and_exemptions(JavaScript::On);
}

#[test]
fn rules_and_exemptions_are_written_by_clicking_without_javascript() {
    rules_and_exemptions(JavaScript::Off);
}
