//! What is wrong here? Asks the same things a request would need, one by one, and says what to do about each.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use wharfinger_cluster::{Cluster, probe};
use wharfinger_oci::Host;
use wharfinger_transport::validate_certificate_covers;

use crate::instance::Instance;
use crate::options::{Options, Origin};

/// Prints a line per finding; exit status 1 when something is wrong.
pub(crate) async fn examine(options: Options) -> anyhow::Result<ExitCode> {
    let mut report = Report::default();
    for (name, origin) in [("registry", &options.registry), ("cluster", &options.cluster)] {
        certificate(&mut report, name, origin);
    }
    let engine = Engine::open(&options.engine)?;
    let engine_answers = report.add(
        &format!("the engine at {} answers", options.engine),
        engine.ping().await,
        "start it, or point --engine at it",
    );
    match Instance::open_beside(&options.data_dir, &options.seal_key_file).await {
        Ok(instance) => {
            let sql = &instance.sql;
            let cluster = Cluster::new(
                sql.clone(),
                sql.clone(),
                sql.clone(),
                instance.seal.clone(),
                None,
                None,
                time::OffsetDateTime::now_utc,
            );
            report.add("the database and the seal key", Ok(()), "");
            match cluster.registrations().await {
                Ok(registrations) => {
                    for registration in registrations {
                        let host = registration.host()?;
                        let answers = probe(&host, &registration.ca_bundle).await;
                        report.add(
                            &format!("registry {host} answers under its registered CA"),
                            answers,
                            "register it again with its present CA",
                        );
                        if engine_answers {
                            let remedy = format!(
                                "put the registry's CA into {}/{host}/ca.crt on the engine's machine",
                                options.engine_certs_dir.display()
                            );
                            report.add(&format!("the engine reaches and trusts {host}"), engine.trusts(&host).await, &remedy);
                        }
                    }
                }
                Err(error) => {
                    report.add(
                        "the cluster's configuration",
                        Err(error.to_string()),
                        "write it again with PUT /api/ucp/config-toml",
                    );
                }
            }
            instance.sql.close().await;
        }
        Err(error) => {
            report.add("the instance's data", Err(format!("{error:#}")), "start it once, or give --data-dir its folder");
        }
    }
    Ok(report.exit())
}

/// What was looked at so far.
#[derive(Default)]
pub(crate) struct Report {
    wrong: u32,
}

impl Report {
    /// Prints the finding; whether all is well.
    pub(crate) fn add(&mut self, what: &str, found: Result<(), String>, remedy: &str) -> bool {
        match found {
            Ok(()) => println!("ok     {what}"),
            Err(cause) => {
                self.wrong += 1;
                println!("WRONG  {what}: {cause}\n       {remedy}");
                return false;
            }
        }
        true
    }

    pub(crate) fn exit(&self) -> ExitCode {
        if self.wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

fn certificate(report: &mut Report, name: &str, origin: &Origin) {
    let Some(files) = &origin.tls else { return };
    let found = std::fs::read_to_string(&files.cert)
        .map_err(|error| format!("{}: {error}", files.cert.display()))
        .and_then(|pem| validate_certificate_covers(&pem, origin.host.as_str()).map_err(|error| error.to_string()));
    report.add(
        &format!("the {name}'s own certificate"),
        found,
        "get one that covers the public host, or leave it out and ours is used",
    );
}

/// Just enough of an engine's client to ask it two questions.
struct Engine {
    client: reqwest::Client,
    base: String,
}

impl Engine {
    fn open(url: &str) -> anyhow::Result<Self> {
        let builder = reqwest::Client::builder().timeout(Duration::from_secs(20)).no_proxy();
        let (builder, base) = match url.strip_prefix("unix://") {
            Some(path) => (builder.unix_socket(path), "http://engine".to_owned()),
            None => (builder, url.replacen("tcp://", "http://", 1)),
        };
        Ok(Self { client: builder.build().context("cannot make an HTTP client")?, base })
    }

    async fn ping(&self) -> Result<(), String> {
        let answer = self.client.get(format!("{}/_ping", self.base)).send().await.map_err(|error| chain(&error))?;
        if answer.status().is_success() { Ok(()) } else { Err(format!("it answered {}", answer.status())) }
    }

    /// Asks the engine for an image that is not there: what it says tells how far it came.
    async fn trusts(&self, host: &Host) -> Result<(), String> {
        let url = format!("{}/distribution/{host}/doctor/is-it-trusted:now/json", self.base);
        let answer = self.client.get(url).send().await.map_err(|error| chain(&error))?;
        let said = answer.text().await.unwrap_or_default();
        let trouble =
            ["x509", "certificate", "connection refused", "no such host", "i/o timeout", "no route", "server gave HTTP"];
        if trouble.iter().any(|word| said.contains(word)) { Err(said.trim().to_owned()) } else { Ok(()) }
    }
}

pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}
