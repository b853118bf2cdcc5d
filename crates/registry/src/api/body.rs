//! JSON bodies. People script this with plain `curl -d`, so the content type does not matter.

use axum::body::Body;
use http_body_util::{BodyExt as _, Limited};
use serde::de::DeserializeOwned;

use super::error::Refusal;

const LIMIT: usize = 256 * 1024;

pub(super) async fn json<T: DeserializeOwned>(body: Body) -> Result<T, Refusal> {
    let collected = Limited::new(body, LIMIT).collect().await;
    let collected = collected.map_err(|_| Refusal::InvalidJson(format!("the body broke off or is larger than {LIMIT} bytes")))?;
    serde_json::from_slice(&collected.to_bytes()).map_err(|error| Refusal::InvalidJson(error.to_string()))
}
