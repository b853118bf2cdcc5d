//! `/accounts/{org}/members`.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::IntoResponse as _;
use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use wharfinger_auth::MemberChange;

use super::Answer;
use crate::caller::Caller;
use crate::error::json_body;
use crate::routes::AccountsApi;
use crate::wire::{self, Paging};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Put {
    is_admin: Option<bool>,
}

pub(crate) async fn members(
    State(api): State<AccountsApi>,
    Caller(caller): Caller,
    Path(org): Path<String>,
    Query(paging): Query<Paging>,
) -> Answer {
    let listed = api.directory.members(&caller, &org, &paging.page()?).await?;
    Ok(Json(wire::listed("members", &listed, wire::member)).into_response())
}

pub(crate) async fn member(
    State(api): State<AccountsApi>,
    Caller(caller): Caller,
    Path((org, user)): Path<(String, String)>,
) -> Answer {
    Ok(Json(wire::member(&api.directory.member(&caller, &org, &user).await?)).into_response())
}

pub(crate) async fn put(
    State(api): State<AccountsApi>,
    Caller(caller): Caller,
    Path((org, user)): Path<(String, String)>,
    body: Bytes,
) -> Answer {
    let put: Put = json_body(&body)?;
    let row = api.directory.put_member(&caller, &org, &user, MemberChange { is_admin: put.is_admin }).await?;
    Ok(Json(wire::member(&row)).into_response())
}

pub(crate) async fn remove(
    State(api): State<AccountsApi>,
    Caller(caller): Caller,
    Path((org, user)): Path<(String, String)>,
) -> Answer {
    api.directory.remove_member(&caller, &org, &user).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
