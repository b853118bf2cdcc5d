//! The engine, asked for whoever is looking: through its own door, which says what they may as it says it to any client.

pub(crate) mod registry_login;
pub(crate) mod services;
pub(crate) mod tasks;

use async_trait::async_trait;
use axum::body::{Body, to_bytes};
use axum::response::Response;
use http::{HeaderValue, Method, Request, StatusCode, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use wharfinger_auth::Secret;
use wharfinger_transport::Peer;

use crate::error::Refused;
use crate::routes::House;
use crate::visitor::Visitor;

/// The longest answer that is read: some ten thousand tasks.
const LONGEST_ANSWER: usize = 32 * 1024 * 1024;

/// The door of the cluster's engine, in the same process.
#[async_trait]
pub trait EngineDoor: Send + Sync + 'static {
    /// Answers a call of the Engine API as it answers the one that comes from `peer` with the session's token as bearer: the same
    /// authority, limits, decisions and records, and none besides.
    async fn call(&self, session: &Secret, peer: &Peer, request: Request<Body>) -> Response;
}

/// What the door or the engine said instead of doing it.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) status: StatusCode,
    pub(crate) message: String,
}

impl From<Said> for Refused {
    fn from(said: Said) -> Self {
        match said.status {
            StatusCode::UNAUTHORIZED => Self::SignIn { next: None },
            status => Self::page(status, said.message),
        }
    }
}

/// A call that is put together.
pub(crate) struct Call {
    method: Method,
    path: String,
    query: Vec<String>,
    body: Option<Value>,
    registry_auth: Option<HeaderValue>,
}

impl Call {
    /// What is there. Names in `path` are [`encoded`].
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), query: Vec::new(), body: None, registry_auth: None }
    }

    pub(crate) fn post(path: impl Into<String>, body: Value) -> Self {
        Self { method: Method::POST, body: Some(body), ..Self::get(path) }
    }

    pub(crate) fn delete(path: impl Into<String>) -> Self {
        Self { method: Method::DELETE, ..Self::get(path) }
    }

    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.query.push(format!("{name}={}", encoded(value)));
        self
    }

    /// Those alone that fit.
    #[must_use]
    pub(crate) fn filtered(self, filters: &Value) -> Self {
        self.with("filters", &filters.to_string())
    }

    #[must_use]
    pub(crate) fn with_registry_auth(mut self, auth: Option<HeaderValue>) -> Self {
        self.registry_auth = auth;
        self
    }

    fn request(self) -> Result<Request<Body>, http::Error> {
        let query = if self.query.is_empty() { String::new() } else { format!("?{}", self.query.join("&")) };
        let mut request = Request::builder().method(self.method).uri(format!("{}{query}", self.path));
        if let Some(auth) = self.registry_auth {
            request = request.header("x-registry-auth", auth);
        }
        match self.body {
            None => request.body(Body::empty()),
            Some(body) => request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string())),
        }
    }
}

/// A name as it stands in a path.
pub(crate) fn encoded(name: &str) -> String {
    utf8_percent_encode(name, NON_ALPHANUMERIC).to_string()
}

/// The engine as one visitor reaches it.
#[derive(Clone, Copy)]
pub(crate) struct Engine<'a> {
    house: &'a House,
    visitor: &'a Visitor,
}

impl<'a> Engine<'a> {
    pub(crate) fn of(house: &'a House, visitor: &'a Visitor) -> Self {
        Self { house, visitor }
    }

    /// Asks, and reads the answer; null where there is none.
    pub(crate) async fn ask(&self, call: Call) -> Result<Value, Said> {
        let said = |status, message: &str| Said { status, message: message.to_owned() };
        let request = call.request().map_err(|_| said(StatusCode::BAD_REQUEST, "this cannot be asked of an engine"))?;
        let answer = self.house.console.engine.call(&self.visitor.session_token, &self.visitor.peer, request).await;
        let status = answer.status();
        let broken = || said(StatusCode::BAD_GATEWAY, "the engine's answer broke off or could not be read: try again");
        let bytes = to_bytes(answer.into_body(), LONGEST_ANSWER).await.map_err(|_| broken())?;
        if status.is_success() {
            return if bytes.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&bytes).map_err(|_| broken()) };
        }
        let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let message = body.get("message").and_then(Value::as_str).filter(|message| !message.is_empty());
        Err(said(status, message.unwrap_or("the engine refused this and did not say why")))
    }

    /// Asks for a list.
    pub(crate) async fn list(&self, call: Call) -> Result<Vec<Value>, Said> {
        match self.ask(call).await? {
            Value::Array(rows) => Ok(rows),
            _ => Ok(Vec::new()),
        }
    }
}

/// A text in what the engine answered; empty where there is none.
pub(crate) fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
