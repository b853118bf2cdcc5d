//! Clients for other hosts: registries, Notary servers.

use std::time::Duration;

use reqwest::{Certificate, Client, redirect};
use thiserror::Error;

#[derive(Debug, Error)]
pub enum OutboundError {
    #[error("the CA bundle holds no usable PEM certificate")]
    CaBundle,
    #[error("the HTTPS client cannot be made")]
    Client(#[source] reqwest::Error),
}

/// A client that trusts the given CAs and no other (without any: the system's). It follows no redirect, because
/// credentials and trust belong to the host that was named, and gives up after ten seconds.
pub fn outbound(ca_bundle: Option<&str>) -> Result<Client, OutboundError> {
    let builder = Client::builder()
        .redirect(redirect::Policy::none())
        .no_proxy()
        .https_only(true)
        .connect_timeout(Duration::from_secs(5))
        .read_timeout(Duration::from_secs(10))
        .timeout(Duration::from_secs(10))
        .pool_idle_timeout(Duration::from_mins(1))
        .user_agent(concat!("wharfinger/", env!("CARGO_PKG_VERSION")));
    let builder = match ca_bundle {
        None => builder,
        Some(pem) => {
            let roots = Certificate::from_pem_bundle(pem.as_bytes()).map_err(|_| OutboundError::CaBundle)?;
            if roots.is_empty() {
                return Err(OutboundError::CaBundle);
            }
            builder.tls_certs_only(roots)
        }
    };
    builder.build().map_err(OutboundError::Client)
}
