//! What is exempt in some Kubernetes namespaces only, such as a cluster's own images in `kube-system`.

use axum::http::StatusCode;
use wharfinger_gate::{Cause, Decide as _, Denial, Pin, Purpose, Workload};
use wharfinger_identity::AccountId;
use wharfinger_policy::{Exemption, NamedUser, Rule};

use crate::forge::{now, target};
use crate::stage::Stage;

/// An image of a registry that is not registered.
fn proxy() -> String {
    format!("registry.k8s.test/core/proxy:v1@{}", target("manifest two").digest().unwrap())
}

async fn exempt(stage: &Stage, repository: Option<&str>, digest: bool, namespaces: &[&str]) {
    let user = |name: &str| NamedUser { id: AccountId::stored(name), name: name.to_owned() };
    let exemption = Exemption {
        digest: target("manifest two").digest().filter(|_| digest),
        repository: repository.map(|repository| repository.parse().unwrap()),
        namespaces: namespaces.iter().map(|namespace| namespace.parse().unwrap()).collect(),
        reason: "it comes with the cluster".to_owned(),
        requested_by: user("quinn"),
        approved_by: user("ann"),
        expires: now() + std::time::Duration::from_mins(1),
    };
    stage.configure(|configuration| configuration.trust.exemptions = vec![exemption]).await;
    stage.record_policy().await;
}

async fn decide(stage: &Stage, image: &str, namespace: Option<&str>) -> Result<Pin, Denial> {
    let workload = Workload { namespace: namespace.map(str::to_owned), ..Stage::workload(image, Purpose::Create) };
    Ok(stage.gate.admit(&workload).await?.pin(image).unwrap().clone())
}

fn not_registered(decided: Result<Pin, Denial>) -> bool {
    decided.expect_err("it was allowed").cause == Cause::NotRegistered { host: "registry.k8s.test".to_owned() }
}

#[tokio::test]
async fn a_digest_that_is_exempt_in_a_namespace_runs_there_whoever_serves_it_and_nowhere_else() {
    let stage = Stage::new().await;
    exempt(&stage, None, true, &["kube-system"]).await;
    let Pin::Exempt(reference) = decide(&stage, &proxy(), Some("kube-system")).await.unwrap() else { panic!("not exempt") };
    assert_eq!(reference.to_string(), proxy());
    assert!(stage.recorded().await[0].detail.contains("exemption 1 (sha256:"), "its use is recorded");
    for namespace in [None, Some("default"), Some("kube-system-2")] {
        assert!(not_registered(decide(&stage, &proxy(), namespace).await), "{namespace:?}");
    }
    let name = proxy().split_once('@').unwrap().0.to_owned();
    assert!(not_registered(decide(&stage, &name, Some("kube-system")).await), "a tag can come to mean anything");
    let other = format!("{name}@{}", target("manifest one").digest().unwrap());
    assert!(not_registered(decide(&stage, &other, Some("kube-system")).await));
    let asked = Workload { namespace: Some("kube-system".to_owned()), ..Stage::workload(&proxy(), Purpose::Explain) };
    let explained = stage.gate.explain(&asked, &proxy()).await;
    assert_eq!((explained.verdict, explained.code), ("allow", "exempt"), "explain says the same");
}

#[tokio::test]
async fn what_names_no_digest_or_no_namespace_still_needs_a_registered_registry() {
    let stage = Stage::new().await;
    let everything = Some("registry.k8s.test/core/proxy");
    for (repository, digest, namespaces) in
        [(everything, false, &["kube-system"][..]), (None, true, &[]), (everything, true, &[])]
    {
        exempt(&stage, repository, digest, namespaces).await;
        assert!(not_registered(decide(&stage, &proxy(), Some("kube-system")).await), "{repository:?} {digest} {namespaces:?}");
    }
    exempt(&stage, everything, true, &["kube-system"]).await;
    assert!(decide(&stage, &proxy(), Some("kube-system")).await.is_ok(), "the positive twin");
    exempt(&stage, Some("registry.k8s.test/core/dns"), true, &["kube-system"]).await;
    assert!(not_registered(decide(&stage, &proxy(), Some("kube-system")).await), "of another repository");
}

#[tokio::test]
async fn a_repository_that_is_exempt_in_a_namespace_is_exempt_there_alone() {
    let stage = Stage::new().await;
    let image = format!("{}:v1", stage.host.gun("infra/agent"));
    exempt(&stage, Some(&stage.host.gun("infra/*")), false, &["kube-*"]).await;
    assert!(matches!(decide(&stage, &image, Some("kube-system")).await, Ok(Pin::Exempt(_))));
    for namespace in [None, Some("default")] {
        let denied = decide(&stage, &image, namespace).await.unwrap_err();
        assert_eq!(denied.cause, Cause::NoTrustData { credentials_refused: false }, "{namespace:?}");
    }
}

#[tokio::test]
async fn while_the_registry_is_silent_a_namespaces_rule_goes_on_being_its_own() {
    let stage = Stage::new().await;
    stage
        .configure(|configuration| {
            let rule = stage.rule("qa/*", &["security"], None);
            configuration.trust.rules = vec![Rule { namespaces: vec!["prod".parse().unwrap()], ..rule }];
        })
        .await;
    let image = format!("{}:v1", stage.gun());
    assert!(decide(&stage, &image, Some("dev")).await.is_ok(), "and so it is proven");
    stage.host.script().status = Some(StatusCode::SERVICE_UNAVAILABLE);
    assert!(matches!(decide(&stage, &image, Some("dev")).await, Ok(Pin::Signed(_))));
    let denied = decide(&stage, &image, Some("prod")).await.unwrap_err();
    assert!(matches!(denied.cause, Cause::RuleNotMet { .. }), "{denied:?}");
}
