//! `GET /v2/`: whether this is a registry, and whether the token is good.

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::Response;

use super::call::{Call, respond};
use super::error::Refusal;

pub(crate) async fn ping(call: Call<'_>) -> Result<Response, Refusal> {
    call.registry.access.anyone(call.bearer()).await?;
    Ok(respond(StatusCode::OK, [(header::CONTENT_TYPE, "application/json".to_owned())], Body::from("{}")))
}
