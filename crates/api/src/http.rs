//! Handlers: extract, call one function, render.

pub(crate) mod accounts;
pub(crate) mod bundle;
pub(crate) mod keys;
pub(crate) mod login;
pub(crate) mod orgs;
pub(crate) mod teams;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use wharfinger_auth::Lost;

use crate::error::ApiError;
use crate::wire::Losses;

type Answer = Result<Response, ApiError>;

/// 204, or the tags that lost a signer where that is known.
fn gone(lost: Lost) -> Response {
    match Losses::of(lost) {
        Some(losses) => Json(losses).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    }
}
