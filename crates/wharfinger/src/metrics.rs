//! `/metrics`, `/healthz` and `/readyz`, in the clear, where `--metrics-listen` says.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse as _;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use wharfinger_gate::Gate;

use crate::instance::Instance;

/// Serves until `shutdown`.
pub(crate) async fn serve(listener: TcpListener, instance: Arc<Instance>, gate: Option<Arc<Gate>>, shutdown: CancellationToken) {
    let ready = Arc::clone(&instance);
    let router =
        Router::new().route("/healthz", get(async || "ok\n")).route("/readyz", get(async move || readiness(&ready).await)).route(
            "/metrics",
            get(async move || {
                let text = exposition(&instance, gate.as_deref());
                ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
            }),
        );
    if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(shutdown.cancelled_owned()).await {
        tracing::error!(%error, "the metrics listener ended");
    }
}

async fn readiness(instance: &Instance) -> axum::response::Response {
    match instance.sql.ping().await {
        Ok(()) => (StatusCode::OK, "ready\n").into_response(),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n").into_response()
        }
    }
}

fn exposition(instance: &Instance, gate: Option<&Gate>) -> String {
    let mut text = String::from("# TYPE wharfinger_connections gauge\n# HELP wharfinger_connections Open connections.\n");
    let _ = writeln!(text, "wharfinger_connections {}", instance.live.connections());
    text.push_str("# TYPE wharfinger_logins_refused counter\n# HELP wharfinger_logins_refused Logins refused since the start.\n");
    let _ = writeln!(text, "wharfinger_logins_refused_total {}", instance.accounts.failed_logins());
    if let Some(gate) = gate {
        text.push_str(
            "# TYPE wharfinger_decisions counter\n# HELP wharfinger_decisions Images decided since the start, by verdict.\n",
        );
        let counted = gate.decisions();
        for (verdict, count) in [("allow", counted.allowed), ("deny", counted.denied), ("undecided", counted.undecided)] {
            let _ = writeln!(text, "wharfinger_decisions_total{{verdict=\"{verdict}\"}} {count}");
        }
    }
    text.push_str("# EOF\n");
    text
}
