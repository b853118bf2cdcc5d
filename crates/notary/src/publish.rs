//! Publishing: all files of one upload, the server's snapshot and timestamp with them, or nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use wharfinger_storage::collections::{Head, NewFile, Publication, Published, Publisher};
use wharfinger_tuf::publish::{self, Accepted, Invalid, PublishError};
use wharfinger_tuf::{Gun, RoleName};

use crate::error::{Fault, Refusal};
use crate::{Grant, Notary};

/// How often a publish looks again when others, of other roles, came first. Each time at least one of them got through.
const ATTEMPTS: usize = 20;

impl Notary {
    pub(crate) async fn publish(&self, gun: &Gun, grant: &Grant, files: BTreeMap<RoleName, Bytes>) -> Result<(), Refusal> {
        let files: BTreeMap<RoleName, Vec<u8>> = files.into_iter().map(|(role, bytes)| (role, bytes.into())).collect();
        let files = Arc::new(files);
        for _ in 0..ATTEMPTS {
            let needed = publish::needed(files.keys());
            let (head, state) = self.state(gun, needed).await?;
            let keys = self.open_keys(gun).await?;
            let accepted = {
                let _turn = self.inner.judges.acquire().await.map_err(|_| Fault::Contention)?;
                let (now, gun, files) = (self.now(), gun.clone(), files.clone());
                // Checking a thousand signatures is no work for the reactor.
                tokio::task::spawn_blocking(move || publish::validate(&gun, &files, &state, &keys, now)).await
            };
            let accepted = accepted.map_err(Fault::from)?.map_err(|error| refusal(gun, error))?;
            self.inner.access.make_room(grant, self.now()).await?;
            match self.store(gun, head, accepted, grant.publisher()).await.map_err(Refusal::Updating)? {
                Published::Stored => return Ok(()),
                Published::Moved => {}
                Published::OldVersion { role } => {
                    tracing::info!(%gun, role, "a newer version is already there");
                    return Err(Refusal::OldVersion);
                }
                Published::Replayed { role, known_as } => return Err(Invalid::Validation(replayed(gun, &role, &known_as)).into()),
            }
        }
        Err(Refusal::Updating(Fault::Contention))
    }

    /// Stores what was accepted, if the collection is still as it was.
    pub(crate) async fn store(
        &self,
        gun: &Gun,
        before: Option<Head>,
        accepted: Accepted,
        by: Option<Publisher>,
    ) -> Result<Published, Fault> {
        let mut files = Vec::with_capacity(accepted.files.len());
        for file in accepted.files {
            files.push(NewFile {
                role: file.role.to_string(),
                version: i64::try_from(file.version).map_err(|error| Fault::Damaged(error.to_string()))?,
                sha256: file.sha256,
                signed_sha256: file.signed_sha256,
                bytes: file.bytes,
            });
        }
        let publication = Publication {
            gun: gun.to_string(),
            based_on: before.map(|head| head.timestamp_sha256),
            files,
            head: Head {
                timestamp_sha256: accepted.timestamp_sha256,
                snapshot_sha256: accepted.snapshot_sha256,
                resign_at: accepted.resign_at,
            },
            used_keys: accepted.used_keys.iter().map(ToString::to_string).collect(),
            by,
            at: self.now(),
        };
        let published = self.collections().publish(&publication).await?;
        if published == Published::Stored {
            self.tell_of_change();
        }
        Ok(published)
    }
}

fn refusal(gun: &Gun, error: PublishError) -> Refusal {
    match error {
        PublishError::Invalid(invalid) => Refusal::Invalid(invalid),
        PublishError::Stored { .. } => Refusal::Unknown(Fault::Damaged(format!("{gun}: {error}"))),
        PublishError::Sign { .. } => Refusal::Unknown(Fault::Key(format!("{gun}: {error}"))),
    }
}

/// A file of targets names neither its GUN nor its role, so without this an old one could be brought back as another. Which other
/// repository it is known from is not told: the caller may not be allowed to know that one.
fn replayed(gun: &Gun, role: &str, known_as: &[(String, String)]) -> String {
    match known_as.iter().find(|(known, _)| known == gun.as_str()) {
        Some((_, known)) => format!("{role}: these signed bytes were published before as {known}: sign the role anew"),
        None => format!("{role}: these signed bytes were published before under another repository: sign the role anew"),
    }
}
