//! The two paths. Whoever does not know the last segment learns nothing, not even that there is a webhook.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, Path, RawQuery};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use http::StatusCode;
use tokio::time::timeout;
use wharfinger_gate::Decide;
use wharfinger_transport::{Peer, whole_body};

use crate::caller::{self, Callers};
use crate::judge::Judge;
use crate::presented::PullSecrets;
use crate::review::{Answer, NoReview, Request};
use crate::secret::WebhookSecret;
use crate::webhooks::Phase;

/// The longest review: two objects of at most 3 MiB each (the API server's own limit of a request), and what is said of them.
const LONGEST_REVIEW: usize = 8 * 1024 * 1024;
/// More than an API server asks at once of all of them (`--max-mutating-requests-inflight`, 200), and half of what it may ask here.
const REVIEWS_PER_NAMESPACE: usize = 256;
/// What the API server waits when it does not say, and the longest it can be told to.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);
const LONGEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The admission webhook of one cluster.
pub struct Admission {
    gate: Arc<dyn Decide>,
    secrets: Option<Arc<dyn PullSecrets>>,
    callers: Arc<dyn Callers>,
    secret: WebhookSecret,
}

impl Admission {
    /// `secrets`: who reads pull secrets, where an API server is known.
    pub fn new(
        gate: Arc<dyn Decide>,
        secrets: Option<Arc<dyn PullSecrets>>,
        callers: Arc<dyn Callers>,
        secret: WebhookSecret,
    ) -> Self {
        Self { gate, secrets, callers, secret }
    }
}

pub fn routes(admission: &Arc<Admission>) -> Router {
    Phase::ALL.into_iter().fold(Router::new(), |router, phase| {
        let admission = Arc::clone(admission);
        let asked = move |Path(secret): Path<String>, RawQuery(query): RawQuery, peer: Option<Extension<Peer>>, body: Body| async move {
            admission.review(phase, &secret, query.as_deref(), peer, body).await
        };
        router.route(&phase.address("{secret}"), post(asked))
    })
}

impl Admission {
    async fn review(
        &self,
        phase: Phase,
        secret: &str,
        query: Option<&str>,
        peer: Option<Extension<Peer>>,
        body: Body,
    ) -> Response {
        if !self.secret.matches(secret) {
            return StatusCode::NOT_FOUND.into_response();
        }
        let body = match whole_body(body, LONGEST_REVIEW).await {
            Ok(body) => body,
            Err(error) => return (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
        };
        let request = match Request::read(&body) {
            Ok(request) => request,
            Err(error) => return unreadable(&error),
        };
        let peer = peer.map(|Extension(peer)| peer);
        let settings = match self.gate.kubernetes().await {
            Ok(settings) => settings,
            Err(denial) => return (StatusCode::SERVICE_UNAVAILABLE, denial.reason()).into_response(),
        };
        if let Err(refused) = caller::check(&*self.callers, &settings.api_server_account, peer.as_ref()).await {
            return (StatusCode::FORBIDDEN, refused.to_string()).into_response();
        }
        // Each namespace for itself: one whose registry is slow keeps no other waiting.
        if let Some(peer) = peer
            && let Err(busy) = peer.counts_as_other(&request.namespace, REVIEWS_PER_NAMESPACE)
        {
            return busy.into_response();
        }
        let judge = Judge { gate: &*self.gate, secrets: self.secrets.clone(), settings: &settings, phase };
        // Told why is better than cut off.
        let patience = patience(query);
        let answer = timeout(patience, judge.answer(&request)).await.unwrap_or_else(|_| {
            let seconds = patience.as_secs();
            Answer::undecided(format!(
                "trust could not be decided within {seconds} seconds: a registry answers too slowly; try again"
            ))
        });
        axum::Json(answer.review(&request.uid)).into_response()
    }
}

fn unreadable(error: &NoReview) -> Response {
    tracing::warn!(%error, "an admission review could not be read");
    (StatusCode::BAD_REQUEST, error.to_string()).into_response()
}

/// How long the API server waits (`?timeout=10s`), less what the way back takes.
fn patience(query: Option<&str>) -> Duration {
    let said = query.and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("timeout=")));
    let seconds = said.and_then(|text| text.strip_suffix('s')).and_then(|text| text.parse::<u64>().ok());
    let all = seconds.map_or(DEFAULT_TIMEOUT, |seconds| Duration::from_secs(seconds).min(LONGEST_TIMEOUT));
    all.saturating_sub(Duration::from_millis(500)).max(Duration::from_millis(500))
}
