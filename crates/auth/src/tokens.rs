//! The registry's bearer tokens: ES256 JWTs as in the registry token specification.

use crate::pending::SealKey;
use serde::{Deserialize, Serialize};
use wharfinger_identity::Account;
use wharfinger_storage::StorageError;
use wharfinger_storage::secrets::Secrets;

use crate::clock::Clock;

/// One entry of a token's `access`: what may be done with what.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Access {
    #[serde(rename = "type")]
    pub typ: String,
    /// Exactly as it was asked for.
    pub name: String,
    pub actions: Vec<String>,
}

/// A verified token's content.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Claims {
    pub iss: String,
    /// The account's id; empty for an anonymous caller.
    pub sub: String,
    pub aud: String,
    pub exp: i64,
    pub nbf: i64,
    pub iat: i64,
    pub jti: String,
    pub access: Vec<Access>,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the token is not valid here, or not any more")]
pub struct TokenInvalid;

/// Makes and verifies the tokens of one registry.
pub struct Tokens {
    service: String,
}

impl Tokens {
    /// Opens the token key, or makes it the first time. `service` is the registry's public host.
    pub async fn open(_secrets: &dyn Secrets, _seal: &SealKey, service: &str, _clock: Clock) -> Result<Self, crate::ca::CaError> {
        Ok(Self { service: service.to_owned() })
    }

    pub fn service(&self) -> &str {
        &self.service
    }

    pub fn issue(&self, _subject: Option<&Account>, _access: Vec<Access>) -> Result<String, StorageError> {
        unimplemented!()
    }

    pub fn verify(&self, _token: &str) -> Result<Claims, TokenInvalid> {
        unimplemented!()
    }
}
