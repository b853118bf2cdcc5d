//! `/accounts/{user}/publicKeys`.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::IntoResponse as _;
use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use wharfinger_auth::{KeyChanges, NewKey};

use super::{Answer, gone};
use crate::caller::Caller;
use crate::error::json_body;
use crate::routes::AccountsApi;
use crate::wire::{self, Paging};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Add {
    public_key: String,
    #[serde(default)]
    label: String,
    nonce: Option<String>,
    signature: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Update {
    label: Option<String>,
    login: Option<bool>,
}

pub(crate) async fn list(
    State(api): State<AccountsApi>,
    Caller(caller): Caller,
    Path(account): Path<String>,
    Query(paging): Query<Paging>,
) -> Answer {
    let listed = api.directory.keys(&caller, &account, &paging.page()?).await?;
    Ok(Json(wire::listed("accountPublicKeys", &listed, wire::key)).into_response())
}

pub(crate) async fn nonce(State(api): State<AccountsApi>, Caller(caller): Caller, Path(account): Path<String>) -> Answer {
    let nonce = api.directory.nonce(&caller, &account).await?;
    Ok(Json(json!({ "nonce": nonce.nonce, "expiresAt": nonce.expires.unix_timestamp() })).into_response())
}

pub(crate) async fn add(
    State(api): State<AccountsApi>,
    Caller(caller): Caller,
    Path(account): Path<String>,
    body: Bytes,
) -> Answer {
    let add: Add = json_body(&body)?;
    let new = NewKey { public_key: add.public_key, label: add.label, nonce: add.nonce, signature: add.signature };
    let key = api.directory.add_key(&caller, &account, new).await?;
    Ok((StatusCode::CREATED, Json(wire::key(&key))).into_response())
}

pub(crate) async fn show(
    State(api): State<AccountsApi>,
    Caller(caller): Caller,
    Path((account, key)): Path<(String, String)>,
) -> Answer {
    Ok(Json(wire::key(&api.directory.key(&caller, &account, &key).await?)).into_response())
}

pub(crate) async fn update(
    State(api): State<AccountsApi>,
    Caller(caller): Caller,
    Path((account, key)): Path<(String, String)>,
    body: Bytes,
) -> Answer {
    let update: Update = json_body(&body)?;
    let changes = KeyChanges { label: update.label, login: update.login };
    Ok(Json(wire::key(&api.directory.update_key(&caller, &account, &key, changes).await?)).into_response())
}

/// What deleting the key would take: asked before it happens.
pub(crate) async fn losses(
    State(api): State<AccountsApi>,
    Caller(caller): Caller,
    Path((account, key)): Path<(String, String)>,
) -> Answer {
    Ok(gone(api.directory.would_lose(&caller, &account, &key).await?))
}

pub(crate) async fn delete(
    State(api): State<AccountsApi>,
    Caller(caller): Caller,
    Path((account, key)): Path<(String, String)>,
) -> Answer {
    Ok(gone(api.directory.delete_key(&caller, &account, &key).await?))
}
