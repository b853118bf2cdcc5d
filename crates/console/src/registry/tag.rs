//! `/repositories/{namespace}/{name}/tags/{tag}`: layers, configuration, children, referrers, signatures.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query, Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::StatusCode;
use wharfinger_auth::RemovalError;
use wharfinger_oci::Tag;
use wharfinger_storage::repositories::{ManifestSelector, TagRecord};

use super::Registry;
use super::history::{Asked, History, Piece};
use super::image::{Config, Image};
use super::looked_at::LookedAt;
use super::repository::Signature;
use super::settings::not_removed;
use super::trust_data::TrustData;
use crate::error::Refused;
use crate::page::{Page, Section, render, shown};
use crate::pages::confirm::ConfirmPage;
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
    wrong: Option<String>,
}

pub(crate) async fn show(
    State(registry): State<Arc<Registry>>,
    Path((namespace, name, tag)): Path<(String, String, String)>,
    Query(asked): Query<Asked>,
    guest: Guest,
) -> Result<Response, Refused> {
    let repository = LookedAt::find(&registry, &guest, (&namespace, &name)).await?;
    let record = found(&registry, &repository, &tag).await?;
    page(&registry, &guest, repository, record, (&asked, None)).await
}

async fn found(registry: &Registry, repository: &LookedAt, tag: &str) -> Result<TagRecord, Refused> {
    let name = &repository.record.name;
    let absent = || Refused::page(StatusCode::NOT_FOUND, format!("there is no tag `{tag}` in {name}"));
    let parsed: Tag = tag.parse().map_err(|_| absent())?;
    registry.console.content.tag(name, &parsed).await?.ok_or_else(absent)
}

/// The page, with the part of the history that was asked for, and what went wrong.
async fn page(
    registry: &Arc<Registry>,
    guest: &Guest,
    repository: LookedAt,
    record: TagRecord,
    (asked, wrong): (&Asked, Option<(StatusCode, String)>),
) -> Result<Response, Refused> {
    let (name, content) = (&repository.record.name, &registry.console.content);
    let manifest = content.manifest(name, &ManifestSelector::Digest(record.digest.clone())).await?;
    let image = manifest.as_ref().map(Image::of).unwrap_or_default();
    let trust = TrustData::read(registry, name).await?;
    let about = (repository.image.as_str(), record.name.as_str());
    let history = History::of_tag(registry, guest, about, asked, trust.as_ref()).await?;
    let signature = match &trust {
        Some(trust) => Signature::of(registry, guest.account(), trust, &record.name, Some(&record.digest)).await?,
        None => None,
    };
    let referrers = content.referrers(name, &record.digest).await?;
    let (status, wrong) = wrong.map_or((StatusCode::OK, None), |(status, wrong)| (status, Some(wrong)));
    let page = TagPage {
        page: Page::open(registry, guest, Section::Repositories, format!("{name}:{}", record.name)).await,
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
        wrong,
    };
    Ok(render(status, &page))
}

/// Asked first, and never while it is signed: the trust data would go on to promise what is not there.
pub(crate) async fn delete(
    State(registry): State<Arc<Registry>>,
    Path((namespace, name, tag)): Path<(String, String, String)>,
    request: Request,
) -> Result<Response, Refused> {
    let (guest, fields, repository) = LookedAt::posted(&registry, (&namespace, &name), request).await?;
    let record = found(&registry, &repository, &tag).await?;
    let (console, name, digest) = (&registry.console, &repository.record.name, record.digest.to_string());
    let done = match console.trust.released(name).await?.get(record.name.as_str()) {
        Some(signed) => Err(Refused::page(
            StatusCode::CONFLICT,
            format!(
                "{} is signed: its signature on {signed} would stay, and clients would look for what is not there. Revoke it first:                  docker trust revoke {}:{}",
                record.name, repository.image, record.name
            ),
        )),
        None if !fields.checked("confirmed") => {
            let says = format!(
                "Nobody pulls {name} by this tag any more. It is not signed. The image itself stays, for other tags and for who names                  its digest, {digest}."
            );
            let page = Page::open(&registry, &guest, Section::Repositories, format!("Delete {name}:{}?", record.name)).await;
            let (sent, button) = (vec![("do", "delete".to_owned()), ("digest", digest)], format!("Delete {}", record.name));
            return Ok(shown(&ConfirmPage::new(page, says, &repository.tag_path(&record.name), sent, button)));
        }
        None if fields.text("digest") != digest => Err(not_removed(RemovalError::Moved)),
        None => {
            let within = (&*console.content, &*console.trust);
            console.access.remove_tag(guest.account(), name, &record, within).await.map_err(not_removed)
        }
    };
    if let Err(refused) = done {
        let wrong = refused.in_form()?;
        return page(&registry, &guest, repository, record, (&Asked::default(), Some(wrong))).await;
    }
    registry.leave(&guest, format!("The tag {} is deleted.", record.name)).await;
    Ok(Redirect::to(&repository.path).into_response())
}
