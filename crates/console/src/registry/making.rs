//! `/repositories/new`: a repository is made before anything is pushed to it, in a namespace of those the visitor may use.

use std::sync::Arc;

use askama::Template;
use axum::extract::{FromRequest as _, Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::StatusCode;
use wharfinger_auth::MakingError;
use wharfinger_storage::repositories::{RepositoryChange, RepositoryRecord, Visibility};

use super::looked_at::path_of;
use super::{PATH, Registry};
use crate::error::Refused;
use crate::notices::Notice;
use crate::page::{Page, Section, render, shown};
use crate::posted::{Fields, Posted};
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "registry/new.html")]
struct NewPage<'a> {
    page: Page,
    /// Those to choose from; an administrator may write another.
    namespaces: Vec<String>,
    typed: &'a Fields,
    wrong: Option<String>,
}

impl<'a> NewPage<'a> {
    async fn new(registry: &Arc<Registry>, visitor: &Visitor, typed: &'a Fields, wrong: Option<String>) -> Result<Self, Refused> {
        let namespaces = registry.console.access.namespaces(&visitor.principal.account).await?;
        let page = Page::of(registry, visitor, Section::Repositories, "New repository").await;
        Ok(Self { page, namespaces, typed, wrong })
    }
}

pub(crate) async fn show(State(registry): State<Arc<Registry>>, visitor: Visitor) -> Result<Response, Refused> {
    Ok(shown(&NewPage::new(&registry, &visitor, &Fields::default(), None).await?))
}

pub(crate) async fn make(State(registry): State<Arc<Registry>>, request: Request) -> Result<Response, Refused> {
    let Posted { visitor, fields } = Posted::from_request(request, &registry).await?;
    let (status, wrong) = match act(&registry, &visitor, &fields).await {
        Ok(made) => {
            let notice = Notice::new(format!("{} is made. Now push into it.", made.name));
            registry.notices.leave(visitor.session(), notice).await;
            return Ok(Redirect::to(&path_of(&made.name).unwrap_or_else(|| PATH.to_owned())).into_response());
        }
        // Which namespaces one may use is about what was sent, too.
        Err(Refused::Page { status: StatusCode::FORBIDDEN, message, .. }) => (StatusCode::FORBIDDEN, message),
        Err(refused) => refused.in_form()?,
    };
    Ok(render(status, &NewPage::new(&registry, &visitor, &fields, Some(wrong)).await?))
}

async fn act(registry: &Registry, visitor: &Visitor, fields: &Fields) -> Result<RepositoryRecord, Refused> {
    let visibility = Visibility::parse(fields.text("visibility")).ok_or_else(|| Refused::mistake("Choose public or private."))?;
    let wanted = RepositoryChange {
        visibility: Some(visibility),
        short_description: Some(fields.text("short").to_owned()),
        long_description: Some(fields.text("long").to_owned()),
        immutable_tags: Some(fields.checked("immutable")),
    };
    let (access, account, now) = (&registry.console.access, &visitor.principal.account, registry.console.clock.now());
    let made = access.make(account, (fields.text("namespace"), fields.text("name")), wanted, now).await;
    made.map_err(|error| match error {
        MakingError::Name(why) => Refused::mistake(format!("That is no name of a repository: {why}.")),
        MakingError::NotAllowed => Refused::forbidden(
            "You may not make repositories there: use your own namespace, or ask an admin of the organization to make it.",
        ),
        MakingError::NoAccount(name) => Refused::mistake(format!("There is no account `{name}` whose namespace it could be.")),
        MakingError::Exists(name) => Refused::page(StatusCode::CONFLICT, format!("There is a repository {name} already.")),
        MakingError::Storage(error) => error.into(),
    })
}
