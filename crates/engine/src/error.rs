//! Every way a call is refused here, and what the engine's clients see of it.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use thiserror::Error;
use wharfinger_auth::{AuthError, Forbidden};
use wharfinger_gate::Denial;
use wharfinger_storage::StorageError;
use wharfinger_transport::{Busy, NotWhole};

use crate::{
    call::{CallRefused, PathRefused},
    cleared::NotCleared,
    image::ImageCallRefused,
    limits::Beyond,
    owner::Forged,
    upstream::EngineDown,
};

#[derive(Debug, Error)]
pub(crate) enum Refusal {
    #[error(
        "who are you? Load a client bundle (eval \"$(<env.sh)\") or send Authorization: Bearer with a token of POST /auth/login"
    )]
    Unauthenticated,
    #[error(transparent)]
    Auth(#[from] AuthError),
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    #[error("a page of another site cannot use the engine")]
    CrossSite,
    #[error(transparent)]
    Call(#[from] CallRefused),
    #[error(transparent)]
    Image(#[from] ImageCallRefused),
    #[error(transparent)]
    Body(#[from] NotWhole),
    #[error(transparent)]
    Busy(#[from] Busy),
    #[error("{}", .0.message())]
    Denied(Denial),
    /// A change of a service that leaves its image as it is, and of which nobody knows what it runs.
    #[error(
        "{}\n\nthis service names its image by the tag alone, and which digest it ran when the policy came is not on record, so \
         that each change of it is decided as a new deployment: docker service update --image, with an image that is signed",
        .0.message()
    )]
    NotOnRecord(Denial),
    #[error("what ran before the policy could not be read")]
    Record(#[source] StorageError),
    #[error(
        "builds are refused while only signed images run here, because they run code that nobody signed: build on an engine \
         of your CI, push, sign, and deploy here; or an admin sets allow_builds = true in [trust_configuration]"
    )]
    Builds,
    #[error(
        "plugins are refused while only signed images run here, because they carry no signature: an admin installs them on \
         the engine itself"
    )]
    Plugins,
    #[error(transparent)]
    Beyond(#[from] Beyond),
    #[error(transparent)]
    Forged(#[from] Forged),
    #[error("No such {kind}: {name}, or it belongs to nobody in a team with you")]
    NotTheirs { kind: &'static str, name: String },
    #[error("the {kind} `{name}` in this request is not there, or belongs to nobody in a team with you")]
    NamesOthers { kind: &'static str, name: String },
    #[error("there is a {kind} `{name}` of somebody else already: choose another name")]
    Taken { kind: &'static str, name: String },
    #[error(
        "the volume `{0}` may be somebody else's on another node of the swarm, where this cluster cannot look: use a volume without \
         a name or a tmpfs, or ask somebody with the role fullcontrol"
    )]
    Elsewhere(String),
    #[error(
        "starting from a checkpoint outside of the container (checkpoint-dir) is refused while only signed images run here, because \
         nobody signed what it holds"
    )]
    Checkpoint,
    #[error("the policy changed while this call was decided: try again")]
    Outdated,
    #[error(transparent)]
    Engine(#[from] EngineDown),
    #[error(transparent)]
    NotCleared(#[from] NotCleared),
    #[error("the connection is not known")]
    NoPeer,
}

impl From<Denial> for Refusal {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial)
    }
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::Unauthenticated | Self::Auth(AuthError::Refused(_)) => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_)
            | Self::CrossSite
            | Self::Builds
            | Self::Plugins
            | Self::Beyond(_)
            | Self::Forged(_)
            | Self::NamesOthers { .. }
            | Self::Elsewhere(_)
            | Self::Checkpoint => StatusCode::FORBIDDEN,
            Self::NotTheirs { .. } => StatusCode::NOT_FOUND,
            Self::Taken { .. } => StatusCode::CONFLICT,
            Self::Call(CallRefused::Unknown { .. }) => StatusCode::NOT_FOUND,
            Self::Call(CallRefused::Path(PathRefused::TooLong)) => StatusCode::URI_TOO_LONG,
            Self::Call(CallRefused::Path(_) | CallRefused::TooNew { .. } | CallRefused::TooOld { .. }) => StatusCode::BAD_REQUEST,
            Self::Body(NotWhole::BrokeOff) => StatusCode::BAD_REQUEST,
            Self::Body(NotWhole::TooSlow) => StatusCode::REQUEST_TIMEOUT,
            Self::Body(NotWhole::TooLong { .. }) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Busy(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Image(refused) => match refused {
                ImageCallRefused::AllTags(_)
                | ImageCallRefused::Runtime(_)
                | ImageCallRefused::Rollback(_)
                | ImageCallRefused::Return(_) => StatusCode::FORBIDDEN,
                ImageCallRefused::NotFromItsRegistry(_) => StatusCode::NOT_FOUND,
                ImageCallRefused::Undecided(_) => StatusCode::SERVICE_UNAVAILABLE,
                ImageCallRefused::Query(_)
                | ImageCallRefused::Json(_)
                | ImageCallRefused::Shape(_)
                | ImageCallRefused::NoImage
                | ImageCallRefused::TwoSources
                | ImageCallRefused::TwoTags => StatusCode::BAD_REQUEST,
            },
            Self::Denied(denial) | Self::NotOnRecord(denial) => {
                StatusCode::from_u16(denial.status()).unwrap_or(StatusCode::FORBIDDEN)
            }
            Self::Outdated | Self::Engine(_) | Self::Record(_) | Self::Auth(AuthError::Storage(_)) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::NotCleared(_) | Self::NoPeer => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Engine(down @ (EngineDown::Connect(_) | EngineDown::Broken(_) | EngineDown::Silent)) => {
                format!("{down}: is it running? `wharfinger doctor` on the cluster's machine says more")
            }
            other => other.to_string(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = self.status();
        let mut response = (status, Json(serde_json::json!({ "message": self.message() }))).into_response();
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if status == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(Busy::RETRY_AFTER));
        }
        response
    }
}
