//! What runs Wharfinger inside the cluster. One replica: its database is a file, and two processes must not write it.

use serde_json::{Value, json};

use super::{Manifest, labels, metadata};
use crate::webhooks::NAME;

/// A user that is nobody on the node.
const USER: u32 = 65532;

/// Nothing else in the cluster can be made while it waits for room.
const PRIORITY: &str = "system-cluster-critical";

pub(super) fn manifests(namespace: &str, image: &str) -> [Manifest; 5] {
    let selector = json!({ "app.kubernetes.io/name": NAME });
    let object = |kind: &str, spec: Value| json!({ "kind": kind, "metadata": metadata(NAME), "spec": spec });
    [
        Manifest::namespaced(
            namespace,
            "v1",
            "persistentvolumeclaims",
            object(
                "PersistentVolumeClaim",
                json!({ "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "5Gi" } } }),
            ),
        ),
        Manifest::namespaced(
            namespace,
            "v1",
            "services",
            object(
                "Service",
                json!({
                    "selector": selector,
                    "ports": [{ "name": "https", "port": 443, "protocol": "TCP", "targetPort": "https" }],
                }),
            ),
        ),
        // Some providers let critical pods only into namespaces where a quota speaks of them.
        Manifest::namespaced(
            namespace,
            "v1",
            "resourcequotas",
            object(
                "ResourceQuota",
                json!({
                    "hard": { "pods": "10" },
                    "scopeSelector": {
                        "matchExpressions": [{ "operator": "In", "scopeName": "PriorityClass", "values": [PRIORITY] }],
                    },
                }),
            ),
        ),
        Manifest::namespaced(
            namespace,
            "apps/v1",
            "deployments",
            object(
                "Deployment",
                json!({
                    "replicas": 1,
                    "strategy": { "type": "Recreate" },
                    "selector": { "matchLabels": selector },
                    "template": { "metadata": { "labels": labels() }, "spec": pod(namespace, image) },
                }),
            ),
        ),
        // While it is away no pod can be made anywhere: taking it from its node is a decision, not a side effect of a drain.
        Manifest::namespaced(
            namespace,
            "policy/v1",
            "poddisruptionbudgets",
            object("PodDisruptionBudget", json!({ "minAvailable": 1, "selector": { "matchLabels": selector } })),
        ),
    ]
}

fn pod(namespace: &str, image: &str) -> Value {
    let probe = |path: &str| json!({ "httpGet": { "path": path, "port": "metrics" }, "periodSeconds": 5, "timeoutSeconds": 3 });
    let mut startup = probe("/readyz");
    startup["periodSeconds"] = json!(1);
    startup["failureThreshold"] = json!(120);
    let settings: Vec<Value> = [
        ("KUBECONFIG", "in-cluster"),
        ("DATA_DIR", "/data/wharfinger"),
        ("CLUSTER_LISTEN", "0.0.0.0:8443"),
        ("CLUSTER_HOST", &format!("{NAME}.{namespace}.svc")),
        ("METRICS_LISTEN", "0.0.0.0:9090"),
        ("NO_INSTALL_CA", "true"),
    ]
    .map(|(name, value)| json!({ "name": format!("WHARFINGER_{name}"), "value": value }))
    .to_vec();
    json!({
        "serviceAccountName": NAME,
        "automountServiceAccountToken": true,
        // Else a service named like us would stand in the environment as settings of ours.
        "enableServiceLinks": false,
        "priorityClassName": PRIORITY,
        "securityContext": {
            "runAsNonRoot": true,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": { "type": "RuntimeDefault" },
        },
        "containers": [{
            "name": NAME,
            "image": image,
            "command": ["wharfinger", "cluster", "serve"],
            // In the environment, so that commands that are typed in the container (doctor, policy off) know it as well.
            "env": settings,
            "ports": [
                { "name": "https", "containerPort": 8443, "protocol": "TCP" },
                { "name": "metrics", "containerPort": 9090, "protocol": "TCP" },
            ],
            "startupProbe": startup,
            "livenessProbe": probe("/healthz"),
            "readinessProbe": probe("/readyz"),
            "resources": { "requests": { "cpu": "100m", "memory": "128Mi" } },
            "securityContext": {
                "allowPrivilegeEscalation": false,
                "capabilities": { "drop": ["ALL"] },
                "privileged": false,
                "readOnlyRootFilesystem": true,
            },
            "volumeMounts": [{ "name": "data", "mountPath": "/data" }, { "name": "tmp", "mountPath": "/tmp" }],
        }],
        "volumes": [
            { "name": "data", "persistentVolumeClaim": { "claimName": NAME } },
            { "name": "tmp", "emptyDir": {} },
        ],
    })
}
