//! `/manage/deploy`: a new service.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use http::StatusCode;
use wharfinger_auth::Need;
use wharfinger_gate::Explanation;

use super::form::{NewService, Wrong};
use super::progress_of;
use crate::engine::services::Decided;
use crate::engine::{Engine, Said};
use crate::error::Refused;
use crate::notices::Notice;
use crate::page::{Page, Section, render};
use crate::posted::{Fields, Posted};
use crate::routes::House;
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "deploy/service.html")]
struct ServicePage {
    page: Page,
    typed: Fields,
    wrong: Wrong,
    /// What the door or the engine said of the whole.
    refused: Option<String>,
    /// Why the image may not run.
    denied: Option<Explanation>,
}

impl ServicePage {
    fn wrong(&self, field: &str) -> Option<&String> {
        self.wrong.get(field)
    }

    /// What was typed, or what a new form begins with.
    fn typed<'a>(&'a self, field: &str, first: &'a str) -> &'a str {
        if self.typed.is_empty() { first } else { self.typed.raw(field) }
    }
}

pub(crate) async fn show(State(house): State<Arc<House>>, visitor: Visitor) -> Result<Response, Refused> {
    visitor.must(Need::Work)?;
    Ok(again(&house, &visitor, StatusCode::OK, |_| {}).await)
}

pub(crate) async fn create(State(house): State<Arc<House>>, Posted { visitor, fields }: Posted) -> Result<Response, Refused> {
    visitor.must(Need::Work)?;
    let new = match NewService::read(&fields) {
        Ok(new) => new,
        Err(wrong) => {
            let shown = |page: &mut ServicePage| (page.typed, page.wrong) = (fields, wrong);
            return Ok(again(&house, &visitor, StatusCode::BAD_REQUEST, shown).await);
        }
    };
    let engine = Engine::of(&house, &visitor);
    let said = match engine.create_service(new.body, new.login.as_deref()).await {
        Ok(particulars) => {
            let notice = Notice::new(format!("The service {} is made.", new.name)).with(particulars);
            house.notices.leave(visitor.session(), notice).await;
            return Ok(Redirect::to(&progress_of("service", &new.name)).into_response());
        }
        Err(said) if said.status == StatusCode::UNAUTHORIZED => return Err(said.into()),
        Err(said) => said,
    };
    // The door has said so already, in a sentence; here stands what to do about it.
    let decided = match said.status {
        StatusCode::CONFLICT => None,
        _ => Some(engine.decide(&new.image, new.login.as_ref()).await?),
    };
    let denied = decided.filter(Decided::is_refused).map(|decided| decided.explanation);
    let Said { status, message } = said;
    let shown = |page: &mut ServicePage| {
        page.typed = fields;
        match status {
            StatusCode::CONFLICT => {
                page.wrong.insert("name", format!("{message}. Choose another name, or change that service with its stack file."));
            }
            // Said once: with the denial stands what to do.
            _ => page.refused = Some(message).filter(|message| denied.as_ref().is_none_or(|denied| denied.message != *message)),
        }
        page.denied = denied;
    };
    Ok(again(&house, &visitor, status, shown).await)
}

/// The form, as `with` has it.
async fn again(house: &Arc<House>, visitor: &Visitor, status: StatusCode, with: impl FnOnce(&mut ServicePage)) -> Response {
    let page = Page::of(house, visitor, Section::Deploy, "Create a service").await;
    let mut page = ServicePage { page, typed: Fields::default(), wrong: Wrong::new(), refused: None, denied: None };
    with(&mut page);
    render(status, &page)
}
