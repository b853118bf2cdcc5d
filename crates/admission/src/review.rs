//! `AdmissionReview` of `admission.k8s.io/v1`: what is asked and what is answered.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::patch::Patch;

const API_VERSION: &str = "admission.k8s.io/v1";
const KIND: &str = "AdmissionReview";
/// `kubectl` prints one line per warning; longer ones are cut off by the API server, or all of them are dropped.
const LONGEST_WARNING: usize = 256;
const MOST_WARNINGS: usize = 16;

/// Why a body is no question that could be answered. The API server then refuses what it asked for (`failurePolicy: Fail`).
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoReview {
    #[error("the body is no AdmissionReview: {0}")]
    Json(#[source] serde_json::Error),
    #[error("{kind} of {version} is not known here: write admissionReviewVersions: [v1] into the webhook configuration")]
    Version { kind: String, version: String },
    #[error("the AdmissionReview has no request")]
    Empty,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    api_version: String,
    kind: String,
    request: Option<Request>,
}

/// What the API server is about to do.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Request {
    pub(crate) uid: String,
    pub(crate) resource: Resource,
    #[serde(default)]
    pub(crate) sub_resource: String,
    /// Empty for what lies in no namespace.
    #[serde(default)]
    pub(crate) namespace: String,
    pub(crate) operation: Operation,
    #[serde(default)]
    pub(crate) user_info: UserInfo,
    /// Null on DELETE.
    #[serde(default)]
    pub(crate) object: Value,
    #[serde(default)]
    pub(crate) old_object: Value,
    #[serde(default)]
    pub(crate) dry_run: bool,
}

#[derive(Deserialize, Clone, PartialEq, Eq, Debug)]
pub(crate) struct Resource {
    #[serde(default)]
    pub(crate) group: String,
    /// The plural, such as `deployments`.
    pub(crate) resource: String,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Operation {
    Create,
    Update,
    Delete,
    Connect,
}

#[derive(Deserialize, Default)]
pub(crate) struct UserInfo {
    #[serde(default)]
    pub(crate) username: String,
}

impl Request {
    pub(crate) fn read(body: &[u8]) -> Result<Self, NoReview> {
        let envelope: Envelope = serde_json::from_slice(body).map_err(NoReview::Json)?;
        if envelope.api_version != API_VERSION || envelope.kind != KIND {
            return Err(NoReview::Version { kind: envelope.kind, version: envelope.api_version });
        }
        envelope.request.ok_or(NoReview::Empty)
    }
}

/// What is answered.
#[derive(Debug, PartialEq)]
pub(crate) enum Answer {
    /// As it is, or with these changes.
    Allow {
        patch: Vec<Patch>,
        warnings: Vec<String>,
    },
    Refuse {
        status: u16,
        message: String,
    },
}

impl Answer {
    pub(crate) fn allow() -> Self {
        Self::Allow { patch: Vec::new(), warnings: Vec::new() }
    }

    /// Nobody can say: 503, whoever asked may try again.
    pub(crate) fn undecided(message: impl Into<String>) -> Self {
        Self::Refuse { status: 503, message: message.into() }
    }

    pub(crate) fn refuse(message: impl Into<String>) -> Self {
        Self::Refuse { status: 403, message: message.into() }
    }

    /// The review that answers the one with this `uid`.
    pub(crate) fn review(self, uid: &str) -> Value {
        let response = match self {
            Self::Allow { patch, warnings } => Response {
                uid,
                allowed: true,
                patch_type: (!patch.is_empty()).then_some("JSONPatch"),
                patch: (!patch.is_empty()).then(|| STANDARD.encode(serde_json::to_vec(&patch).unwrap_or_default())),
                warnings: warnings.into_iter().take(MOST_WARNINGS).map(|text| one_line(&text)).collect(),
                status: None,
            },
            Self::Refuse { status, message } => Response {
                uid,
                allowed: false,
                patch_type: None,
                patch: None,
                warnings: Vec::new(),
                status: Some(Status { code: status, reason: reason(status), message }),
            },
        };
        serde_json::json!({ "apiVersion": API_VERSION, "kind": KIND, "response": response })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Response<'a> {
    uid: &'a str,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
}

#[derive(Serialize)]
struct Status {
    code: u16,
    reason: &'static str,
    message: String,
}

/// `metav1.StatusReason`, which `kubectl` prints in brackets.
fn reason(status: u16) -> &'static str {
    match status {
        503 => "ServiceUnavailable",
        429 => "TooManyRequests",
        _ => "Forbidden",
    }
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_WARNING).collect()
}
