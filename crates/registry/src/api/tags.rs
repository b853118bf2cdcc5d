//! Tags, with what the trust data says of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use futures_util::TryStreamExt as _;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use wharfinger_auth::{Action, RemovalError};
use wharfinger_oci::{Digest, Repository, Tag};
use wharfinger_storage::repositories::{ManifestSelector, TagRecord};

use super::caller::Caller;
use super::error::Refusal;
use super::repositories::{Page, full_name};
use crate::distribution::parse_manifest;
use crate::registry::Registry;

/// Image configurations are small; a larger one is not looked into.
const CONFIG_LIMIT: u64 = 1024 * 1024;

type Signed = BTreeMap<String, Digest>;

/// `GET …/tags`.
pub(crate) async fn list(
    State(registry): State<Arc<Registry>>,
    Path(path): Path<(String, String)>,
    caller: Caller,
    Query(page): Query<Page>,
) -> Result<Json<Value>, Refusal> {
    let name = full_name(&path.0, &path.1)?;
    caller.reads(&registry, &name).await?;
    let signed = registry.signed.released(&name).await?;
    let mut tags = Vec::new();
    for tag in registry.content.tags(&name, page.start(), page.size()?).await? {
        tags.push(render(&registry, &name, &tag, &signed).await?);
    }
    Ok(Json(Value::Array(tags)))
}

/// `GET …/tags/{tag}`.
pub(crate) async fn show(
    State(registry): State<Arc<Registry>>,
    Path((namespace, name, tag)): Path<(String, String, String)>,
    caller: Caller,
) -> Result<Json<Value>, Refusal> {
    let name = full_name(&namespace, &name)?;
    caller.reads(&registry, &name).await?;
    let record = found(&registry, &name, &tag).await?;
    let signed = registry.signed.released(&name).await?;
    Ok(Json(render(&registry, &name, &record, &signed).await?))
}

/// `DELETE …/tags/{tag}`: the manifest stays, a signed tag too.
pub(crate) async fn delete(
    State(registry): State<Arc<Registry>>,
    Path((namespace, name, tag)): Path<(String, String, String)>,
    caller: Caller,
) -> Result<StatusCode, Refusal> {
    let name = full_name(&namespace, &name)?;
    caller.may(&registry, &name, Action::Delete, "the right to delete from the repository").await?;
    let record = found(&registry, &name, &tag).await?;
    let within = (&*registry.content, &*registry.signed);
    registry.access.remove_tag(caller.account(), &name, &record, within).await.map_err(|error| match error {
        RemovalError::Signed(_) => Refusal::TagInNotary(tag),
        RemovalError::Absent => Refusal::NoSuchTag(tag),
        RemovalError::Moved => Refusal::TagMoved(tag),
        RemovalError::Storage(error) => error.into(),
    })?;
    Ok(StatusCode::NO_CONTENT)
}

async fn found(registry: &Registry, name: &Repository, tag: &str) -> Result<TagRecord, Refusal> {
    let absent = || Refusal::NoSuchTag(tag.to_owned());
    let parsed: Tag = tag.parse().map_err(|_| absent())?;
    registry.content.tag(name, &parsed).await?.ok_or_else(absent)
}

async fn render(registry: &Registry, name: &Repository, tag: &TagRecord, signed: &Signed) -> Result<Value, Refusal> {
    let released = signed.get(tag.name.as_str());
    Ok(json!({
        "name": tag.name.as_str(),
        "digest": tag.digest,
        "author": tag.author,
        "createdAt": tag.created_at.format(&Rfc3339).unwrap_or_default(),
        "updatedAt": tag.updated_at.format(&Rfc3339).unwrap_or_default(),
        "inNotary": released.is_some(),
        "hashMismatch": released.is_some_and(|released| *released != tag.digest),
        "manifest": manifest(registry, name, &tag.digest).await?,
    }))
}

/// What the manifest says of itself; an index has no size and platform of its own.
async fn manifest(registry: &Registry, name: &Repository, digest: &Digest) -> Result<Value, Refusal> {
    let Some(record) = registry.content.manifest(name, &ManifestSelector::Digest(digest.clone())).await? else {
        return Ok(Value::Null);
    };
    let mut shown = json!({ "digest": digest, "mediaType": record.media_type, "os": null, "architecture": null, "size": null });
    let Ok(parsed) = parse_manifest(Some(&record.media_type), &record.content) else { return Ok(shown) };
    if let Some(config) = parsed.config {
        shown["size"] = parsed.size.into();
        shown["configDigest"] = config.digest.as_str().into();
        if let Some(config) = small_blob(registry, &config.digest).await? {
            for key in ["os", "architecture"] {
                shown[key] = config.get(key).filter(|value| value.is_string()).cloned().unwrap_or_default();
            }
        }
    }
    Ok(shown)
}

/// A blob's JSON; `None` when it is large, damaged, or no JSON.
async fn small_blob(registry: &Registry, digest: &Digest) -> Result<Option<Value>, Refusal> {
    let Some(opened) = registry.blobs.open(digest, None).await? else { return Ok(None) };
    if opened.size > CONFIG_LIMIT {
        return Ok(None);
    }
    let bytes: Result<Vec<u8>, _> = opened.content.map_ok(|bytes| bytes.to_vec()).try_concat().await;
    Ok(bytes.ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}
