//! What an operator does at the machine with the data folder, when nobody can sign in or nothing may run.

use std::process::ExitCode;

use anyhow::Context as _;
use time::OffsetDateTime;
use wharfinger_auth::Secret;
use wharfinger_cluster::Cluster;
use wharfinger_identity::AccountName;
use wharfinger_storage::audit::{Act, Audit as _};

use crate::cli::Place;
use crate::instance::{Instance, random_password};

/// `admin reset-password`: a new random password, told once on stdout. Recorded first.
pub(crate) async fn reset_password(place: &Place, name: &str) -> anyhow::Result<ExitCode> {
    let name: AccountName = name.parse()?;
    let instance = Instance::open_beside(&place.data_dir, &place.seal_key_file()).await?;
    let password = random_password()?;
    let act = Act {
        at: OffsetDateTime::now_utc(),
        actor: "-".to_owned(),
        action: "account.reset-password".to_owned(),
        object: name.to_string(),
        outcome: "done".to_owned(),
        detail: "{}".to_owned(),
    };
    instance.sql.append(&act).await.context("the reset could not be recorded, so it was not made")?;
    instance.accounts.reset_password(&name, &Secret::new(password.clone())).await?;
    println!("{password}");
    instance.sql.close().await;
    Ok(ExitCode::SUCCESS)
}

/// `policy off`: everything runs again. Takes effect with the next request of a running server.
pub(crate) async fn policy_off(place: &Place, reason: &str) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(!reason.trim().is_empty(), "give a reason: it is what the audit log will say");
    let instance = Instance::open_beside(&place.data_dir, &place.seal_key_file()).await?;
    let sql = &instance.sql;
    let cluster = Cluster::new(sql.clone(), sql.clone(), sql.clone(), instance.seal.clone(), None, OffsetDateTime::now_utc);
    cluster.switch_off(reason).await?;
    println!(
        "`Run only signed images` is off: every image runs. Switch it on again in the console or with PUT /api/config/trust"
    );
    instance.sql.close().await;
    Ok(ExitCode::SUCCESS)
}
