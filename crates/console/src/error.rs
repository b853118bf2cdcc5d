//! One table from what went wrong to what people see of it.

use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderValue, StatusCode, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use wharfinger_auth::{AuthError, BundleError, DirectoryError, LoginError};
use wharfinger_cluster::{ClusterError, TeamError};
use wharfinger_storage::StorageError;
use wharfinger_transport::Busy;

use crate::entrance::Entrance;
use crate::page::{Page, WrongPage, render};

/// An answer that is not the page that was asked for.
#[derive(Debug)]
pub(crate) enum Refused {
    /// Whoever is looking has to sign in, and goes on to `next` then.
    SignIn { next: Option<String> },
    /// A page that says what is wrong and what to do. Where a form was sent, its page says so instead.
    Page { status: StatusCode, message: String, retry_after: Option<u64> },
}

impl Refused {
    pub(crate) fn page(status: StatusCode, message: impl Into<String>) -> Self {
        Self::Page { status, message: message.into(), retry_after: None }
    }

    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::page(StatusCode::FORBIDDEN, message)
    }

    pub(crate) fn mistake(message: impl Into<String>) -> Self {
        Self::page(StatusCode::BAD_REQUEST, message)
    }

    /// What a form's page says above the form: the sender can do something about it. `Err` for everything else.
    pub(crate) fn in_form(self) -> Result<(StatusCode, String), Self> {
        match self {
            Self::Page { status, message, retry_after: None } if status.is_client_error() && status != StatusCode::FORBIDDEN => {
                Ok((status, message))
            }
            other => Err(other),
        }
    }

    /// What is our fault is logged here, once, with its causes, and told without them.
    fn internal(status: StatusCode, error: &dyn std::error::Error) -> Self {
        let mut chain = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            chain = format!("{chain}: {error}");
            cause = error.source();
        }
        tracing::error!(error = chain, "page failed");
        Self::page(status, "the server could not do this; its log says why. Try again, and tell its operator if it stays")
    }
}

/// What is said in place of the page that was asked for. It becomes a page where it is known of which console (`frame`).
#[derive(Clone)]
pub(crate) struct Wrong {
    title: &'static str,
    message: String,
}

impl Wrong {
    /// The page, with the status and headers of `response`.
    pub(crate) fn shown<E: Entrance>(self, house: &E, response: Response) -> Response {
        let page = Page { site: E::SITE, host: house.host().to_owned(), ..Page::bare(self.title) };
        let (parts, _) = response.into_parts();
        let mut shown = render(parts.status, &WrongPage { page, message: self.message });
        shown.headers_mut().extend(parts.headers);
        shown
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::SignIn { next: Some(next) } => {
                Redirect::to(&format!("/manage/login?next={}", utf8_percent_encode(&next, NON_ALPHANUMERIC))).into_response()
            }
            Self::SignIn { next: None } => Redirect::to("/manage/login").into_response(),
            Self::Page { status, message, retry_after } => {
                let title = match status.as_u16() {
                    403 => "Not allowed",
                    404 => "Not found",
                    409 | 412 => "Changed meanwhile",
                    400..500 => "That did not work",
                    _ => "Something is wrong here",
                };
                let mut response = status.into_response();
                response.extensions_mut().insert(Wrong { title, message });
                if let Some(seconds) = retry_after {
                    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
                }
                response
            }
        }
    }
}

impl From<StorageError> for Refused {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Conflict(message) => Self::page(StatusCode::CONFLICT, message),
            StorageError::Unavailable(_) => Self::internal(StatusCode::SERVICE_UNAVAILABLE, &error),
            StorageError::Damaged(_) => Self::internal(StatusCode::INTERNAL_SERVER_ERROR, &error),
        }
    }
}

impl From<AuthError> for Refused {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Refused(_) => Self::SignIn { next: None },
            AuthError::Storage(error) => error.into(),
        }
    }
}

impl From<Busy> for Refused {
    fn from(busy: Busy) -> Self {
        let (status, retry_after) = (StatusCode::TOO_MANY_REQUESTS, Some(Busy::RETRY_AFTER));
        Self::Page { status, message: busy.to_string(), retry_after }
    }
}

impl From<LoginError> for Refused {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::Wrong => Self::page(StatusCode::UNAUTHORIZED, error.to_string()),
            LoginError::Throttled { retry_after } => Self::Page {
                status: StatusCode::TOO_MANY_REQUESTS,
                message: error.to_string(),
                retry_after: Some(retry_after.as_secs()),
            },
            LoginError::Storage(error) => error.into(),
        }
    }
}

impl From<DirectoryError> for Refused {
    fn from(error: DirectoryError) -> Self {
        let message = error.to_string();
        match error {
            DirectoryError::Forbidden(_) => Self::forbidden(message),
            DirectoryError::NoSuch { .. } => Self::page(StatusCode::NOT_FOUND, message),
            DirectoryError::Invalid { field, message } => Self::mistake(match field {
                // What says which field it is about by itself needs no label.
                "fullName" => format!("Full name: {message}"),
                "description" => format!("Description: {message}"),
                "label" => format!("Label: {message}"),
                _ => message,
            }),
            DirectoryError::Conflict(_) => Self::page(StatusCode::CONFLICT, message),
            DirectoryError::OldPassword(LoginError::Wrong) => Self::mistake("the present password is another"),
            DirectoryError::OldPassword(error) => error.into(),
            DirectoryError::Storage(error) => error.into(),
        }
    }
}

impl From<BundleError> for Refused {
    fn from(error: BundleError) -> Self {
        match error {
            BundleError::NotAPasswordSession => Self::forbidden(error.to_string()),
            BundleError::Label(_) | BundleError::Groups { .. } => Self::mistake(error.to_string()),
            BundleError::Storage(error) => error.into(),
            BundleError::Certificate(_) | BundleError::Zip(_) => Self::internal(StatusCode::INTERNAL_SERVER_ERROR, &error),
        }
    }
}

impl From<ClusterError> for Refused {
    fn from(error: ClusterError) -> Self {
        let message = error.to_string();
        match error {
            ClusterError::Team(TeamError::Storage(error)) | ClusterError::Storage(error) => error.into(),
            ClusterError::Configuration(_)
            | ClusterError::KubernetesCa(_)
            | ClusterError::Host(_)
            | ClusterError::Team(_)
            | ClusterError::Named { .. }
            | ClusterError::NotAdded { .. }
            | ClusterError::HalfCredentials(_)
            | ClusterError::NoReason
            | ClusterError::NotARepository(_) => Self::mistake(message),
            ClusterError::NotRegistered(_) | ClusterError::NothingPinned(_) => Self::page(StatusCode::NOT_FOUND, message),
            ClusterError::Engine(_) => Self::page(StatusCode::SERVICE_UNAVAILABLE, message),
            ClusterError::Changed => {
                let why = "somebody else changed the configuration since you opened this page. Nothing of yours was saved: look at what \
                           stands there now and make your change again";
                Self::page(StatusCode::PRECONDITION_FAILED, why)
            }
            ClusterError::Damaged | ClusterError::NoMemory => Self::page(StatusCode::INTERNAL_SERVER_ERROR, message),
        }
    }
}
