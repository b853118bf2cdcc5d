//! Whom the mirror follows: every registered registry, in whose name it may be read when nobody asks.

use async_trait::async_trait;
use wharfinger_oci::{Host, Repository};
use wharfinger_trust::{Credentials, Gun, Reader, Registered, Secret};

use crate::Gate;
use crate::judge::place;

#[async_trait]
impl Registered for Gate {
    async fn hosts(&self) -> Option<Vec<Host>> {
        let (_, configuration) = self.ground("").await.ok()?;
        Some(configuration.registries.iter().filter_map(|registration| registration.host().ok()).collect())
    }

    async fn reader(&self, host: &Host, gun: Option<&Gun>) -> Option<Reader> {
        let (_, configuration) = self.ground("").await.ok()?;
        let registration = configuration.registration(host)?;
        let repository: Option<Repository> = gun.map(|gun| gun.path().parse()).transpose().ok()?;
        let place = place(registration, host, repository.as_ref()).ok()?;
        let shared = self.local.as_ref().filter(|local| local.host() == host);
        let credentials = match shared {
            Some(local) => local.mirror_token().await.map(|token| Credentials::Bearer(Secret::new(token))),
            None => self.read_credentials(registration, host),
        };
        Some(Reader { registration: place, credentials })
    }
}
