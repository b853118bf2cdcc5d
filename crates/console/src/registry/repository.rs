//! `/repositories/{namespace}/{name}` and `…/tags`: what is in it, and what is signed of it.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;
use time::OffsetDateTime;
use wharfinger_identity::Account;
use wharfinger_oci::{Digest, Tag};
use wharfinger_storage::repositories::{ManifestSelector, TagRecord};

use super::Registry;
use super::image::{Config, Image};
use super::looked_at::LookedAt;
use super::trust_data::TrustData;
use crate::error::Refused;
use crate::page::{Page, Section, shown};
use crate::visitor::Guest;
use crate::words::{moment, short};

/// Tags of one page.
const MANY: u32 = 50;

#[derive(Deserialize)]
pub(crate) struct Asked {
    /// The tag after which the page begins.
    #[serde(default)]
    after: String,
}

/// What the trust data says of a tag.
pub(crate) struct Signature {
    pub(crate) digest: Digest,
    /// It stands on another digest than the tag.
    pub(crate) mismatch: bool,
    pub(crate) signers: Vec<SignedBy>,
    pub(crate) expires: String,
    pub(crate) expired: bool,
}

/// A role that has signed, and with which keys.
pub(crate) struct SignedBy {
    pub(crate) role: String,
    /// Key and account; the account is told to whoever has signed in, if the key is of one here.
    pub(crate) keys: Vec<(String, Option<String>)>,
}

impl SignedBy {
    /// `qa (quinn)`; `quinn` alone where the role has her name.
    pub(crate) fn words(&self) -> String {
        let mut people: Vec<&str> = self.keys.iter().filter_map(|(_, account)| account.as_deref()).collect();
        people.dedup();
        if people.is_empty() || people == [self.role.as_str()] {
            self.role.clone()
        } else {
            format!("{} ({})", self.role, people.join(", "))
        }
    }
}

impl Signature {
    /// `None`: the tag is not signed. `digest` is what the tag stands on, if it is in the registry.
    pub(crate) async fn of(
        registry: &Registry,
        account: Option<&Account>,
        trust: &TrustData,
        tag: &Tag,
        digest: Option<&Digest>,
    ) -> Result<Option<Self>, Refused> {
        let Some(released) = trust.released(tag) else { return Ok(None) };
        let mut signers = Vec::new();
        for signer in trust.signers(tag) {
            let mut keys = Vec::new();
            for key in signer.keys {
                let owner = match key.public.as_ref().filter(|_| account.is_some()) {
                    Some(public) => registry.console.accounts.owner_of(public).await?,
                    None => None,
                };
                keys.push((key.id.to_string(), owner.map(|owner| owner.account.name.to_string())));
            }
            signers.push(SignedBy { role: signer.role.name.short().to_owned(), keys });
        }
        let expires = trust.expires().unwrap_or(OffsetDateTime::UNIX_EPOCH);
        Ok(Some(Self {
            mismatch: digest.is_some_and(|digest| *digest != released),
            digest: released,
            signers,
            expires: moment(expires),
            expired: expires <= registry.console.clock.now(),
        }))
    }
}

struct Row {
    name: Tag,
    path: String,
    size: String,
    digest: String,
    /// The first letters of it.
    short: String,
    platforms: Vec<String>,
    author: String,
    updated: String,
    signature: Option<Signature>,
}

/// A signed tag that is not in the registry.
struct Missing {
    name: Tag,
    digest: String,
}

#[derive(Template)]
#[template(path = "registry/repository.html")]
struct RepositoryPage {
    page: Page,
    repository: LookedAt,
    /// Whether anything was ever signed in it.
    trusted: bool,
    rows: Vec<Row>,
    first: bool,
    next: Option<String>,
    missing: Vec<Missing>,
}

pub(crate) async fn show(
    State(registry): State<Arc<Registry>>,
    Path((namespace, name)): Path<(String, String)>,
    Query(asked): Query<Asked>,
    guest: Guest,
) -> Result<Response, Refused> {
    let repository = LookedAt::find(&registry, &guest, (&namespace, &name)).await?;
    let (name, content) = (&repository.record.name, &registry.console.content);
    let trust = TrustData::read(&registry, name).await?;
    let after = Some(asked.after.as_str()).filter(|after| !after.is_empty());
    let (tags, missing, next) = one_page(content.tags(name, after, MANY).await?, trust.as_ref(), after.unwrap_or_default());
    let mut rows = Vec::new();
    for tag in tags {
        let manifest = content.manifest(name, &ManifestSelector::Digest(tag.digest.clone())).await?;
        let image = manifest.as_ref().map(Image::of).unwrap_or_default();
        let config = Config::read(&*registry.console.blobs, &image).await?;
        let signature = match &trust {
            Some(trust) => Signature::of(&registry, guest.account(), trust, &tag.name, Some(&tag.digest)).await?,
            None => None,
        };
        let platforms = config.platform.map_or_else(|| image.platforms(), |platform| vec![platform]);
        rows.push(Row {
            path: repository.tag_path(&tag.name),
            size: image.size_words(),
            digest: tag.digest.to_string(),
            short: short(tag.digest.as_str()),
            platforms,
            author: tag.author,
            updated: moment(tag.updated_at),
            name: tag.name,
            signature,
        });
    }
    Ok(shown(&RepositoryPage {
        page: Page::open(&registry, &guest, Section::Repositories, repository.name()).await,
        trusted: trust.is_some(),
        rows,
        first: after.is_none(),
        next,
        missing,
        repository,
    }))
}

/// Of the tags that are pushed or signed, in order of their names, those of one page: the pushed ones, those that are only signed, and
/// after which the next page begins.
fn one_page(pushed: Vec<TagRecord>, trust: Option<&TrustData>, after: &str) -> (Vec<TagRecord>, Vec<Missing>, Option<String>) {
    let many = MANY as usize;
    // Up to there all pushed tags are known.
    let end = if pushed.len() == many { pushed.last().map(|tag| tag.name.to_string()) } else { None };
    let within = |tag: &str| tag > after && end.as_deref().is_none_or(|end| tag < end);
    let unpushed = |tag: &str| pushed.iter().all(|pushed| pushed.name.as_str() != tag);
    let mut missing: Vec<Missing> = trust
        .iter()
        .flat_map(|trust| trust.tags())
        .filter(|(tag, _)| within(tag.as_str()) && unpushed(tag.as_str()))
        .map(|(name, digest)| Missing { name, digest: digest.to_string() })
        .collect();
    let mut names: Vec<String> =
        pushed.iter().map(|tag| &tag.name).chain(missing.iter().map(|one| &one.name)).map(ToString::to_string).collect();
    names.sort_unstable();
    let next = if names.len() > many { names.get(many - 1).cloned() } else { end };
    let shown = |tag: &Tag| next.as_deref().is_none_or(|next| tag.as_str() <= next);
    missing.retain(|one| shown(&one.name));
    (pushed.into_iter().filter(|tag| shown(&tag.name)).collect(), missing, next)
}
