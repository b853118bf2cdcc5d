//! Does this host answer as a registry, under this CA? And which CA does it show?

use wharfinger_keys::Certificate;
use wharfinger_oci::Host;
use wharfinger_transport::{outbound, outbound_trusting_nobody};

/// No CA bundle is longer.
const LONGEST_CA: usize = 256 * 1024;

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

/// Whether trust data is served beside the registry, under `_trust`. The error is the cause in plain words.
pub async fn probe_trust(host: &Host, ca_bundle: &str) -> Result<(), String> {
    let ca_bundle = Some(ca_bundle).filter(|bundle| !bundle.trim().is_empty());
    let client = outbound(ca_bundle).map_err(|error| chain(&error))?;
    let address = format!("https://{host}/v2/_trust/changefeed?records=1");
    let answer = client.get(address).send().await.map_err(|error| plain(&error))?;
    match answer.status().as_u16() {
        200 | 401 | 403 => Ok(()),
        status => Err(format!(
            "it answered {status} to GET /v2/_trust/changefeed, so nothing can be signed there; if its trust data is served \
             elsewhere, register it with a notary_url in the configuration"
        )),
    }
}

/// The CA that `https://<host>/ca` shows, PEM. Nobody has vouched for it: it is for a person to compare its fingerprint.
pub async fn fetch_ca(host: &Host) -> Result<String, String> {
    let client = outbound_trusting_nobody().map_err(|error| chain(&error))?;
    let mut answer = client.get(format!("https://{host}/ca")).send().await.map_err(|error| chain(&error))?;
    if answer.status() != 200 {
        return Err(format!("it answered {} to GET /ca: ask its operator for the CA and paste it", answer.status().as_u16()));
    }
    let mut bytes = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(|error| chain(&error))? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > LONGEST_CA {
            return Err(format!("what GET /ca answers is longer than {LONGEST_CA} bytes, which no CA is"));
        }
    }
    let pem = String::from_utf8(bytes).map_err(|_| "what GET /ca answers is not PEM".to_owned())?;
    Certificate::all_from_pem(&pem).map_err(|error| format!("what GET /ca answers is not PEM of certificates: {error}"))?;
    Ok(pem)
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
