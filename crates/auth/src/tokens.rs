//! The registry's bearer tokens: ES256 JWTs as in the registry token specification.

use std::fmt;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use time::Duration;
use uuid::Uuid;
use wharfinger_identity::Account;
use wharfinger_keys::{PrivateKey, SealKey};
use wharfinger_storage::secrets::Secrets;

use crate::ca::CaError;
use crate::clock::Clock;

const SECRET: &str = "token-key";
pub(crate) const LIFETIME: Duration = Duration::minutes(5);
/// Verified by the instance that made it, or a replica of it: clocks hardly differ.
const LEEWAY: Duration = Duration::seconds(10);
/// Before anything is parsed.
const LONGEST: usize = 64 * 1024;

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
    kid: String,
    signs: EncodingKey,
    verifies: DecodingKey,
    clock: Clock,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("service", &self.service).field("kid", &self.kid).finish_non_exhaustive()
    }
}

impl Tokens {
    /// Opens the token key, or makes it the first time. `service` is the registry's public host: issuer and audience.
    pub async fn open(secrets: &dyn Secrets, seal: &SealKey, service: &str, clock: Clock) -> Result<Self, CaError> {
        let sealed = if let Some(sealed) = secrets.secret(SECRET).await? {
            sealed
        } else {
            let der = PrivateKey::generate_p256().to_pkcs8_der();
            secrets.keep_first(SECRET, &seal.seal(SECRET, &der)).await?
        };
        let der = seal.open(SECRET, &sealed).map_err(|_| CaError::Sealed(SECRET))?;
        let key = PrivateKey::from_pkcs8_der(&der).map_err(CaError::make)?;
        Self::new(&key, service, clock)
    }

    pub(crate) fn new(key: &PrivateKey, service: &str, clock: Clock) -> Result<Self, CaError> {
        Ok(Self {
            service: service.to_owned(),
            kid: key.public_key().canonical_id().to_string(),
            signs: EncodingKey::from_ec_pem(key.to_pkcs8_pem().as_bytes()).map_err(CaError::make)?,
            verifies: DecodingKey::from_ec_pem(key.public_key().to_pem().as_bytes()).map_err(CaError::make)?,
            clock,
        })
    }

    pub fn service(&self) -> &str {
        &self.service
    }

    pub(crate) fn now(&self) -> time::OffsetDateTime {
        self.clock.now()
    }

    /// A token for five minutes. What it says was granted is checked again when it is used.
    pub fn issue(&self, subject: Option<&Account>, access: Vec<Access>) -> Result<String, CaError> {
        let now = self.clock.now();
        let claims = Claims {
            iss: self.service.clone(),
            sub: subject.map(|account| account.id.to_string()).unwrap_or_default(),
            aud: self.service.clone(),
            exp: (now + LIFETIME).unix_timestamp(),
            nbf: (now - LEEWAY).unix_timestamp(),
            iat: now.unix_timestamp(),
            jti: Uuid::new_v4().to_string(),
            access,
        };
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, &claims, &self.signs).map_err(CaError::make)
    }

    /// The claims of a token that is ours, for here, and for now.
    pub fn verify(&self, token: &str) -> Result<Claims, TokenInvalid> {
        if token.len() > LONGEST {
            return Err(TokenInvalid);
        }
        // The algorithm is ours to say, never the token's.
        let mut validation = Validation::new(Algorithm::ES256);
        validation.algorithms = vec![Algorithm::ES256];
        validation.set_audience(&[&self.service]);
        validation.set_issuer(&[&self.service]);
        validation.set_required_spec_claims(&["exp", "nbf", "aud", "iss", "sub"]);
        // By our clock, below: the library would ask the machine's.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let data = jsonwebtoken::decode::<Claims>(token, &self.verifies, &validation).map_err(|_| TokenInvalid)?;
        let now = self.clock.now().unix_timestamp();
        if data.header.kid.as_deref() != Some(&self.kid) || now >= data.claims.exp || now < data.claims.nbf {
            return Err(TokenInvalid);
        }
        Ok(data.claims)
    }
}
