//! kube.yml: what kubectl needs, in one file.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::hooks::ApiServer;

/// The certificate and key (PEM) of the bundle, for `server`; cluster, user and context are called `name`. Each value is written as a
/// JSON string, which is one of YAML, too.
pub(super) fn kubeconfig(name: &str, server: &ApiServer, certificate: &str, key: &str) -> String {
    let text = |text: &str| serde_json::Value::from(text).to_string();
    let data = |pem: &str| STANDARD.encode(pem);
    let authority = match server.ca_bundle.trim() {
        // kubectl then goes by the system's roots.
        "" => String::new(),
        _ => format!("\n    certificate-authority-data: {}", data(&server.ca_bundle)),
    };
    format!(
        r"apiVersion: v1
kind: Config
clusters:
- name: {name}
  cluster:
    server: {server}{authority}
users:
- name: {name}
  user:
    client-certificate-data: {certificate}
    client-key-data: {key}
contexts:
- name: {name}
  context:
    cluster: {name}
    user: {name}
current-context: {name}
",
        name = text(name),
        server = text(&server.server),
        certificate = data(certificate),
        key = data(key),
    )
}
