//! One review: which images of the object are new, what the gate says of them, and what that means for the object.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::Value;
use wharfinger_gate::{Admitted, Decide, Denial, Pin, Presented, SignedPin, Workload};
use wharfinger_oci::Reference;
use wharfinger_policy::KubernetesSettings;

use crate::patch::Patch;
use crate::presented::{OfPod, PullSecrets};
use crate::question::question;
use crate::review::{Answer, Operation, Request};
use crate::walk::{self, Found, Slot};
use crate::webhooks::Phase;

/// How many different images one object may hold. Each is a decision, and may ask a registry.
const MOST_IMAGES: usize = 100;

pub(crate) struct Judge<'a> {
    pub(crate) gate: &'a dyn Decide,
    pub(crate) secrets: Option<Arc<dyn PullSecrets>>,
    pub(crate) settings: &'a KubernetesSettings,
    pub(crate) phase: Phase,
}

impl Judge<'_> {
    pub(crate) async fn answer(&self, request: &Request) -> Answer {
        match request.operation {
            Operation::Create | Operation::Update => {}
            // Nothing begins to run by these.
            Operation::Delete | Operation::Connect => return Answer::allow(),
        }
        match self.judge(request).await {
            Ok(answer) => answer,
            Err(denial) => Answer::undecided(format!("the signing policy could not be read: {}", denial.reason())),
        }
    }

    async fn judge(&self, request: &Request) -> Result<Answer, Denial> {
        if !self.gate.enforcing().await? {
            return Ok(Answer::allow());
        }
        let found = match walk::images(&request.resource, &request.sub_resource, &request.object, self.settings) {
            Ok(found) => found,
            Err(unreadable) => {
                return Ok(Answer::refuse(format!("the images of this object could not be read: {unreadable}")));
            }
        };
        let slots = to_judge(request, &found, self.settings);
        let mut images: Vec<&str> = slots.iter().map(|slot| slot.image.as_str()).collect();
        images.sort_unstable();
        images.dedup();
        if images.len() > MOST_IMAGES {
            let message =
                format!("the object holds {} different images, more than the {MOST_IMAGES} of one review", images.len());
            return Ok(Answer::refuse(message));
        }
        let presented: Arc<dyn Presented> = Arc::new(OfPod::new(self.secrets.clone(), &request.namespace, &found));
        let decided = join_all(images.into_iter().map(|image| self.decide(request, image, presented.clone()))).await;
        let decided: BTreeMap<String, Result<Admitted, Denial>> = decided.into_iter().collect();
        Ok(self.conclude(&slots, &decided))
    }

    /// Each image is decided by itself, so that every one that may not run is named.
    async fn decide(
        &self,
        request: &Request,
        image: &str,
        credentials: Arc<dyn Presented>,
    ) -> (String, Result<Admitted, Denial>) {
        let workload = question(image, &request.namespace, &request.user_info.username, credentials);
        let workload = Workload { dry_run: request.dry_run, ..workload };
        let admitted = match self.gate.admit(&workload).await {
            // After this nobody asks again.
            Ok(admitted) if self.phase == Phase::Validate => self.gate.still_current(&admitted).await.map(|()| admitted),
            decided => decided,
        };
        (image.to_owned(), admitted)
    }

    fn conclude(&self, slots: &[&Slot], decided: &BTreeMap<String, Result<Admitted, Denial>>) -> Answer {
        let (mut patch, mut warnings, mut refused) = (Vec::new(), Vec::new(), Refused::default());
        for slot in slots {
            match decided.get(&slot.image) {
                Some(Ok(admitted)) => match (admitted.pin(&slot.image), self.phase) {
                    (Some(Pin::Signed(pin)), Phase::Mutate) if pin.pinned != slot.image => {
                        patch.push(Patch::replace(slot.pointer.clone(), pin.pinned.clone()));
                    }
                    (Some(Pin::Signed(pin)), Phase::Validate) if !is_pinned(&slot.image, pin) => {
                        refused.add(slot, 403, NOT_PINNED);
                    }
                    (Some(Pin::Signed(_) | Pin::Exempt(_) | Pin::Unenforced), _) => {}
                    (None, _) => refused.add(slot, 503, "trust could not be decided: the gate did not answer for it"),
                },
                Some(Err(denial)) => refused.add(slot, status(denial), &sentence(denial)),
                None => refused.add(slot, 503, "trust could not be decided: the gate was not asked"),
            }
        }
        if !refused.is_empty() {
            return refused.answer();
        }
        // At the second question only: it is about what will be stored, and nobody is warned twice.
        if self.phase == Phase::Validate {
            for denial in decided.values().flatten().flat_map(Admitted::warnings) {
                warnings.push(format!("{}: {} (allowed: its rule is in audit mode)", denial.image, denial.reason()));
            }
        }
        Answer::Allow { patch, warnings }
    }
}

const NOT_PINNED: &str = "it is not pinned to its signed digest: something changed it after the webhook that pins it, or that webhook \
                          was not asked (wharfinger kubernetes doctor)";

/// The images of the object that were not there before. What the cluster has accepted already is not asked about again, unless
/// the configuration says so: controllers update objects to count, to finish and to delete them, also when a registry is away.
fn to_judge<'a>(request: &Request, found: &'a Found, settings: &KubernetesSettings) -> Vec<&'a Slot> {
    let goes = request.object.pointer("/metadata/deletionTimestamp").is_some_and(|moment| !moment.is_null());
    let every = request.operation == Operation::Create || (settings.recheck_unchanged && !goes);
    if every {
        return found.slots.iter().collect();
    }
    let before = match &request.old_object {
        Value::Null => Found::default(),
        old => walk::images(&request.resource, &request.sub_resource, old, settings).unwrap_or_default(),
    };
    let is_new = |slot: &&Slot| !before.slots.iter().any(|old| old.owner == slot.owner && old.image == slot.image);
    found.slots.iter().filter(is_new).collect()
}

/// Whether the text itself names the signed digest.
fn is_pinned(image: &str, pin: &SignedPin) -> bool {
    image.parse::<Reference>().is_ok_and(|reference| reference.digest.as_ref() == Some(&pin.digest))
}

/// Of 400 and 404 the API server would make another kind of error; the image is what is refused.
fn status(denial: &Denial) -> u16 {
    if denial.status() == 503 { 503 } else { 403 }
}

fn sentence(denial: &Denial) -> String {
    format!("{}; {}", denial.reason(), denial.remedy())
}

/// The images that may not run, with what they belong to.
#[derive(Default)]
struct Refused {
    images: Vec<(String, String, Vec<String>)>,
    status: u16,
}

impl Refused {
    fn add(&mut self, slot: &Slot, status: u16, reason: &str) {
        // One that may never run tells more than one that nobody can decide now.
        self.status = if self.status == 403 { 403 } else { status };
        match self.images.iter_mut().find(|(image, ..)| *image == slot.image) {
            Some((.., owners)) => owners.push(slot.owner.clone()),
            None => self.images.push((slot.image.clone(), reason.to_owned(), vec![slot.owner.clone()])),
        }
    }

    fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    fn answer(self) -> Answer {
        let each: Vec<String> =
            self.images.iter().map(|(image, reason, owners)| format!("{image}: {reason} ({})", owners.join(", "))).collect();
        let message = format!("one or more container images do not meet the required signing policy: [{}]", each.join(", "));
        Answer::Refuse { status: self.status, message }
    }
}
