//! Whoever calls: the extractor every handler but the login begins with.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;
use http::{HeaderMap, Method, header};
use wharfinger_auth::{Accounts, Principal, Secret, Via};
use wharfinger_transport::{Peer, is_cross_site};

use crate::error::ApiError;

/// Somebody who proved who they are by certificate, session, or name and password.
pub struct Caller(pub Principal);

impl<S> FromRequestParts<S> for Caller
where
    S: Send + Sync,
    Arc<Accounts>: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let accounts = Arc::<Accounts>::from_ref(state);
        let peer = parts.extensions.get::<Peer>().cloned();
        let spki = peer.as_ref().and_then(Peer::certificate_spki);
        let shown = credentials(&parts.headers)?;
        // Certificates, cookies and remembered passwords come along whichever page made the browser call; a token does not.
        if !matches!(shown, Shown::Bearer(_)) && is_cross_site(parts) {
            return Err(ApiError::new(http::StatusCode::FORBIDDEN, "NOT_AUTHORIZED", "a page of another site sent this request"));
        }
        let recognised = match shown {
            Shown::Password { username, password } => {
                Some(accounts.authenticate_password(&username, &password, address(parts)?).await?)
            }
            Shown::Bearer(token) => accounts.authenticate(None, Some(token.reveal()), None).await?,
            Shown::Nothing => {
                let cookies = of_our_own_page(parts).then(|| cookies(&parts.headers));
                accounts.authenticate(spki, None, cookies.as_deref()).await?
            }
        };
        let principal = recognised.ok_or_else(|| ApiError::unauthenticated("log in at /auth/login, or use a client bundle"))?;
        if let Some(peer) = peer {
            let by = match &principal.via {
                Via::Certificate(key) => Some(key.as_str()),
                Via::Session(session) | Via::Cookie(session) => Some(session.as_str()),
                Via::Password => None,
            };
            peer.bind(principal.account.id.as_str(), by)?;
        }
        Ok(Self(principal))
    }
}

/// What stands in `Authorization`.
pub(crate) enum Shown {
    Nothing,
    Bearer(Secret),
    Password { username: String, password: Secret },
}

/// Reads `Authorization`; what cannot be read is refused, never passed over.
pub(crate) fn credentials(headers: &HeaderMap) -> Result<Shown, ApiError> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let unreadable = || ApiError::unauthenticated("the Authorization header is neither `Bearer <token>` nor `Basic <base64>`");
    let Some(value) = values.next() else { return Ok(Shown::Nothing) };
    if values.next().is_some() {
        return Err(unreadable());
    }
    let (scheme, rest) = value.to_str().ok().and_then(|value| value.split_once(' ')).ok_or_else(unreadable)?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Ok(Shown::Bearer(Secret::new(rest)));
    }
    if scheme.eq_ignore_ascii_case("basic") {
        let decoded = STANDARD.decode(rest).ok().and_then(|bytes| String::from_utf8(bytes).ok()).map(Secret::new);
        let decoded = decoded.ok_or_else(unreadable)?;
        let (username, password) = decoded.reveal().split_once(':').ok_or_else(unreadable)?;
        return Ok(Shown::Password { username: username.to_owned(), password: Secret::new(password) });
    }
    Err(unreadable())
}

/// All of them, as one header: HTTP/2 may bring each in one of its own (RFC 9113, 8.2.3).
fn cookies(headers: &HeaderMap) -> String {
    let values: Vec<&str> = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok()).collect();
    values.join("; ")
}

/// A browser sends the cookie whoever made it call; only our own pages may change something with it.
fn of_our_own_page(parts: &Parts) -> bool {
    matches!(parts.method, Method::GET | Method::HEAD)
        || parts.headers.get("sec-fetch-site").is_some_and(|site| site.as_bytes() == b"same-origin")
}

/// Where the request comes from: failed logins are counted by it.
pub(crate) fn address(parts: &Parts) -> Result<IpAddr, ApiError> {
    let missing =
        || ApiError::new(http::StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR", "the listener did not say who calls");
    Ok(parts.extensions.get::<Peer>().ok_or_else(missing)?.remote().ip())
}

/// The caller's address, where nobody is recognised yet.
pub(crate) struct From(pub IpAddr);

impl<S: Send + Sync> FromRequestParts<S> for From {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        address(parts).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::routing::post;
    use tower::ServiceExt as _;
    use wharfinger_auth::{Clock, SessionSettings};
    use wharfinger_storage_sql::Sql;

    use super::*;

    #[tokio::test]
    async fn a_session_is_found_in_whichever_header_its_cookie_came() {
        let folder = tempfile::tempdir().unwrap();
        let sql = Arc::new(Sql::open(&folder.path().join("db")).await.unwrap());
        let accounts = Accounts::new(sql.clone(), sql, SessionSettings::default(), Clock::system()).with_cookies_of("here");
        let password = Secret::new("correct horse battery");
        accounts.ensure_admin(&password).await.unwrap();
        let session = accounts.login("admin", &password, IpAddr::from([127, 0, 0, 1])).await.unwrap();
        let own = format!("{}={}", accounts.cookie_name().unwrap(), session.token.reveal());
        let door = Router::new().route("/id/", axum::routing::get(async |_: Caller| "you")).with_state(Arc::new(accounts));
        for (cookies, status) in [(vec!["other=1", &own], 200), (vec![&own, "other=1"], 200), (vec!["other=1"], 401)] {
            let mut request = http::Request::get("/id/").header("host", "cluster.test");
            for cookie in cookies {
                request = request.header("cookie", cookie);
            }
            let answer = door.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
            assert_eq!(answer.status().as_u16(), status);
        }
    }

    #[tokio::test]
    async fn a_page_of_another_site_gets_nothing_done_by_what_a_browser_sends_unasked() {
        let folder = tempfile::tempdir().unwrap();
        let sql = Arc::new(Sql::open(&folder.path().join("db")).await.unwrap());
        let accounts = Arc::new(Accounts::new(sql.clone(), sql, SessionSettings::default(), Clock::system()));
        let door = Router::new().route("/accounts/", post(async |_: Caller| "done")).with_state(accounts);
        let ask = async |headers: &[(&str, &str)]| {
            let mut request =
                http::Request::post("/accounts/").header("host", "cluster.test").header("content-type", "text/plain");
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            door.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap().status().as_u16()
        };
        let evil = ("origin", "https://evil.test");
        assert_eq!(ask(&[evil]).await, 403, "a certificate or cookie may be with it");
        assert_eq!(ask(&[evil, ("authorization", "Basic YTpi")]).await, 403);
        assert_eq!(ask(&[("sec-fetch-site", "cross-site")]).await, 403);
        assert_eq!(ask(&[("origin", "https://cluster.test"), ("sec-fetch-site", "same-origin")]).await, 401);
        assert_eq!(ask(&[]).await, 401);
        assert_eq!(ask(&[evil, ("authorization", "Bearer x")]).await, 401, "no browser sends a token unasked");
    }
}
