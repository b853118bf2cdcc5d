//! Repositories: made, listed, shown, changed, deleted.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use wharfinger_auth::{Action, RemovalError};
use wharfinger_identity::AccountName;
use wharfinger_oci::Repository;
use wharfinger_storage::repositories::{RepositoryChange, RepositoryRecord, Visibility};

use super::body;
use super::caller::Caller;
use super::error::Refusal;
use crate::registry::Registry;

type Answer = Result<Json<Value>, Refusal>;

/// How many repositories are looked at at once.
const STRIDE: u32 = 500;

/// A page of a listing: entries after `pageStart`, at most `pageSize`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page {
    page_start: Option<String>,
    page_size: Option<u32>,
}

impl Page {
    pub(super) fn size(&self) -> Result<u32, Refusal> {
        let size = self.page_size.unwrap_or(1000);
        if (1..=1000).contains(&size) { Ok(size) } else { Err(Refusal::InvalidPage) }
    }

    pub(super) fn start(&self) -> Option<&str> {
        self.page_start.as_deref()
    }
}

/// What DTR's clients send; what we do not have is taken only as off.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Fields {
    name: Option<String>,
    visibility: Option<Visibility>,
    short_description: Option<String>,
    long_description: Option<String>,
    immutable_tags: Option<bool>,
    scan_on_push: Option<bool>,
    enable_manifest_lists: Option<bool>,
    tag_limit: Option<u64>,
}

impl Fields {
    fn check(&self) -> Result<(), Refusal> {
        let refused = |what| Err(Refusal::InvalidJson(format!("{what} is not available here")));
        match self {
            Self { scan_on_push: Some(true), .. } => refused("`scanOnPush`"),
            Self { enable_manifest_lists: Some(false), .. } => refused("switching off `enableManifestLists`"),
            Self { tag_limit: Some(1..), .. } => refused("`tagLimit`"),
            _ => Ok(()),
        }
    }

    fn change(self) -> RepositoryChange {
        RepositoryChange {
            visibility: self.visibility,
            short_description: self.short_description,
            long_description: self.long_description,
            immutable_tags: self.immutable_tags,
        }
    }
}

/// `GET /api/v0/repositories`: those the caller may read.
pub(crate) async fn list(State(registry): State<Arc<Registry>>, caller: Caller, Query(page): Query<Page>) -> Answer {
    listed(&registry, &caller, None, &page).await
}

/// `GET /api/v0/repositories/{namespace}`.
pub(crate) async fn list_namespace(
    State(registry): State<Arc<Registry>>,
    Path(namespace): Path<String>,
    caller: Caller,
    Query(page): Query<Page>,
) -> Answer {
    listed(&registry, &caller, Some(&namespace), &page).await
}

async fn listed(registry: &Registry, caller: &Caller, namespace: Option<&str>, page: &Page) -> Answer {
    let size = page.size()? as usize;
    let (mut shown, mut after) = (Vec::new(), page.start().map(str::to_owned));
    while shown.len() < size {
        let records = registry.repositories.list(namespace, after.as_deref(), STRIDE).await?;
        let Some(last) = records.last() else { break };
        after = Some(last.name.to_string());
        for record in records {
            if shown.len() < size && registry.access.permits(caller.account(), &record.name, Action::Pull).await? {
                shown.push(render(registry, &record).await?);
            }
        }
    }
    Ok(Json(json!({ "repositories": shown })))
}

/// `POST /api/v0/repositories/{namespace}`. Private unless said otherwise.
pub(crate) async fn create(
    State(registry): State<Arc<Registry>>,
    Path(namespace): Path<String>,
    caller: Caller,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let account = caller.known()?;
    let fields: Fields = body::json(body).await?;
    fields.check()?;
    let short = fields.name.clone().ok_or_else(|| Refusal::InvalidJson("`name` is missing".to_owned()))?;
    let record = registry.access.make(account, (&namespace, &short), fields.change(), registry.clock.now()).await?;
    Ok((StatusCode::CREATED, Json(render(&registry, &record).await?)))
}

/// `GET /api/v0/repositories/{namespace}/{name}`.
pub(crate) async fn show(State(registry): State<Arc<Registry>>, Path(path): Path<(String, String)>, caller: Caller) -> Answer {
    let record = caller.reads(&registry, &full_name(&path.0, &path.1)?).await?;
    Ok(Json(render(&registry, &record).await?))
}

/// `PATCH /api/v0/repositories/{namespace}/{name}`.
pub(crate) async fn change(
    State(registry): State<Arc<Registry>>,
    Path(path): Path<(String, String)>,
    caller: Caller,
    body: Body,
) -> Answer {
    let name = full_name(&path.0, &path.1)?;
    let before = caller.administers(&registry, &name).await?;
    let fields: Fields = body::json(body).await?;
    fields.check()?;
    if fields.name.as_ref().is_some_and(|name| *name != path.1) {
        return Err(Refusal::InvalidJson("repositories are not renamed: their signatures hold the name".to_owned()));
    }
    let change = fields.change();
    let changed = registry.access.change(caller.account(), &before, &change, registry.clock.now()).await?;
    let record = changed.ok_or_else(|| Refusal::NoSuchRepository(name.to_string()))?;
    Ok(Json(render(&registry, &record).await?))
}

/// `DELETE /api/v0/repositories/{namespace}/{name}`: with all that is in it, but never with signed tags.
pub(crate) async fn delete(
    State(registry): State<Arc<Registry>>,
    Path(path): Path<(String, String)>,
    caller: Caller,
) -> Result<StatusCode, Refusal> {
    let name = full_name(&path.0, &path.1)?;
    caller.administers(&registry, &name).await?;
    registry.access.remove(caller.account(), &name, &*registry.signed).await.map_err(|error| match error {
        RemovalError::Signed(tags) => Refusal::RepositoryContainsTagsInNotary(tags),
        RemovalError::Absent | RemovalError::Moved => Refusal::NoSuchRepository(name.to_string()),
        RemovalError::Storage(error) => error.into(),
    })?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) fn full_name(namespace: &str, name: &str) -> Result<Repository, Refusal> {
    format!("{namespace}/{name}").parse().map_err(|error: wharfinger_oci::ReferenceError| Refusal::InvalidName(error.to_string()))
}

async fn render(registry: &Registry, record: &RepositoryRecord) -> Result<Value, Refusal> {
    let namespace = record.name.namespace();
    let account = match namespace.parse::<AccountName>() {
        Ok(name) => registry.accounts.find_named(&name).await?,
        Err(_) => None,
    };
    let kind = account.map_or("user", |account| if account.is_org { "organization" } else { "user" });
    Ok(json!({
        "name": record.name.as_str().split_once('/').map_or("", |(_, name)| name),
        "namespace": namespace,
        "namespaceType": kind,
        "shortDescription": record.short_description,
        "longDescription": record.long_description,
        "visibility": record.visibility,
        "immutableTags": record.immutable_tags,
        "scanOnPush": false,
        "enableManifestLists": true,
        "tagLimit": 0,
    }))
}
