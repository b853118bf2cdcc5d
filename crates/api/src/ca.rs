//! `/ca` of a cluster: for everybody, without logging in. (A registry's is in its own door.)

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header;

/// The CA of the certificate that is served here, PEM.
pub fn ca_routes(served_ca_pem: &str) -> Router {
    let pem: Arc<str> = served_ca_pem.into();
    Router::new().route("/ca", get(ca)).with_state(pem)
}

async fn ca(State(pem): State<Arc<str>>) -> Response {
    ([(header::CONTENT_TYPE, "application/x-pem-file")], pem.to_string()).into_response()
}
