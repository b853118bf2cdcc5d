//! Where a registry's trust data and tokens are, when that is not the registry's own host. Given by an admin, never by an answer.

use std::str::FromStr;

use reqwest::Url;

/// Where a Notary server answers: https, a host, perhaps a port and a path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NotaryUrl(Url);

/// A token service: exactly this realm may be sent credentials.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TokenRealm(Url);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not such an address: write https://host[:port][/path], without user, query or fragment")]
pub struct PlaceError(String);

/// A Notary server beside the registry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NotaryServer {
    pub url: NotaryUrl,
    /// PEM; none means the same as for the registry.
    pub ca_bundle: Option<String>,
}

impl NotaryUrl {
    /// `path` below `/v2/`.
    pub(crate) fn at(&self, path: &str) -> Option<Url> {
        Url::parse(&format!("{}/v2/{path}", self.0.as_str().trim_end_matches('/'))).ok()
    }

    pub(crate) fn authority(&self) -> Option<String> {
        authority(&self.0)
    }

    /// For people and for a first call: is somebody there?
    pub fn ping_address(&self) -> String {
        format!("{}/v2/", self.0.as_str().trim_end_matches('/'))
    }
}

impl TokenRealm {
    pub(crate) fn is(&self, realm: &Url) -> bool {
        self.0 == *realm
    }
}

impl FromStr for NotaryUrl {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, PlaceError> {
        https(text).map(Self)
    }
}

impl FromStr for TokenRealm {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, PlaceError> {
        https(text).map(Self)
    }
}

/// `host[:port]`, the port only where it is not https's own.
pub(crate) fn authority(url: &Url) -> Option<String> {
    match (url.host_str()?, url.port()) {
        (host, Some(port)) => Some(format!("{host}:{port}")),
        (host, None) => Some(host.to_owned()),
    }
}

fn https(text: &str) -> Result<Url, PlaceError> {
    let refuse = || PlaceError(text.chars().take(300).collect());
    let url = Url::parse(text).map_err(|_| refuse())?;
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    let same = text.trim() == text && url.scheme() == "https" && url.host_str().is_some_and(|host| !host.is_empty());
    if plain && same { Ok(url) } else { Err(refuse()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_stays_and_other_forms_are_refused() {
        let url: NotaryUrl = "https://n.test:4443/trust/".parse().unwrap();
        assert_eq!(url.at("a/_trust/tuf/x").unwrap().as_str(), "https://n.test:4443/trust/v2/a/_trust/tuf/x");
        assert_eq!(url.authority().as_deref(), Some("n.test:4443"));
        for bad in ["", "n.test", "http://n.test", "https://u@n.test", "https://n.test?x", "https://n.test/#f", " https://n.test"]
        {
            assert!(bad.parse::<NotaryUrl>().is_err(), "{bad}");
            assert!(bad.parse::<TokenRealm>().is_err(), "{bad}");
        }
    }
}
