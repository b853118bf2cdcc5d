//! JSON bodies. People script this with plain `curl -d`, so the content type does not matter.

use axum::body::Body;
use serde::de::DeserializeOwned;
use wharfinger_transport::whole_body;

use super::error::Refusal;

const LIMIT: usize = 256 * 1024;

pub(super) async fn json<T: DeserializeOwned>(body: Body) -> Result<T, Refusal> {
    let whole = whole_body(body, LIMIT).await.map_err(|error| Refusal::InvalidJson(error.to_string()))?;
    serde_json::from_slice(&whole).map_err(|error| Refusal::InvalidJson(error.to_string()))
}
