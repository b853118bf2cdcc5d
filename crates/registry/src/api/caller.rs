//! Who calls `/api/v0`: a registry account by password, or by the token of a session.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, header};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use wharfinger_auth::{Action, AuthError, LoginError, Secret, Via};
use wharfinger_identity::Account;
use wharfinger_oci::Repository;
use wharfinger_storage::repositories::RepositoryRecord;
use wharfinger_transport::{Peer, is_cross_site};

use super::error::Refusal;
use crate::registry::Registry;

/// Somebody who proved who they are, or nobody in particular.
pub(crate) struct Caller(Option<Account>);

impl FromRequestParts<Arc<Registry>> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, registry: &Arc<Registry>) -> Result<Self, Refusal> {
        let peer = parts.extensions.get::<Peer>();
        let from = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.remote().ip());
        // Certificates, cookies and remembered passwords come along whichever page made the browser call; a token does not.
        let (bearer, basic) = (bearer(&parts.headers), basic(&parts.headers)?);
        if bearer.is_none() && is_cross_site(parts) {
            return Err(Refusal::CrossSite);
        }
        if let Some((username, password)) = basic {
            return match registry.accounts.check_password(&username, &password, from).await {
                Ok(account) => Self::bound(Some(account), peer),
                Err(error @ LoginError::Wrong) => Err(Refusal::WrongCredentials(error.to_string())),
                Err(LoginError::Throttled { retry_after }) => Err(Refusal::Throttled(retry_after)),
                Err(LoginError::Storage(error)) => Err(error.into()),
            };
        }
        let cookie = text(&parts.headers, &header::COOKIE);
        let certificate = peer.and_then(Peer::certificate_spki);
        let principal = match registry.accounts.authenticate(certificate, bearer, cookie).await {
            Ok(principal) => principal,
            Err(AuthError::Refused(why)) => return Err(Refusal::WrongCredentials(why.to_owned())),
            Err(AuthError::Storage(error)) => return Err(error.into()),
        };
        // Browsers send cookies unasked: what changes something has to come from a page of ours.
        if let Some(Via::Cookie(_)) = principal.as_ref().map(|principal| &principal.via)
            && !matches!(parts.method, Method::GET | Method::HEAD)
            && !same_origin(&parts.headers)
        {
            return Err(Refusal::CrossSite);
        }
        Self::bound(principal.map(|principal| principal.account), peer)
    }
}

impl Caller {
    /// From here on the request counts as the account's.
    fn bound(account: Option<Account>, peer: Option<&Peer>) -> Result<Self, Refusal> {
        if let (Some(peer), Some(account)) = (peer, &account) {
            peer.counts_as(account.id.as_str()).map_err(Refusal::Busy)?;
        }
        Ok(Self(account))
    }

    pub(crate) fn account(&self) -> Option<&Account> {
        self.0.as_ref()
    }

    /// An account, whichever.
    pub(crate) fn known(&self) -> Result<&Account, Refusal> {
        self.0.as_ref().ok_or(Refusal::NotAuthenticated)
    }

    /// The repository, if the caller may see it. To others it does not exist.
    pub(crate) async fn reads(&self, registry: &Registry, name: &Repository) -> Result<RepositoryRecord, Refusal> {
        if !registry.access.permits(self.account(), name, Action::Pull).await? {
            return Err(self.0.as_ref().map_or(Refusal::NotAuthenticated, |_| Refusal::NoSuchRepository(name.to_string())));
        }
        registry.repositories.find(name).await?.ok_or_else(|| Refusal::NoSuchRepository(name.to_string()))
    }

    /// The repository, if the caller administers it.
    pub(crate) async fn administers(&self, registry: &Registry, name: &Repository) -> Result<RepositoryRecord, Refusal> {
        self.may(registry, name, Action::All, "admin access to the repository").await
    }

    pub(crate) async fn may(
        &self,
        registry: &Registry,
        name: &Repository,
        action: Action,
        needs: &'static str,
    ) -> Result<RepositoryRecord, Refusal> {
        let record = self.reads(registry, name).await?;
        let account = self.known()?;
        if registry.access.permits(Some(account), name, action).await? {
            return Ok(record);
        }
        Err(Refusal::NotAuthorized(needs))
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn credentials<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
    let (scheme, rest) = text(headers, &header::AUTHORIZATION)?.split_once(' ')?;
    scheme.eq_ignore_ascii_case(wanted).then(|| rest.trim())
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    credentials(headers, "bearer")
}

/// RFC 7617. Credentials that cannot be read are not as if there were none.
fn basic(headers: &HeaderMap) -> Result<Option<(String, Secret)>, Refusal> {
    let Some(encoded) = credentials(headers, "basic") else { return Ok(None) };
    let malformed = || Refusal::WrongCredentials("the Authorization header could not be read".to_owned());
    let decoded = BASE64_STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(malformed)?;
    let (username, password) = decoded.split_once(':').ok_or_else(malformed)?;
    Ok(Some((username.to_owned(), Secret::new(password))))
}

fn same_origin(headers: &HeaderMap) -> bool {
    text(headers, &HeaderName::from_static("sec-fetch-site")) == Some("same-origin")
}
