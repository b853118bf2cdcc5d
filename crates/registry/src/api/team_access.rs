//! What teams may do: with one repository, and with all of a namespace.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use wharfinger_identity::{Account, AccountName, Team, TeamId};
use wharfinger_storage::repositories::{AccessLevel, Scope};

use super::body;
use super::caller::Caller;
use super::error::Refusal;
use super::repositories::full_name;
use crate::registry::Registry;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Grant {
    access_level: AccessLevel,
}

type Answer = Result<Json<Value>, Refusal>;
type OnRepository = Path<(String, String, String)>;
type OnNamespace = Path<(String, String)>;

/// `GET /api/v0/repositories/{namespace}/{name}/teamAccess`.
pub(crate) async fn list(State(registry): State<Arc<Registry>>, Path(path): Path<(String, String)>, caller: Caller) -> Answer {
    let scope = repository(&registry, &caller, &path.0, &path.1).await?;
    listed(&registry, &scope).await
}

/// `GET /api/v0/repositories/{namespace}/{name}/teamAccess/{team}`.
pub(crate) async fn show(State(registry): State<Arc<Registry>>, Path(path): OnRepository, caller: Caller) -> Answer {
    let scope = repository(&registry, &caller, &path.0, &path.1).await?;
    shown(&registry, &scope, &path.0, &path.2).await
}

/// `PUT /api/v0/repositories/{namespace}/{name}/teamAccess/{team}` `{"accessLevel":"read-only"|"read-write"|"admin"}`.
pub(crate) async fn grant(State(registry): State<Arc<Registry>>, Path(path): OnRepository, caller: Caller, body: Body) -> Answer {
    let scope = repository(&registry, &caller, &path.0, &path.1).await?;
    granted(&registry, &caller, &scope, &path.0, &path.2, body).await
}

/// `DELETE /api/v0/repositories/{namespace}/{name}/teamAccess/{team}`.
pub(crate) async fn revoke(
    State(registry): State<Arc<Registry>>,
    Path(path): OnRepository,
    caller: Caller,
) -> Result<StatusCode, Refusal> {
    let scope = repository(&registry, &caller, &path.0, &path.1).await?;
    revoked(&registry, &caller, &scope, &path.0, &path.2).await
}

/// `GET /api/v0/repositoryNamespaces/{namespace}/teamAccess`.
pub(crate) async fn list_on_namespace(State(registry): State<Arc<Registry>>, Path(name): Path<String>, caller: Caller) -> Answer {
    listed(&registry, &namespace(&registry, &caller, &name).await?).await
}

/// `GET /api/v0/repositoryNamespaces/{namespace}/teamAccess/{team}`.
pub(crate) async fn show_on_namespace(State(registry): State<Arc<Registry>>, Path(path): OnNamespace, caller: Caller) -> Answer {
    let scope = namespace(&registry, &caller, &path.0).await?;
    shown(&registry, &scope, &path.0, &path.1).await
}

/// `PUT /api/v0/repositoryNamespaces/{namespace}/teamAccess/{team}`: for what is there and what is still to come.
pub(crate) async fn grant_on_namespace(
    State(registry): State<Arc<Registry>>,
    Path(path): OnNamespace,
    caller: Caller,
    body: Body,
) -> Answer {
    let scope = namespace(&registry, &caller, &path.0).await?;
    granted(&registry, &caller, &scope, &path.0, &path.1, body).await
}

/// `DELETE /api/v0/repositoryNamespaces/{namespace}/teamAccess/{team}`.
pub(crate) async fn revoke_on_namespace(
    State(registry): State<Arc<Registry>>,
    Path(path): OnNamespace,
    caller: Caller,
) -> Result<StatusCode, Refusal> {
    let scope = namespace(&registry, &caller, &path.0).await?;
    revoked(&registry, &caller, &scope, &path.0, &path.1).await
}

async fn repository(registry: &Registry, caller: &Caller, namespace: &str, name: &str) -> Result<Scope, Refusal> {
    Ok(Scope::Repository(caller.administers(registry, &full_name(namespace, name)?).await?.name))
}

/// A namespace is its owner's: an organization's admins', a user's own, and every administrator's.
async fn namespace(registry: &Registry, caller: &Caller, name: &str) -> Result<Scope, Refusal> {
    let account = caller.known()?;
    let owner = account_named(registry, name).await?;
    let owns = match &owner {
        _ if account.is_admin => true,
        Some(owner) if owner.id == account.id => true,
        Some(owner) if owner.is_org => {
            registry.accounts.directory().member(&owner.id, &account.id).await?.is_some_and(|member| member.is_admin)
        }
        _ => false,
    };
    if !owns {
        return Err(Refusal::NotAuthorized("admin access to the namespace"));
    }
    owner.map(|owner| Scope::Namespace(owner.name)).ok_or_else(|| Refusal::NoSuchAccount(name.to_owned()))
}

async fn account_named(registry: &Registry, name: &str) -> Result<Option<Account>, Refusal> {
    match name.parse::<AccountName>() {
        Ok(name) => Ok(registry.accounts.find_named(&name).await?),
        Err(_) => Ok(None),
    }
}

/// A team by `org/team`, by its name alone in an organization's namespace, or by its id.
async fn team_named(registry: &Registry, namespace: &str, text: &str) -> Result<(String, Team), Refusal> {
    let absent = || Refusal::NoSuchTeam(text.to_owned());
    let directory = registry.accounts.directory();
    let (org, name) = text.split_once('/').unwrap_or((namespace, text));
    if let (Some(org), Ok(name)) = (account_named(registry, org).await?.filter(|org| org.is_org), name.parse())
        && let Some(team) = directory.team_named(&org.id, &name).await?
    {
        return Ok((format!("{}/{}", org.name, team.name), team));
    }
    let team = directory.team(&TeamId::stored(text)).await?.ok_or_else(absent)?;
    let org = registry.accounts.find(&team.org).await?.ok_or_else(absent)?;
    Ok((format!("{}/{}", org.name, team.name), team))
}

async fn listed(registry: &Registry, scope: &Scope) -> Answer {
    let mut list = Vec::new();
    for (id, level) in registry.repositories.grants(scope).await? {
        // A team that is gone grants nothing any more.
        let Some(team) = registry.accounts.directory().team(&id).await? else { continue };
        let Some(org) = registry.accounts.find(&team.org).await? else { continue };
        list.push(render(&format!("{}/{}", org.name, team.name), &team, level));
    }
    Ok(Json(json!({ "teamAccessList": list })))
}

async fn shown(registry: &Registry, scope: &Scope, namespace: &str, text: &str) -> Answer {
    let (name, team) = team_named(registry, namespace, text).await?;
    let grants = registry.repositories.grants(scope).await?;
    let level = grants.into_iter().find(|(id, _)| *id == team.id).map(|(_, level)| level);
    level.map(|level| Json(render(&name, &team, level))).ok_or(Refusal::NoTeamAccess(name))
}

async fn granted(registry: &Registry, caller: &Caller, scope: &Scope, namespace: &str, text: &str, body: Body) -> Answer {
    let (name, team) = team_named(registry, namespace, text).await?;
    let Grant { access_level } = body::json(body).await?;
    record(registry, caller, scope, "access.grant", json!({ "team": name, "team_id": team.id, "level": access_level })).await?;
    if !registry.repositories.grant(scope, &team.id, access_level).await? {
        return Err(Refusal::NoSuchRepository(namespace.to_owned()));
    }
    Ok(Json(render(&name, &team, access_level)))
}

async fn revoked(
    registry: &Registry,
    caller: &Caller,
    scope: &Scope,
    namespace: &str,
    text: &str,
) -> Result<StatusCode, Refusal> {
    let (name, team) = team_named(registry, namespace, text).await?;
    let had = registry.repositories.grants(scope).await?.into_iter().find(|(id, _)| *id == team.id);
    let (_, level) = had.ok_or_else(|| Refusal::NoTeamAccess(name.clone()))?;
    record(registry, caller, scope, "access.revoke", json!({ "team": name, "team_id": team.id, "level": level })).await?;
    if registry.repositories.revoke(scope, &team.id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Refusal::NoTeamAccess(name))
    }
}

async fn record(registry: &Registry, caller: &Caller, scope: &Scope, action: &str, detail: Value) -> Result<(), Refusal> {
    let object = match scope {
        Scope::Repository(name) => name.to_string(),
        Scope::Namespace(name) => format!("{name}/*"),
    };
    Ok(registry.access.record(caller.account(), action, &object, detail).await?)
}

fn render(name: &str, team: &Team, level: AccessLevel) -> Value {
    json!({ "accessLevel": level, "team": { "id": team.id, "name": name, "description": team.description } })
}
