//! `[kubernetes]`: where the API server is, and what of its objects carries images besides the kinds that everybody has.

use serde::{Deserialize, Serialize};
use serde_json::json;
use wharfinger_oci::Host;

use crate::image_path::ImagePath;

/// Kinds whose images are found without being told: pods and all that hold a template of one, as (group, resource).
const BUILT_IN: [(&str, &str); 12] = [
    ("", "pods"),
    ("", "podtemplates"),
    ("", "replicationcontrollers"),
    ("apps", "daemonsets"),
    ("apps", "deployments"),
    ("apps", "replicasets"),
    ("apps", "statefulsets"),
    ("batch", "cronjobs"),
    ("batch", "jobs"),
    ("extensions", "daemonsets"),
    ("extensions", "deployments"),
    ("extensions", "replicasets"),
];

/// RFC 1123, as Kubernetes holds groups to it; each part of one is a label, as a resource is.
const LONGEST_GROUP: usize = 253;
const LONGEST_LABEL: usize = 63;

/// `[kubernetes]` of the cluster's configuration. Left out: none of it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KubernetesSettings {
    /// `https://host[:port]` of the API server, for the kube.yml of client bundles; empty: they have none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub server: String,
    /// PEM of the CA behind the API server's certificate; empty means the system's roots.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub ca_bundle: String,
    /// The account with whose client certificate the API server asks; empty: who knows the path is taken for it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub api_server_account: String,
    /// Whether an update decides again on images that it leaves as they were.
    pub recheck_unchanged: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resources: Vec<ImageResource>,
}

/// One namespaced resource that carries images, such as a custom one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageResource {
    /// The API group, in every version; empty: the core group.
    pub group: String,
    /// The plural, in lower case.
    pub resource: String,
    /// Where its images stand.
    #[serde(default)]
    pub images: Vec<ImagePath>,
    /// Whether an object in which the paths find nothing may be stored.
    #[serde(default)]
    pub may_have_none: bool,
}

/// Why `[kubernetes]` is refused when it is written.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum KubernetesFault {
    #[error("`{0}` is not the address of an API server: write https://host[:port], without path, user or query")]
    Server(String),
    #[error("a ca_bundle without a server has no effect: write both or neither")]
    CaWithoutServer,
    #[error("`{0}` is not an API group: write it in lower case and without a version, such as argoproj.io")]
    Group(String),
    #[error("`{0}` is not a resource: write its plural in lower case, as `kubectl api-resources` shows it")]
    Resource(String),
    #[error("images of {0} are found without being told: leave it out")]
    BuiltIn(String),
    #[error("{0} stands there twice")]
    Twice(String),
    #[error("`images` of {0} is empty: write where its images stand, such as $.spec.image")]
    NoImages(String),
    #[error("`{path}` of {resource} stands there twice")]
    PathTwice { resource: String, path: String },
    #[error("`{path}` of {resource} selects {selected}, which is no image: name the field that holds one")]
    NoImage { resource: String, path: String, selected: String },
}

impl KubernetesSettings {
    /// What was said of a resource of this group.
    pub fn resource(&self, group: &str, resource: &str) -> Option<&ImageResource> {
        self.resources.iter().find(|known| known.group == group && known.resource == resource)
    }

    /// What is wrong with it, if anything is.
    pub fn check(&self) -> Result<(), KubernetesFault> {
        if !self.server.is_empty() && !is_https_origin(&self.server) {
            return Err(KubernetesFault::Server(shown(&self.server)));
        }
        if self.server.is_empty() && !self.ca_bundle.trim().is_empty() {
            return Err(KubernetesFault::CaWithoutServer);
        }
        for (index, resource) in self.resources.iter().enumerate() {
            resource.check()?;
            let earlier = &self.resources[..index];
            if earlier.iter().any(|earlier| (&earlier.group, &earlier.resource) == (&resource.group, &resource.resource)) {
                return Err(KubernetesFault::Twice(resource.name()));
            }
        }
        Ok(())
    }
}

impl ImageResource {
    /// As kubectl names it: `workflows.argoproj.io`.
    pub fn name(&self) -> String {
        if self.group.is_empty() { self.resource.clone() } else { format!("{}.{}", self.resource, self.group) }
    }

    fn check(&self) -> Result<(), KubernetesFault> {
        let group = self.group.is_empty() || (self.group.len() <= LONGEST_GROUP && self.group.split('.').all(is_label));
        if !group {
            return Err(KubernetesFault::Group(shown(&self.group)));
        }
        if !is_label(&self.resource) {
            return Err(KubernetesFault::Resource(shown(&self.resource)));
        }
        if BUILT_IN.contains(&(self.group.as_str(), self.resource.as_str())) {
            return Err(KubernetesFault::BuiltIn(self.name()));
        }
        if self.images.is_empty() {
            return Err(KubernetesFault::NoImages(self.name()));
        }
        for (index, path) in self.images.iter().enumerate() {
            if self.images[..index].contains(path) {
                return Err(KubernetesFault::PathTwice { resource: self.name(), path: path.to_string() });
            }
            if let Some(selected) = no_image(path) {
                return Err(KubernetesFault::NoImage { resource: self.name(), path: path.to_string(), selected });
            }
        }
        Ok(())
    }
}

/// What `path` selects of an object in which no image is, in words.
fn no_image(path: &ImagePath) -> Option<String> {
    if path.begins_in_a_list() {
        return Some("of a list, and an object is none".to_owned());
    }
    let bare = json!({
        "apiVersion": "group/v1",
        "kind": "Kind",
        "metadata": { "name": "name", "namespace": "namespace", "uid": "uid" },
        "spec": {},
        "status": {},
    });
    let (pointer, _) = path.locate(&bare).ok()?.into_iter().next()?;
    Some(if pointer.is_empty() { "the whole object".to_owned() } else { pointer })
}

fn is_https_origin(text: &str) -> bool {
    text.strip_prefix("https://").is_some_and(|host| host.parse::<Host>().is_ok())
}

fn is_label(text: &str) -> bool {
    let letters = text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    letters && !text.is_empty() && text.len() <= LONGEST_LABEL && !text.starts_with('-') && !text.ends_with('-')
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"
        server = "https://kube.test:6443"
        ca_bundle = "pem"
        api_server_account = "kube"
        recheck_unchanged = true
        [[resources]]
        group = "argoproj.io"
        resource = "workflows"
        images = ["$.spec.templates[*].container.image", "$.spec.templates[*].script.image"]
        may_have_none = true
    "#;

    fn settings(text: &str) -> KubernetesSettings {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn what_was_written_can_be_read_again_as_toml_and_as_json() {
        let whole = settings(WHOLE);
        assert_eq!(whole.check(), Ok(()));
        assert_eq!(whole.api_server_account, "kube");
        assert!(whole.recheck_unchanged && whole.resources[0].may_have_none);
        assert_eq!(settings(&toml::to_string(&whole).unwrap()), whole);
        assert_eq!(serde_json::from_str::<KubernetesSettings>(&serde_json::to_string(&whole).unwrap()).unwrap(), whole);
        assert_eq!(whole.resource("argoproj.io", "workflows"), whole.resources.first());
        assert_eq!((whole.resource("", "workflows"), whole.resource("argoproj.io", "workflow")), (None, None));
    }

    #[test]
    fn what_is_left_out_is_none_and_the_stricter() {
        assert_eq!(settings(""), KubernetesSettings::default());
        assert!(!settings(&WHOLE.replace("may_have_none", "#")).resources[0].may_have_none);
    }

    #[test]
    fn unknown_and_mistyped_keys_are_refused() {
        for (from, to) in [
            ("server", "servers"),
            ("ca_bundle", "ca"),
            ("api_server_account", "account"),
            ("recheck_unchanged = true", "recheck_unchanged = \"yes\""),
            ("group", "#"),
            ("resource =", "resources ="),
            ("images", "image"),
            ("$.spec.templates[*].script.image", "spec.image"),
            ("may_have_none = true", "may_have_none = 1"),
        ] {
            assert!(toml::from_str::<KubernetesSettings>(&WHOLE.replace(from, to)).is_err(), "{to}");
        }
    }

    #[test]
    fn a_server_is_a_bare_https_address_and_a_ca_is_for_one() {
        let fault = |server: &str| settings(&WHOLE.replace("https://kube.test:6443", server)).check();
        for good in ["https://kube.test", "https://10.0.0.1:6443", "https://[::1]:6443"] {
            assert_eq!(fault(good), Ok(()), "{good}");
        }
        for bad in [
            "http://kube.test",
            "kube.test:6443",
            "https://",
            "https://kube.test/",
            "https://kube.test/path",
            "https://kube.test?x",
            "https://kube.test#x",
            "https://user@kube.test",
            "https://kube.test:0",
            " https://kube.test",
        ] {
            assert_eq!(fault(bad), Err(KubernetesFault::Server(bad.to_owned())), "{bad}");
        }
        assert_eq!(fault(""), Err(KubernetesFault::CaWithoutServer));
        assert_eq!(settings(&WHOLE.replace("ca_bundle", "#")).check(), Ok(()), "the system's roots");
    }

    #[test]
    fn resources_that_are_none_known_anyway_or_said_twice_are_refused() {
        let fault = |from: &str, to: &str| settings(&WHOLE.replace(from, to)).check().unwrap_err();
        for group in ["Argoproj.io", "argoproj.io/v1", ".io", "*"] {
            assert_eq!(fault("argoproj.io", group), KubernetesFault::Group(group.to_owned()));
        }
        for resource in ["Workflow", "", "*", "workflows/scale", "work flows"] {
            assert_eq!(fault("\"workflows\"", &format!("\"{resource}\"")), KubernetesFault::Resource(resource.to_owned()));
        }
        let both = "group = \"argoproj.io\"\n        resource = \"workflows\"";
        assert_eq!(fault(both, "group = \"\"\nresource = \"pods\""), KubernetesFault::BuiltIn("pods".to_owned()));
        assert_eq!(
            fault(both, "group = \"apps\"\nresource = \"deployments\""),
            KubernetesFault::BuiltIn("deployments.apps".to_owned())
        );
        let again = settings(&WHOLE.replace("script.image", "sidecar.image")).resources;
        let twice = KubernetesSettings { resources: [settings(WHOLE).resources, again].concat(), ..settings(WHOLE) };
        assert_eq!(twice.check(), Err(KubernetesFault::Twice("workflows.argoproj.io".to_owned())));
    }

    #[test]
    fn paths_that_are_missing_said_twice_or_select_no_image_are_refused_by_name() {
        let paths = |paths: &[&str]| {
            let images = paths.iter().map(|path| path.parse().unwrap()).collect();
            ImageResource { images, ..settings(WHOLE).resources[0].clone() }.check()
        };
        let (resource, path) = ("workflows.argoproj.io".to_owned(), "$.spec.image".to_owned());
        assert_eq!(paths(&[]), Err(KubernetesFault::NoImages(resource.clone())));
        assert_eq!(paths(&[&path, &path]), Err(KubernetesFault::PathTwice { resource: resource.clone(), path }));
        for (path, selected) in [
            ("$", "the whole object"),
            ("$.*", "/apiVersion"),
            ("$..*", "/apiVersion"),
            ("$.kind", "/kind"),
            ("$.spec", "/spec"),
            ("$.metadata['name']", "/metadata/name"),
            ("$[0].image", "of a list, and an object is none"),
            ("$[1:2, -1]", "of a list, and an object is none"),
        ] {
            let (resource, path, selected) = (resource.clone(), path.to_owned(), selected.to_owned());
            assert_eq!(paths(&[&path]), Err(KubernetesFault::NoImage { resource, path: path.clone(), selected }), "{path}");
        }
        for good in ["$.spec.image", "$['spec']['image']", "$..image", "$.metadata.annotations['a/image']", "$.data[0]"] {
            assert_eq!(paths(&[good]), Ok(()), "{good}");
        }
    }
}
