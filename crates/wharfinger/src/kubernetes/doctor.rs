//! `kubernetes doctor`: what is wrong between an API server and this cluster, one line each, with what to do.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};
use time::OffsetDateTime;
use wharfinger_admission::{ApiServer, ApiServerError, Keep, Phase, Webhooks, check};
use wharfinger_keys::Certificate;
use wharfinger_oci::Host;

use super::{operators_api_server, webhooks_of};
use crate::cli::KubernetesDoctorArguments;
use crate::doctor::{Report, chain};
use crate::instance::Instance;
use crate::options::Options;

/// A certificate of ours is made anew a month before its end: one that has less than this is not renewed any more.
const SOON: time::Duration = time::Duration::days(7);
/// No registry has this name (RFC 2606), so nobody can have signed it.
const NEVER_SIGNED: &str = "never-signed.invalid/wharfinger/doctor:1";
/// How every refusal of ours begins.
const SENTENCE: &str = "do not meet the required signing policy";

/// Prints a line per finding; exit status 1 when something is wrong.
pub(crate) async fn doctor(arguments: KubernetesDoctorArguments) -> anyhow::Result<ExitCode> {
    let options = Options::read(arguments.serving)?;
    let mut report = Report::default();
    let instance = Instance::open_beside(&options.data_dir, &options.seal_key_file).await;
    let instance = match instance {
        Ok(instance) => instance,
        Err(error) => {
            report.add("the instance's data", Err(format!("{error:#}")), "start it once, or give --data-dir its folder");
            return Ok(report.exit());
        }
    };
    let webhooks = webhooks_of(&instance, &options).await;
    let enforced = enforced(&instance).await;
    instance.sql.close().await;
    let (webhooks, enforced) = (webhooks?, enforced?);
    certificate(&mut report, &options.cluster.host, webhooks.ca_pem.as_deref()).await;

    let api_server = match operators_api_server(options.kubeconfig.as_ref()) {
        Ok(api_server) => api_server,
        Err(error) => {
            report.add("the kubeconfig", Err(format!("{error:#}")), "name another with --kubeconfig");
            return Ok(report.exit());
        }
    };
    let version = api_server.get("/version").await.map(|_| ()).map_err(|error| chain(&error));
    let answers = format!("the API server at {} answers", api_server.server());
    if !report.add(&answers, version, "start it, or name another kubeconfig with --kubeconfig") {
        return Ok(report.exit());
    }
    let all_ask = configurations(&mut report, &api_server, &webhooks).await;
    // Where nothing is refused, only configurations that fail closed show that somebody answered.
    if enforced || all_ask {
        refusal(&mut report, &api_server, &webhooks, enforced).await;
    }
    pull_secrets(&mut report, &api_server, &arguments.scope.pull_secrets_in).await;
    pods(&mut report, &api_server).await;
    Ok(report.exit())
}

async fn enforced(instance: &Instance) -> anyhow::Result<bool> {
    let sql = &instance.sql;
    let seal = instance.seal.clone();
    let cluster =
        wharfinger_cluster::Cluster::new(sql.clone(), sql.clone(), sql.clone(), seal, None, None, OffsetDateTime::now_utc);
    Ok(cluster.current().await?.configuration.trust.require_content_trust)
}

async fn certificate(report: &mut Report, host: &Host, ca_pem: Option<&str>) {
    let what = format!("https://{host} serves a certificate of its CA that goes on being valid");
    let remedy = "start the server; a certificate of your own (--cluster-tls-cert) has to be renewed by you";
    let found = match served(host, ca_pem).await {
        Ok(not_after) if not_after - OffsetDateTime::now_utc() < SOON => Err(format!("it ends at {not_after}")),
        Ok(_) => Ok(()),
        Err(error) => Err(format!("{error:#}")),
    };
    report.add(&what, found, remedy);
}

/// Until when the certificate is valid that is served now.
async fn served(host: &Host, ca_pem: Option<&str>) -> anyhow::Result<OffsetDateTime> {
    let mut builder = reqwest::Client::builder().timeout(Duration::from_secs(5)).no_proxy().https_only(true).tls_info(true);
    if let Some(pem) = ca_pem {
        builder = builder.tls_certs_only(reqwest::Certificate::from_pem_bundle(pem.as_bytes())?);
    }
    let answer = builder.build()?.get(format!("https://{host}/ca")).send().await;
    let answer = answer.map_err(|error| anyhow::anyhow!(chain(&error.without_url())))?;
    let shown = answer.extensions().get::<reqwest::tls::TlsInfo>().and_then(reqwest::tls::TlsInfo::peer_certificate);
    Ok(Certificate::from_der(shown.context("it showed no certificate")?)?.not_after())
}

/// Whether both are as they should be.
async fn configurations(report: &mut Report, api_server: &ApiServer, webhooks: &Webhooks) -> bool {
    let mut well = true;
    for phase in Phase::ALL {
        match api_server.configuration(phase).await {
            Ok(found) => {
                for finding in check(phase, found.as_ref(), webhooks) {
                    well &= report.add(&finding.what, finding.wrong.map_or(Ok(()), Err), finding.remedy);
                }
            }
            Err(error) => {
                let remedy = "use the kubeconfig of somebody who may get it";
                well &= report.add(&format!("{}: it can be read", phase.kind()), Err(chain(&error)), remedy);
            }
        }
    }
    well
}

/// Asks the API server to try what must not pass.
async fn refusal(report: &mut Report, api_server: &ApiServer, webhooks: &Webhooks, enforced: bool) {
    let pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "generateName": "wharfinger-doctor-" },
        "spec": { "containers": [{ "name": "never-signed", "image": NEVER_SIGNED }] },
    });
    let tried = api_server.create("/api/v1/namespaces/default/pods", &pod, Keep::DryRun).await;
    let (what, found) = match (tried, enforced) {
        (Err(ApiServerError::Refused { message, .. }), true) if message.contains(SENTENCE) => {
            ("an image that nobody signed is refused through the API server", Ok(()))
        }
        (Ok(_), false) => ("the webhooks answer through the API server (everything runs: the policy is off)", Ok(())),
        (Ok(_), true) => {
            ("an image that nobody signed is refused through the API server", Err("it may run in namespace default".to_owned()))
        }
        (Err(error), _) if error.is_forbidden() && !chain(&error).contains("admission webhook") => {
            println!(
                "-      not tried: whether an image that nobody signed is refused, because this kubeconfig may not create pods in \
                 namespace default"
            );
            return;
        }
        (Err(error), _) => {
            // An API server that does not reach the webhook says at which address, and its path is a secret.
            let said = chain(&error);
            let said = webhooks.segment.as_ref().map_or(said.clone(), |segment| said.replace(segment.as_str(), "…"));
            ("the webhooks answer through the API server", Err(said))
        }
    };
    report.add(what, found, "see to what is wrong above; the API server must reach the address in the configurations");
}

async fn pull_secrets(report: &mut Report, api_server: &ApiServer, namespaces: &[String]) {
    let everywhere = [String::new()];
    for namespace in if namespaces.is_empty() { &everywhere[..] } else { namespaces } {
        let within = if namespace.is_empty() { "every namespace" } else { namespace.as_str() };
        for resource in ["secrets", "serviceaccounts"] {
            let found = match may(api_server, "get", namespace, resource).await {
                Ok(true) => Ok(()),
                Ok(false) => Err("it may not: trust data of private repositories is read without them".to_owned()),
                Err(error) => Err(chain(&error)),
            };
            report.add(
                &format!("{resource} of {within} may be read, for pull secrets"),
                found,
                "run `wharfinger kubernetes install` and use the token of its service account",
            );
        }
    }
}

async fn pods(report: &mut Report, api_server: &ApiServer) {
    let found = match may(api_server, "list", "", "pods").await {
        Ok(true) => Ok(()),
        Ok(false) => Err("it may not: the console and `policy diff` do not know what runs here".to_owned()),
        Err(error) => Err(chain(&error)),
    };
    let remedy = "run `wharfinger kubernetes install` and use the token of its service account";
    report.add("pods of every namespace may be listed, to show what runs", found, remedy);
}

async fn may(api_server: &ApiServer, verb: &str, namespace: &str, resource: &str) -> Result<bool, ApiServerError> {
    let attributes = json!({ "namespace": namespace, "verb": verb, "resource": resource });
    let question = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": { "resourceAttributes": attributes },
    });
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let answer = api_server.create(path, &question, Keep::Kept).await?;
    Ok(answer["status"]["allowed"] == Value::Bool(true))
}
