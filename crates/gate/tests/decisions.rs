//! Decisions on real, signed metadata: what is pinned, and each cause of a denial provoked by itself.

#[path = "../../tuf/tests/forge/mod.rs"]
mod forge;
#[path = "../../trust/tests/host/mod.rs"]
mod host;
#[path = "decisions/kubernetes.rs"]
mod kubernetes;
#[path = "decisions/namespaced.rs"]
mod namespaced;
#[path = "decisions/replayed.rs"]
mod replayed;
#[path = "decisions/silence.rs"]
mod silence;
mod stage;
#[path = "decisions/told.rs"]
mod told;

use axum::http::StatusCode;
use forge::{Identity, target};
use stage::Stage;
use wharfinger_gate::{Cause, Decide as _, Denial, Pin, Purpose, Workload};
use wharfinger_policy::{Configuration, Mode, PinnedRoot, Signers};

fn cause(denied: Result<Pin, Denial>) -> Cause {
    denied.expect_err("it was allowed").cause
}

#[tokio::test]
async fn an_image_signed_by_a_member_of_every_team_is_pinned_to_its_signed_digest() {
    let stage = Stage::new().await;
    let Pin::Signed(pin) = stage.decide("qa/app:v1").await.unwrap() else { panic!("not pinned") };
    let signed = target("manifest one").digest().unwrap();
    assert_eq!(pin.digest.as_str(), signed);
    assert_eq!(pin.pinned, format!("{}/qa/app:v1@{signed}", stage.host.name));
    assert_eq!(pin.length, "manifest one".len() as u64);
}

#[tokio::test]
async fn with_the_switch_off_nothing_is_asked() {
    let stage = Stage::new().await;
    stage.configure(|configuration| configuration.trust.require_content_trust = false).await;
    assert_eq!(stage.decide("qa/unsigned:v9").await.unwrap(), Pin::Unenforced);
    assert_eq!(stage.host.requests(), [""; 0]);
    assert!(stage.recorded().await.is_empty());
}

#[tokio::test]
async fn a_registry_that_is_not_registered_is_refused_by_its_name() {
    let stage = Stage::new().await;
    for (image, host) in [
        ("busybox".to_owned(), "docker.io".to_owned()),
        ("evil.test/qa/app:v1".to_owned(), "evil.test".to_owned()),
        ("evil.test/x/127.0.0.1/qa/app:v1".to_owned(), "evil.test".to_owned()),
    ] {
        assert_eq!(cause(stage.decide_exactly(&image).await), Cause::NotRegistered { host }, "{image}");
    }
}

#[tokio::test]
async fn absent_trust_data_and_absent_tags_are_told_apart_and_both_refused() {
    let stage = Stage::new().await;
    assert_eq!(cause(stage.decide("qa/other:v1").await), Cause::NoTrustData { credentials_refused: false });
    assert_eq!(cause(stage.decide("qa/app:v2").await), Cause::NotReleased);
    assert_eq!(cause(stage.decide("qa/app").await), Cause::NotReleased);
}

#[tokio::test]
async fn a_digest_is_allowed_only_if_it_is_what_a_passing_tag_means_now() {
    let mut stage = Stage::new().await;
    let (one, two) = (target("manifest one").digest().unwrap(), target("manifest two").digest().unwrap());
    assert!(matches!(stage.decide(&format!("qa/app@{one}")).await.unwrap(), Pin::Signed(pin) if pin.digest.as_str() == one));
    assert!(matches!(stage.decide(&format!("qa/app:v1@{one}")).await.unwrap(), Pin::Signed(_)));
    assert_eq!(cause(stage.decide(&format!("qa/app:v1@{two}")).await), Cause::OtherDigest { signed: one.clone() });
    assert_eq!(cause(stage.decide(&format!("qa/app@{two}")).await), Cause::NotReleased);
    // Signed once, and not any more.
    for role in ["targets/releases", "targets/qa"] {
        stage.forge.tag(role, "v1", "manifest two");
    }
    stage.publish_next();
    assert_eq!(cause(stage.decide(&format!("qa/app@{one}")).await), Cause::NotReleased);
    assert!(stage.decide(&format!("qa/app@{two}")).await.is_ok());
}

#[tokio::test]
async fn a_signature_of_another_team_of_nobody_or_of_an_inactive_member_is_not_enough() {
    let stage = Stage::new().await;
    let missing = |names: &[&str]| Cause::PolicyNotMet { missing: names.iter().map(ToString::to_string).collect() };
    stage.configure(|configuration| Stage::require(configuration, &["qa", "security"])).await;
    assert_eq!(cause(stage.decide("qa/app:v1").await), missing(&["org/security"]));
    stage.configure(|configuration| Stage::require(configuration, &["qa"])).await;
    stage.directory.deactivate();
    assert_eq!(cause(stage.decide("qa/app:v1").await), missing(&["org/qa"]));
    stage.directory.disown();
    assert_eq!(cause(stage.decide("qa/app:v1").await), missing(&["org/qa"]));
    stage.configure(|configuration| Stage::require(configuration, &[])).await;
    assert!(stage.decide("qa/app:v1").await.is_ok(), "without teams anybody's signature is enough");
    stage.configure(|configuration| configuration.trust.signers = Signers::Cluster).await;
    assert_eq!(cause(stage.decide("qa/app:v1").await), missing(&[]));
}

#[tokio::test]
async fn the_holder_of_the_repository_key_cannot_repoint_a_role_to_a_key_of_his_own() {
    let mut stage = Stage::new().await;
    let mut forged = forge::Forge::new(stage.gun().as_str());
    std::mem::swap(&mut forged.root_key, &mut stage.forge.root_key);
    std::mem::swap(&mut forged.targets_key, &mut stage.forge.targets_key);
    std::mem::swap(&mut forged.snapshot_key, &mut stage.forge.snapshot_key);
    std::mem::swap(&mut forged.timestamp_key, &mut stage.forge.timestamp_key);
    forged.root.clone_from(&stage.forge.root);
    forged.delegate("targets/releases", vec![Identity::bare()], 1);
    forged.delegate("targets/qa", vec![Identity::bare()], 1);
    for role in ["targets/releases", "targets/qa"] {
        forged.tag(role, "v1", "manifest of the thief");
    }
    assert!(stage.decide("qa/app:v1").await.is_ok());
    (forged.snapshot_version, forged.timestamp_version) = (stage.forge.snapshot_version, stage.forge.timestamp_version);
    forged.targets.values_mut().for_each(|file| file.version = 5);
    stage.forge = forged;
    stage.publish_next();
    assert_eq!(cause(stage.decide("qa/app:v1").await), Cause::PolicyNotMet { missing: vec!["org/qa".to_owned()] });
}

#[tokio::test]
async fn a_signer_who_stands_on_another_digest_is_shown_and_does_not_count() {
    let mut stage = Stage::new().await;
    stage.forge.tag("targets/releases", "v1", "manifest two");
    stage.publish_next();
    assert_eq!(cause(stage.decide("qa/app:v1").await), Cause::PolicyNotMet { missing: vec!["org/qa".to_owned()] });
    let explained = stage.explain("qa/app:v1").await;
    assert_eq!(explained.elsewhere, ["targets/qa"]);
    assert_eq!((explained.verdict, explained.code), ("deny", "policy-not-met"));
    assert_eq!((explained.required, explained.missing), (vec!["org/qa".to_owned()], vec!["org/qa".to_owned()]));
}

#[tokio::test]
async fn an_exempt_repository_needs_no_signature_but_a_registered_host() {
    let stage = Stage::new().await;
    let host = stage.host.name.clone();
    stage
        .configure(|configuration| {
            configuration.trust.allow_repos = vec![format!("{host}/infra/*"), "evil.test/infra/*".to_owned()];
        })
        .await;
    assert!(matches!(stage.decide("infra/agent:v1").await.unwrap(), Pin::Exempt(_)));
    assert!(stage.decide("infra2/agent:v1").await.is_err());
    assert_eq!(
        cause(stage.decide_exactly("evil.test/infra/agent:v1").await),
        Cause::NotRegistered { host: "evil.test".to_owned() }
    );
    let codes: Vec<_> = stage.recorded().await.into_iter().map(|act| act.outcome).collect();
    assert_eq!(codes, ["deny", "deny", "allow"], "each use is recorded");
}

#[tokio::test]
async fn an_exemption_exempts_until_it_ends_and_is_named() {
    let stage = Stage::new().await;
    let unsigned = target("manifest two").digest().unwrap();
    let user =
        |name: &str| wharfinger_policy::NamedUser { id: wharfinger_identity::AccountId::stored(name), name: name.to_owned() };
    let until = async |expires| {
        let exemption = wharfinger_policy::Exemption {
            digest: Some(unsigned.clone()),
            repository: Some(stage.host.gun("qa/*").parse().unwrap()),
            namespaces: Vec::new(),
            reason: "a test".to_owned(),
            requested_by: user("quinn"),
            approved_by: user("ann"),
            expires,
        };
        stage.configure(|configuration| configuration.trust.exemptions = vec![exemption]).await;
    };
    let image = format!("qa/app@{unsigned}");
    until(forge::now() + std::time::Duration::from_mins(1)).await;
    assert!(matches!(stage.decide(&image).await.unwrap(), Pin::Exempt(_)));
    assert!(stage.recorded().await[0].detail.contains("exemption 1 ("), "its use is recorded");
    assert!(stage.explain(&image).await.message.contains("exemption 1 ("));
    assert_eq!(cause(stage.decide("qa/app:v2").await), Cause::NotReleased, "by its digest and nothing else");
    until(forge::now()).await;
    assert_eq!(cause(stage.decide(&image).await), Cause::NotReleased, "it ended");
}

#[tokio::test]
async fn undecided_is_refused_with_503_and_the_cause() {
    let stage = Stage::new().await;
    stage.host.script().status = Some(StatusCode::BAD_GATEWAY);
    let denial = stage.decide("qa/app:v1").await.unwrap_err();
    assert_eq!(denial.status(), 503);
    assert!(denial.message().contains("502"), "{}", denial.message());
    stage.host.script().status = None;
    assert!(stage.decide("qa/app:v1").await.is_ok(), "it recovers by itself");
}

#[tokio::test]
async fn a_policy_that_cannot_be_read_means_enforce() {
    let stage = Stage::new().await;
    stage.write_document("{\"trust\":{\"mode\":\"maybe\"}}").await;
    assert!(matches!(cause(stage.decide("qa/app:v1").await), Cause::Undecided { .. }));
    assert!(stage.gate.enforcing().await.is_err());
    assert!(stage.gate.builds_allowed().await.is_err());
}

#[tokio::test]
async fn a_decision_that_cannot_be_recorded_is_refused() {
    let stage = Stage::new().await;
    stage.audit.fail();
    assert!(matches!(cause(stage.decide("qa/app:v1").await), Cause::Undecided { why } if why.contains("recorded")));
}

#[tokio::test]
async fn a_decision_does_not_outlive_what_it_rests_on() {
    let mut stage = Stage::new().await;
    let admitted = stage.admit("qa/app:v1").await.unwrap();
    assert!(stage.gate.still_current(&admitted).await.is_ok());
    stage.configure(|configuration| configuration.trust.allow_builds = true).await;
    assert_eq!(stage.gate.still_current(&admitted).await.unwrap_err().cause, Cause::Outdated, "the policy changed");
    let admitted = stage.admit("qa/app:v1").await.unwrap();
    stage.directory.deactivate();
    assert_eq!(stage.gate.still_current(&admitted).await.unwrap_err().cause, Cause::Outdated, "the directory changed");
    stage.directory.activate();
    let admitted = stage.admit("qa/app:v1").await.unwrap();
    stage.publish_next();
    stage.admit("qa/app:v1").await.unwrap();
    assert_eq!(stage.gate.still_current(&admitted).await.unwrap_err().cause, Cause::Outdated, "the trust data changed");
}

#[tokio::test]
async fn a_local_image_runs_only_by_a_signed_digest_it_came_under() {
    let stage = Stage::new().await;
    let signed = target("manifest one").digest().unwrap();
    let other = target("manifest two").digest().unwrap();
    let host = &stage.host.name;
    let workload = Stage::workload("0123456789ab", Purpose::Create);
    let local = async |digests: &[String]| {
        let admitted = stage.gate.admit_local(&workload, "0123456789ab", digests).await;
        admitted.map(|admitted| admitted.pin("0123456789ab").cloned().unwrap())
    };
    assert_eq!(cause(local(&[]).await), Cause::LocalOnly);
    assert_eq!(cause(local(&[format!("{host}/qa/app@{other}")]).await), Cause::NotReleased);
    let both = [format!("busybox@{other}"), format!("{host}/qa/app@{signed}")];
    let Pin::Signed(pin) = local(&both).await.unwrap() else { panic!("not pinned") };
    assert_eq!(pin.pinned, format!("{host}/qa/app@{signed}"));
}

#[tokio::test]
async fn builds_pass_while_enforcing_only_if_the_policy_says_so() {
    let stage = Stage::new().await;
    assert!(stage.gate.enforcing().await.unwrap());
    assert!(!stage.gate.builds_allowed().await.unwrap());
    stage.configure(|configuration: &mut Configuration| configuration.trust.allow_builds = true).await;
    assert!(stage.gate.builds_allowed().await.unwrap());
}

#[tokio::test]
async fn a_policy_of_which_nothing_is_left_is_damage_and_not_the_switch_turned_off() {
    let stage = Stage::new().await;
    stage.write_document("").await;
    let denial = stage.decide("qa/unsigned:v9").await.unwrap_err();
    assert_eq!(denial.status(), 503, "{denial:?}");
    assert!(stage.gate.enforcing().await.is_err() && stage.gate.builds_allowed().await.is_err());
}

#[tokio::test]
async fn the_first_rule_for_an_image_decides_it_and_is_named() {
    let stage = Stage::new().await;
    let host = stage.host.name.clone();
    let rule = format!("rule 1 ({host}/qa/*)");
    stage
        .configure(|configuration| {
            configuration.trust.rules =
                vec![stage.rule("qa/*", &["security", "qa"], Some(2)), stage.rule("qa/app", &["qa"], None)];
        })
        .await;
    let not_met = Cause::RuleNotMet { rule: rule.clone(), missing: vec!["org/security".to_owned()], more: 1 };
    let denial = stage.decide("qa/app:v1").await.unwrap_err();
    assert_eq!((denial.status(), denial.code()), (403, "policy-not-met"));
    assert!(denial.message().starts_with("image did not meet required signing policy\n"), "{}", denial.message());
    assert!(denial.remedy().contains(&rule), "{}", denial.remedy());
    assert_eq!(denial.cause, not_met);
    let signed = target("manifest one").digest().unwrap();
    assert_eq!(cause(stage.decide(&format!("qa/app@{signed}")).await), not_met, "by digest it is the same image");
    let explained = stage.explain("qa/app:v1").await;
    assert_eq!((explained.verdict, explained.rule.as_deref(), explained.at_least), ("deny", Some(rule.as_str()), 2));
    assert_eq!(
        (explained.required, explained.missing),
        (vec!["org/security".to_owned(), "org/qa".to_owned()], vec!["org/security".to_owned()])
    );
    stage.configure(|configuration| configuration.trust.rules[0].require.at_least = 1).await;
    assert!(matches!(stage.decide("qa/app:v1").await.unwrap(), Pin::Signed(_)), "one of the two is enough now");
    assert!(stage.explain("qa/app:v1").await.missing.is_empty());
    let detail = &stage.recorded().await[0].detail;
    assert!(detail.contains(&rule), "{detail}");
}

#[tokio::test]
async fn an_image_without_a_rule_is_decided_by_the_plain_list() {
    let stage = Stage::new().await;
    stage.configure(|configuration| configuration.trust.rules = vec![stage.rule("dev/*", &["security"], None)]).await;
    assert!(stage.decide("qa/app:v1").await.is_ok());
    assert_eq!(stage.explain("qa/app:v1").await.rule, None);
}

#[tokio::test]
async fn a_rule_for_a_namespace_decides_what_runs_there_and_nothing_else() {
    let stage = Stage::new().await;
    stage
        .configure(|configuration| {
            let rule = stage.rule("qa/*", &["security"], None);
            configuration.trust.rules = vec![wharfinger_policy::Rule { namespaces: vec!["prod".parse().unwrap()], ..rule }];
        })
        .await;
    stage.record_policy().await;
    assert!(stage.decide("qa/app:v1").await.is_ok(), "outside Kubernetes");
    for (namespace, outcome) in [("dev", "allow"), ("prod", "deny")] {
        let image = format!("{}:v1", stage.gun());
        let workload = Workload { namespace: Some(namespace.to_owned()), ..Stage::workload(&image, Purpose::Create) };
        assert_eq!(stage.gate.admit(&workload).await.is_ok(), outcome == "allow", "{namespace}");
        let recorded = &stage.recorded().await[0];
        assert!(recorded.detail.contains(&format!("\"namespace\":\"{namespace}\"")), "{}", recorded.detail);
        assert_eq!(recorded.outcome, outcome);
    }
}

#[tokio::test]
async fn a_rule_in_audit_mode_lets_run_and_records_what_it_would_have_denied() {
    let stage = Stage::new().await;
    stage
        .configure(|configuration| {
            let rule = stage.rule("qa/*", &["security"], None);
            configuration.trust.rules = vec![wharfinger_policy::Rule { mode: Mode::Audit, ..rule }];
        })
        .await;
    for (image, code) in [("qa/app:v1", "policy-not-met"), ("qa/app:v2", "not-released"), ("qa/unsigned:v1", "no-trust-data")] {
        assert!(matches!(stage.decide(image).await.unwrap(), Pin::Exempt(_)), "{image}");
        let recorded = &stage.recorded().await[0];
        assert_eq!(recorded.outcome, "audit", "{image}");
        assert!(recorded.detail.contains(code) && recorded.detail.contains("rule 1 ("), "{}", recorded.detail);
        let explained = stage.explain(image).await;
        assert_eq!((explained.verdict, explained.code), ("audit", code));
    }
    assert!(stage.decide("dev/app:v1").await.is_err(), "another repository is none of the rule's");
    assert!(stage.decide_exactly("evil.test/qa/app:v1").await.is_err(), "nor is another registry");
    stage.configure(|configuration| configuration.trust.rules[0].require = stage.rule("qa/*", &["qa"], None).require).await;
    assert!(matches!(stage.decide("qa/app:v1").await.unwrap(), Pin::Signed(_)), "what meets the rule is pinned as ever");
    assert_eq!(stage.recorded().await[0].outcome, "allow");
    stage.audit.fail();
    assert!(stage.decide("qa/unsigned:v1").await.is_err(), "what cannot be recorded is refused in audit mode too");
}

#[tokio::test]
async fn a_stored_mode_that_nobody_knows_means_enforce() {
    let stage = Stage::new().await;
    let mut document = String::new();
    stage
        .configure(|configuration| {
            configuration.trust.rules = vec![stage.rule("qa/*", &["security"], None)];
            document = serde_json::to_string(configuration).unwrap().replace("\"enforce\"", "\"observe\"");
        })
        .await;
    assert!(document.contains("observe"));
    stage.write_document(&document).await;
    assert!(matches!(cause(stage.decide("qa/app:v1").await), Cause::RuleNotMet { .. }));
    stage.write_document(&document.replace("/qa/*", "/*")).await;
    assert!(matches!(cause(stage.decide("qa/app:v1").await), Cause::Undecided { .. }), "a pattern that is none is damage");
}

#[tokio::test]
async fn what_a_registration_says_of_notary_server_and_roots_decides() {
    let stage = Stage::new().await;
    let registration = async |change: fn(&mut wharfinger_policy::Registration)| {
        stage.configure(|configuration: &mut Configuration| change(&mut configuration.registries[0])).await;
        stage.decide("qa/app:v1").await
    };
    for change in [
        (|registration| registration.notary_url = "http://not.test".to_owned()) as fn(&mut wharfinger_policy::Registration),
        |registration| {
            registration.notary_url.clear();
            registration.token_realm = "nonsense".to_owned();
        },
        |registration| {
            registration.token_realm.clear();
            registration.pinned_roots = vec![PinnedRoot { pattern: "*".to_owned(), keys: Vec::new(), ca: String::new() }];
        },
        // Pins nothing: no first use.
        |registration| registration.pinned_roots[0].pattern = format!("{}/*", registration.host_address),
    ] {
        assert!(matches!(cause(registration(change).await), Cause::Undecided { .. }));
    }
    let denied = registration(|registration| registration.pinned_roots[0].keys = vec!["ab".repeat(32)]).await.unwrap_err();
    assert_eq!((denied.code(), denied.status()), ("not-pinned", 503));
    assert!(denied.remedy().contains("pinned_roots"));
    let own = stage.forge.root_key.id().to_string();
    stage.configure(|configuration| configuration.registries[0].pinned_roots[0].keys = vec![own]).await;
    stage.decide("qa/app:v1").await.unwrap();
    // The Notary server is asked, and not the registry.
    let denied = registration(|registration| registration.notary_url = "https://127.0.0.1:1/x".to_owned()).await;
    let Cause::Undecided { why } = cause(denied) else { panic!("decided") };
    assert!(why.contains("Notary server 127.0.0.1:1"), "{why}");
}

#[tokio::test]
async fn a_denial_names_what_is_wrong_with_trust_data_and_the_command_that_repairs_it() {
    let stage = Stage::new().await;
    stage.decide("qa/app:v1").await.unwrap();
    stage.host.publish(&stage.host.gun("qa/app"), forge::Forge::signed(&stage.host.gun("qa/app")).render());
    let anew = stage.decide("qa/app:v1").await.unwrap_err();
    assert_eq!((anew.code(), anew.status()), ("re-created", 503));
    assert!(anew.remedy().contains("wharfinger policy re-pin") && anew.message().contains("made anew"));
    stage.host.script().sites.clear();
    let gone = stage.decide("qa/app:v1").await.unwrap_err();
    assert_eq!((gone.code(), gone.status()), ("deleted", 404));
    assert!(gone.message().starts_with("image or trust data does not exist for "));
    assert!(gone.remedy().contains("wharfinger policy re-pin"));
}
