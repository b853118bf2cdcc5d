//! Does this host answer as a registry, under this CA?

use wharfinger_oci::Host;
use wharfinger_transport::outbound;

/// Asks `https://<host>/v2/` once, trusting only `ca_bundle` (PEM; empty: the system's roots). The error is the cause in plain words.
pub async fn probe(host: &Host, ca_bundle: &str) -> Result<(), String> {
    let address = if host.is_docker_hub() { "registry-1.docker.io" } else { host.as_str() };
    probe_at(&format!("https://{address}/v2/"), ca_bundle).await
}

/// The same for an address that is given whole, such as a Notary server's.
pub(crate) async fn probe_at(address: &str, ca_bundle: &str) -> Result<(), String> {
    let ca_bundle = Some(ca_bundle).filter(|bundle| !bundle.trim().is_empty());
    let client = outbound(ca_bundle).map_err(|error| chain(&error))?;
    let answer = client.get(address).send().await.map_err(|error| plain(&error))?;
    match answer.status().as_u16() {
        200 | 401 => Ok(()),
        status => Err(format!("it answered {status} to GET /v2/, which no registry does")),
    }
}

fn plain(error: &reqwest::Error) -> String {
    let text = chain(error);
    if text.contains("UnknownIssuer") || text.contains("BadSignature") {
        return "its certificate is not signed by the given CA: fetch it with curl -k https://HOST/ca and compare its fingerprint"
            .to_owned();
    }
    if text.contains("NotValidForName") {
        return format!("its certificate does not cover this host name: re-issue it with the public address in it ({text})");
    }
    text
}

/// An error with its sources, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}
