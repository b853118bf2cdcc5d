//! `/repositories/{namespace}/{name}/settings`: what it is said to be, and its end; for those who administer it.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::StatusCode;
use wharfinger_auth::RemovalError;
use wharfinger_storage::repositories::RepositoryChange;

use super::looked_at::LookedAt;
use super::{PATH, Registry};
use crate::error::Refused;
use crate::page::{Page, Section, render, shown};
use crate::pages::confirm::ConfirmPage;
use crate::posted::Fields;
use crate::visitor::Guest;
use crate::words::count;

/// Tags that are named before they go; the sentence says how many there are.
const NAMED: usize = 10;

#[derive(Template)]
#[template(path = "registry/settings.html")]
struct SettingsPage<'a> {
    page: Page,
    repository: &'a LookedAt,
    typed: &'a Fields,
    wrong: Option<String>,
}

pub(crate) async fn show(
    State(registry): State<Arc<Registry>>,
    Path((namespace, name)): Path<(String, String)>,
    guest: Guest,
) -> Result<Response, Refused> {
    let repository = LookedAt::administered(&registry, &guest, (&namespace, &name)).await?;
    let record = &repository.record;
    let fields = [("short", record.short_description.as_str()), ("long", record.long_description.as_str())];
    let immutable = record.immutable_tags.then_some(("immutable", "yes"));
    let fields = Fields::of(fields.into_iter().chain(immutable));
    page(&registry, &guest, &repository, &fields, None).await
}

async fn page(
    registry: &Arc<Registry>,
    guest: &Guest,
    repository: &LookedAt,
    typed: &Fields,
    wrong: Option<(StatusCode, String)>,
) -> Result<Response, Refused> {
    let title = format!("Settings of {}", repository.name());
    let page = Page::open(registry, guest, Section::Repositories, title).await;
    let (status, wrong) = wrong.map_or((StatusCode::OK, None), |(status, wrong)| (status, Some(wrong)));
    Ok(render(status, &SettingsPage { page, repository, typed, wrong }))
}

pub(crate) async fn change(
    State(registry): State<Arc<Registry>>,
    Path((namespace, name)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Refused> {
    let (guest, fields, repository) = LookedAt::posted(&registry, (&namespace, &name), request).await?;
    let done = match fields.text("do") {
        "save" => save(&registry, &guest, &repository, &fields).await,
        "delete" => delete(&registry, &guest, &repository, &fields).await,
        _ => Err(Refused::mistake("the form does not say what to do: load the page anew")),
    };
    match done {
        Ok(response) => Ok(response),
        Err(refused) => page(&registry, &guest, &repository, &fields, Some(refused.in_form()?)).await,
    }
}

async fn save(registry: &Registry, guest: &Guest, repository: &LookedAt, fields: &Fields) -> Result<Response, Refused> {
    let change = RepositoryChange {
        visibility: None,
        short_description: Some(fields.text("short").to_owned()),
        long_description: Some(fields.text("long").to_owned()),
        immutable_tags: Some(fields.checked("immutable")),
    };
    let (access, now) = (&registry.console.access, registry.console.clock.now());
    let changed = access.change(guest.account(), &repository.record, &change, now).await?;
    changed.ok_or_else(|| Refused::page(StatusCode::NOT_FOUND, format!("{} is not there any more", repository.name())))?;
    registry.leave(guest, format!("{} is saved.", repository.name())).await;
    Ok(Redirect::to(&repository.path).into_response())
}

/// Asked first, with what goes along. Signatures go only if they stood in the question.
async fn delete(registry: &Arc<Registry>, guest: &Guest, repository: &LookedAt, fields: &Fields) -> Result<Response, Refused> {
    let (console, name) = (&registry.console, &repository.record.name);
    let signed: Vec<String> = console.trust.released(name).await?.into_keys().collect();
    let asked_about = signed.join(" ");
    if fields.checked("confirmed") {
        if fields.text("signed") != asked_about {
            return Err(Refused::page(StatusCode::CONFLICT, "What is signed in it has changed meanwhile: look at it again."));
        }
        if !signed.is_empty() {
            console.access.forget_trust(guest.account(), name, &*console.trust).await?;
        }
        console.access.remove(guest.account(), name, &*console.trust).await.map_err(not_removed)?;
        registry.leave(guest, format!("{name} is deleted.")).await;
        return Ok(Redirect::to(PATH).into_response());
    }
    let pushed = console.content.tag_count(name).await?;
    let mut says = format!(
        "With it go {} and every image in it, its description, and who was given access to it. What runs already goes on running.",
        count(usize::try_from(pushed).unwrap_or(usize::MAX), "tag", "tags")
    );
    if signed.is_empty() {
        says.push_str(" No tag in it is signed.");
    } else {
        let named: Vec<&str> = signed.iter().take(NAMED).map(String::as_str).collect();
        let others = if signed.len() > NAMED { format!(" and {} more", signed.len() - NAMED) } else { String::new() };
        let (which, what) = (named.join(", "), count(signed.len(), "tag", "tags"));
        says = format!(
            "{says} Its trust data goes, too, with the signatures of {what}: {which}{others}. Clusters that run only signed images \
             refuse them from then on."
        );
    }
    let page = Page::open(registry, guest, Section::Repositories, format!("Delete {name}?")).await;
    let sent = vec![("do", "delete".to_owned()), ("signed", asked_about)];
    let back = format!("{}/settings", repository.path);
    Ok(shown(&ConfirmPage::new(page, says, &back, sent, format!("Delete {name}"))))
}

pub(super) fn not_removed(error: RemovalError) -> Refused {
    match error {
        RemovalError::Storage(error) => error.into(),
        RemovalError::Absent => Refused::page(StatusCode::NOT_FOUND, error.to_string()),
        RemovalError::Signed(_) | RemovalError::Moved => Refused::page(StatusCode::CONFLICT, error.to_string()),
    }
}
