//! `/accounts/{org}/teams` and their members.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::IntoResponse as _;
use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use wharfinger_auth::{NewTeam, TeamChanges};

use super::Answer;
use crate::caller::Caller;
use crate::error::json_body;
use crate::routes::AccountsApi;
use crate::wire::{self, Paging};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    name: String,
    #[serde(default)]
    description: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Update {
    name: Option<String>,
    description: Option<String>,
}

pub(crate) async fn list(
    State(api): State<AccountsApi>,
    Caller(caller): Caller,
    Path(org): Path<String>,
    Query(paging): Query<Paging>,
) -> Answer {
    let listed = api.directory.teams(&caller, &org, &paging.page()?).await?;
    Ok(Json(wire::listed("teams", &listed, wire::team)).into_response())
}

pub(crate) async fn create(
    State(api): State<AccountsApi>,
    Caller(caller): Caller,
    Path(org): Path<String>,
    body: Bytes,
) -> Answer {
    let create: Create = json_body(&body)?;
    let new = NewTeam { name: create.name, description: create.description };
    let row = api.directory.create_team(&caller, &org, new).await?;
    Ok((StatusCode::CREATED, Json(wire::team(&row))).into_response())
}

pub(crate) async fn show(
    State(api): State<AccountsApi>,
    Caller(caller): Caller,
    Path((org, team)): Path<(String, String)>,
) -> Answer {
    Ok(Json(wire::team(&api.directory.team_of(&caller, &org, &team).await?)).into_response())
}

pub(crate) async fn update(
    State(api): State<AccountsApi>,
    Caller(caller): Caller,
    Path((org, team)): Path<(String, String)>,
    body: Bytes,
) -> Answer {
    let update: Update = json_body(&body)?;
    let changes = TeamChanges { name: update.name, description: update.description };
    Ok(Json(wire::team(&api.directory.update_team(&caller, &org, &team, changes).await?)).into_response())
}

pub(crate) async fn delete(
    State(api): State<AccountsApi>,
    Caller(caller): Caller,
    Path((org, team)): Path<(String, String)>,
) -> Answer {
    api.directory.delete_team(&caller, &org, &team).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(crate) async fn members(
    State(api): State<AccountsApi>,
    Caller(caller): Caller,
    Path((org, team)): Path<(String, String)>,
    Query(paging): Query<Paging>,
) -> Answer {
    let listed = api.directory.team_members(&caller, &org, &team, &paging.page()?).await?;
    Ok(Json(wire::listed("members", &listed, wire::member)).into_response())
}

pub(crate) async fn put_member(
    State(api): State<AccountsApi>,
    Caller(caller): Caller,
    Path((org, team, user)): Path<(String, String, String)>,
) -> Answer {
    Ok(Json(wire::member(&api.directory.put_team_member(&caller, &org, &team, &user).await?)).into_response())
}

pub(crate) async fn remove_member(
    State(api): State<AccountsApi>,
    Caller(caller): Caller,
    Path((org, team, user)): Path<(String, String, String)>,
) -> Answer {
    api.directory.remove_team_member(&caller, &org, &team, &user).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
