//! The policy's effect on what runs, seen before it is saved and explained afterwards.

use wharfinger_e2e::Scene;

use crate::browser::{Browser, JavaScript};
use crate::lively::Container;

#[test]
fn what_a_policy_would_refuse_is_seen_before_it_is_saved_and_why_afterwards() {
    let (scene, browser) = (Scene::up(), Browser::start(JavaScript::On));
    let cast = scene.acme("private");
    let (signed, unsigned) = (scene.push(&cast.dev, "acme/app:1", "v1"), scene.push(&cast.dev, "acme/app:2", "v2"));
    cast.add_quinn(&signed);
    cast.quinn_signs(&signed);
    let port = scene.cluster.rsplit(':').next().unwrap();
    let good = Container::run(&cast.olga, format!("signed{port}"), &signed);
    let bad = Container::run(&cast.olga, format!("unsigned{port}"), &unsigned);

    browser.signs_in_as_admin(&scene).clicks("Docker Content Trust").ticks("Run only signed images");
    browser.chooses("Organization", "acme").chooses("Team", "qa").clicks("Add Team").sees("acme/qa").clicks("Save");
    browser.sees("This would refuse").sees(&bad.1).sees("docker trust sign");
    browser.clicks("Save this policy").sees("The policy is saved");
    browser.clicks("Workloads").sees(&good.1).sees("may run").sees(&bad.1).sees("refused").sees("not-released");
    drop((good, bad));

    cast.olga.does(&format!("docker run --rm --entrypoint cat {signed} /etc/says")).says("v1");
    cast.olga.sh(&format!("docker run --rm {unsigned}")).fails().says("image or trust data does not exist");
    browser.clicks("Overview").sees("Recent refusals").sees(&unsigned).clicks("not-released").sees("may not run");
    browser.sees("What to do").sees(&format!("docker trust sign {unsigned}"));
    browser.fills("Image", &signed).clicks("Ask").sees("may run").sees("key of quinn").sees("acme/qa");
    browser
        .clicks("Audit log")
        .sees("policy.change")
        .fills("Who", "olga")
        .clicks("Show")
        .sees("deploy")
        .never_sees("policy.change");
    browser.clicks("Verify the chain").sees("Whole: all");

    browser.goes(&format!("https://{}/manage/accounts/quinn", scene.cluster)).clicks("Remove Generated on download");
    browser.sees("These tags lose a signature (1)").sees(&signed).clicks("Cancel").sees("Generated on download");
    browser.complained_of_nothing();
}
