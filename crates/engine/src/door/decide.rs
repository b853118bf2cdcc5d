//! Asking the gate about the images of a call.

use std::str::FromStr as _;
use std::sync::Arc;

use http::HeaderValue;
use wharfinger_auth::Granted;
use wharfinger_gate::{Admitted, Pin, Purpose, Workload};
use wharfinger_oci::Reference;

use super::Engine;
use crate::{
    error::Refusal,
    image::{Asked, Decided, Decision, ImageCallRefused, asked},
    registry_auth::RegistryAuth,
};

impl Engine {
    /// Decides each image. One that may not run refuses the call.
    pub(super) async fn decide(
        &self,
        granted: &Granted,
        images: &[String],
        purpose: Purpose,
        auth: &RegistryAuth,
    ) -> Result<Decided, Refusal> {
        if !self.gate.enforcing().await? {
            return Ok(Decided::Unenforced);
        }
        let mut decisions = Vec::new();
        for image in images {
            let admitted = self.decide_one(granted, image, purpose, auth).await?;
            let exempt = match admitted.pin(image) {
                Some(Pin::Exempt(reference)) => self.exempt(granted, image, reference, purpose, auth).await?,
                _ => None,
            };
            decisions.push(Decision { admitted, exempt });
        }
        Ok(Decided::Enforced(decisions))
    }

    /// Which manifest an exempt image is. Its name alone proves nothing: whoever may tag, load or import an image on the engine
    /// can call it so, and the engine takes what it has before it asks a registry.
    async fn exempt(
        &self,
        granted: &Granted,
        image: &str,
        reference: &Reference,
        purpose: Purpose,
        auth: &RegistryAuth,
    ) -> Result<Option<String>, Refusal> {
        if let Some(digest) = &reference.digest {
            return Ok(Some(reference.pinned(digest)));
        }
        let pinned = match purpose {
            // These ask the registry themselves.
            Purpose::Pull | Purpose::Inspect | Purpose::Explain | Purpose::Admission => return Ok(None),
            Purpose::Create => {
                let digests = self.upstream.repo_digests(image).await?.unwrap_or_default();
                reference.digest_among(&digests).map(|digest| reference.pinned(&digest))
            }
            Purpose::Service => {
                let lent = match auth.header() {
                    Some(sent) => Some(sent.clone()),
                    None => self.lent_auth(granted, image).await.and_then(|lent| HeaderValue::try_from(lent).ok()),
                };
                self.upstream.registry_digest(image, lent).await?.map(|digest| reference.pinned(&digest))
            }
        };
        pinned.map(Some).ok_or_else(|| ImageCallRefused::NotFromItsRegistry(image.to_owned()).into())
    }

    async fn decide_one(
        &self,
        granted: &Granted,
        image: &str,
        purpose: Purpose,
        auth: &RegistryAuth,
    ) -> Result<Admitted, Refusal> {
        let reference = Reference::from_str(image);
        let account = &granted.principal().account;
        let workload = Workload {
            images: vec![image.to_owned()],
            account: Some(account.id.clone()),
            account_name: account.name.to_string(),
            is_admin: account.is_admin,
            credentials: Arc::new(reference.as_ref().map(|reference| auth.for_host(&reference.host)).unwrap_or_default()),
            purpose,
            namespace: None,
            dry_run: false,
        };
        // A pull asks a registry, whatever the engine may have under that name.
        let asks_a_registry = matches!(purpose, Purpose::Pull | Purpose::Inspect) || asked(image) == Asked::ByName;
        if asks_a_registry {
            return Ok(self.gate.admit(&workload).await?);
        }
        match self.upstream.repo_digests(image).await? {
            Some(digests) => Ok(self.gate.admit_local(&workload, image, &digests).await?),
            // The engine does not have it: a name then means Docker Hub, an id nothing.
            None if reference.is_ok() => Ok(self.gate.admit(&workload).await?),
            None => Ok(self.gate.admit_local(&workload, image, &[]).await?),
        }
    }

    /// Asks once more, right before the first byte goes to the engine.
    pub(super) async fn still_stands(&self, decided: &Decided) -> Result<(), Refusal> {
        match decided {
            Decided::Unenforced if self.gate.enforcing().await? => Err(Refusal::Outdated),
            Decided::Unenforced => Ok(()),
            Decided::Enforced(decisions) => {
                for Decision { admitted, .. } in decisions {
                    self.gate.still_current(admitted).await?;
                }
                Ok(())
            }
        }
    }

    /// Credentials for the engine where the caller sent none and the registry shares this cluster's accounts.
    pub(super) async fn lent_auth(&self, granted: &Granted, image: &str) -> Option<String> {
        let reference = Reference::from_str(image).ok()?;
        self.gate.registry_auth(&granted.principal().account.id, &reference).await
    }
}
