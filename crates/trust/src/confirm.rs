//! Is what is remembered of a repository still so? Asked in the name of whom the feed is read for.

use wharfinger_tuf::{Gun, RoleName};

use crate::follow::Reader;
use crate::line::{Line, State};
use crate::mirror::{state_of, state_of_bytes};
use crate::server::{Answer, PATIENCE, scope_of};
use crate::{Resolver, TrustError};

impl Resolver {
    /// Reads whether `gun` is still as it is remembered, and if not, what it is now.
    pub(crate) async fn confirm(&self, reader: &Reader, gun: &Gun) -> Result<Option<State>, TrustError> {
        let Some(remembered) = self.memory().recall(gun.as_str()).await? else { return Ok(None) };
        let registration = &reader.registration;
        let asked = self.moment();
        let timestamp = remembered.files.iter().find(|file| file.role == RoleName::Timestamp.as_str());
        if let Some(timestamp) = timestamp {
            let server = self.server(registration, scope_of(gun), PATIENCE).await?;
            let path = format!("{gun}/_trust/tuf/timestamp.json");
            let limit = timestamp.bytes.len() as u64;
            let same = match server.get(&path, limit, timestamp.etag.as_deref(), reader.credentials.as_ref()).await? {
                Answer::Unchanged => true,
                Answer::Found { bytes, .. } => bytes == timestamp.bytes,
                Answer::Missing => return Err(TrustError::Deleted { gun: gun.to_string() }),
                Answer::Refused => return Err(TrustError::Absent { credentials_refused: true }),
            };
            if same {
                let state = state_of_bytes(&timestamp.bytes);
                self.mirror.accept(gun, state, timestamp.version, asked, false);
                return Ok(Some(state));
            }
        }
        let collection = self.walk_as(registration, gun, std::slice::from_ref(&reader.credentials), false).await?;
        Ok(Some(state_of(&collection)))
    }

    /// What follows from an answer that confirms nothing, or from none.
    pub(crate) async fn not_confirmed(&self, line: &Line, gun: &Gun, error: &TrustError) {
        match error {
            TrustError::Unreachable { .. } | TrustError::Storage(_) => {}
            // Who never was let in has no say: others may read it, and are asked for with each decision.
            TrustError::Absent { .. } | TrustError::Deleted { .. } if !line.closed(gun) => return,
            _ => {
                line.let_go(gun);
                return self.doubt(gun, error).await;
            }
        }
        line.unanswered(gun);
        // It is known to be another by now, and not what: what was proven does not stand any more.
        if line.doubts(gun) {
            self.disprove(gun).await;
        }
    }
}
