//! `/repositories/{namespace}/{name}/tags/{tag}`: layers, configuration, children, referrers, signatures.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use http::StatusCode;
use wharfinger_oci::Tag;
use wharfinger_storage::repositories::ManifestSelector;

use super::Registry;
use super::history::{Asked, History, Piece};
use super::image::{Config, Image};
use super::looked_at::LookedAt;
use super::repository::Signature;
use super::trust_data::TrustData;
use crate::error::Refused;
use crate::page::{Page, Section, shown};
use crate::visitor::Guest;
use crate::words::moment;

#[derive(Template)]
#[template(path = "registry/tag.html")]
struct TagPage {
    page: Page,
    repository: LookedAt,
    tag: Tag,
    digest: String,
    author: String,
    created: String,
    updated: String,
    image: Image,
    config: Config,
    signature: Option<Signature>,
    /// Manifests that name this one as their subject: digest and type.
    referrers: Vec<(String, String)>,
    history: History,
}

pub(crate) async fn show(
    State(registry): State<Arc<Registry>>,
    Path((namespace, name, tag)): Path<(String, String, String)>,
    Query(asked): Query<Asked>,
    guest: Guest,
) -> Result<Response, Refused> {
    let repository = LookedAt::find(&registry, &guest, (&namespace, &name)).await?;
    let (name, content) = (&repository.record.name, &registry.console.content);
    let absent = || Refused::page(StatusCode::NOT_FOUND, format!("there is no tag `{tag}` in {name}"));
    let parsed: Tag = tag.parse().map_err(|_| absent())?;
    let record = content.tag(name, &parsed).await?.ok_or_else(absent)?;
    let manifest = content.manifest(name, &ManifestSelector::Digest(record.digest.clone())).await?;
    let image = manifest.as_ref().map(Image::of).unwrap_or_default();
    let trust = TrustData::read(&registry, name).await?;
    let about = (repository.image.as_str(), record.name.as_str());
    let history = History::of_tag(&registry, &guest, about, &asked, trust.as_ref()).await?;
    let signature = match &trust {
        Some(trust) => Signature::of(&registry, guest.account(), trust, &record.name, Some(&record.digest)).await?,
        None => None,
    };
    let referrers = content.referrers(name, &record.digest).await?;
    Ok(shown(&TagPage {
        page: Page::open(&registry, &guest, Section::Repositories, format!("{name}:{}", record.name)).await,
        config: Config::read(&*registry.console.blobs, &image).await?,
        tag: record.name,
        digest: record.digest.to_string(),
        author: record.author,
        created: moment(record.created_at),
        updated: moment(record.updated_at),
        image,
        signature,
        history,
        referrers: referrers.into_iter().map(|referrer| (referrer.digest.to_string(), referrer.media_type)).collect(),
        repository,
    }))
}
