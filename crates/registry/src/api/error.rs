//! Everything `/api/v0` refuses, and how that looks on the wire: `{"errors":[{"code","message","detail"}]}`.

use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use wharfinger_auth::MakingError;
use wharfinger_storage::StorageError;
use wharfinger_transport::Busy;

#[derive(Debug)]
pub(crate) enum Refusal {
    NotAuthenticated,
    WrongCredentials(String),
    Throttled(Duration),
    Busy(Busy),
    CrossSite,
    NotAuthorized(&'static str),
    NoSuchAccount(String),
    NoSuchRepository(String),
    NoSuchTag(String),
    NoSuchTeam(String),
    NoTeamAccess(String),
    RepositoryExists(String),
    InvalidName(String),
    InvalidJson(String),
    InvalidPage,
    TagInNotary(String),
    TagMoved(String),
    RepositoryContainsTagsInNotary(Vec<String>),
    Storage(StorageError),
}

impl From<StorageError> for Refusal {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

impl From<MakingError> for Refusal {
    fn from(error: MakingError) -> Self {
        match error {
            MakingError::Name(why) => Self::InvalidName(why.to_string()),
            MakingError::NotAllowed => Self::NotAuthorized("the right to make repositories in this namespace"),
            MakingError::NoAccount(name) => Self::NoSuchAccount(name),
            MakingError::Exists(name) => Self::RepositoryExists(name.to_string()),
            MakingError::Storage(error) => error.into(),
        }
    }
}

impl Refusal {
    /// Status, code, message, detail.
    fn row(&self) -> (StatusCode, &'static str, String, Value) {
        use StatusCode as S;
        let row = |status, code, message: String| (status, code, message, Value::Null);
        match self {
            Self::NotAuthenticated => {
                row(S::UNAUTHORIZED, "NOT_AUTHENTICATED", "say who you are, by password or session token".to_owned())
            }
            Self::WrongCredentials(why) => row(S::UNAUTHORIZED, "NOT_AUTHENTICATED", why.clone()),
            Self::Throttled(after) => row(
                S::TOO_MANY_REQUESTS,
                "TOO_MANY_REQUESTS",
                format!("too many failed logins; try again in {} s", after.as_secs()),
            ),
            Self::Busy(busy) => row(S::TOO_MANY_REQUESTS, "TOO_MANY_REQUESTS", busy.to_string()),
            Self::CrossSite => row(S::FORBIDDEN, "NOT_AUTHORIZED", "a page of another site sent this request".to_owned()),
            Self::NotAuthorized(needs) => row(S::FORBIDDEN, "NOT_AUTHORIZED", format!("this needs {needs}")),
            Self::NoSuchAccount(name) => row(S::NOT_FOUND, "NO_SUCH_ACCOUNT", format!("there is no account `{name}`")),
            Self::NoSuchRepository(name) => {
                row(S::NOT_FOUND, "NO_SUCH_REPOSITORY", format!("there is no repository `{name}`, or you may not see it"))
            }
            Self::NoSuchTag(tag) => row(S::NOT_FOUND, "NO_SUCH_TAG", format!("there is no tag `{tag}`")),
            Self::NoSuchTeam(team) => {
                row(S::NOT_FOUND, "NO_SUCH_TEAM", format!("there is no team `{team}`; write it as `org/team`"))
            }
            Self::NoTeamAccess(team) => {
                row(S::NOT_FOUND, "NO_SUCH_TEAM_ACCESS", format!("team `{team}` was given no access here"))
            }
            Self::RepositoryExists(name) => {
                row(S::CONFLICT, "REPOSITORY_EXISTS", format!("there is a repository `{name}` already"))
            }
            Self::InvalidName(why) => row(S::BAD_REQUEST, "INVALID_REPOSITORY_NAME", why.clone()),
            Self::InvalidJson(why) => row(S::BAD_REQUEST, "INVALID_JSON", why.clone()),
            Self::InvalidPage => row(S::BAD_REQUEST, "INVALID_PAGE", "`pageSize` is a number from 1 to 1000".to_owned()),
            Self::TagInNotary(tag) => row(
                S::CONFLICT,
                "TAG_IN_NOTARY",
                format!("`{tag}` is signed; remove it from the trust data first (docker trust revoke)"),
            ),
            Self::TagMoved(tag) => row(S::CONFLICT, "TAG_MOVED", format!("`{tag}` was pushed meanwhile; look at it again")),
            Self::RepositoryContainsTagsInNotary(tags) => (
                S::METHOD_NOT_ALLOWED,
                "REPOSITORY_CONTAINS_TAGS_IN_NOTARY",
                "the repository has signed tags; remove them from the trust data first (docker trust revoke)".to_owned(),
                json!(tags),
            ),
            Self::Storage(StorageError::Conflict(why)) => row(S::CONFLICT, "CONFLICT", why.clone()),
            Self::Storage(StorageError::Damaged(_)) => {
                row(S::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR", "stored data is damaged; the log says which".to_owned())
            }
            Self::Storage(StorageError::Unavailable(_)) => {
                row(S::SERVICE_UNAVAILABLE, "UNAVAILABLE", "the registry's storage does not answer; try again".to_owned())
            }
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        if let Self::Storage(error) = &self {
            tracing::error!(error = error as &dyn std::error::Error, "a request to the registry's API failed");
        }
        let (status, code, message, detail) = self.row();
        let body = Json(json!({ "errors": [{ "code": code, "message": message, "detail": detail }] }));
        let mut response = (status, body).into_response();
        match self {
            Self::NotAuthenticated | Self::WrongCredentials(_) => {
                response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"registry\""));
            }
            Self::Throttled(after) => {
                response.headers_mut().insert(header::RETRY_AFTER, after.as_secs().into());
            }
            Self::Busy(_) => {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(Busy::RETRY_AFTER));
            }
            _ => {}
        }
        response
    }
}
