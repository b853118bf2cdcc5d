//! A name and password for a private registry, typed into a form: sent along once, to that registry alone, and kept nowhere.

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use http::HeaderValue;
use wharfinger_gate::{Presented, PresentedError};
use wharfinger_oci::{Host, Reference};
use wharfinger_trust::{Credentials, Secret};

use crate::posted::Fields;

/// What the stock client calls Docker Hub here.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

pub(crate) struct RegistryLogin {
    host: Host,
    username: String,
    password: wharfinger_auth::Secret,
}

impl RegistryLogin {
    /// Of the fields `registry-user` and `registry-password`, for the registry at `host`. `None`: neither was filled in.
    ///
    /// # Errors
    /// Which of the two is missing.
    pub(crate) fn read(fields: &Fields, host: Host) -> Result<Option<Self>, (&'static str, &'static str)> {
        let (username, password) = (fields.text("registry-user"), fields.raw("registry-password"));
        match (username.is_empty(), password.is_empty()) {
            (true, true) => Ok(None),
            (true, false) => Err(("registry-user", "Write the user name that belongs to the password.")),
            (false, true) => {
                Err(("registry-password", "Write the password that belongs to the user name; it is never shown again."))
            }
            (false, false) => {
                Ok(Some(Self { host, username: username.to_owned(), password: wharfinger_auth::Secret::new(password) }))
            }
        }
    }

    /// `X-Registry-Auth` for an image of this registry; none for any other's.
    pub(crate) fn header(&self, image: &Reference) -> Option<HeaderValue> {
        if image.host != self.host {
            return None;
        }
        let server = if self.host.is_docker_hub() { DOCKER_HUB } else { self.host.as_str() };
        let login = serde_json::json!({ "username": self.username, "password": self.password.reveal(), "serveraddress": server });
        let mut value = HeaderValue::from_str(&URL_SAFE.encode(login.to_string())).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

#[async_trait]
impl Presented for RegistryLogin {
    async fn for_image(&self, reference: &Reference) -> Result<Vec<Credentials>, PresentedError> {
        if reference.host != self.host {
            return Ok(Vec::new());
        }
        let password = Secret::new(self.password.reveal().to_owned());
        Ok(vec![Credentials::Basic { username: self.username.clone(), password }])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_goes_to_the_registry_it_was_typed_for_and_to_no_other() {
        let login = RegistryLogin {
            host: "dtr.test".parse().unwrap(),
            username: "ada".to_owned(),
            password: wharfinger_auth::Secret::new("hunter2"),
        };
        let header = login.header(&"dtr.test/acme/app:1".parse().unwrap()).unwrap();
        assert!(header.is_sensitive());
        let sent: serde_json::Value = serde_json::from_slice(&URL_SAFE.decode(header.as_bytes()).unwrap()).unwrap();
        assert_eq!(sent, serde_json::json!({ "username": "ada", "password": "hunter2", "serveraddress": "dtr.test" }));
        assert!(login.header(&"evil.test/acme/app:1".parse().unwrap()).is_none());
        assert!(login.header(&"nginx".parse().unwrap()).is_none());
    }
}
