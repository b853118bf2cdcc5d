//! The registry does not answer: what was proven under the same policy goes on being allowed for a while, as the directory is now.

use std::time::Duration;

use wharfinger_policy::{Configuration, Subject};
use wharfinger_tuf::Gun;

use crate::judge::Judgement;
use crate::{Cause, Denial, Gate, Pin};

impl Gate {
    /// The judgement by what is remembered: an allowance of what was allowed before, or the denial that follows from signatures that
    /// do not suffice any more. None: nothing can be said without the registry.
    pub(crate) async fn judge_stale(
        &self,
        configuration: &Configuration,
        policy: Option<i64>,
        place: &wharfinger_trust::Registration,
        gun: &Gun,
        subject: Subject<'_>,
    ) -> Option<Judgement> {
        let bound = configuration.trust.max_staleness_minutes.bound();
        if bound.is_zero() {
            return None;
        }
        let stale = self.resolver.stale(place, gun).await?;
        let judgement = self.judge_collection(configuration, stale.collection, subject).await;
        let unheard = match &judgement.outcome {
            Ok(Pin::Signed(pin)) => {
                let proven = self.resolver.proven(&pin.pinned, policy?).await.ok()??;
                // After a restart the proof is the last that was heard; of one from the future nothing is known.
                stale.unheard.or_else(|| Duration::try_from((self.clock)() - proven).ok())?
            }
            Err(Denial { cause: Cause::PolicyNotMet { .. } | Cause::RuleNotMet { .. }, .. }) => stale.unheard.unwrap_or_default(),
            _ => return None,
        };
        (unheard <= bound).then_some(Judgement { stale_seconds: Some(unheard.as_secs()), ..judgement })
    }
}
