//! What runs Wharfinger inside the cluster. One replica: its database is a file, and two processes must not write it.

use serde_json::{Value, json};

use super::{Manifest, labels, metadata};
use crate::webhooks::NAME;

/// A user that is nobody on the node.
const USER: u32 = 65532;

pub(super) fn manifests(namespace: &str, image: &str) -> [Manifest; 4] {
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
    json!({
        "serviceAccountName": NAME,
        "automountServiceAccountToken": true,
        // Else a service named like us would stand in the environment as settings of ours.
        "enableServiceLinks": false,
        "priorityClassName": "system-cluster-critical",
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
            "command": ["wharfinger"],
            "args": [
                "cluster",
                "serve",
                "--kubeconfig=in-cluster",
                "--data-dir=/data/wharfinger",
                "--cluster-listen=0.0.0.0:8443",
                format!("--cluster-host={NAME}.{namespace}.svc"),
                "--metrics-listen=0.0.0.0:9090",
                "--no-install-ca=true",
            ],
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
