use std::collections::BTreeSet;

use super::*;
use crate::webhooks::Place;

fn manifests(namespace: &str, pull_secrets_in: &[String], image: Option<&str>) -> Result<Vec<Manifest>, InstallationError> {
    let place = match image {
        Some(_) => Place::Service { namespace: namespace.to_owned() },
        None => Place::Host("cluster.test:8443".parse().unwrap()),
    };
    let webhooks = Webhooks { place, segment: None, ca_pem: None, resources: Vec::new() };
    Installation { namespace, pull_secrets_in, image, webhooks: &webhooks }.manifests()
}

fn of_kind(manifests: &[Manifest], kind: &str) -> Vec<Value> {
    manifests.iter().map(|manifest| manifest.object.clone()).filter(|object| object["kind"] == kind).collect()
}

#[test]
fn wharfinger_may_keep_two_objects_right_list_pods_and_get_pull_secrets_and_nothing_else() {
    let roles = of_kind(&manifests("dock", &[], None).unwrap(), "ClusterRole");
    let allowed: Vec<&Value> = roles.iter().flat_map(|role| role["rules"].as_array().unwrap()).collect();
    let expected = [
        json!({
            "apiGroups": ["admissionregistration.k8s.io"],
            "resources": ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"],
            "resourceNames": ["wharfinger"],
            "verbs": ["get", "update", "patch"],
        }),
        json!({ "apiGroups": [""], "resources": ["pods"], "verbs": ["list"] }),
        json!({ "apiGroups": [""], "resources": ["secrets", "serviceaccounts"], "verbs": ["get"] }),
    ];
    assert_eq!(allowed, expected.iter().collect::<Vec<_>>());
}

#[test]
fn pull_secrets_are_read_everywhere_unless_namespaces_are_named() {
    let everywhere = manifests("dock", &[], None).unwrap();
    assert_eq!(of_kind(&everywhere, "ClusterRoleBinding").len(), 2);
    assert!(of_kind(&everywhere, "RoleBinding").is_empty());
    let named = manifests("dock", &["qa".to_owned(), "prod".to_owned()], None).unwrap();
    assert_eq!(of_kind(&named, "ClusterRoleBinding").len(), 1);
    let bindings = of_kind(&named, "RoleBinding");
    assert_eq!(bindings.iter().map(|binding| &binding["metadata"]["namespace"]).collect::<Vec<_>>(), ["qa", "prod"]);
    assert!(bindings.iter().all(|binding| binding["roleRef"]["name"] == "wharfinger-pull-secrets"));
    assert!(bindings.iter().all(|binding| binding["subjects"][0]["namespace"] == "dock"));
}

#[test]
fn a_name_that_is_none_and_a_namespace_of_others_are_refused() {
    assert!(manifests("../x", &[], None).is_err());
    assert!(manifests("dock", &["a/b".to_owned()], None).is_err());
    assert!(manifests("default", &[], None).is_ok());
    for shared in ["default", "kube-system"] {
        let error = manifests(shared, &[], Some("dtr.test/wharfinger:1")).unwrap_err().to_string();
        assert!(error.contains("one of its own"), "{error}");
    }
}

#[test]
fn every_object_has_its_own_place_and_says_who_made_it() {
    let all = manifests("dock", &["qa".to_owned()], Some("dtr.test/wharfinger:1")).unwrap();
    let paths: BTreeSet<String> = all.iter().map(Manifest::path).collect();
    assert_eq!(paths.len(), all.len(), "{paths:#?}");
    assert!(paths.contains("/apis/apps/v1/namespaces/dock/deployments/wharfinger"), "{paths:#?}");
    assert!(paths.contains("/api/v1/namespaces/dock"), "{paths:#?}");
    assert!(all.iter().all(|manifest| is_ours(&manifest.object)));
    let (last, first) = (all.last().unwrap(), all.first().unwrap());
    assert_eq!(last.called(), "ValidatingWebhookConfiguration wharfinger");
    assert_eq!(first.called(), "Namespace dock");
    assert_eq!(all.iter().filter(|manifest| manifest.holds_data()).count(), 2);
}

/// Pod Security Standards, profile *restricted*; <https://kubernetes.io/docs/concepts/security/pod-security-standards/>.
#[test]
fn the_pod_is_restricted_and_its_root_cannot_be_written() {
    let all = manifests("dock", &[], Some("dtr.test/wharfinger:1")).unwrap();
    let deployment = of_kind(&all, "Deployment").remove(0);
    assert_eq!(deployment["spec"]["replicas"], 1);
    assert_eq!(deployment["spec"]["strategy"]["type"], "Recreate");
    let pod = &deployment["spec"]["template"]["spec"];
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
    let container = &pod["containers"][0];
    assert_eq!(container["securityContext"]["capabilities"]["drop"], json!(["ALL"]));
    assert_eq!(container["securityContext"]["allowPrivilegeEscalation"], false);
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
    assert_eq!(container["image"], "dtr.test/wharfinger:1");
    assert_eq!(container["livenessProbe"]["httpGet"]["path"], "/healthz");
    assert_eq!(container["readinessProbe"]["httpGet"]["path"], "/readyz");
    let host = json!({"name": "WHARFINGER_CLUSTER_HOST", "value": "wharfinger.dock.svc"});
    assert!(container["env"].as_array().unwrap().contains(&host), "the certificate is for the service's name");
    for kind in ["hostNetwork", "hostPID", "hostIPC"] {
        assert!(pod.get(kind).is_none(), "{kind}");
    }
}

/// The process inside knows of more than who installs.
#[test]
fn an_installation_inside_takes_no_rule_away_and_brings_back_those_that_are_missing() {
    let mut all = manifests("dock", &[], Some("dtr.test/wharfinger:1")).unwrap();
    let configuration = all.last_mut().unwrap();
    let plain = configuration.object.clone();
    let mut more = plain.clone();
    let custom =
        json!({"apiGroups": ["argoproj.io"], "apiVersions": ["*"], "operations": ["CREATE"], "resources": ["workflows"]});
    more["webhooks"][0]["rules"].as_array_mut().unwrap().push(custom);
    let mut less = plain.clone();
    less["webhooks"][0]["rules"].as_array_mut().unwrap().remove(0);
    configuration.ask_no_less_than(&less);
    assert_eq!(configuration.object, plain);
    configuration.ask_no_less_than(&more);
    assert_eq!(configuration.object, more);
    let service = &mut all[0];
    let before = service.clone();
    service.ask_no_less_than(&more);
    assert_eq!(*service, before);
}
