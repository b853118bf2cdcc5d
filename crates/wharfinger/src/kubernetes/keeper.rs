//! The webhook configurations, kept right by the process that they lead to.

use std::sync::{Arc, Mutex, PoisonError};

use wharfinger_admission::{ApiServer, Kept, Phase, Place, WebhookSecret, Webhooks};
use wharfinger_cluster::Cluster;
use wharfinger_oci::Host;

use crate::doctor::chain;
use crate::options::Options;
use crate::tls::Served;

pub(crate) struct Keeper {
    api_server: Arc<ApiServer>,
    host: Host,
    ca_pem: String,
    segment: String,
    cluster: Arc<Cluster>,
    /// What was said last of each: said again only when it changes.
    said: [Mutex<String>; 2],
}

impl Keeper {
    pub(crate) fn new(
        api_server: Arc<ApiServer>,
        secret: &WebhookSecret,
        options: &Options,
        served: &Served,
        cluster: Arc<Cluster>,
    ) -> Self {
        let segment = secret.segment().to_owned();
        let (host, ca_pem) = (options.cluster.host.clone(), served.ca_pem.clone());
        Self { api_server, host, ca_pem, segment, cluster, said: Default::default() }
    }

    /// Corrects what differs. What cannot be corrected now is tried again a minute later.
    pub(crate) async fn keep(&self) {
        let resources = match self.cluster.current().await {
            Ok(current) => current.configuration.kubernetes.resources,
            Err(error) => return tracing::warn!(%error, "the webhook configurations could not be compared"),
        };
        let webhooks = Webhooks {
            place: Place::Host(self.host.clone()),
            segment: Some(self.segment.clone()),
            ca_pem: Some(self.ca_pem.clone()),
            resources,
        };
        for (phase, said) in Phase::ALL.into_iter().zip(&self.said) {
            let kind = phase.kind();
            let found = match self.api_server.keep(phase, &webhooks).await {
                Ok(Kept::AsItWas) => String::new(),
                Ok(Kept::Corrected) => {
                    tracing::info!("{kind} wharfinger corrected: it leads here again");
                    String::new()
                }
                Ok(Kept::Missing) => "it is not there: run `wharfinger kubernetes install`".to_owned(),
                Err(error) => chain(&error),
            };
            let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
            if *said != found {
                if !found.is_empty() {
                    tracing::warn!("{kind} wharfinger: {found}");
                }
                *said = found;
            }
        }
    }
}
