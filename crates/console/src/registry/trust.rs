//! `/repositories/{namespace}/{name}/trust`: roles, keys, versions, expiries and delegations, drawn and as a table.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use wharfinger_identity::Account;

use super::Registry;
use super::drawing::Drawing;
use super::history::{Asked, History, Piece};
use super::looked_at::LookedAt;
use super::trust_data::{Role, TrustData};
use crate::error::Refused;
use crate::page::{Page, Section, shown};
use crate::visitor::Guest;
use crate::words::moment;

/// A key of a role, and whose it is.
pub(super) struct KeyRow {
    pub(super) id: String,
    pub(super) account: Option<String>,
    pub(super) has_signed: bool,
}

pub(super) struct RoleRow {
    pub(super) name: String,
    /// The role above it; none for the root.
    pub(super) parent: Option<String>,
    /// What it is for, in a few words.
    pub(super) says: &'static str,
    pub(super) version: Option<u64>,
    pub(super) expires: String,
    pub(super) state: Standing,
    pub(super) threshold: u64,
    pub(super) keys: Vec<KeyRow>,
    /// The tags it may speak of, where not all.
    pub(super) paths: String,
}

/// How a role stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Standing {
    Valid,
    Expired,
    UnderSigned,
    Unpublished,
}

impl Standing {
    fn of(role: &Role, now: time::OffsetDateTime) -> Self {
        match &role.file {
            None => Self::Unpublished,
            Some(file) if !file.valid => Self::UnderSigned,
            Some(file) if file.expires <= now => Self::Expired,
            Some(_) => Self::Valid,
        }
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Expired => "expired",
            Self::UnderSigned => "not enough of its keys have signed",
            Self::Unpublished => "nothing published yet",
        }
    }

    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Valid => "good",
            Self::Expired | Self::UnderSigned => "bad",
            Self::Unpublished => "warn",
        }
    }
}

#[derive(Template)]
#[template(path = "registry/trust.html")]
struct TrustPage {
    page: Page,
    repository: LookedAt,
    rows: Vec<RoleRow>,
    drawing: Option<Drawing>,
    history: History,
}

pub(crate) async fn show(
    State(registry): State<Arc<Registry>>,
    Path((namespace, name)): Path<(String, String)>,
    Query(asked): Query<Asked>,
    guest: Guest,
) -> Result<Response, Refused> {
    let repository = LookedAt::find(&registry, &guest, (&namespace, &name)).await?;
    let trust = TrustData::read(&registry, &repository.record.name).await?;
    let mut rows = Vec::new();
    for role in trust.iter().flat_map(TrustData::roles) {
        rows.push(row(&registry, guest.account(), role).await?);
    }
    let history = History::of_all(&registry, &guest, &repository.image, &asked, trust.as_ref()).await?;
    Ok(shown(&TrustPage {
        page: Page::open(&registry, &guest, Section::Repositories, format!("Trust of {}", repository.name())).await,
        repository,
        drawing: (!rows.is_empty()).then(|| Drawing::of(&rows)),
        rows,
        history,
    }))
}

async fn row(registry: &Registry, account: Option<&Account>, role: &Role) -> Result<RoleRow, Refused> {
    let mut keys = Vec::new();
    for key in &role.keys {
        let owner = match key.public.as_ref().filter(|_| account.is_some()) {
            Some(public) => registry.console.accounts.owner_of(public).await?,
            None => None,
        };
        let account = owner.map(|owner| owner.account.name.to_string());
        keys.push(KeyRow { id: key.id.to_string(), account, has_signed: key.has_signed });
    }
    let name = role.name.to_string();
    let (parent, says) = match name.as_str() {
        "root" => (None, "says whose keys the others are"),
        "targets" => (Some("root".to_owned()), "the owner: says who may sign"),
        "snapshot" => (Some("root".to_owned()), "holds all files together"),
        "timestamp" => (Some("root".to_owned()), "says which are the newest"),
        "targets/releases" => (Some("targets".to_owned()), "says what each tag means"),
        _ => (role.name.parent().map(|parent| parent.to_string()), "a signer"),
    };
    let everything = role.paths.iter().any(String::is_empty);
    Ok(RoleRow {
        parent,
        says,
        version: role.file.as_ref().map(|file| file.version),
        expires: role.file.as_ref().map(|file| moment(file.expires)).unwrap_or_default(),
        state: Standing::of(role, registry.console.clock.now()),
        threshold: role.threshold,
        keys,
        paths: if everything { String::new() } else { role.paths.join(", ") },
        name,
    })
}
