//! What runs in Kubernetes, in the browser. Pods of a real API server and its controllers; nothing starts them.

use std::time::Duration;

use serde_json::json;
use wharfinger_e2e::{Guarded, Kind, NAMESPACE, until};

use crate::browser::{Browser, JavaScript};

#[test]
#[ignore = "needs `cargo xtask kubernetes`"]
fn what_runs_in_kubernetes_is_found_among_the_workloads_and_asked_about() {
    let (guarded, browser) = (Guarded::up(), Browser::start(JavaScript::On));
    let mut deployment = Kind::named("Deployment").object(NAMESPACE, "web", &[("app", &guarded.signed)]);
    deployment["spec"]["replicas"] = 3.into();
    guarded.kubernetes.apply(&deployment).ok();
    guarded.scene.enforce_nothing();
    guarded.apply("Pod", "old", &[("app", &guarded.unsigned)]).ok();
    guarded.scene.enforce(&["acme/qa"]);
    let pods = || guarded.kubernetes.get(NAMESPACE, "pods")["items"].as_array().map_or(0, Vec::len);
    assert!(until(Duration::from_secs(30), || pods() == 4), "{} pods", pods());

    browser.signs_in_as_admin(&guarded.scene).sees("Would be refused now").sees(&format!("{NAMESPACE}/old"));
    browser.clicks("Workloads").sees(&format!("{NAMESPACE}/web")).sees("Deployment, 3 pods: container app").sees("not started");
    browser.fills("Name, image, signer or reason", "shop/").chooses("Verdict", "Refused").clicks("Show");
    browser.sees(&format!("{NAMESPACE}/old")).never_sees(&format!("{NAMESPACE}/web"));
    browser.clicks("not-released").sees("may not run").sees("docker trust sign");
    assert_eq!(browser.holds("Kubernetes namespace"), NAMESPACE);

    // A rule for the namespace, tried out: what it would refuse of the pods is seen before it is saved.
    browser.clicks("Docker Content Trust").clicks("Add a rule").sees("A new rule");
    browser.fills("Images", &format!("{}/acme/*", guarded.scene.registry)).fills("Kubernetes namespaces", NAMESPACE);
    browser.fills("Users", "olga").clicks("Save").sees("Save this policy?").sees("This would refuse 1").sees("shop/web");
    browser.clicks("Back to the settings").sees("not saved yet").clicks("Save").sees("This would refuse 1");
    browser.clicks("Save this policy").sees("The policy is saved").clicks("Workloads").sees("policy-not-met");
    assert_eq!(guarded.scene.admin().get("/api/config/trust").json()["rules"][0]["namespaces"], json!([NAMESPACE]));
    browser.complained_of_nothing();
}
