//! What an operator does at the machine with the data folder, when nobody can sign in or nothing may run.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use time::OffsetDateTime;
use wharfinger_auth::Secret;
use wharfinger_cluster::Cluster;
use wharfinger_gate::{Replay, Replayed};
use wharfinger_identity::AccountName;
use wharfinger_storage::audit::{Act, Audit as _, Broken, Chain};
use wharfinger_trust::Resolver;

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
    instance.sql.seen_by_others().await;
    println!("{password}");
    instance.sql.close().await;
    Ok(ExitCode::SUCCESS)
}

/// `policy off`: everything runs again. In force in a running server when this returns.
pub(crate) async fn policy_off(place: &Place, reason: &str) -> anyhow::Result<ExitCode> {
    anyhow::ensure!(!reason.trim().is_empty(), "give a reason: it is what the audit log will say");
    let instance = Instance::open_beside(&place.data_dir, &place.seal_key_file()).await?;
    let sql = &instance.sql;
    let cluster = Cluster::new(sql.clone(), sql.clone(), sql.clone(), instance.seal.clone(), None, None, OffsetDateTime::now_utc);
    cluster.switch_off(reason).await?;
    sql.seen_by_others().await;
    println!(
        "`Run only signed images` is off: every image runs. Switch it on again in the console or with PUT /api/config/trust"
    );
    instance.sql.close().await;
    Ok(ExitCode::SUCCESS)
}

/// `policy re-pin`: the next root of a repository is trusted at first use. Takes effect with the next request of a running server.
pub(crate) async fn re_pin(place: &Place, gun: &str, reason: &str) -> anyhow::Result<ExitCode> {
    let instance = Instance::open_beside(&place.data_dir, &place.seal_key_file()).await?;
    let sql = &instance.sql;
    let resolver = Some(Arc::new(Resolver::new(sql.clone(), Arc::new(OffsetDateTime::now_utc))));
    let now = OffsetDateTime::now_utc;
    let cluster = Cluster::new(sql.clone(), sql.clone(), sql.clone(), instance.seal.clone(), None, resolver, now);
    cluster.repin("-", gun, reason).await?;
    println!("the next root of {gun} that verifies is trusted from then on: compare its key with the owner's");
    instance.sql.close().await;
    Ok(ExitCode::SUCCESS)
}

/// How many entries of the audit log are read at once.
const AT_ONCE: u32 = 1000;

/// `audit replay`: reaches a recorded decision again; exit status 1 when the verdict does not follow from what was recorded, or the
/// record is not what it was.
pub(crate) async fn replay(place: &Place, id: i64) -> anyhow::Result<ExitCode> {
    let instance = Instance::open_beside(&place.data_dir, &place.seal_key_file()).await?;
    // Read before the entries: what is appended meanwhile only makes the chain longer.
    let (noted, _) = instance.sql.head().await?;
    let mut replay = Replay::of(id);
    loop {
        let entries = instance.sql.oldest(replay.last(), AT_ONCE).await?;
        if entries.is_empty() {
            break;
        }
        for entry in &entries {
            replay.take(entry)?;
        }
    }
    instance.sql.close().await;
    let replayed = replay.finish(noted)?;
    let Replayed { recorded, replayed: again, policy_entry, policy_revision } = &replayed;
    if replayed.follows() {
        println!(
            "ok  entry {id}: {recorded} follows from what it recorded, by the policy of revision {policy_revision} (entry {policy_entry})"
        );
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "DIFFERS  entry {id}: recorded as {recorded}; from what it recorded, by the policy of revision {policy_revision} (entry {policy_entry}), follows {again}"
    );
    Ok(ExitCode::FAILURE)
}

/// `audit verify`: follows the chain from the first entry to the last; exit status 1 when an entry was changed or is missing.
pub(crate) async fn verify_audit(place: &Place) -> anyhow::Result<ExitCode> {
    let instance = Instance::open_beside(&place.data_dir, &place.seal_key_file()).await?;
    // Read before the entries: what is appended meanwhile only makes the chain longer.
    let (noted, _) = instance.sql.head().await?;
    let mut chain = Chain::default();
    loop {
        let entries = instance.sql.oldest(chain.head().0, AT_ONCE).await?;
        if entries.is_empty() {
            break;
        }
        for entry in &entries {
            if let Err(broken) = chain.follow(entry) {
                println!("BROKEN  {broken}");
                return Ok(ExitCode::FAILURE);
            }
        }
    }
    let (last, link) = chain.head();
    if last < noted {
        println!("BROKEN  {}", Broken::CutOff { expected: noted, found: last });
        return Ok(ExitCode::FAILURE);
    }
    println!("ok  {last} entries, each as it was recorded; the last link is {}", hex::encode(link.0));
    println!("    Keep that link elsewhere: whoever can write the database can also write a whole new chain, but not this link.");
    instance.sql.close().await;
    Ok(ExitCode::SUCCESS)
}
