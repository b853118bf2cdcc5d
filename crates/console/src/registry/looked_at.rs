//! The repository a page is about, if whoever is looking may see it.

use std::sync::Arc;

use axum::extract::{FromRequest as _, Request};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use wharfinger_auth::Action;
use wharfinger_oci::{Repository, Tag};
use wharfinger_storage::repositories::RepositoryRecord;

use super::{PATH, Registry};
use crate::error::Refused;
use crate::posted::{Fields, Posted};
use crate::visitor::Guest;

/// A repository as its pages show it.
pub(crate) struct LookedAt {
    pub(crate) record: RepositoryRecord,
    /// `host/namespace/name`: what clients call it.
    pub(crate) image: String,
    /// Where its pages are.
    pub(crate) path: String,
    pub(crate) administers: bool,
}

impl LookedAt {
    /// To those who may not read it, it does not exist.
    pub(crate) async fn find(registry: &Registry, guest: &Guest, (namespace, name): (&str, &str)) -> Result<Self, Refused> {
        let absent = || guest.turned_away("there is no such repository, or you may not see it");
        let name: Repository = format!("{namespace}/{name}").parse().map_err(|_| absent())?;
        let access = &registry.console.access;
        if !access.permits(guest.account(), &name, Action::Pull).await? {
            return Err(absent());
        }
        let record = access.repository(&name).await?.ok_or_else(absent)?;
        let administers = access.permits(guest.account(), &name, Action::All).await?;
        Ok(Self {
            image: format!("{}/{name}", registry.console.host),
            path: path_of(&name).unwrap_or_default(),
            record,
            administers,
        })
    }

    /// As the API: whoever may only read it is told that they may not, and whoever may not read it that it is not there.
    pub(crate) async fn administered(registry: &Registry, guest: &Guest, name: (&str, &str)) -> Result<Self, Refused> {
        let repository = Self::find(registry, guest, name).await?;
        match (&guest.visitor, repository.administers) {
            (None, _) => Err(Refused::SignIn { next: guest.at.clone() }),
            (Some(_), true) => Ok(repository),
            (Some(_), false) => Err(Refused::forbidden("this needs admin access to the repository: ask its owner for it")),
        }
    }

    /// What a form of ours sent to change a repository, by somebody who administers it.
    pub(crate) async fn posted(
        registry: &Arc<Registry>,
        name: (&str, &str),
        request: Request,
    ) -> Result<(Guest, Fields, Self), Refused> {
        let Posted { visitor, fields } = Posted::from_request(request, registry).await?;
        let guest = Guest { visitor: Some(visitor), at: None };
        let repository = Self::administered(registry, &guest, name).await?;
        Ok((guest, fields, repository))
    }

    /// The name, for the head of its pages.
    pub(crate) fn name(&self) -> &str {
        self.record.name.as_str()
    }

    pub(crate) fn tag_path(&self, tag: &Tag) -> String {
        format!("{}/tags/{}", self.path, encoded(tag.as_str()))
    }
}

/// Where the pages of a repository are; one that is in nobody's namespace has none.
pub(crate) fn path_of(name: &Repository) -> Option<String> {
    let (namespace, rest) = name.as_str().split_once('/')?;
    Some(format!("{PATH}/{}/{}", encoded(namespace), encoded(rest)))
}

/// As one segment of a path. Names are of letters, digits, `.`, `_` and `-`, and of `/`, which would be none.
fn encoded(text: &str) -> String {
    const SEGMENT: &percent_encoding::AsciiSet = &NON_ALPHANUMERIC.remove(b'.').remove(b'_').remove(b'-');
    utf8_percent_encode(text, SEGMENT).to_string()
}
