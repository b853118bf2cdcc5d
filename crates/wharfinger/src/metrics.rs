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
use wharfinger_trust::Resolver;

use crate::instance::Instance;

/// What a cluster has to tell.
pub(crate) struct Decides {
    pub(crate) gate: Arc<Gate>,
    pub(crate) resolver: Arc<Resolver>,
}

/// Serves until `shutdown`.
pub(crate) async fn serve(listener: TcpListener, instance: Arc<Instance>, decides: Option<Decides>, shutdown: CancellationToken) {
    let decides = decides.map(Arc::new);
    let ready = Arc::clone(&instance);
    let router =
        Router::new().route("/healthz", get(async || "ok\n")).route("/readyz", get(async move || readiness(&ready).await)).route(
            "/metrics",
            get(async move || {
                let text = exposition(&instance, decides.as_deref());
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

fn exposition(instance: &Instance, decides: Option<&Decides>) -> String {
    let mut text = String::from("# TYPE wharfinger_connections gauge\n# HELP wharfinger_connections Open connections.\n");
    let _ = writeln!(text, "wharfinger_connections {}", instance.live.connections());
    text.push_str("# TYPE wharfinger_logins_refused counter\n# HELP wharfinger_logins_refused Logins refused since the start.\n");
    let _ = writeln!(text, "wharfinger_logins_refused_total {}", instance.accounts.failed_logins());
    if let Some(Decides { gate, resolver }) = decides {
        text.push_str(
            "# TYPE wharfinger_decisions counter\n# HELP wharfinger_decisions Images decided since the start, by verdict.\n",
        );
        let counted = gate.decisions();
        for (verdict, count) in [("allow", counted.allowed), ("deny", counted.denied), ("undecided", counted.undecided)] {
            let _ = writeln!(text, "wharfinger_decisions_total{{verdict=\"{verdict}\"}} {count}");
        }
        text.push_str("# TYPE wharfinger_decisions_stale counter\n# HELP wharfinger_decisions_stale Images allowed while their registry did not answer.\n");
        let _ = writeln!(text, "wharfinger_decisions_stale_total {}", counted.stale);
        followed(&mut text, resolver);
    }
    text.push_str("# EOF\n");
    text
}

/// Each registry's line. A host has no character that would have to be escaped.
fn followed(text: &mut String, resolver: &Resolver) {
    let lines = resolver.lines();
    text.push_str("# TYPE wharfinger_registry_followed gauge\n# HELP wharfinger_registry_followed Whether the registry's changefeed tells what is current.\n");
    for line in &lines {
        let _ = writeln!(text, "wharfinger_registry_followed{{registry=\"{}\"}} {}", line.registry, u8::from(line.followed));
    }
    text.push_str("# TYPE wharfinger_registry_unheard_seconds gauge\n# HELP wharfinger_registry_unheard_seconds Seconds since what the registry's changefeed said was true.\n");
    for line in &lines {
        if let Some(unheard) = line.unheard {
            let _ =
                writeln!(text, "wharfinger_registry_unheard_seconds{{registry=\"{}\"}} {}", line.registry, unheard.as_secs_f64());
        }
    }
    text.push_str("# TYPE wharfinger_registry_repositories gauge\n# HELP wharfinger_registry_repositories Repositories remembered, by whether they are decided without asking.\n");
    for line in &lines {
        let others = line.repositories.saturating_sub(line.current);
        for (current, count) in [("true", line.current), ("false", others)] {
            let _ = writeln!(
                text,
                "wharfinger_registry_repositories{{registry=\"{}\",current=\"{current}\"}} {count}",
                line.registry
            );
        }
    }
}
