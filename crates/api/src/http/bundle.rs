//! `GET|POST /api/clientbundle?label=`: a new key with everything that uses it.

use axum::extract::{Query, State};
use axum::response::IntoResponse as _;
use http::{StatusCode, header};
use serde::Deserialize;

use super::Answer;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::routes::AccountsApi;

#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    label: String,
}

pub(crate) async fn make(State(api): State<AccountsApi>, Caller(caller): Caller, Query(asked): Query<Asked>) -> Answer {
    let none = || ApiError::new(StatusCode::NOT_FOUND, "NOT_FOUND", "client bundles are made by clusters");
    let bundle = api.bundles.as_ref().ok_or_else(none)?.make(&caller, &asked.label).await?;
    let headers = [
        (header::CONTENT_TYPE, "application/zip".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", bundle.file_name)),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((headers, bundle.zip).into_response())
}
