//! The two webhook configurations, as data: what the API server asks about, and where.
//!
//! Both fail closed and leave nothing out: no object is exempt by a label, and of the namespaces only the one in which Wharfinger
//! itself runs, by the label that the API server sets and holds to the namespace's name.

mod keep;

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use wharfinger_oci::Host;
use wharfinger_policy::ImageResource;

pub use keep::Kept;

/// The name of both configurations.
pub(crate) const NAME: &str = "wharfinger";
pub(crate) const API_VERSION: &str = "admissionregistration.k8s.io/v1";
/// The label by which the API server knows a namespace's name (from 1.21 on, whatever else somebody writes there).
const NAMESPACE_LABEL: &str = "kubernetes.io/metadata.name";

/// Where the API server reaches this process.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// From outside, by the cluster's public host.
    Host(Host),
    /// Inside, by a service of this namespace, which is left out: else nothing could start what answers.
    Service { namespace: String },
}

/// What the API server has to know of this process.
pub struct Webhooks {
    pub place: Place,
    /// The secret part of the paths. Without it the API server reaches nobody who answers.
    pub segment: Option<String>,
    /// The CA of the served certificate, PEM. Without it (and with a service) the API server trusts none.
    pub ca_pem: Option<String>,
    /// What holds images besides the built-in kinds: `[[kubernetes.resources]]`.
    pub resources: Vec<ImageResource>,
}

/// The API server asks twice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Before others had their say: images are pinned.
    Mutate,
    /// The final object: nothing may be in it but what is pinned.
    Validate,
}

impl Phase {
    pub const ALL: [Self; 2] = [Self::Mutate, Self::Validate];

    pub fn kind(self) -> &'static str {
        match self {
            Self::Mutate => "MutatingWebhookConfiguration",
            Self::Validate => "ValidatingWebhookConfiguration",
        }
    }

    pub(crate) fn collection(self) -> String {
        format!("/apis/{API_VERSION}/{}s", self.kind().to_lowercase())
    }

    pub(crate) fn path(self) -> String {
        format!("{}/{NAME}", self.collection())
    }

    fn word(self) -> &'static str {
        match self {
            Self::Mutate => "mutate",
            Self::Validate => "validate",
        }
    }

    /// Where this process is asked.
    pub(crate) fn address(self, segment: &str) -> String {
        format!("/admission/{}/{segment}", self.word())
    }

    /// The name of the one webhook of the configuration.
    pub fn webhook(self) -> String {
        format!("{}.wharfinger.io", self.word())
    }
}

impl Webhooks {
    /// The whole configuration.
    pub fn configuration(&self, phase: Phase) -> Value {
        let mut webhook = json!({
            "name": phase.webhook(),
            "admissionReviewVersions": ["v1"],
            "clientConfig": self.client_config(phase, None),
            "failurePolicy": "Fail",
            "matchPolicy": "Equivalent",
            "rules": self.rules(),
            "namespaceSelector": self.namespaces(),
            "objectSelector": {},
            // A dry run is decided and nothing of it is recorded.
            "sideEffects": "NoneOnDryRun",
            "timeoutSeconds": 10,
        });
        if phase == Phase::Mutate {
            // What another webhook puts in after us is pinned, too.
            webhook["reinvocationPolicy"] = json!("IfNeeded");
        }
        json!({
            "apiVersion": API_VERSION,
            "kind": phase.kind(),
            "metadata": { "name": NAME, "labels": crate::manifests::labels() },
            "webhooks": [webhook],
        })
    }

    /// Every namespace, or every one but Wharfinger's own.
    fn namespaces(&self) -> Value {
        match &self.place {
            Place::Host(_) => json!({}),
            Place::Service { namespace } => all_but(namespace),
        }
    }

    /// Where the webhook is. `found` is how the API server reaches it now: by a service it goes on with that service.
    pub(crate) fn client_config(&self, phase: Phase, found: Option<&Value>) -> Value {
        let path = self.segment.as_ref().map(|segment| phase.address(segment));
        let by_service = found.filter(|found| found["service"].is_object());
        let mut config = match (&self.place, by_service) {
            (_, Some(found)) => found.clone(),
            (Place::Service { namespace }, None) => {
                json!({ "service": { "name": NAME, "namespace": namespace, "port": 443 } })
            }
            (Place::Host(host), None) => json!({ "url": format!("https://{host}{}", path.as_deref().unwrap_or("/")) }),
        };
        if let (Some(service), Some(path)) = (config.get_mut("service"), path) {
            service["path"] = json!(path);
        }
        if let Some(pem) = &self.ca_pem {
            config["caBundle"] = json!(STANDARD.encode(pem));
        }
        config
    }

    /// What the API server asks about.
    pub(crate) fn rules(&self) -> Value {
        let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let built_in: [(&str, &[&str]); 4] = [
            ("", &["pods", "pods/ephemeralcontainers", "podtemplates", "replicationcontrollers"]),
            ("apps", &["daemonsets", "deployments", "replicasets", "statefulsets"]),
            ("batch", &["cronjobs", "jobs"]),
            // Until 1.16 some of apps were here.
            ("extensions", &["daemonsets", "deployments", "replicasets"]),
        ];
        groups.extend(built_in.map(|(group, resources)| (group, resources.to_vec())));
        for ImageResource { group, resource, .. } in &self.resources {
            let listed = groups.entry(group).or_default();
            if !listed.contains(&resource.as_str()) {
                listed.push(resource);
            }
        }
        let rule = |(group, resources): (&str, Vec<&str>)| {
            json!({
                "apiGroups": [group],
                "apiVersions": ["*"],
                "operations": ["CREATE", "UPDATE"],
                "resources": resources,
                "scope": "Namespaced",
            })
        };
        groups.into_iter().map(rule).collect()
    }
}

/// The selector of every namespace but this one, by the name that the API server gives it.
pub(crate) fn all_but(namespace: &str) -> Value {
    json!({ "matchExpressions": [{ "key": NAMESPACE_LABEL, "operator": "NotIn", "values": [namespace] }] })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(group: &str, resource: &str) -> ImageResource {
        ImageResource { group: group.to_owned(), resource: resource.to_owned(), images: Vec::new(), may_have_none: false }
    }

    fn webhooks(place: Place) -> Webhooks {
        Webhooks {
            place,
            segment: Some("SEGMENT".to_owned()),
            ca_pem: Some("PEM".to_owned()),
            resources: vec![resource("argoproj.io", "workflows"), resource("batch", "jobs")],
        }
    }

    fn outside() -> Webhooks {
        webhooks(Place::Host("cluster.test:8443".parse().unwrap()))
    }

    #[test]
    fn both_fail_closed_and_leave_nothing_out() {
        for phase in Phase::ALL {
            let configuration = outside().configuration(phase);
            let webhook = &configuration["webhooks"][0];
            assert_eq!(webhook["failurePolicy"], "Fail");
            assert_eq!(webhook["matchPolicy"], "Equivalent");
            assert_eq!(webhook["sideEffects"], "NoneOnDryRun");
            assert_eq!((&webhook["namespaceSelector"], &webhook["objectSelector"]), (&json!({}), &json!({})));
        }
    }

    #[test]
    fn inside_the_cluster_its_own_namespace_alone_is_left_out() {
        let webhook =
            webhooks(Place::Service { namespace: "dock".to_owned() }).configuration(Phase::Validate)["webhooks"][0].clone();
        let label = json!({"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["dock"]});
        assert_eq!(webhook["namespaceSelector"], json!({"matchExpressions": [label]}));
        assert_eq!(webhook["clientConfig"]["service"]["path"], "/admission/validate/SEGMENT");
        assert_eq!(webhook["clientConfig"]["service"]["namespace"], "dock");
    }

    #[test]
    fn the_secret_segment_and_the_ca_are_in_the_address() {
        let config = &outside().configuration(Phase::Mutate)["webhooks"][0]["clientConfig"];
        assert_eq!(config["url"], "https://cluster.test:8443/admission/mutate/SEGMENT");
        assert_eq!(config["caBundle"], STANDARD.encode("PEM"));
        let unknown = Webhooks { segment: None, ca_pem: None, ..outside() };
        let config = unknown.client_config(Phase::Mutate, None);
        assert_eq!(config, json!({"url": "https://cluster.test:8443/"}), "nobody answers there");
    }

    #[test]
    fn a_service_that_somebody_chose_stays_and_gets_the_path() {
        let found = json!({"service": {"name": "other", "namespace": "dock", "port": 8443}, "caBundle": "b2xk"});
        let config = outside().client_config(Phase::Mutate, Some(&found));
        let expected = json!({"name": "other", "namespace": "dock", "port": 8443, "path": "/admission/mutate/SEGMENT"});
        assert_eq!(config, json!({"service": expected, "caBundle": STANDARD.encode("PEM")}));
    }

    #[test]
    fn a_resource_of_the_configuration_is_asked_about_once() {
        let rules = outside().rules();
        let of = |group: &str| {
            let rule = rules.as_array().unwrap().iter().find(|rule| rule["apiGroups"][0] == group);
            rule.map(|rule| rule["resources"].clone())
        };
        assert_eq!(of("argoproj.io"), Some(json!(["workflows"])));
        assert_eq!(of("batch"), Some(json!(["cronjobs", "jobs"])));
        assert!(of("").unwrap().as_array().unwrap().contains(&json!("pods/ephemeralcontainers")));
    }
}
