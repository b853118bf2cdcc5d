//! `/accounts/` and `/accounts/{name or id}`.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::IntoResponse as _;
use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use wharfinger_auth::{AccountChanges, NewAccount, Secret};
use wharfinger_identity::Role;
use wharfinger_storage::accounts::AccountFilter;

use super::{Answer, gone};
use crate::caller::{Caller, From};
use crate::error::{ApiError, json_body};
use crate::routes::AccountsApi;
use crate::wire::{self, Paging};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Create {
    name: String,
    password: Option<Secret>,
    #[serde(default)]
    full_name: String,
    #[serde(default)]
    is_org: bool,
    #[serde(default)]
    is_admin: bool,
    is_active: Option<bool>,
    role: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Update {
    full_name: Option<String>,
    is_admin: Option<bool>,
    is_active: Option<bool>,
    role: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ChangePassword {
    old_password: Option<Secret>,
    new_password: Secret,
}

fn role(text: Option<&str>) -> Result<Option<Role>, ApiError> {
    text.map(str::parse)
        .transpose()
        .map_err(|error: wharfinger_identity::UnknownRole| ApiError::invalid("role", error.to_string()))
}

fn filter(text: Option<&str>) -> Result<AccountFilter, ApiError> {
    match text {
        None | Some("" | "all") => Ok(AccountFilter::All),
        Some("users") => Ok(AccountFilter::Users),
        Some("orgs") => Ok(AccountFilter::Orgs),
        Some("admins") => Ok(AccountFilter::Admins),
        Some("non-admins") => Ok(AccountFilter::NonAdmins),
        Some("active-users") => Ok(AccountFilter::ActiveUsers),
        Some("inactive-users") => Ok(AccountFilter::InactiveUsers),
        Some(_) => Err(ApiError::invalid("filter", "all, users, orgs, admins, non-admins, active-users or inactive-users")),
    }
}

pub(crate) async fn list(State(api): State<AccountsApi>, Caller(caller): Caller, Query(paging): Query<Paging>) -> Answer {
    let listed = api.directory.accounts(&caller, filter(paging.filter.as_deref())?, &paging.page()?).await?;
    Ok(Json(wire::listed("accounts", &listed, wire::account)).into_response())
}

pub(crate) async fn create(State(api): State<AccountsApi>, Caller(caller): Caller, body: Bytes) -> Answer {
    let create: Create = json_body(&body)?;
    let new = NewAccount {
        name: create.name,
        password: create.password,
        full_name: create.full_name,
        is_org: create.is_org,
        is_admin: create.is_admin,
        is_active: create.is_active,
        role: role(create.role.as_deref())?,
    };
    let row = api.directory.create_account(&caller, new).await?;
    Ok((StatusCode::CREATED, Json(wire::account(&row))).into_response())
}

pub(crate) async fn show(State(api): State<AccountsApi>, Caller(caller): Caller, Path(account): Path<String>) -> Answer {
    let row = api.directory.account(&caller, &account).await?;
    Ok(Json(wire::account(&row)).into_response())
}

pub(crate) async fn update(
    State(api): State<AccountsApi>,
    Caller(caller): Caller,
    Path(account): Path<String>,
    body: Bytes,
) -> Answer {
    let update: Update = json_body(&body)?;
    let changes = AccountChanges {
        full_name: update.full_name,
        is_admin: update.is_admin,
        is_active: update.is_active,
        role: role(update.role.as_deref())?,
    };
    let (row, lost) = api.directory.update_account(&caller, &account, changes).await?;
    let mut answer = wire::account(&row);
    if let (Some(tags), Some(fields)) = (lost.tags, answer.as_object_mut()) {
        fields.insert("tagsLosingASigner".to_owned(), tags.into());
    }
    Ok(Json(answer).into_response())
}

pub(crate) async fn delete(State(api): State<AccountsApi>, Caller(caller): Caller, Path(account): Path<String>) -> Answer {
    Ok(gone(api.directory.delete_account(&caller, &account).await?))
}

pub(crate) async fn change_password(
    State(api): State<AccountsApi>,
    Caller(caller): Caller,
    From(address): From,
    Path(account): Path<String>,
    body: Bytes,
) -> Answer {
    let change: ChangePassword = json_body(&body)?;
    let old = change.old_password.as_ref();
    api.directory.change_password(&caller, &account, old, &change.new_password, address).await?;
    let row = api.directory.account(&caller, &account).await?;
    Ok(Json(wire::account(&row)).into_response())
}
