//! `/manage/login` and `/manage/logout`.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::uri::PathAndQuery;
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use wharfinger_auth::Secret;

use crate::entrance::{Entrance, Site};
use crate::error::Refused;
use crate::page::{Page, render, shown};
use crate::posted::{Fields, Posted};
use crate::visitor::{Visitor, address, sent_by_our_own_page};

/// Anybody may send this form: it is no longer than a name, a password and an address are.
const LONGEST_LOGIN: usize = 16 * 1024;

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    page: Page,
    username: String,
    /// Where to go on; empty: the overview.
    next: String,
    wrong: Option<String>,
}

impl LoginPage {
    fn new<E: Entrance>(house: &E, username: &str, next: &str, wrong: Option<String>) -> Self {
        let page = Page { site: E::SITE, host: house.host().to_owned(), ..Page::bare("Sign in") };
        Self { page, username: username.to_owned(), next: next.to_owned(), wrong }
    }
}

#[derive(Deserialize)]
pub(crate) struct Going {
    #[serde(default)]
    next: String,
}

pub(crate) async fn show<E: Entrance>(
    State(house): State<Arc<E>>,
    Query(going): Query<Going>,
    request: Request,
) -> Result<Response, Refused> {
    let (parts, _) = request.into_parts();
    if Visitor::find(&parts, &*house).await?.is_some() {
        return Ok(Redirect::to(&place(E::SITE, &going.next)).into_response());
    }
    Ok(shown(&LoginPage::new(&*house, "", &going.next, None)))
}

pub(crate) async fn sign_in<E: Entrance>(State(house): State<Arc<E>>, request: Request) -> Result<Response, Refused> {
    let (parts, body) = request.into_parts();
    sent_by_our_own_page(&parts)?;
    let from = address(&parts)?;
    let fields = Fields::read(parts, body, LONGEST_LOGIN).await?;
    let (username, next) = (fields.text("username"), fields.raw("next"));
    let password = Secret::new(fields.raw("password"));
    let accounts = house.accounts();
    let session = match accounts.login(username, &password, from).await.map_err(Refused::from) {
        Ok(session) => session,
        Err(Refused::Page { status, message, retry_after }) if status.is_client_error() => {
            let mut response = render(status, &LoginPage::new(&*house, username, next, Some(message)));
            if let Some(seconds) = retry_after {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            return Ok(response);
        }
        Err(refused) => return Err(refused),
    };
    let cookie = cookie(&*house, session.token.reveal(), "")?;
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(&place(E::SITE, next))).into_response())
}

pub(crate) async fn sign_out<E: Entrance>(State(house): State<Arc<E>>, posted: Posted) -> Result<Response, Refused> {
    house.accounts().logout(&posted.visitor.principal).await?;
    let cookie = cookie(&*house, "", "; Max-Age=0")?;
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/manage/login")).into_response())
}

/// The session's cookie. It ends with the browser, and before that when the session does.
fn cookie<E: Entrance>(house: &E, token: &str, more: &str) -> Result<HeaderValue, Refused> {
    let broken = || Refused::page(StatusCode::INTERNAL_SERVER_ERROR, "this instance keeps no sessions in browsers");
    let name = house.cookie_name().ok_or_else(broken)?;
    let text = format!("{name}={token}; Path=/; Secure; HttpOnly; SameSite=Lax{more}");
    let mut value = HeaderValue::from_str(&text).map_err(|_| broken())?;
    value.set_sensitive(true);
    Ok(value)
}

/// Where to go after signing in: a page of this console, whatever was asked for.
pub(crate) fn place(site: Site, next: &str) -> String {
    let own = next.parse::<PathAndQuery>().ok().filter(|place| {
        let path = place.path();
        site.has(path)
            && !path.starts_with("/manage/log")
            && !path.split(['/', '\\']).any(|part| part.starts_with('.') || part.starts_with('%'))
            // Browsers write anything else in these letters.
            && next.is_ascii()
            && !next.contains('\\')
            && !path.contains("//")
    });
    own.map_or_else(|| site.home().to_owned(), |place| place.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_leads_to_a_page_of_this_console_and_nowhere_else() {
        for own in ["/manage/", "/manage/settings/dtr", "/manage/why?image=dtr.test%2Fqa%2Fapp%3A1&namespace="] {
            assert_eq!(place(Site::Cluster, own), own);
        }
        let elsewhere = [
            "",
            "/",
            "https://evil.test/manage/",
            "//evil.test/manage/",
            "/\\evil.test",
            "/manage/..//evil.test",
            "/manage/../\\evil.test",
            "/manage/%2e%2e//evil.test",
            "/manage//evil.test",
            "/manage",
            "/managed",
            "/manage/logout",
            "javascript:alert(1)",
            "manage/",
            "/manage/\r\nSet-Cookie: a=b",
            "/manage/\u{2028}",
            "/repositories/\u{2028}",
        ];
        for next in elsewhere {
            assert_eq!(place(Site::Cluster, next), "/manage/", "{next}");
            assert_eq!(place(Site::Registry, next), "/repositories", "{next}");
        }
        for own in ["/repositories", "/manage/profile", "/repositories/acme/app/tags", "/repositories?find=acme"] {
            assert_eq!(place(Site::Registry, own), own);
        }
        for other in ["/repositoriesevil", "/repositories/../manage", "/manage/", "/api/v0/repositories"] {
            assert_eq!(place(Site::Registry, other), "/repositories", "{other}");
        }
    }
}
