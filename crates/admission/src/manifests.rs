//! Everything that an installation makes in a Kubernetes cluster, as data.

mod deployment;

use serde_json::{Value, json};

use crate::{
    api_server::{ApiServerError, label},
    check::not_asked_about,
    webhooks::{NAME, Phase, Webhooks},
};

const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// What shares its namespace with Wharfinger inside the cluster is left out by the webhooks: it must have one to itself.
const SHARED: &[&str] = &["default", "kube-system", "kube-public", "kube-node-lease"];

/// What is to be installed.
pub struct Installation<'a> {
    /// The namespace of Wharfinger's own service account, and of Wharfinger itself where it runs in the cluster.
    pub namespace: &'a str,
    /// The namespaces whose pull secrets may be read; none named: all.
    pub pull_secrets_in: &'a [String],
    /// The image that runs in the cluster; without it Wharfinger runs elsewhere.
    pub image: Option<&'a str>,
    pub webhooks: &'a Webhooks,
}

/// Why an installation cannot be described.
#[derive(Debug, thiserror::Error)]
pub enum InstallationError {
    #[error(transparent)]
    Name(#[from] ApiServerError),
    #[error(
        "the namespace `{0}` is shared: what runs beside Wharfinger in its namespace is not asked about, so give it one of its own"
    )]
    Shared(String),
}

/// An object and where it is.
#[derive(Clone, PartialEq, Debug)]
pub struct Manifest {
    pub object: Value,
    collection: String,
}

impl Manifest {
    pub(crate) fn of(phase: Phase, webhooks: &Webhooks) -> Self {
        Self { collection: phase.collection(), object: webhooks.configuration(phase) }
    }

    fn cluster_wide(api_version: &str, plural: &str, object: Value) -> Self {
        Self { collection: format!("{}/{plural}", root(api_version)), object: with_version(object, api_version) }
    }

    fn namespaced(namespace: &str, api_version: &str, plural: &str, mut object: Value) -> Self {
        object["metadata"]["namespace"] = json!(namespace);
        let collection = format!("{}/namespaces/{namespace}/{plural}", root(api_version));
        Self { collection, object: with_version(object, api_version) }
    }

    /// Where the API server has it.
    pub fn path(&self) -> String {
        format!("{}/{}", self.collection, self.object["metadata"]["name"].as_str().unwrap_or_default())
    }

    /// As people call it: `ClusterRole wharfinger`, `Service dock/wharfinger`.
    pub fn called(&self) -> String {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let metadata = &self.object["metadata"];
        match metadata["namespace"].as_str() {
            Some(namespace) => format!("{} {namespace}/{}", text(&self.object["kind"]), text(&metadata["name"])),
            None => format!("{} {}", text(&self.object["kind"]), text(&metadata["name"])),
        }
    }

    /// A webhook configuration goes on asking about all that `found` asks about, where that is no less.
    pub fn ask_no_less_than(&mut self, found: &Value) {
        let rules = &found["webhooks"][0]["rules"];
        let Some(webhook) = self.object.get_mut("webhooks").and_then(|listed| listed.get_mut(0)) else { return };
        if not_asked_about(rules, &webhook["rules"]).is_none() {
            webhook["rules"] = rules.clone();
        }
    }

    /// Whether it holds what cannot be made again: the namespace and the data in it.
    pub fn holds_data(&self) -> bool {
        matches!(self.object["kind"].as_str(), Some("Namespace" | "PersistentVolumeClaim"))
    }
}

/// Whether an object of the API server was made by an installation.
pub fn is_ours(found: &Value) -> bool {
    found["metadata"]["labels"][MANAGED_BY] == NAME
}

/// Where the API server lists the role bindings of every installation, whatever namespaces they are in.
pub const ROLE_BINDINGS: &str =
    "/apis/rbac.authorization.k8s.io/v1/rolebindings?labelSelector=app.kubernetes.io%2Fmanaged-by%3Dwharfinger";

pub(crate) fn labels() -> Value {
    json!({ "app.kubernetes.io/name": NAME, MANAGED_BY: NAME })
}

impl Installation<'_> {
    /// Every object, in the order in which they are made: the webhook configurations last.
    pub fn manifests(&self) -> Result<Vec<Manifest>, InstallationError> {
        let namespace = label(self.namespace)?;
        if self.image.is_some() && SHARED.contains(&namespace) {
            return Err(InstallationError::Shared(namespace.to_owned()));
        }
        let mut manifests = vec![
            Manifest::cluster_wide("v1", "namespaces", json!({ "kind": "Namespace", "metadata": metadata(namespace) })),
            Manifest::namespaced(
                namespace,
                "v1",
                "serviceaccounts",
                json!({ "kind": "ServiceAccount", "metadata": metadata(NAME), "automountServiceAccountToken": false }),
            ),
        ];
        manifests.extend(self.rights()?);
        if let Some(image) = self.image {
            manifests.extend(deployment::manifests(namespace, image));
        }
        manifests.extend(Phase::ALL.map(|phase| Manifest::of(phase, self.webhooks)));
        Ok(manifests)
    }

    /// Least: two objects to keep right, pods to show, and pull secrets to read, which by name cannot be listed.
    fn rights(&self) -> Result<Vec<Manifest>, InstallationError> {
        const RBAC: &str = "rbac.authorization.k8s.io/v1";
        let configurations = Phase::ALL.map(|phase| format!("{}s", phase.kind().to_lowercase()));
        let role = |name: &str, rules: Value| {
            let object = json!({ "kind": "ClusterRole", "metadata": metadata(name), "rules": rules });
            Manifest::cluster_wide(RBAC, "clusterroles", object)
        };
        let subjects = json!([{ "kind": "ServiceAccount", "name": NAME, "namespace": self.namespace }]);
        let binding = |kind: &str, name: &str| {
            json!({
                "kind": kind,
                "metadata": metadata(name),
                "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name },
                "subjects": subjects,
            })
        };
        let pull_secrets = format!("{NAME}-pull-secrets");
        let mut manifests = vec![
            role(
                NAME,
                json!([
                    {
                        "apiGroups": ["admissionregistration.k8s.io"],
                        "resources": configurations,
                        "resourceNames": [NAME],
                        "verbs": ["get", "update", "patch"],
                    },
                    { "apiGroups": [""], "resources": ["pods"], "verbs": ["list"] },
                ]),
            ),
            Manifest::cluster_wide(RBAC, "clusterrolebindings", binding("ClusterRoleBinding", NAME)),
            role(&pull_secrets, json!([{ "apiGroups": [""], "resources": ["secrets", "serviceaccounts"], "verbs": ["get"] }])),
        ];
        if self.pull_secrets_in.is_empty() {
            manifests.push(Manifest::cluster_wide(RBAC, "clusterrolebindings", binding("ClusterRoleBinding", &pull_secrets)));
        }
        for namespace in self.pull_secrets_in {
            let object = binding("RoleBinding", &pull_secrets);
            manifests.push(Manifest::namespaced(label(namespace)?, RBAC, "rolebindings", object));
        }
        Ok(manifests)
    }
}

fn metadata(name: &str) -> Value {
    json!({ "name": name, "labels": labels() })
}

fn with_version(mut object: Value, api_version: &str) -> Value {
    object["apiVersion"] = json!(api_version);
    object
}

fn root(api_version: &str) -> String {
    if api_version.contains('/') { format!("/apis/{api_version}") } else { format!("/api/{api_version}") }
}

#[cfg(test)]
mod tests;
