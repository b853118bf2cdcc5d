//! `/ca` and the registry's `/_ping`: for everybody, without logging in.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{StatusCode, header};
use serde_json::json;
use wharfinger_auth::Accounts;

/// The CA of the certificate that is served here, PEM.
pub fn ca_routes(served_ca_pem: &str) -> Router {
    let pem: Arc<str> = served_ca_pem.into();
    Router::new().route("/ca", get(ca)).with_state(pem)
}

async fn ca(State(pem): State<Arc<str>>) -> Response {
    ([(header::CONTENT_TYPE, "application/x-pem-file")], pem.to_string()).into_response()
}

/// `/_ping` of a registry. (A cluster's is the engine's.)
pub fn ping_routes(accounts: Arc<Accounts>) -> Router {
    Router::new().route("/_ping", get(ping)).with_state(accounts)
}

async fn ping(State(accounts): State<Arc<Accounts>>) -> Response {
    match accounts.revision().await {
        Ok(_) => Json(json!({ "Error": "", "Healthy": true })).into_response(),
        Err(error) => {
            tracing::error!(error = %error, "not healthy");
            let answer = json!({ "Error": error.to_string(), "Healthy": false });
            (StatusCode::INTERNAL_SERVER_ERROR, Json(answer)).into_response()
        }
    }
}
