//! The engine's real door, in front of an engine that remembers what reached it and answers as it was told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, Method, StatusCode, header};
use tokio::net::UnixListener;
use tokio::sync::{RwLock, RwLockWriteGuard};
use tower::ServiceExt as _;
use wharfinger_auth::Secret;
use wharfinger_console::EngineDoor;
use wharfinger_transport::Peer;

/// One call that reached the engine.
#[derive(Clone, Debug)]
pub struct Seen {
    /// `POST /services/create`, with its query and without the version.
    pub call: String,
    pub headers: HeaderMap,
    pub body: serde_json::Value,
}

#[derive(Clone)]
pub struct FakeEngine(Arc<Inner>);

struct Inner {
    folder: tempfile::TempDir,
    seen: Mutex<Vec<Seen>>,
    answers: Mutex<HashMap<String, (StatusCode, String)>>,
    /// While somebody writes to it, what would change something waits.
    held: RwLock<()>,
}

impl FakeEngine {
    pub fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("wfc").tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("sock")).unwrap();
        let engine = Self(Arc::new(Inner { folder, seen: Mutex::default(), answers: Mutex::default(), held: RwLock::default() }));
        let router = Router::new().fallback(answer).with_state(engine.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        engine
    }

    pub fn address(&self) -> String {
        format!("unix://{}", self.0.folder.path().join("sock").display())
    }

    /// Answers `GET /services` or the like so from now on, whatever its query.
    pub fn answers(&self, call: &str, status: u16, body: &serde_json::Value) {
        let answer = (StatusCode::from_u16(status).unwrap(), body.to_string());
        self.0.answers.lock().unwrap().insert(call.to_owned(), answer);
    }

    /// Answers nothing that would change something, for as long as this is held.
    pub async fn hold(&self) -> RwLockWriteGuard<'_, ()> {
        self.0.held.write().await
    }

    /// Comes when as many calls that would change something have reached it.
    pub async fn reached(&self, calls: usize) {
        let mut again = tokio::time::interval(Duration::from_millis(5));
        let all = async {
            while self.changes().len() < calls {
                again.tick().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), all).await.unwrap_or_else(|_| panic!("{:?}", self.calls()));
    }

    /// Everything that reached it and would change something.
    pub fn changes(&self) -> Vec<Seen> {
        self.0.seen.lock().unwrap().iter().filter(|seen| !seen.call.starts_with("GET")).cloned().collect()
    }

    pub fn calls(&self) -> Vec<String> {
        self.changes().into_iter().map(|seen| seen.call).collect()
    }
}

async fn answer(State(engine): State<FakeEngine>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    let path = parts.uri.path_and_query().unwrap().as_str();
    let bare = path.strip_prefix("/v").and_then(|rest| rest.find('/').map(|slash| &rest[slash..])).unwrap_or(path);
    let call = format!("{} {bare}", parts.method);
    let told = engine.0.answers.lock().unwrap().get(call.split('?').next().unwrap()).cloned();
    let body = serde_json::from_slice(&bytes).unwrap_or_default();
    if !bare.starts_with("/_ping") {
        engine.0.seen.lock().unwrap().push(Seen { call, headers: parts.headers, body });
    }
    if parts.method != Method::GET {
        drop(engine.0.held.read().await);
    }
    // Of what has a name, nothing is there that a test did not put there.
    let names = bare.split('?').next().unwrap().matches('/').count() > 1;
    let (status, body) = told.unwrap_or_else(|| match (parts.method == Method::GET, names) {
        (true, true) => (StatusCode::NOT_FOUND, "{}".to_owned()),
        (true, false) => (StatusCode::OK, "[]".to_owned()),
        (false, _) => (StatusCode::OK, "{}".to_owned()),
    });
    (status, [("api-version", "1.41"), ("content-type", "application/json")], body).into_response()
}

/// As the binary puts the two together.
pub struct Here(pub Router);

#[async_trait]
impl EngineDoor for Here {
    async fn call(&self, session: &Secret, peer: &Peer, mut request: http::Request<Body>) -> Response {
        let bearer = format!("Bearer {}", session.reveal()).parse().unwrap();
        request.headers_mut().insert(header::AUTHORIZATION, bearer);
        request.extensions_mut().insert(peer.clone());
        self.0.clone().oneshot(request).await.unwrap()
    }
}
