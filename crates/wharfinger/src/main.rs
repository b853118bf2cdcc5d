//! The composition root: reads the environment, chooses the implementations, puts the rooms together, and ends well.
//!
//! Nothing is decided here. Exit status 64 means the command line or configuration was wrong; 1, that something failed.

mod adapters;
mod cli;
mod client;
mod cluster_origin;
mod doctor;
mod instance;
mod kubernetes;
mod metrics;
mod operator;
mod options;
mod registry_origin;
mod serve;
mod tls;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::{
    AdminCommand, AuditCommand, Cli, Command, ConfigCommand, KubernetesCommand, LogFormat, PolicyCommand, ServeOnly, Serving,
};
use crate::options::{Options, Problems};
use crate::serve::Parts;

/// `EX_USAGE` of sysexits.h: what was asked for is wrong or not built.
const USAGE: u8 = 64;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
        }
    };
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        eprintln!("wharfinger: the crypto provider was installed twice");
        return ExitCode::FAILURE;
    }
    match run(cli.command) {
        Ok(status) => status,
        Err(error) => match error.downcast_ref::<Problems>() {
            Some(problems) => {
                eprint!("wharfinger: the configuration is wrong:\n{problems}");
                ExitCode::from(USAGE)
            }
            None => {
                eprintln!("wharfinger: {error:#}");
                ExitCode::FAILURE
            }
        },
    }
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match command {
        Command::Up(serving) => runtime.block_on(serve_with(serving, Parts::Both)),
        Command::Registry(ServeOnly::Serve(serving)) => runtime.block_on(serve_with(serving, Parts::Registry)),
        Command::Cluster(ServeOnly::Serve(serving)) => runtime.block_on(serve_with(serving, Parts::Cluster)),
        Command::Config(ConfigCommand::Generate) => {
            print!("{}", options::generated_file());
            Ok(ExitCode::SUCCESS)
        }
        Command::Config(ConfigCommand::Check(serving)) => {
            Options::read(*serving)?;
            println!("the configuration is right");
            Ok(ExitCode::SUCCESS)
        }
        Command::Doctor(serving) => runtime.block_on(doctor::examine(Options::read(serving)?)),
        Command::Admin(AdminCommand::ResetPassword { name, place }) => runtime.block_on(operator::reset_password(&place, &name)),
        Command::Policy(PolicyCommand::Off { reason, place }) => runtime.block_on(operator::policy_off(&place, &reason)),
        Command::Policy(PolicyCommand::Diff(arguments)) => Ok(asked(runtime.block_on(client::policy::diff(&arguments)))),
        Command::Policy(PolicyCommand::RePin { gun, reason, place }) => runtime.block_on(operator::re_pin(&place, &gun, &reason)),
        Command::Audit(AuditCommand::Verify { place }) => runtime.block_on(operator::verify_audit(&place)),
        Command::Audit(AuditCommand::Replay { id, place }) => runtime.block_on(operator::replay(&place, id)),
        Command::Kubernetes(KubernetesCommand::Install(arguments)) => runtime.block_on(kubernetes::install(*arguments)),
        Command::Kubernetes(KubernetesCommand::Uninstall(arguments)) => runtime.block_on(kubernetes::uninstall(&arguments)),
        Command::Kubernetes(KubernetesCommand::Doctor(arguments)) => runtime.block_on(kubernetes::doctor(*arguments)),
        Command::Trust(_) => Ok(not_built("trust", "docker trust does it")),
        Command::Verify(_) => Ok(not_built("verify", "docker trust inspect --pretty IMAGE shows the signatures")),
        Command::Explain(arguments) => Ok(asked(runtime.block_on(client::explain(&arguments)))),
        Command::Login(_) => Ok(not_built("login", "POST /auth/login does it")),
        Command::Bundle(_) => Ok(not_built("bundle", "POST /api/clientbundle does it")),
    }
}

/// What a question to a cluster came to. That it could not be asked is another status than a refusal.
fn asked(answer: anyhow::Result<ExitCode>) -> ExitCode {
    answer.unwrap_or_else(|error| {
        eprintln!("wharfinger: {error:#}");
        ExitCode::from(2)
    })
}

fn not_built(command: &str, instead: &str) -> ExitCode {
    eprintln!("wharfinger: `{command}` is not built yet; {instead}");
    ExitCode::from(USAGE)
}

async fn serve_with(serving: Serving, parts: Parts) -> anyhow::Result<ExitCode> {
    let options = Options::read(serving)?;
    log_to_stderr(options.log_format);
    serve::serve(options, parts).await?;
    Ok(ExitCode::SUCCESS)
}

fn log_to_stderr(format: LogFormat) {
    let filter = tracing_subscriber::EnvFilter::try_from_env("WHARFINGER_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info,sqlx=warn,hyper=warn"));
    let builder = tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(filter).with_target(false);
    match format {
        LogFormat::Text => builder.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).init(),
        LogFormat::Json => builder.json().init(),
    }
}
