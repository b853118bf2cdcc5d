//! What somebody learns who may not read the repository; and what a policy would say before it is the policy.

use wharfinger_gate::{Cause, Decide as _, Standing};

use crate::forge::{self, target};
use crate::stage::Stage;

#[tokio::test]
async fn a_denial_says_nothing_of_a_repository_to_whom_may_not_read_it() {
    let stage = Stage::new().await;
    let (signed, other) = (target("manifest one").digest().unwrap(), target("manifest two").digest().unwrap());
    let image = stage.host.gun(&format!("qa/app:v1@{other}"));
    let denial = stage.gate.admit(&Stage::plain_workload(&image)).await.unwrap_err();
    assert_eq!((denial.code(), denial.status()), ("other-digest", 403));
    let said = format!("{} {}", denial.message(), denial.remedy());
    assert!(!said.contains(&signed) && denial.remedy().contains("may not read"), "{said}");
    assert!(matches!(denial.cause, Cause::Withheld(_)));
    assert!(stage.recorded().await[0].detail.contains(&signed), "the record has all of it");
    let to_admin = stage.decide(&format!("qa/app:v1@{other}")).await.unwrap_err();
    assert!(to_admin.remedy().contains(&signed), "the positive twin: {}", to_admin.remedy());
    assert_eq!(denial.message(), to_admin.message());

    stage.configure(|configuration| Stage::require(configuration, &["security"])).await;
    let denial = stage.gate.admit(&Stage::plain_workload(&stage.host.gun("qa/app:v1"))).await.unwrap_err();
    assert!(denial.message().starts_with("image did not meet required signing policy"), "{}", denial.message());
    assert!(!denial.remedy().contains("security"), "{}", denial.remedy());
    // What stands in no repository is told to everybody.
    let denial = stage.gate.admit(&Stage::plain_workload("evil.test/x/y:1")).await.unwrap_err();
    assert!(denial.remedy().contains("registers evil.test"), "{}", denial.remedy());

    stage.host.publish(&stage.host.gun("qa/app"), forge::Forge::signed(&stage.host.gun("qa/app")).render());
    let denial = stage.gate.admit(&Stage::plain_workload(&stage.host.gun("qa/app:v1"))).await.unwrap_err();
    assert_eq!((denial.code(), denial.status()), ("re-created", 503));
    assert!(!denial.message().contains("made anew") && denial.message().contains("re-created"), "{}", denial.message());
}

#[tokio::test]
async fn explain_withholds_signers_digests_and_who_is_missing_from_whom_may_not_read() {
    let mut stage = Stage::new().await;
    stage.configure(|configuration| Stage::require(configuration, &["qa", "security"])).await;
    let image = stage.host.gun("qa/app:v1");
    let all = stage.gate.explain(&Stage::workload(&image, wharfinger_gate::Purpose::Explain), &image).await;
    assert!(!all.withheld && all.signers.len() == 1 && all.missing == ["org/security"] && all.digest.is_some(), "{all:?}");
    let told = stage.gate.explain(&Stage::plain_workload(&image), &image).await;
    assert_eq!((told.verdict, told.code, told.withheld), ("deny", "policy-not-met", true));
    assert_eq!((&told.message, &told.required), (&all.message, &all.required), "what is required is the cluster's to say");
    assert!(told.signers.is_empty() && told.missing.is_empty() && told.digest.is_none() && told.elsewhere.is_empty());
    assert!(told.remedy.contains("may not read"), "{}", told.remedy);
    stage.configure(|configuration| Stage::require(configuration, &["qa"])).await;
    let told = stage.gate.explain(&Stage::plain_workload(&image), &image).await;
    assert_eq!((told.verdict, told.digest, told.signers.len()), ("allow", None, 0));
    stage.forge.tag("targets/releases", "v1", "manifest two");
    stage.publish_next();
    let told = stage.gate.explain(&Stage::plain_workload(&image), &image).await;
    assert!(told.elsewhere.is_empty() && told.verdict == "deny", "{told:?}");
}

#[tokio::test]
async fn a_candidate_policy_is_tried_on_what_runs_without_being_recorded() {
    let stage = Stage::new().await;
    let (signed, other) = (target("manifest one").digest().unwrap(), target("manifest two").digest().unwrap());
    let current = stage.configuration().await;
    let mut stricter = current.clone();
    Stage::require(&mut stricter, &["security"]);
    let mut off = current.clone();
    off.trust.require_content_trust = false;
    let named = |path: &str| Standing::Named(stage.host.gun(path));
    let local = |digests: &[&str]| Standing::Local {
        asked: "built:1".to_owned(),
        repo_digests: digests.iter().map(|digest| stage.host.gun(&format!("qa/app@{digest}"))).collect(),
    };
    for (standing, now, new) in [
        (named(&format!("qa/app:v1@{signed}")), "signed", "policy-not-met"),
        (named(&format!("qa/app:v1@{other}")), "other-digest", "other-digest"),
        (named("qa/app:v1"), "signed", "policy-not-met"),
        (local(&[&other, &signed]), "signed", "policy-not-met"),
        (local(&[]), "local-only", "local-only"),
    ] {
        let question = Stage::workload("it", wharfinger_gate::Purpose::Explain);
        let code = async |configuration| stage.gate.foresee(configuration, &question, &standing).await.code;
        assert_eq!((code(&current).await, code(&stricter).await, code(&off).await), (now, new, "off"), "{standing:?}");
    }
    assert!(stage.recorded().await.is_empty());
}
