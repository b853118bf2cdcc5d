//! `X-Registry-Auth`: credentials for a registry, as the docker client sends them along.

use base64::engine::DecodePaddingMode;
use base64::{Engine as _, alphabet, engine::GeneralPurpose, engine::general_purpose::GeneralPurposeConfig};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use wharfinger_oci::Host;
use wharfinger_trust::{Credentials, Secret};

pub(crate) const X_REGISTRY_AUTH: HeaderName = HeaderName::from_static("x-registry-auth");

const URL_SAFE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a request brought.
#[derive(Default)]
pub(crate) struct RegistryAuth {
    /// The host the credentials are for, if it says so.
    server: Option<Host>,
    credentials: Vec<Credentials>,
    header: Option<HeaderValue>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Raw {
    username: Option<String>,
    password: Option<String>,
    serveraddress: Option<String>,
    identitytoken: Option<String>,
    registrytoken: Option<String>,
}

impl RegistryAuth {
    /// What cannot be read counts as nothing, as it does to the engine.
    pub(crate) fn read(headers: &HeaderMap) -> Self {
        let decoded = headers
            .get(X_REGISTRY_AUTH)
            .and_then(|value| URL_SAFE.decode(value.as_bytes()).ok())
            .and_then(|bytes| serde_json::from_slice::<Option<Raw>>(&bytes).ok());
        let raw = decoded.flatten().unwrap_or_default();
        let some = |text: Option<String>| text.filter(|text| !text.is_empty());
        let mut credentials = Vec::new();
        if let Some(token) = some(raw.registrytoken) {
            credentials.push(Credentials::Bearer(Secret::new(token)));
        }
        if let Some(token) = some(raw.identitytoken) {
            credentials.push(Credentials::IdentityToken(Secret::new(token)));
        }
        if let (Some(username), Some(password)) = (some(raw.username), some(raw.password)) {
            credentials.push(Credentials::Basic { username, password: Secret::new(password) });
        }
        let server = some(raw.serveraddress).and_then(|address| host_of(&address));
        Self { server, credentials, header: headers.get(X_REGISTRY_AUTH).cloned() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.credentials.is_empty()
    }

    /// The header as it came, if there is anything in it.
    pub(crate) fn header(&self) -> Option<&HeaderValue> {
        self.header.as_ref().filter(|_| !self.is_empty())
    }

    /// The credentials, unless they say that they are for another host.
    pub(crate) fn for_host(&self, host: &Host) -> Vec<Credentials> {
        if self.server.as_ref().is_none_or(|server| server == host) { self.credentials.clone() } else { Vec::new() }
    }
}

fn host_of(address: &str) -> Option<Host> {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.split('/').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> RegistryAuth {
        let mut headers = HeaderMap::new();
        headers.insert(X_REGISTRY_AUTH, URL_SAFE.encode(json).parse().unwrap());
        RegistryAuth::read(&headers)
    }

    #[test]
    fn credentials_go_to_the_host_they_are_for() {
        let auth = read(r#"{"username":"qa","password":"x","serveraddress":"https://dtr.test/v1/"}"#);
        assert_eq!(auth.for_host(&"dtr.test".parse().unwrap()).len(), 1);
        assert!(auth.for_host(&"evil.test".parse().unwrap()).is_empty());
        assert_eq!(read(r#"{"identitytoken":"t"}"#).for_host(&"dtr.test".parse().unwrap()).len(), 1);
    }

    #[test]
    fn what_cannot_be_read_counts_as_nothing() {
        for json in ["", "null", "{}", "[]", "{", r#"{"username":"a"}"#, r#"{"username":"a","password":""}"#] {
            assert!(read(json).is_empty(), "{json}");
        }
        assert!(RegistryAuth::read(&HeaderMap::new()).is_empty());
    }
}
