//! What an operator does with a Kubernetes cluster, and what a serving process keeps right there.

mod doctor;
mod install;
mod keeper;

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use wharfinger_admission::{ApiServer, Place, WebhookSecret, Webhooks};
use wharfinger_cluster::Cluster;

pub(crate) use doctor::doctor;
pub(crate) use install::{install, uninstall};
pub(crate) use keeper::Keeper;

use crate::instance::Instance;
use crate::options::{Kubeconfig, Options};
use crate::tls::ca_of;

/// Where the kubelet mounts a pod's service account.
const ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

pub(crate) fn api_server(kubeconfig: &Kubeconfig) -> anyhow::Result<ApiServer> {
    match kubeconfig {
        Kubeconfig::File(path) => {
            ApiServer::from_kubeconfig(path).with_context(|| format!("--kubeconfig {} cannot be used", path.display()))
        }
        Kubeconfig::InCluster => {
            let of_environment = |name: &str| {
                let nowhere = || format!("--kubeconfig in-cluster: {name} is not set, so this is no pod; name a kubeconfig file");
                env::var(name).with_context(nowhere)
            };
            let (host, port) = (of_environment("KUBERNETES_SERVICE_HOST")?, of_environment("KUBERNETES_SERVICE_PORT")?);
            ApiServer::in_cluster(&host, &port, Path::new(ACCOUNT)).context("--kubeconfig in-cluster cannot be used")
        }
    }
}

/// For an operator, who need not say again what kubectl knows.
fn operators_api_server(given: Option<&Kubeconfig>) -> anyhow::Result<ApiServer> {
    if let Some(kubeconfig) = given {
        return Ok(api_server(kubeconfig)?.patient());
    }
    let path = match env::var_os("KUBECONFIG").filter(|value| !value.is_empty()) {
        Some(value) => {
            let mut files = env::split_paths(&value);
            match (files.next(), files.next()) {
                (Some(file), None) => file,
                _ => bail!("$KUBECONFIG names several files: name one with --kubeconfig"),
            }
        }
        None => PathBuf::from(env::var_os("HOME").unwrap_or_default()).join(".kube/config"),
    };
    Ok(api_server(&Kubeconfig::File(path))?.patient())
}

/// What the API server has to know of the instance in the data folder.
async fn webhooks_of(instance: &Instance, options: &Options) -> anyhow::Result<Webhooks> {
    let sql = &instance.sql;
    let now = time::OffsetDateTime::now_utc;
    let cluster = Cluster::new(sql.clone(), sql.clone(), sql.clone(), instance.seal.clone(), None, None, now);
    let secret = WebhookSecret::open(&**sql, &instance.seal).await?;
    Ok(Webhooks {
        place: Place::Host(options.cluster.host.clone()),
        segment: Some(secret.segment().to_owned()),
        ca_pem: Some(ca_of(instance, &options.cluster)?),
        resources: cluster.current().await?.configuration.kubernetes.resources,
    })
}
