//! The table: every page, and every form that changes something.

use std::sync::Arc;

use axum::Router;
use axum::middleware::map_response;
use axum::response::{Redirect, Response};
use axum::routing::{get, post};
use http::{HeaderValue, StatusCode, header};
use wharfinger_auth::Accounts;

use crate::assets;
use crate::console::Console;
use crate::entrance::{Entrance, Site};
use crate::error::Refused;
use crate::notices::Notices;
use crate::pages::{
    account, accounts, audit, configuration, content_trust, login, overview, profile, team, trusted_registry, why, workloads,
};

/// No script, style, frame or form target but our own.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
                                       connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// What the handlers call.
pub(crate) struct House {
    pub(crate) console: Console,
    pub(crate) notices: Notices,
}

impl Entrance for House {
    const SITE: Site = Site::Cluster;

    fn accounts(&self) -> &Arc<Accounts> {
        &self.console.accounts
    }

    fn notices(&self) -> &Notices {
        &self.notices
    }

    fn host(&self) -> &str {
        &self.console.host
    }
}

/// The console under `/manage/`; `/` leads there.
pub fn console_routes(console: Console) -> Router {
    let house = Arc::new(House { console, notices: Notices::new() });
    Router::new()
        .route("/", get(async || Redirect::to("/manage/")))
        .route("/manage", get(async || Redirect::to("/manage/")))
        .route("/manage/", get(overview::show))
        .route("/manage/login", get(login::show::<House>).post(login::sign_in::<House>))
        .route("/manage/logout", post(login::sign_out::<House>))
        .route(content_trust::PATH, get(content_trust::show).post(content_trust::change))
        .route("/manage/settings/contenttrust/teams", get(content_trust::teams))
        .route(trusted_registry::PATH, get(trusted_registry::show).post(trusted_registry::change))
        .route("/manage/settings/dtr/remove", get(trusted_registry::ask_to_remove).post(trusted_registry::remove))
        .route(accounts::PATH, get(accounts::show).post(accounts::create))
        .route("/manage/accounts/{account}", get(account::show).post(account::change))
        .route("/manage/accounts/{account}/teams/{team}", get(team::show).post(team::change))
        .route(profile::PATH, get(profile::show).post(profile::change))
        .route("/manage/workloads", get(workloads::show))
        .route("/manage/why", get(why::show))
        .route(audit::PATH, get(audit::show))
        .route(configuration::PATH, get(configuration::show).post(configuration::change))
        .route("/manage/settings/configuration/file", get(configuration::download))
        .merge(assets::routes())
        .route("/manage/{*rest}", get(nowhere))
        .layer(map_response(guarded))
        .with_state(house)
}

pub(crate) async fn nowhere() -> Refused {
    Refused::page(StatusCode::NOT_FOUND, "there is no such page in this console: start from its first page")
}

/// What a browser is told about every answer.
pub(crate) async fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // With `no-referrer`, browsers say `Origin: null` with forms, which is no word of where they come from. Elsewhere nothing is told.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
