//! `/auth/login`, `/id/`, `/id/logout`.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse as _;
use bytes::Bytes;
use http::{StatusCode, header};
use serde::Deserialize;
use serde_json::json;
use wharfinger_auth::Secret;

use super::Answer;
use crate::caller::{Caller, From};
use crate::error::json_body;
use crate::routes::AccountsApi;
use crate::wire;

#[derive(Deserialize)]
struct Login {
    username: String,
    password: Secret,
}

pub(crate) async fn login(State(api): State<AccountsApi>, From(address): From, body: Bytes) -> Answer {
    let login: Login = json_body(&body)?;
    let session = api.accounts.login(&login.username, &login.password, address).await?;
    let answer = Json(json!({ "auth_token": session.token.reveal() }));
    Ok(([(header::CACHE_CONTROL, "no-store")], answer).into_response())
}

pub(crate) async fn id(State(api): State<AccountsApi>, Caller(caller): Caller) -> Answer {
    let row = api.directory.account(&caller, caller.account.id.as_str()).await?;
    Ok(Json(wire::account(&row)).into_response())
}

pub(crate) async fn logout(State(api): State<AccountsApi>, Caller(caller): Caller) -> Answer {
    api.accounts.logout(&caller).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
