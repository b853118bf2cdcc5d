//! The small texts of a bundle. Names and hosts that come here were checked to hold nothing a shell would act on.

use serde_json::json;

/// `tcp://host:port`, 443 when the public host names no port.
pub(super) fn docker_host(public_host: &str) -> String {
    let has_port = match public_host.rsplit_once(':') {
        Some((_, port)) => !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) && !public_host.ends_with(']'),
        None => false,
    };
    if has_port { format!("tcp://{public_host}") } else { format!("tcp://{public_host}:443") }
}

pub(super) fn sh(user: &str, instance: &str, docker: &str) -> String {
    format!(
        r#"export COMPOSE_TLS_VERSION=TLSv1_2
export DOCKER_TLS_VERIFY=1
export DOCKER_CERT_PATH="$PWD"
export DOCKER_HOST="{docker}"
#
# Bundle for user {user}
# Instance {instance}
#
# Run this command from within this directory to configure your shell:
# eval "$(<env.sh)"
"#
    )
}

pub(super) fn ps1(user: &str, docker: &str) -> String {
    format!(
        "$env:COMPOSE_TLS_VERSION = \"TLSv1_2\"\r\n$env:DOCKER_TLS_VERIFY = \"1\"\r\n$env:DOCKER_CERT_PATH = $(Split-Path \
         $script:MyInvocation.MyCommand.Path)\r\n$env:DOCKER_HOST = \"{docker}\"\r\n#\r\n# Bundle for user {user}\r\n#\r\n# Run \
         this command from within this directory to configure your shell:\r\n# Import-Module .\\env.ps1\r\n"
    )
}

pub(super) fn cmd(user: &str, docker: &str) -> String {
    format!(
        "@echo off\r\nset COMPOSE_TLS_VERSION=TLSv1_2\r\nset DOCKER_TLS_VERIFY=1\r\nset DOCKER_CERT_PATH=%~dp0\r\nset \
         DOCKER_HOST={docker}\r\nREM\r\nREM Bundle for user {user}\r\nREM\r\nREM Run this command from within this directory to \
         configure your shell:\r\nREM .\\env.cmd\r\n"
    )
}

/// `meta.json` of a docker context.
pub(super) fn context(user: &str, docker: &str) -> String {
    let name = format!("ucp_{}_{user}", docker.trim_start_matches("tcp://"));
    let meta = json!({
        "Name": name,
        "Metadata": { "Description": format!("Cluster at {docker}, user {user}") },
        "Endpoints": { "docker": { "Host": docker, "SkipTLSVerify": false } },
    });
    format!("{meta}\n")
}
