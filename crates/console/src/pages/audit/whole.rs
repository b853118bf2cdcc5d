//! Whether the log is as it was recorded.

use std::time::Duration;

use tokio::time::Instant;
use wharfinger_storage::audit::{Audit, Broken, Chain};

use crate::error::Refused;

/// How many entries are read at once, and for how long.
const AT_ONCE: u32 = 1000;
const PATIENCE: Duration = Duration::from_secs(20);

/// Follows the chain from its first entry to its noted head: as far as was come in time, or what is broken.
pub(super) async fn verify(audit: &dyn Audit) -> Result<Result<String, String>, Refused> {
    let broken = |error: Broken| Ok(Err(format!("The log was changed: {error}.")));
    let end = Instant::now() + PATIENCE;
    // Read first: what is recorded meanwhile comes after it.
    let (last, link) = audit.head().await?;
    let mut chain = Chain::default();
    while chain.head().0 < last {
        if Instant::now() > end {
            let so_far = chain.head().0;
            return Ok(Ok(format!(
                "Whole up to entry {so_far} of {last}; for the rest, run wharfinger audit verify on the machine."
            )));
        }
        let entries = audit.oldest(chain.head().0, AT_ONCE).await?;
        if entries.is_empty() {
            return broken(Broken::CutOff { expected: last, found: chain.head().0 });
        }
        for entry in entries.iter().filter(|entry| entry.id <= last) {
            if let Err(error) = chain.follow(entry) {
                return broken(error);
            }
        }
    }
    if chain.head() != (last, link) {
        return broken(Broken::Changed(last));
    }
    let link = hex::encode(link.0);
    Ok(Ok(format!(
        "Whole: all {last} entries are as they were recorded. The last link is {link}: keep it elsewhere, for whoever can write \
                   the database can write a whole new log, but not this link."
    )))
}
