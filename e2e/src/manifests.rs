//! Objects as people write them: every kind that makes Pods, and what is told of it.

use serde_json::{Value, json};

/// A built-in kind that holds containers.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    pub api_version: &'static str,
    pub name: &'static str,
    /// The JSON pointer to its Pod's spec.
    pub spec: &'static str,
}

/// All of Kubernetes 1.20's.
pub const KINDS: &[Kind] = &[
    Kind { api_version: "v1", name: "Pod", spec: "/spec" },
    Kind { api_version: "v1", name: "PodTemplate", spec: "/template/spec" },
    Kind { api_version: "v1", name: "ReplicationController", spec: "/spec/template/spec" },
    Kind { api_version: "apps/v1", name: "Deployment", spec: "/spec/template/spec" },
    Kind { api_version: "apps/v1", name: "ReplicaSet", spec: "/spec/template/spec" },
    Kind { api_version: "apps/v1", name: "StatefulSet", spec: "/spec/template/spec" },
    Kind { api_version: "apps/v1", name: "DaemonSet", spec: "/spec/template/spec" },
    Kind { api_version: "batch/v1", name: "Job", spec: "/spec/template/spec" },
    Kind { api_version: "batch/v1beta1", name: "CronJob", spec: "/spec/jobTemplate/spec/template/spec" },
];

impl Kind {
    /// One of [`KINDS`].
    ///
    /// # Panics
    /// When there is none of that name.
    #[track_caller]
    pub fn named(name: &str) -> Self {
        *KINDS.iter().find(|kind| kind.name == name).unwrap_or_else(|| panic!("no kind is called {name}"))
    }

    /// An object of this kind with these `(container, image)`; one called `init…` comes first, as an init container.
    pub fn object(self, namespace: &str, name: &str, containers: &[(&str, &str)]) -> Value {
        let pod = pod_spec(containers);
        let labels = json!({"app": name});
        let selector = json!({"matchLabels": labels});
        let template = |spec: &Value| json!({"metadata": {"labels": labels}, "spec": spec});
        let once = || {
            let mut spec = pod.clone();
            spec["restartPolicy"] = "Never".into();
            template(&spec)
        };
        let mut object = json!({
            "apiVersion": self.api_version,
            "kind": self.name,
            "metadata": {"namespace": namespace, "name": name, "labels": labels},
        });
        let spec = match self.name {
            "Pod" => pod.clone(),
            "PodTemplate" => {
                object["template"] = template(&pod);
                return object;
            }
            "ReplicationController" => json!({"replicas": 1, "selector": labels, "template": template(&pod)}),
            "StatefulSet" => json!({"serviceName": name, "selector": selector, "template": template(&pod)}),
            "Job" => json!({"template": once()}),
            "CronJob" => json!({"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": once()}}}),
            _ => json!({"selector": selector, "template": template(&pod)}),
        };
        object["spec"] = spec;
        object
    }

    /// The images in an object of this kind, init containers' first.
    pub fn images(self, object: &Value) -> Vec<String> {
        let lists = ["initContainers", "containers"];
        let containers = lists.into_iter().flat_map(|list| {
            let list = object.pointer(&format!("{}/{list}", self.spec)).and_then(Value::as_array);
            list.into_iter().flatten()
        });
        containers.filter_map(|container| container["image"].as_str().map(str::to_owned)).collect()
    }
}

fn pod_spec(containers: &[(&str, &str)]) -> Value {
    let (init, main): (Vec<_>, Vec<_>) = containers.iter().partition(|(name, _)| name.starts_with("init"));
    let list = |some: Vec<&(&str, &str)>| -> Value {
        some.into_iter().map(|(name, image)| json!({"name": name, "image": image})).collect()
    };
    let mut spec = json!({"containers": list(main)});
    if !init.is_empty() {
        spec["initContainers"] = list(init);
    }
    spec
}
