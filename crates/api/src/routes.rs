//! The table: accounts, logging in and bundles, as UCP's API has them.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, FromRef, Request};
use axum::middleware::map_request;
use axum::routing::{get, post, put};
use wharfinger_auth::{Accounts, Bundles, Directory};
use wharfinger_transport::Prompt;

use crate::http::{accounts, bundle, keys, login, orgs, teams};

/// Nothing that is sent here is longer.
const LONGEST_BODY: usize = 64 * 1024;

/// What the handlers call.
#[derive(Clone)]
pub struct AccountsApi {
    pub accounts: Arc<Accounts>,
    pub directory: Arc<Directory>,
    /// A registry that stands alone makes none.
    pub bundles: Option<Arc<Bundles>>,
}

impl FromRef<AccountsApi> for Arc<Accounts> {
    fn from_ref(state: &AccountsApi) -> Self {
        Arc::clone(&state.accounts)
    }
}

pub fn account_routes(state: AccountsApi) -> Router {
    let mut table = Router::new()
        .route("/auth/login", post(login::login))
        .route("/id", get(login::id))
        .route("/id/", get(login::id))
        .route("/id/logout", post(login::logout))
        .route("/accounts", get(accounts::list).post(accounts::create))
        .route("/accounts/", get(accounts::list).post(accounts::create))
        .route("/accounts/{account}", get(accounts::show).patch(accounts::update).delete(accounts::delete))
        .route("/accounts/{account}/changePassword", post(accounts::change_password))
        .route("/accounts/{account}/publicKeys", get(keys::list).post(keys::add))
        .route("/accounts/{account}/publicKeys/nonce", get(keys::nonce))
        .route("/accounts/{account}/publicKeys/{key}", get(keys::show).patch(keys::update).delete(keys::delete))
        .route("/accounts/{account}/publicKeys/{key}/losses", get(keys::losses))
        .route("/accounts/{account}/members", get(orgs::members))
        .route("/accounts/{account}/members/{user}", get(orgs::member).merge(put(orgs::put).delete(orgs::remove)))
        .route("/accounts/{account}/teams", get(teams::list).post(teams::create))
        .route("/accounts/{account}/teams/{team}", get(teams::show).patch(teams::update).delete(teams::delete))
        .route("/accounts/{account}/teams/{team}/members", get(teams::members))
        .route("/accounts/{account}/teams/{team}/members/{user}", put(teams::put_member).delete(teams::remove_member));
    if state.bundles.is_some() {
        table = table.route("/api/clientbundle", get(bundle::make).post(bundle::make));
    }
    with_bounded_bodies(table, LONGEST_BODY).with_state(state)
}

/// Bodies have at most so many bytes, and arrive in time.
pub(crate) fn with_bounded_bodies<S: Clone + Send + Sync + 'static>(table: Router<S>, longest: usize) -> Router<S> {
    let prompt = async |request: Request| request.map(|body| Body::new(Prompt::new(body)));
    table.layer(map_request(prompt)).layer(DefaultBodyLimit::max(longest))
}
