//! One table from what went wrong to the wire: `{"errors":[{"code","message","detail"}]}`.

use axum::Json;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use wharfinger_auth::{AuthError, BundleError, CaError, DirectoryError, Forbidden, LoginError, TokenError};
use wharfinger_storage::StorageError;
use wharfinger_transport::Busy;

/// An answer that is not what was asked for.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    detail: Value,
    headers: Vec<(header::HeaderName, HeaderValue)>,
}

impl ApiError {
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), detail: Value::Null, headers: Vec::new() }
    }

    #[must_use]
    pub fn with_detail(mut self, detail: Value) -> Self {
        self.detail = detail;
        self
    }

    #[must_use]
    pub fn with_header(mut self, name: header::HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    /// 400: a field that cannot be what it is.
    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "INVALID_FORM_FIELD", message).with_detail(json!({ "field": field }))
    }

    /// 401: nobody, where there must be somebody.
    pub fn unauthenticated(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "NOT_AUTHENTICATED", message)
    }

    /// 403.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "NOT_AUTHORIZED", message)
    }

    fn throttled(wait: std::time::Duration, message: String) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_REQUESTS", message)
            .with_header(header::RETRY_AFTER, &wait.as_secs().to_string())
    }

    /// What is our fault is logged here, once, with its causes, and told without them.
    fn internal(error: &dyn std::error::Error) -> Self {
        let mut chain = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            chain = format!("{chain}: {error}");
            cause = error.source();
        }
        tracing::error!(error = chain, "request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR", "the server could not do this; its log says why")
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let error = json!({ "code": self.code, "message": self.message, "detail": self.detail });
        let mut response = (self.status, Json(json!({ "errors": [error] }))).into_response();
        response.headers_mut().extend(self.headers);
        response
    }
}

impl From<StorageError> for ApiError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Conflict(message) => Self::new(StatusCode::CONFLICT, "CONFLICT", message),
            StorageError::Unavailable(_) => {
                let logged = Self::internal(&error);
                Self { status: StatusCode::SERVICE_UNAVAILABLE, code: "UNAVAILABLE", ..logged }
            }
            StorageError::Damaged(_) => Self::internal(&error),
        }
    }
}

impl From<AuthError> for ApiError {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Refused(why) => Self::unauthenticated(why),
            AuthError::Storage(error) => error.into(),
        }
    }
}

impl From<Busy> for ApiError {
    fn from(busy: Busy) -> Self {
        Self::throttled(std::time::Duration::from_secs(Busy::RETRY_AFTER), busy.to_string())
    }
}

impl From<Forbidden> for ApiError {
    fn from(error: Forbidden) -> Self {
        Self::forbidden(error.to_string())
    }
}

impl From<LoginError> for ApiError {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::Wrong => Self::unauthenticated(error.to_string()),
            LoginError::Throttled { retry_after } => Self::throttled(retry_after, error.to_string()),
            LoginError::Storage(error) => error.into(),
        }
    }
}

impl From<CaError> for ApiError {
    fn from(error: CaError) -> Self {
        match error {
            CaError::Storage(error) => error.into(),
            CaError::Host(_) | CaError::Make(_) | CaError::Sealed(_) => Self::internal(&error),
        }
    }
}

impl From<BundleError> for ApiError {
    fn from(error: BundleError) -> Self {
        match error {
            BundleError::NotAPasswordSession => Self::forbidden(error.to_string()),
            BundleError::Label(_) => Self::invalid("label", error.to_string()),
            BundleError::Groups { .. } => Self::new(StatusCode::CONFLICT, "TOO_MANY_TEAMS", error.to_string()),
            BundleError::Certificate(error) => error.into(),
            BundleError::Storage(error) => error.into(),
            BundleError::Zip(_) => Self::internal(&error),
        }
    }
}

impl From<TokenError> for ApiError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::WrongCredentials => Self::new(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", error.to_string()),
            TokenError::Throttled { retry_after } => {
                Self { code: "TOOMANYREQUESTS", ..Self::throttled(retry_after, error.to_string()) }
            }
            TokenError::Service { .. } => Self::invalid("service", error.to_string()),
            TokenError::Make(error) => error.into(),
            TokenError::Storage(error) => error.into(),
        }
    }
}

impl From<DirectoryError> for ApiError {
    fn from(error: DirectoryError) -> Self {
        let message = error.to_string();
        match error {
            DirectoryError::Forbidden(_) => Self::forbidden(message),
            DirectoryError::NoSuch { what, name } => {
                let code = match what {
                    "team" => "NO_SUCH_TEAM",
                    "member" => "NO_SUCH_MEMBER",
                    "publicKey" => "NO_SUCH_PUBLIC_KEY",
                    _ => "NO_SUCH_ACCOUNT",
                };
                Self::new(StatusCode::NOT_FOUND, code, message).with_detail(json!({ "name": name }))
            }
            DirectoryError::Invalid { field, .. } => Self::invalid(field, message),
            DirectoryError::Conflict(_) => Self::new(StatusCode::CONFLICT, "CONFLICT", message),
            DirectoryError::OldPassword(LoginError::Wrong) => Self::invalid("oldPassword", "the present password is another"),
            DirectoryError::OldPassword(error) => error.into(),
            DirectoryError::Storage(error) => error.into(),
        }
    }
}

/// JSON under whatever content type: people script this with plain `curl -d`. No body is `{}`.
pub fn json_body<T: DeserializeOwned>(body: &Bytes) -> Result<T, ApiError> {
    let body: &[u8] = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| ApiError::new(StatusCode::BAD_REQUEST, "INVALID_JSON", error.to_string()))
}
