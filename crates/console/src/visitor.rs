//! Who is looking: an account, by the session cookie of this instance and nothing else.
//!
//! Certificates and passwords that a browser sends along are not looked at: a page is for whoever signed in to see it.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode, header};
use wharfinger_auth::{Need, Principal, Secret, Via, authorize};
use wharfinger_identity::Account;
use wharfinger_transport::{Peer, is_cross_site};

use crate::entrance::Entrance;
use crate::error::Refused;
use crate::form_token::FormToken;

/// Somebody who signed in.
pub(crate) struct Visitor {
    pub(crate) principal: Principal,
    pub(crate) token: FormToken,
    pub(crate) from: IpAddr,
    /// The connection they came by, and what the engine's door knows them by there.
    pub(crate) peer: Peer,
    pub(crate) session_token: Secret,
}

impl Visitor {
    pub(crate) fn name(&self) -> &str {
        self.principal.account.name.as_str()
    }

    pub(crate) fn is_admin(&self) -> bool {
        self.principal.account.is_admin
    }

    /// Names the session, to leave it a notice.
    pub(crate) fn session(&self) -> &str {
        match &self.principal.via {
            Via::Session(session) | Via::Cookie(session) => session.as_str(),
            Via::Certificate(_) | Via::Password => "",
        }
    }

    /// Whoever may not is shown a page that says who could change that.
    pub(crate) fn must(&self, need: Need) -> Result<(), Refused> {
        authorize(self.principal.clone(), need).map(drop).map_err(|error| Refused::forbidden(error.to_string()))
    }

    /// Nobody when there is no session, or none any more.
    pub(crate) async fn find<E: Entrance>(parts: &Parts, house: &E) -> Result<Option<Self>, Refused> {
        let (peer, accounts) = (peer(parts)?.clone(), house.accounts());
        let Some(token) = house.cookie_name().and_then(|name| session_token(&parts.headers, &name)) else { return Ok(None) };
        let cookie = format!("{}={token}", accounts.cookie_name().unwrap_or_default());
        let Some(principal) = accounts.authenticate(None, None, Some(&cookie)).await? else { return Ok(None) };
        let (token, session_token, from) = (FormToken::of_session(token), Secret::new(token), peer.remote().ip());
        let visitor = Self { principal, token, from, peer, session_token };
        visitor.peer.bind(visitor.principal.account.id.as_str(), Some(visitor.session()))?;
        Ok(Some(visitor))
    }
}

impl<E: Entrance> FromRequestParts<Arc<E>> for Visitor {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, house: &Arc<E>) -> Result<Self, Refused> {
        let found = Self::find(parts, &**house).await?;
        found.ok_or_else(|| Refused::SignIn { next: way_back(parts) })
    }
}

/// Somebody who may have signed in or not: for pages that have something to show to anybody.
pub(crate) struct Guest {
    pub(crate) visitor: Option<Visitor>,
    /// Where they are, to come back to after signing in.
    pub(crate) at: Option<String>,
}

impl Guest {
    pub(crate) fn account(&self) -> Option<&Account> {
        self.visitor.as_ref().map(|visitor| &visitor.principal.account)
    }

    /// What is said of what they may not know of: that it is not there; or, before they sign in, that they have to.
    pub(crate) fn turned_away(&self, message: &str) -> Refused {
        match &self.visitor {
            Some(_) => Refused::page(StatusCode::NOT_FOUND, message),
            None => Refused::SignIn { next: self.at.clone() },
        }
    }
}

impl<E: Entrance> FromRequestParts<Arc<E>> for Guest {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, house: &Arc<E>) -> Result<Self, Refused> {
        Ok(Self { visitor: Visitor::find(parts, &**house).await?, at: way_back(parts) })
    }
}

/// What was asked for, if asking again changes nothing.
fn way_back(parts: &Parts) -> Option<String> {
    (parts.method == Method::GET).then(|| parts.uri.path_and_query().map(ToString::to_string)).flatten()
}

/// A visitor who administers the cluster.
pub(crate) struct Admin(pub(crate) Visitor);

impl<E: Entrance> FromRequestParts<Arc<E>> for Admin {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, house: &Arc<E>) -> Result<Self, Refused> {
        let visitor = Visitor::from_request_parts(parts, house).await?;
        visitor.must(Need::Admin)?;
        Ok(Self(visitor))
    }
}

/// The value of the cookie of that name. HTTP/2 may bring each cookie in a header of its own.
fn session_token<'headers>(headers: &'headers HeaderMap, name: &str) -> Option<&'headers str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies.flat_map(|value| value.split(';')).find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
}

/// Where the request comes from: failed logins are counted by it.
pub(crate) fn address(parts: &Parts) -> Result<IpAddr, Refused> {
    Ok(peer(parts)?.remote().ip())
}

fn peer(parts: &Parts) -> Result<&Peer, Refused> {
    let missing = || Refused::page(StatusCode::INTERNAL_SERVER_ERROR, "the listener did not say who calls");
    parts.extensions.get::<Peer>().ok_or_else(missing)
}

/// Refuses what is not sent from a page of this origin. A browser says so with every form: what says nothing is refused as well.
pub(crate) fn sent_by_our_own_page(parts: &Parts) -> Result<(), Refused> {
    let said = parts.headers.contains_key("sec-fetch-site") || parts.headers.contains_key(header::ORIGIN);
    // `none`: typed in or a bookmark, which sends no form.
    let by_nobody = parts.headers.get("sec-fetch-site").is_some_and(|site| site.as_bytes() == b"none");
    if said && !by_nobody && !is_cross_site(parts) {
        return Ok(());
    }
    Err(Refused::forbidden("this was not sent by a page of this console: open the console itself and try again there"))
}
