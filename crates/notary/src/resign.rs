//! Signing anew what the server signs, before it expires: on reads, and by a job of the binary for what nobody reads.

use time::OffsetDateTime;
use wharfinger_storage::collections::Published;
use wharfinger_tuf::Gun;
use wharfinger_tuf::publish;

use crate::Notary;
use crate::error::Fault;

const PAGE: u32 = 100;

/// What one round of [`Notary::resign_due`] did.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Resigned {
    pub collections: usize,
    pub failed: usize,
}

impl Notary {
    /// Signs the files of every collection anew that are due at `now`. One that fails is logged and does not keep back the others.
    pub async fn resign_due(&self, now: OffsetDateTime) -> Result<Resigned, Fault> {
        let mut done = Resigned::default();
        let mut after: Option<String> = None;
        loop {
            let page = self.collections().due(now, after.as_deref(), PAGE).await?;
            for name in &page {
                let renewed = match name.parse::<Gun>() {
                    Ok(gun) => self.resign_at(&gun, now).await,
                    Err(error) => Err(Fault::Damaged(error.to_string())),
                };
                match renewed {
                    Ok(()) => done.collections += 1,
                    Err(error) => {
                        done.failed += 1;
                        tracing::error!(gun = name, error = &error as &dyn std::error::Error, "could not sign anew");
                    }
                }
            }
            match page.into_iter().next_back() {
                Some(last) => after = Some(last),
                None => return Ok(done),
            }
        }
    }

    pub(crate) async fn resign(&self, gun: &Gun) -> Result<(), Fault> {
        self.resign_at(gun, self.now()).await
    }

    /// When another request signs or publishes first, that is as good.
    async fn resign_at(&self, gun: &Gun, now: OffsetDateTime) -> Result<(), Fault> {
        let (head, state) = self.state(gun, []).await?;
        if head.as_ref().is_none_or(|head| head.resign_at > now) {
            return Ok(());
        }
        let keys = self.open_keys(gun).await?;
        let renewed = publish::resign(&state, &keys, now).map_err(|error| Fault::Damaged(format!("{gun}: {error}")))?;
        match self.store(gun, head, renewed, None).await? {
            Published::Stored => tracing::info!(%gun, "signed anew"),
            other => tracing::debug!(%gun, ?other, "not signed anew"),
        }
        Ok(())
    }
}
