//! `/manage/deploy/progress?service=…` or `?stack=…`: what becomes of what was deployed, told as it happens. Without either: how all
//! services are.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use http::StatusCode;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use crate::engine::Engine;
use crate::engine::tasks::{Looked, Progress};
use crate::error::Refused;
use crate::live::{Look, told};
use crate::page::{Page, Section, shown};
use crate::routes::House;
use crate::visitor::Visitor;

#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    service: String,
    #[serde(default)]
    stack: String,
}

impl Asked {
    fn looked(&self) -> Looked {
        match (self.service.trim(), self.stack.trim()) {
            ("", "") => Looked::Everything,
            ("", stack) => Looked::Stack(stack.to_owned()),
            (service, _) => Looked::Service(service.to_owned()),
        }
    }
}

impl Looked {
    fn words(&self) -> (&'static str, &str) {
        match self {
            Self::Everything => ("service", ""),
            Self::Service(name) => ("service", name),
            Self::Stack(name) => ("stack", name),
        }
    }
}

/// All services, each leading to how it is.
#[derive(Template)]
#[template(path = "deploy/services.html")]
struct ServicesPage {
    page: Page,
    progress: Progress,
}

#[derive(Template)]
#[template(path = "deploy/progress.html")]
struct ProgressPage<'a> {
    page: Page,
    kind: &'static str,
    name: &'a str,
    /// What stands behind the `?` of the addresses.
    query: String,
    progress: Progress,
}

/// The part of the page that changes.
#[derive(Template)]
#[template(path = "deploy/tasks.html")]
struct Tasks {
    progress: Progress,
}

pub(crate) async fn show(
    State(house): State<Arc<House>>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<Response, Refused> {
    let looked = asked.looked();
    let progress = look(&house, &visitor, &looked).await?;
    if matches!(looked, Looked::Everything) {
        let page = Page::of(&house, &visitor, Section::Deploy, "Services").await;
        return Ok(shown(&ServicesPage { page, progress }));
    }
    let (kind, name) = looked.words();
    let query = format!("{kind}={}", utf8_percent_encode(name, NON_ALPHANUMERIC));
    let page = Page::of(&house, &visitor, Section::Deploy, format!("The {kind} {name}")).await;
    Ok(shown(&ProgressPage { page, kind, name, query, progress }))
}

/// The same, as it changes.
pub(crate) async fn events(
    State(house): State<Arc<House>>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<Response, Refused> {
    let looked = Arc::new(asked.looked());
    if matches!(*looked, Looked::Everything) {
        return Err(Refused::mistake("the address names neither a service nor a stack: start from Deploy"));
    }
    // What is not there is said by a status, before anything streams.
    look(&house, &visitor, &looked).await?;
    let watching = house.watchers.enter(&visitor)?;
    Ok(told(visitor, watching, move |visitor| {
        let (house, looked) = (house.clone(), looked.clone());
        async move {
            let progress = look(&house, &visitor, &looked).await?;
            let at_rest = progress.is_settled();
            let html = Tasks { progress }.render().map_err(|error| {
                tracing::error!(%error, "the tasks could not be rendered");
                Refused::page(StatusCode::INTERNAL_SERVER_ERROR, "the page could not be made")
            })?;
            Ok(Look { html, at_rest })
        }
    }))
}

async fn look(house: &House, visitor: &Visitor, looked: &Looked) -> Result<Progress, Refused> {
    let found = Engine::of(house, visitor).progress(looked).await?;
    found.ok_or_else(|| {
        let (kind, name) = looked.words();
        let why = format!("there is no {kind} `{name}` here, or it belongs to nobody in a team with you");
        Refused::page(StatusCode::NOT_FOUND, why)
    })
}
