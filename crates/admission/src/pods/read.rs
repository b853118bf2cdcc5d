//! One page of pods, and what they come to: rows by what made them and what they run.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use wharfinger_cluster::{PodList, RunningPods};
use wharfinger_policy::KubernetesSettings;

use crate::presented::{OfPod, PullSecrets};
use crate::question::question;
use crate::review::Resource;
use crate::walk::{self, Found, Slot};

/// Who asks about what runs: nobody who could be told from it.
const NOBODY: &str = "";

pub(super) struct PodPage {
    pub(super) items: Vec<Value>,
    /// Where the next page begins; empty after the last.
    pub(super) next: String,
}

impl PodPage {
    pub(super) fn read(mut answer: Value) -> Option<Self> {
        let Value::Array(items) = answer.get_mut("items")?.take() else { return None };
        let next = answer.pointer("/metadata/continue").and_then(Value::as_str).unwrap_or_default().to_owned();
        Some(Self { items, next })
    }
}

/// What is read of a pod besides where its images stand.
#[derive(Deserialize)]
struct Pod {
    metadata: Metadata,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: String,
    namespace: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    owner_references: Vec<Owner>,
}

#[derive(Deserialize)]
struct Owner {
    kind: String,
    name: String,
    #[serde(default)]
    controller: bool,
}

#[derive(Deserialize, Default)]
struct Status {
    #[serde(rename = "containerStatuses", default)]
    containers: Vec<ContainerStatus>,
    #[serde(rename = "initContainerStatuses", default)]
    init: Vec<ContainerStatus>,
    #[serde(rename = "ephemeralContainerStatuses", default)]
    ephemeral: Vec<ContainerStatus>,
}

#[derive(Deserialize)]
struct ContainerStatus {
    name: String,
    /// Empty until the image is on the node.
    #[serde(rename = "imageID", default)]
    image_id: String,
}

impl Metadata {
    /// Kind and name of what made it.
    fn maker(&self) -> (String, String) {
        let maker = self.owner_references.iter().find(|owner| owner.controller);
        // A node makes the pods that lie on it as files, each by itself.
        let Some(maker) = maker.filter(|maker| maker.kind != "Node") else { return ("Pod".to_owned(), self.name.clone()) };
        // A Deployment's ReplicaSets have its name and the hash that their pods carry: nobody has to read ReplicaSets for that.
        let hash = self.labels.get("pod-template-hash").filter(|hash| !hash.is_empty() && maker.kind == "ReplicaSet");
        match hash.and_then(|hash| maker.name.strip_suffix(hash.as_str())?.strip_suffix('-')) {
            Some(deployment) => ("Deployment".to_owned(), deployment.to_owned()),
            None => (maker.kind.clone(), maker.name.clone()),
        }
    }
}

impl Status {
    /// What the node says of the image of this part; none while it has not got it.
    fn image_id(&self, part: &str) -> Option<&str> {
        let lists = [("container", &self.containers), ("init container", &self.init), ("ephemeral container", &self.ephemeral)];
        let named = |what: &str, status: &ContainerStatus| {
            part.strip_prefix(what).and_then(|part| part.strip_prefix(' ')) == Some(status.name.as_str())
        };
        let mut found = lists.into_iter().flat_map(|(what, list)| list.iter().filter(move |status| named(what, status)));
        found.next().map(|status| status.image_id.as_str()).filter(|id| !id.is_empty())
    }
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    namespace: String,
    name: String,
    kind: String,
    image: String,
    /// As the node says it, without the runtime's name before it.
    image_id: Option<String>,
    started: bool,
}

struct Group {
    parts: BTreeSet<String>,
    pods: usize,
    found: Found,
}

/// Rows in the making.
pub(super) struct Gathered {
    secrets: Option<Arc<dyn PullSecrets>>,
    groups: BTreeMap<Key, Group>,
    /// Of what is kept, in bytes.
    pub(super) weight: usize,
    unreadable: usize,
}

impl Gathered {
    pub(super) fn new(secrets: Option<Arc<dyn PullSecrets>>) -> Self {
        Self { secrets, groups: BTreeMap::new(), weight: 0, unreadable: 0 }
    }

    pub(super) fn take(&mut self, pods: &[Value]) {
        for object in pods {
            if self.pod(object).is_none() {
                self.unreadable += 1;
            }
        }
    }

    /// Nothing where it is no pod that could be read.
    fn pod(&mut self, object: &Value) -> Option<()> {
        let pod = Pod::deserialize(object).ok()?;
        let resource = Resource { group: String::new(), resource: "pods".to_owned() };
        let found = walk::images(&resource, "", object, &KubernetesSettings::default()).ok()?;
        let (kind, name) = pod.metadata.maker();
        let mut mine: BTreeMap<Key, BTreeSet<String>> = BTreeMap::new();
        for Slot { owner, image, .. } in &found.slots {
            let image_id = pod.status.image_id(owner).map(without_runtime);
            // Of a volume no node says what it holds.
            let started = image_id.is_some() || owner.starts_with("volume ");
            let key = Key {
                namespace: pod.metadata.namespace.clone(),
                name: name.clone(),
                kind: kind.clone(),
                image: image.clone(),
                image_id,
                started,
            };
            mine.entry(key).or_default().insert(owner.clone());
        }
        for (key, parts) in mine {
            let group = self.groups.entry(key).or_insert_with_key(|key| {
                let found = Found {
                    slots: Vec::new(),
                    pull_secrets: found.pull_secrets.clone(),
                    service_account: found.service_account.clone(),
                };
                self.weight += key.weight() + found.pull_secrets.iter().map(String::len).sum::<usize>();
                Group { parts: BTreeSet::new(), pods: 0, found }
            });
            group.pods += 1;
            for part in parts {
                let weight = part.len();
                if group.parts.insert(part) {
                    self.weight += weight;
                }
            }
        }
        Some(())
    }

    /// `left_out`: the namespace whose pods nobody is asked about.
    pub(super) fn list(self, left_out: Option<&str>, cut: Option<String>) -> PodList {
        let secrets = self.secrets;
        let asked_about = self.groups.into_iter().filter(|(key, _)| Some(key.namespace.as_str()) != left_out);
        let rows = asked_about.map(|(key, Group { parts, pods, found })| {
            let Key { namespace, name, kind, image, image_id, started } = key;
            let credentials = Arc::new(OfPod::new(secrets.clone(), &namespace, &found));
            let question = question(&image, &namespace, NOBODY, credentials);
            let (digests, image_id) = match image_id {
                Some(id) if id.contains('@') => (vec![id], None),
                other => (Vec::new(), other),
            };
            let parts = parts.into_iter().collect();
            RunningPods { namespace, kind, name, parts, image, image_id, digests, started, pods, question }
        });
        let unreadable = (self.unreadable > 0).then(|| format!("{} pods of Kubernetes could not be read", self.unreadable));
        let cut: Vec<String> = cut.into_iter().chain(unreadable).collect();
        PodList { pods: rows.collect(), cut: (!cut.is_empty()).then(|| cut.join("; ")) }
    }
}

impl Key {
    fn weight(&self) -> usize {
        let Self { namespace, name, kind, image, image_id, started: _ } = self;
        [namespace, name, kind, image].into_iter().chain(image_id).map(String::len).sum()
    }
}

/// `docker-pullable://host/repo@sha256:…` and `docker://sha256:…` say by which runtime, too.
fn without_runtime(image_id: &str) -> String {
    image_id.split_once("://").map_or(image_id, |(_, id)| id).to_owned()
}

#[cfg(test)]
mod tests;
