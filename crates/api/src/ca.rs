//! The CAs of a cluster: for everybody, without logging in. (A registry's is in its own door.)

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header;

/// `/ca`: the CA of the certificate that is served here; `/ca/clients`: that of client bundles, for an API server's
/// `--client-ca-file`. Both PEM.
pub fn ca_routes(served_ca_pem: &str, client_ca_pem: &str) -> Router {
    let route = |path, pem: &str| Router::new().route(path, get(ca)).with_state(Arc::<str>::from(pem));
    route("/ca", served_ca_pem).merge(route("/ca/clients", client_ca_pem))
}

async fn ca(State(pem): State<Arc<str>>) -> Response {
    ([(header::CONTENT_TYPE, "application/x-pem-file")], pem.to_string()).into_response()
}
