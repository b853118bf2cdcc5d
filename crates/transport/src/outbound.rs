//! Clients for other hosts: registries, Notary servers, a Kubernetes API server.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use reqwest::{Certificate, Client, ClientBuilder, Identity, redirect};
use thiserror::Error;

#[derive(Debug, Error)]
pub enum OutboundError {
    #[error("the CA bundle holds no usable PEM certificate")]
    CaBundle,
    #[error("the client certificate and its key cannot be used together: both are PEM, the key without a passphrase")]
    ClientCertificate,
    #[error("the HTTPS client cannot be made")]
    Client(#[source] reqwest::Error),
}

/// A client that trusts the given CAs and no other (without any: the system's). It follows no redirect, because
/// credentials and trust belong to the host that was named, and gives up after ten seconds.
pub fn outbound(ca_bundle: Option<&str>) -> Result<Client, OutboundError> {
    impatient(trusting(ca_bundle)?).build().map_err(OutboundError::Client)
}

/// A client that takes any certificate, as `curl -k` does: to be shown a CA that somebody then compares by its fingerprint. Nothing
/// it brings may be trusted before that.
pub fn outbound_trusting_nobody() -> Result<Client, OutboundError> {
    impatient(trusting(None)?).tls_danger_accept_invalid_certs(true).build().map_err(OutboundError::Client)
}

fn impatient(builder: ClientBuilder) -> ClientBuilder {
    builder.connect_timeout(Duration::from_secs(5)).read_timeout(Duration::from_secs(10)).timeout(Duration::from_secs(10))
}

fn trusting(ca_bundle: Option<&str>) -> Result<ClientBuilder, OutboundError> {
    let builder = Client::builder()
        .redirect(redirect::Policy::none())
        .no_proxy()
        .https_only(true)
        .pool_idle_timeout(Duration::from_mins(1))
        .user_agent(concat!("wharfinger/", env!("CARGO_PKG_VERSION")));
    let Some(pem) = ca_bundle else { return Ok(builder) };
    let roots = Certificate::from_pem_bundle(pem.as_bytes()).map_err(|_| OutboundError::CaBundle)?;
    if roots.is_empty() {
        return Err(OutboundError::CaBundle);
    }
    Ok(builder.tls_certs_only(roots))
}

/// Whole requests to one host, answered by whole responses of bounded length, within a time that is given: for rooms that do not
/// know the HTTP library. Trusts and follows as [`outbound`] does.
pub struct Caller {
    client: Client,
    longest_answer: usize,
}

/// How a [`Caller`] reaches its host.
pub struct CallerSettings<'a> {
    /// PEM; without it the system's CAs are trusted.
    pub ca_bundle: Option<&'a str>,
    /// The certificate that is shown, with its chain, and its key: PEM.
    pub client_pem: Option<(&'a str, &'a str)>,
    /// Of the body, in bytes.
    pub longest_answer: usize,
}

#[derive(Debug, Error)]
pub enum CallError {
    #[error("it gave no whole answer")]
    NoAnswer(#[source] reqwest::Error),
    #[error("its answer is longer than {0} bytes")]
    TooLong(usize),
}

impl Caller {
    pub fn new(settings: &CallerSettings<'_>) -> Result<Self, OutboundError> {
        // A call that is given up takes its connection along; with HTTP/2 the next ones would wait on the same dead one.
        let mut builder = trusting(settings.ca_bundle)?.http1_only();
        if let Some((certificate, key)) = settings.client_pem {
            let both = zeroize::Zeroizing::new(format!("{key}\n{certificate}"));
            let identity = Identity::from_pem(both.as_bytes()).map_err(|_| OutboundError::ClientCertificate)?;
            builder = builder.identity(identity);
        }
        let client = builder.build().map_err(OutboundError::Client)?;
        Ok(Self { client, longest_answer: settings.longest_answer })
    }

    /// Given up after `patience`, from connecting to the last byte.
    pub async fn call(&self, request: Request<Bytes>, patience: Duration) -> Result<Response<Bytes>, CallError> {
        // The address is in the error of whoever asks.
        let none = |error: reqwest::Error| CallError::NoAnswer(error.without_url());
        let mut request: reqwest::Request = request.try_into().map_err(none)?;
        *request.timeout_mut() = Some(patience);
        let mut answer = self.client.execute(request).await.map_err(none)?;
        let mut body = BytesMut::new();
        while let Some(part) = answer.chunk().await.map_err(none)? {
            if body.len() + part.len() > self.longest_answer {
                return Err(CallError::TooLong(self.longest_answer));
            }
            body.extend_from_slice(&part);
        }
        let mut response = Response::new(body.freeze());
        *response.status_mut() = answer.status();
        *response.headers_mut() = std::mem::take(answer.headers_mut());
        Ok(response)
    }
}
