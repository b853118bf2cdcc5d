//! Everything this door refuses, and how that looks on the wire (OCI distribution-spec § error codes).

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use wharfinger_auth::{AccessError, Challenge};
use wharfinger_oci::{Digest, Repository};
use wharfinger_storage::StorageError;
use wharfinger_storage::repositories::Upload;
use wharfinger_transport::Busy;

use super::uploads;

#[derive(Debug)]
pub(crate) enum Refusal {
    Challenge(Challenge),
    Denied(String),
    NameInvalid,
    NameUnknown(Repository),
    TagInvalid,
    DigestInvalid(String),
    BlobUnknown(Digest),
    /// A Range that lies outside of a blob of this size (RFC 9110 § 14.4).
    RangeOutside(u64),
    UploadUnknown,
    UploadInvalid(String),
    /// The upload has this many bytes; the client has to go on from there.
    UploadOutOfOrder(Upload, u64),
    SizeInvalid(String),
    ManifestUnknown(String),
    ManifestInvalid(String),
    ManifestBlobUnknown(Vec<Digest>),
    TooLarge(String),
    PageInvalid,
    /// The tag is signed: DTR's code.
    TagInNotary(String),
    Unsupported(String),
    Busy(Busy),
    Storage(StorageError),
}

impl From<Busy> for Refusal {
    fn from(busy: Busy) -> Self {
        Self::Busy(busy)
    }
}

impl From<StorageError> for Refusal {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

impl From<AccessError> for Refusal {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::Challenge(challenge) => Self::Challenge(challenge),
            AccessError::Storage(error) => Self::Storage(error),
        }
    }
}

impl Refusal {
    #[cfg(test)]
    pub(crate) fn code(&self) -> &'static str {
        self.row().1
    }

    /// Status, code, message, detail.
    fn row(&self) -> (StatusCode, &'static str, String, Value) {
        use StatusCode as S;
        let plain = |status, code, message: &str| (status, code, message.to_owned(), Value::Null);
        match self {
            Self::Challenge(challenge) => {
                (S::UNAUTHORIZED, "UNAUTHORIZED", "authentication required".to_owned(), json!(challenge.needed))
            }
            Self::Denied(why) => plain(S::FORBIDDEN, "DENIED", why),
            Self::NameInvalid => plain(S::BAD_REQUEST, "NAME_INVALID", "invalid repository name: it is written `namespace/name`"),
            Self::NameUnknown(name) => (
                S::NOT_FOUND,
                "NAME_UNKNOWN",
                "repository name not known to registry".to_owned(),
                json!({ "name": name.as_str() }),
            ),
            Self::TagInvalid => plain(S::BAD_REQUEST, "TAG_INVALID", "a tag holds up to 128 letters, digits, `_`, `.` and `-`"),
            Self::DigestInvalid(why) => plain(S::BAD_REQUEST, "DIGEST_INVALID", why),
            Self::BlobUnknown(digest) => {
                (S::NOT_FOUND, "BLOB_UNKNOWN", "blob unknown to registry".to_owned(), json!({ "digest": digest }))
            }
            Self::RangeOutside(size) => {
                (S::RANGE_NOT_SATISFIABLE, "RANGE_INVALID", format!("the blob has {size} bytes"), Value::Null)
            }
            Self::UploadUnknown => plain(S::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry"),
            Self::UploadInvalid(why) => plain(S::BAD_REQUEST, "BLOB_UPLOAD_INVALID", why),
            Self::UploadOutOfOrder(_, size) => (
                S::RANGE_NOT_SATISFIABLE,
                "BLOB_UPLOAD_INVALID",
                format!("the upload has {size} bytes, the content has to go on from there"),
                Value::Null,
            ),
            Self::SizeInvalid(why) => plain(S::BAD_REQUEST, "SIZE_INVALID", why),
            Self::ManifestUnknown(reference) => {
                (S::NOT_FOUND, "MANIFEST_UNKNOWN", "manifest unknown".to_owned(), json!({ "reference": reference }))
            }
            Self::ManifestInvalid(why) => plain(S::BAD_REQUEST, "MANIFEST_INVALID", why),
            Self::ManifestBlobUnknown(missing) => (
                S::BAD_REQUEST,
                "MANIFEST_BLOB_UNKNOWN",
                "the manifest refers to what is not in this repository".to_owned(),
                json!(missing),
            ),
            Self::TooLarge(why) => plain(S::PAYLOAD_TOO_LARGE, "SIZE_INVALID", why),
            Self::PageInvalid => plain(S::BAD_REQUEST, "PAGINATION_NUMBER_INVALID", "`n` is not a number of entries"),
            Self::TagInNotary(tag) => (
                S::CONFLICT,
                "TAG_IN_NOTARY",
                format!("`{tag}` is signed; remove it from the trust data first (docker trust revoke)"),
                Value::Null,
            ),
            Self::Unsupported(why) => plain(S::METHOD_NOT_ALLOWED, "UNSUPPORTED", why),
            Self::Busy(busy) => plain(S::TOO_MANY_REQUESTS, "TOOMANYREQUESTS", &busy.to_string()),
            Self::Storage(StorageError::Conflict(why)) => plain(S::CONFLICT, "CONFLICT", why),
            Self::Storage(StorageError::Damaged(_)) => plain(S::INTERNAL_SERVER_ERROR, "UNKNOWN", "stored content is damaged"),
            Self::Storage(StorageError::Unavailable(_)) => {
                plain(S::SERVICE_UNAVAILABLE, "UNAVAILABLE", "the registry's storage does not answer; try again")
            }
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        if let Self::Storage(error) = &self {
            tracing::error!(error = error as &dyn std::error::Error, "a registry request failed");
        }
        let (status, code, message, detail) = self.row();
        let mut response =
            (status, Json(json!({ "errors": [{ "code": code, "message": message, "detail": detail }] }))).into_response();
        let headers = response.headers_mut();
        match self {
            Self::Challenge(challenge) => {
                if let Ok(value) = HeaderValue::try_from(challenge.www_authenticate()) {
                    headers.insert(header::WWW_AUTHENTICATE, value);
                }
            }
            Self::RangeOutside(size) => {
                if let Ok(value) = HeaderValue::try_from(format!("bytes */{size}")) {
                    headers.insert(header::CONTENT_RANGE, value);
                }
            }
            Self::Busy(_) => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(Busy::RETRY_AFTER));
            }
            Self::UploadOutOfOrder(upload, size) => uploads::progress(headers, &upload, size),
            _ => {}
        }
        response
    }
}
