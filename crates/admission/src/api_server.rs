//! The Kubernetes API server, as this process asks it: a few calls, each answered within two seconds or not at all.

mod kubeconfig;
mod names;
mod token;

use std::{fmt, io, path::PathBuf, time::Duration};

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use serde_json::Value;
use thiserror::Error;
use wharfinger_transport::{CallError, Caller};

pub use kubeconfig::KubeconfigError;
#[cfg(feature = "fuzzing")]
pub(crate) use kubeconfig::readable;
pub(crate) use names::{label, subdomain};
use token::Token;

/// A call of a webhook waits for what is asked here, and the API server for the webhook.
const PATIENCE: Duration = Duration::from_secs(2);
/// An operator waits for the API server, and it for webhooks: ours and others'.
const OF_AN_OPERATOR: Duration = Duration::from_secs(30);
/// The longest object is one and a half MiB where the API server keeps it.
const LONGEST_ANSWER: usize = 4 << 20;
/// Of why it refused something.
const LONGEST_REASON: usize = 2000;
/// Under whose name the API server keeps what was set.
pub(crate) const FIELD_MANAGER: &str = "wharfinger";

/// How the API server is reached, and as whom.
pub struct ApiServer {
    caller: Caller,
    /// `https://host:port`, perhaps with a path, without a `/` at its end.
    server: String,
    token: Token,
    patience: Duration,
}

/// Why the API server did not do what it was asked.
#[derive(Debug, Error)]
pub enum ApiServerError {
    #[error("the API server {server} does not answer")]
    Silent {
        server: String,
        #[source]
        source: CallError,
    },
    #[error("the API server refused {what} ({status}): {message}")]
    Refused { what: String, status: StatusCode, message: String },
    #[error("what the API server answered to {what} cannot be read")]
    Unreadable { what: String },
    #[error("the token file {} cannot be read", path.display())]
    Token {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("`{0}` is not a name that Kubernetes gives")]
    Name(String),
    #[error("{0} imagePullSecrets are named, and at most {most} are read", most = crate::pull_secrets::MOST)]
    TooManySecrets(usize),
}

impl ApiServerError {
    /// Whether the API server answered that this process may not.
    pub fn is_forbidden(&self) -> bool {
        matches!(self, Self::Refused { status: StatusCode::FORBIDDEN, .. })
    }
}

/// Whether the API server keeps what a call makes, or only says what it would have done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Keep {
    Kept,
    DryRun,
}

impl Keep {
    fn query(self) -> &'static str {
        match self {
            Self::Kept => "",
            Self::DryRun => "&dryRun=All",
        }
    }
}

impl ApiServer {
    /// Where it is reached.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// For an operator's commands, which nothing waits for.
    #[must_use]
    pub fn patient(self) -> Self {
        Self { patience: OF_AN_OPERATOR, ..self }
    }

    /// What is at `path`; nothing if there is nothing.
    pub async fn get(&self, path: &str) -> Result<Option<Value>, ApiServerError> {
        match self.call(Method::GET, path, None).await {
            Err(ApiServerError::Refused { status: StatusCode::NOT_FOUND, .. }) => Ok(None),
            answered => answered.map(Some),
        }
    }

    /// Makes a new object in the collection at `path`.
    pub async fn create(&self, path: &str, object: &Value, keep: Keep) -> Result<Value, ApiServerError> {
        let path = format!("{path}?fieldManager={FIELD_MANAGER}{}", keep.query());
        self.call(Method::POST, &path, Some(("application/json", object))).await
    }

    /// Server-side apply: the object at `path` gets what `object` says of it, whoever said otherwise before.
    pub async fn apply(&self, path: &str, object: &Value, keep: Keep) -> Result<Value, ApiServerError> {
        let path = format!("{path}?fieldManager={FIELD_MANAGER}&force=true{}", keep.query());
        // JSON is YAML.
        self.call(Method::PATCH, &path, Some(("application/apply-patch+yaml", object))).await
    }

    /// Exchanges the object at `path`, unless it is another by now than `object` says (`resourceVersion`).
    pub async fn replace(&self, path: &str, object: &Value) -> Result<Value, ApiServerError> {
        let path = format!("{path}?fieldManager={FIELD_MANAGER}");
        self.call(Method::PUT, &path, Some(("application/json", object))).await
    }

    /// Removes what is at `path`; whether there was something.
    pub async fn delete(&self, path: &str, keep: Keep) -> Result<bool, ApiServerError> {
        let path = format!("{path}?propagationPolicy=Background{}", keep.query());
        match self.call(Method::DELETE, &path, None).await {
            Ok(_) => Ok(true),
            Err(ApiServerError::Refused { status: StatusCode::NOT_FOUND, .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn call(&self, method: Method, path: &str, body: Option<(&str, &Value)>) -> Result<Value, ApiServerError> {
        let what = format!("{method} {}", path.split('?').next().unwrap_or(path));
        let unreadable = || ApiServerError::Unreadable { what: what.clone() };
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.server));
        request = request.header(header::ACCEPT, "application/json");
        if let Some(value) = self.token.authorization().await? {
            request = request.header(header::AUTHORIZATION, value);
        }
        let body = match body {
            None => Bytes::new(),
            Some((kind, object)) => {
                request = request.header(header::CONTENT_TYPE, kind);
                Bytes::from(object.to_string())
            }
        };
        let request = request.body(body).map_err(|_| unreadable())?;
        let silent = |source| ApiServerError::Silent { server: self.server.clone(), source };
        let answer = self.caller.call(request, self.patience).await.map_err(silent)?;
        let status = answer.status();
        if status.is_success() {
            return serde_json::from_slice(answer.body()).map_err(|_| unreadable());
        }
        Err(ApiServerError::Refused { what: what.clone(), status, message: reason(answer.body()) })
    }
}

/// What the API server's `Status` says; of anything else the beginning.
fn reason(body: &[u8]) -> String {
    let status: Option<Value> = serde_json::from_slice(body).ok();
    let message = status.as_ref().and_then(|status| status.get("message")?.as_str());
    let text = message.map_or_else(|| String::from_utf8_lossy(body).trim().to_owned(), str::to_owned);
    text.chars().take(LONGEST_REASON).collect()
}

impl fmt::Debug for ApiServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiServer").field("server", &self.server).finish_non_exhaustive()
    }
}
