//! Every path of this door.

use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::{any, get, put};

use crate::api;
use crate::distribution;
use crate::registry::Registry;

/// The router of one registry. It has no fallback: the binary puts other doors beside it.
pub fn routes(registry: Arc<Registry>) -> Router {
    // Repository names hold slashes and stand in the middle of a path, which no router can express: one handler splits them.
    let distribution = Router::new()
        .route("/v2", any(distribution::handle))
        .route("/v2/", any(distribution::handle))
        .route("/v2/{*rest}", any(distribution::handle));

    let ca_pem = Arc::clone(&registry.ca_pem);
    let open = Router::new()
        .route("/_ping", get(async || ([(header::CONTENT_TYPE, "application/json")], r#"{"Error":"","Healthy":true}"#)))
        .route("/ca", get(async move || ([(header::CONTENT_TYPE, "application/x-pem-file")], ca_pem()).into_response()));

    // A team is named `team` or `org/team`.
    let repository = "/api/v0/repositories/{namespace}/{name}";
    let team_access = "/api/v0/repositories/{namespace}/{name}/teamAccess";
    let namespace_access = "/api/v0/repositoryNamespaces/{namespace}/teamAccess";
    let api = Router::new()
        .route("/api/v0/repositories", get(api::repositories::list))
        .route("/api/v0/repositories/{namespace}", get(api::repositories::list_namespace).post(api::repositories::create))
        .route(repository, get(api::repositories::show).patch(api::repositories::change).delete(api::repositories::delete))
        .route(&format!("{repository}/tags"), get(api::tags::list))
        .route(&format!("{repository}/tags/{{tag}}"), get(api::tags::show).delete(api::tags::delete))
        .route(team_access, get(api::team_access::list))
        .route(
            &format!("{team_access}/{{*team}}"),
            put(api::team_access::grant).get(api::team_access::show).delete(api::team_access::revoke),
        )
        .route(namespace_access, get(api::team_access::list_on_namespace))
        .route(
            &format!("{namespace_access}/{{*team}}"),
            put(api::team_access::grant_on_namespace)
                .get(api::team_access::show_on_namespace)
                .delete(api::team_access::revoke_on_namespace),
        );

    distribution.merge(open).merge(api).with_state(registry)
}
