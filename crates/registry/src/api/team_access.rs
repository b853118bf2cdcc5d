//! What teams may do: with one repository, and with all of a namespace.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use wharfinger_auth::NamedTeam;
use wharfinger_identity::{Account, AccountName};
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
async fn team_named(registry: &Registry, namespace: &str, text: &str) -> Result<NamedTeam, Refusal> {
    registry.access.team_named(namespace, text).await?.ok_or_else(|| Refusal::NoSuchTeam(text.to_owned()))
}

async fn listed(registry: &Registry, scope: &Scope) -> Answer {
    let teams = registry.access.granted_teams(scope).await?;
    let list: Vec<Value> = teams.iter().map(|(team, level)| render(team, *level)).collect();
    Ok(Json(json!({ "teamAccessList": list })))
}

async fn shown(registry: &Registry, scope: &Scope, namespace: &str, text: &str) -> Answer {
    let named = team_named(registry, namespace, text).await?;
    let grants = registry.repositories.grants(scope).await?;
    let level = grants.into_iter().find(|(id, _)| *id == named.team.id).map(|(_, level)| level);
    level.map(|level| Json(render(&named, level))).ok_or(Refusal::NoTeamAccess(named.name))
}

async fn granted(registry: &Registry, caller: &Caller, scope: &Scope, namespace: &str, text: &str, body: Body) -> Answer {
    let named = team_named(registry, namespace, text).await?;
    let Grant { access_level } = body::json(body).await?;
    if !registry.access.grant(caller.account(), scope, &named, access_level).await? {
        return Err(Refusal::NoSuchRepository(namespace.to_owned()));
    }
    Ok(Json(render(&named, access_level)))
}

async fn revoked(
    registry: &Registry,
    caller: &Caller,
    scope: &Scope,
    namespace: &str,
    text: &str,
) -> Result<StatusCode, Refusal> {
    let named = team_named(registry, namespace, text).await?;
    if registry.access.revoke(caller.account(), scope, &named).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Refusal::NoTeamAccess(named.name))
    }
}

fn render(NamedTeam { name, team }: &NamedTeam, level: AccessLevel) -> Value {
    json!({ "accessLevel": level, "team": { "id": team.id, "name": name, "description": team.description } })
}
