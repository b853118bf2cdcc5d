//! The one table from refusals to the wire.
//!
//! A client reads at most 1,024 bytes of the body of a 400, and shows its user a reason only if there is exactly one error whose `detail`
//! is `{"Name":…,"Error":{"Msg":…}}`. So bodies stay below that, and reasons travel in that form.

use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};
use wharfinger_storage::StorageError;
use wharfinger_transport::Busy;
use wharfinger_tuf::publish::Invalid;

use crate::access::Denied;
use axum::body::Body;

/// What a client reads of an error, less room for what stands around the message.
const LONGEST_MESSAGE: usize = 600;

/// Why a request was not fulfilled.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("no such metadata")]
    NotFound,
    /// The path is none of ours.
    #[error("no such path")]
    NoRoute,
    #[error("the update is invalid")]
    Invalid(#[from] Invalid),
    #[error("a newer version is already there")]
    OldVersion,
    #[error("the body is not a multipart form")]
    MalformedUpload,
    #[error("a part has no file name")]
    NoFilename,
    #[error("`{0}` is not a role")]
    InvalidRole(String),
    #[error("a part is not the JSON of signed metadata")]
    MalformedJson,
    /// The name is not of this registry; says which one is.
    #[error("{0}")]
    InvalidGun(String),
    #[error("{0}")]
    InvalidParameters(String),
    #[error(transparent)]
    Denied(#[from] Denied),
    #[error(transparent)]
    Busy(#[from] Busy),
    /// What was asked for could not be done now; the chain goes to the log, not to the client.
    #[error("could not store the update")]
    Updating(#[source] Fault),
    #[error("could not answer")]
    Unknown(#[from] Fault),
}

/// What went wrong inside.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error("stored metadata is damaged: {0}")]
    Damaged(String),
    #[error("a server key cannot be used: {0}")]
    Key(String),
    #[error("the collection changed again and again while it was being written")]
    Contention,
    #[error("the work was cut short")]
    Cut(#[from] tokio::task::JoinError),
}

impl From<StorageError> for Refusal {
    fn from(error: StorageError) -> Self {
        Self::Unknown(error.into())
    }
}

impl Refusal {
    /// Status, code, message, detail.
    fn wire(&self) -> (StatusCode, &'static str, &'static str, Option<Value>) {
        const BAD: StatusCode = StatusCode::BAD_REQUEST;
        match self {
            Self::NotFound => {
                (StatusCode::NOT_FOUND, "METADATA_NOT_FOUND", "You have requested metadata that does not exist.", Some(json!({})))
            }
            Self::NoRoute => {
                (StatusCode::NOT_FOUND, "METADATA_NOT_FOUND", "You have requested metadata that does not exist.", None)
            }
            Self::Invalid(invalid) => (BAD, "INVALID_UPDATE", "Update sent by the client is invalid.", Some(detail(invalid))),
            Self::OldVersion => (BAD, "VERSION", "A newer version of metadata is already available.", Some(json!({}))),
            Self::MalformedUpload => (BAD, "MALFORMED_UPLOAD", "The body of your request is malformed.", None),
            Self::NoFilename => (BAD, "NO_FILENAME", "No file/role name provided.", None),
            Self::InvalidRole(role) => {
                (BAD, "INVALID_ROLE", "The role you are attempting to operate on is invalid.", Some(short(role).into()))
            }
            Self::MalformedJson => (BAD, "MALFORMED_JSON", "JSON sent by the client could not be parsed by the server", None),
            Self::InvalidGun(why) => (
                BAD,
                "INVALID_GUN",
                "The server does not support actions on images of this name.",
                Some(detail(&Invalid::Validation(why.clone()))),
            ),
            Self::Busy(busy) => (
                StatusCode::TOO_MANY_REQUESTS,
                "TOOMANYREQUESTS",
                "Too many requests of yours are under way.",
                Some(busy.to_string().into()),
            ),
            Self::InvalidParameters(why) => {
                (BAD, "INVALID_PARAMETERS", "The parameters provided are not valid.", Some(short(why).into()))
            }
            Self::Denied(Denied::Challenge { needed, .. }) => {
                let needed: Vec<_> = needed
                    .iter()
                    .map(|(kind, name, action)| json!({"Type": kind, "Class": "", "Name": name, "Action": action}))
                    .collect();
                (StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "authentication required", Some(needed.into()))
            }
            Self::Updating(_) => {
                let message = "An error has occurred while updating the TUF repository.";
                (StatusCode::INTERNAL_SERVER_ERROR, "UPDATING", message, None)
            }
            Self::Denied(Denied::Storage(_)) | Self::Unknown(_) => {
                (StatusCode::INTERNAL_SERVER_ERROR, "UNKNOWN", "unknown error", None)
            }
        }
    }

    pub(crate) fn response(&self) -> Response<Body> {
        let (status, code, message, detail) = self.wire();
        let mut error = json!({"code": code, "message": message});
        if let (Some(detail), Some(fields)) = (detail, error.as_object_mut()) {
            fields.insert("detail".to_owned(), detail);
        }
        let mut response = Response::new(Body::from(format!("{}\n", json!({"errors": [error]}))));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
        if let Self::Denied(Denied::Challenge { www_authenticate, .. }) = self
            && let Ok(value) = HeaderValue::from_str(www_authenticate)
        {
            response.headers_mut().insert(WWW_AUTHENTICATE, value);
        }
        if let Self::Busy(_) = self {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(Busy::RETRY_AFTER));
        }
        response
    }
}

/// The form in which stock clients find the reason.
fn detail(invalid: &Invalid) -> Value {
    let (name, message) = match invalid {
        Invalid::Root(message) => ("ErrBadRoot", message),
        Invalid::Targets(message) => ("ErrBadTargets", message),
        Invalid::Snapshot(message) => ("ErrBadSnapshot", message),
        Invalid::Validation(message) => ("ErrValidation", message),
        Invalid::MissingSnapshot(message) => {
            return json!({"Name": "ErrBadHierarchy", "Error": {"Missing": "snapshot", "Msg": short(message)}});
        }
    };
    json!({"Name": name, "Error": {"Msg": short(message)}})
}

/// Cut so that, escaped, it leaves the body below what clients read.
fn short(text: &str) -> String {
    let mut cut = String::new();
    let mut length = 0;
    for character in text.chars() {
        // At worst `\u0000`.
        length += if character.is_control() { 6 } else { character.len_utf8() + usize::from(matches!(character, '"' | '\\')) };
        if length > LONGEST_MESSAGE {
            cut.push('…');
            break;
        }
        cut.push(character);
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_reason_has_the_form_stock_clients_show_and_stays_below_what_they_read() {
        for text in ["x".repeat(5000), "\u{1}\"\\".repeat(2000), "é".repeat(3000)] {
            let response = Refusal::Invalid(Invalid::Targets(text)).response();
            assert_eq!(response.status(), 400);
            let body = axum::body::to_bytes(response.into_body(), 4096).await.unwrap();
            assert!(body.len() < 1024, "{}", body.len());
            let parsed: Value = serde_json::from_slice(&body).unwrap();
            let error = &parsed["errors"][0];
            assert_eq!(error["code"], "INVALID_UPDATE");
            assert_eq!(error["detail"]["Name"], "ErrBadTargets");
            assert!(error["detail"]["Error"]["Msg"].as_str().unwrap().ends_with('…'));
        }
    }

    #[test]
    fn a_challenge_says_where_to_get_a_token() {
        let denied = Denied::Challenge {
            www_authenticate: "Bearer realm=\"https://dtr.test/auth/token\"".into(),
            needed: vec![("repository".into(), "dtr.test/qa/app".into(), "push".into())],
        };
        let response = Refusal::from(denied).response();
        assert_eq!(response.status(), 401);
        assert_eq!(response.headers()[WWW_AUTHENTICATE], "Bearer realm=\"https://dtr.test/auth/token\"");
    }
}
