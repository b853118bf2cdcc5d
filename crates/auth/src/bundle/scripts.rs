//! The small texts of a bundle. Names and hosts that come here were checked to hold nothing a shell would act on.

use serde_json::json;

use crate::hooks::ApiServer;

/// `tcp://host:port`, 443 when the public host names no port.
pub(super) fn docker_host(public_host: &str) -> String {
    let has_port = match public_host.rsplit_once(':') {
        Some((_, port)) => !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) && !public_host.ends_with(']'),
        None => false,
    };
    if has_port { format!("tcp://{public_host}") } else { format!("tcp://{public_host}:443") }
}

/// What the scripts that set up a shell speak of.
pub(super) struct Env<'a> {
    pub(super) user: &'a str,
    pub(super) instance: &'a str,
    pub(super) docker: &'a str,
    /// Whether there is a kube.yml.
    pub(super) kubernetes: bool,
}

impl Env<'_> {
    pub(super) fn sh(&self) -> String {
        let Self { user, instance, docker, .. } = self;
        let kubeconfig = self.with_kubernetes("export KUBECONFIG=\"$PWD/kube.yml\"\n");
        format!(
            r#"export COMPOSE_TLS_VERSION=TLSv1_2
export DOCKER_TLS_VERIFY=1
export DOCKER_CERT_PATH="$PWD"
export DOCKER_HOST="{docker}"
{kubeconfig}#
# Bundle for user {user}
# Instance {instance}
#
# Run this command from within this directory to configure your shell:
# eval "$(<env.sh)"
"#
        )
    }

    pub(super) fn ps1(&self) -> String {
        let Self { user, docker, .. } = self;
        let kubeconfig = self
            .with_kubernetes("$env:KUBECONFIG = Join-Path $(Split-Path $script:MyInvocation.MyCommand.Path) \"kube.yml\"\r\n");
        format!(
            "$env:COMPOSE_TLS_VERSION = \"TLSv1_2\"\r\n$env:DOCKER_TLS_VERIFY = \"1\"\r\n$env:DOCKER_CERT_PATH = $(Split-Path \
             $script:MyInvocation.MyCommand.Path)\r\n$env:DOCKER_HOST = \"{docker}\"\r\n{kubeconfig}#\r\n# Bundle for user \
             {user}\r\n#\r\n# Run this command from within this directory to configure your shell:\r\n# Import-Module .\\env.ps1\r\n"
        )
    }

    pub(super) fn cmd(&self) -> String {
        let Self { user, docker, .. } = self;
        let kubeconfig = self.with_kubernetes("set KUBECONFIG=%~dp0kube.yml\r\n");
        format!(
            "@echo off\r\nset COMPOSE_TLS_VERSION=TLSv1_2\r\nset DOCKER_TLS_VERIFY=1\r\nset DOCKER_CERT_PATH=%~dp0\r\nset \
             DOCKER_HOST={docker}\r\n{kubeconfig}REM\r\nREM Bundle for user {user}\r\nREM\r\nREM Run this command from within \
             this directory to configure your shell:\r\nREM .\\env.cmd\r\n"
        )
    }

    fn with_kubernetes(&self, line: &'static str) -> &'static str {
        if self.kubernetes { line } else { "" }
    }
}

/// What the docker context and that of kubectl are called.
pub(super) fn context_name(user: &str, docker: &str) -> String {
    format!("ucp_{}_{user}", docker.trim_start_matches("tcp://"))
}

/// `meta.json` of a docker context.
pub(super) fn context(user: &str, docker: &str, kubernetes: Option<&ApiServer>) -> String {
    let mut meta = json!({
        "Name": context_name(user, docker),
        "Metadata": { "Description": format!("Cluster at {docker}, user {user}") },
        "Endpoints": { "docker": { "Host": docker, "SkipTLSVerify": false } },
    });
    if let Some(server) = kubernetes {
        meta["Endpoints"]["kubernetes"] = json!({ "Host": server.server, "SkipTLSVerify": false });
    }
    format!("{meta}\n")
}
