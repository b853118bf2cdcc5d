//! `/manage/deploy/stack`: a stack by its file. All its images are decided, and shown, before anything of it is made.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use http::StatusCode;
use tokio::time::timeout;
use wharfinger_auth::Need;
use wharfinger_oci::{Host, Reference};
use wharfinger_stack::Stack;

use super::progress_of;
use super::steps::{Does, Steps};
use crate::engine::registry_login::RegistryLogin;
use crate::engine::services::Decided;
use crate::engine::{Engine, Said};
use crate::error::Refused;
use crate::notices::Notice;
use crate::page::{Page, Section, render};
use crate::posted::{Fields, Posted};
use crate::routes::House;
use crate::visitor::Visitor;

/// Of a stack file: all of Docker's examples together are smaller.
const LONGEST_FILE: usize = 512 * 1024;

/// For the decisions on all images of a file.
const PATIENCE: Duration = Duration::from_secs(20);

/// What was typed.
#[derive(Clone, Default)]
struct Typed {
    name: String,
    file: String,
    prune: bool,
}

#[derive(Template)]
#[template(path = "deploy/stack.html")]
struct StackPage {
    page: Page,
    typed: Typed,
    wrong: Option<String>,
}

/// What would be made, and what each image meets.
#[derive(Template)]
#[template(path = "deploy/stack_preview.html")]
struct PreviewPage<'a> {
    page: Page,
    typed: &'a Typed,
    stack: &'a Stack,
    steps: &'a Steps,
    decided: Vec<(&'a str, Decided)>,
    /// The registries that its images come from.
    hosts: BTreeSet<Host>,
    registry: String,
    registry_user: String,
    wrong: Option<String>,
}

/// It was begun and not brought to its end.
#[derive(Template)]
#[template(path = "deploy/stack_partly.html")]
struct PartlyPage<'a> {
    page: Page,
    typed: &'a Typed,
    steps: &'a Steps,
    why: String,
}

impl PreviewPage<'_> {
    fn is_refused(&self) -> bool {
        self.decided.iter().any(|(_, decided)| decided.is_refused())
    }
}

impl Typed {
    fn read(fields: &Fields) -> Self {
        Self { name: fields.text("name").to_owned(), file: fields.raw("file").to_owned(), prune: fields.checked("prune") }
    }
}

pub(crate) async fn show(State(house): State<Arc<House>>, visitor: Visitor) -> Result<Response, Refused> {
    visitor.must(Need::Work)?;
    Ok(edited(&house, &visitor, Typed::default(), None).await)
}

pub(crate) async fn change(State(house): State<Arc<House>>, Posted { visitor, fields }: Posted) -> Result<Response, Refused> {
    visitor.must(Need::Work)?;
    let (visitor, typed) = (Arc::new(visitor), Typed::read(&fields));
    if fields.text("do") == "edit" {
        return Ok(edited(&house, &visitor, typed, None).await);
    }
    match decided(&house, &visitor, &typed, &fields).await {
        Ok(response) => Ok(response),
        Err(refused) => {
            let wrong = in_form(refused)?;
            Ok(edited(&house, &visitor, typed, Some(wrong)).await)
        }
    }
}

/// What the engine says of the swarm, too, is for whoever sent the form.
fn in_form(refused: Refused) -> Result<(StatusCode, String), Refused> {
    match refused {
        Refused::Page { status, message, retry_after: None } => Ok((status, message)),
        other => Err(other),
    }
}

async fn edited(house: &Arc<House>, visitor: &Visitor, typed: Typed, wrong: Option<(StatusCode, String)>) -> Response {
    let page = Page::of(house, visitor, Section::Deploy, "Deploy a stack").await;
    let (status, wrong) = wrong.map_or((StatusCode::OK, None), |(status, wrong)| (status, Some(wrong)));
    render(status, &StackPage { page, typed, wrong })
}

/// Reads the file and decides all that is in it; with *Deploy* makes it, if nothing is refused.
async fn decided(house: &Arc<House>, visitor: &Arc<Visitor>, typed: &Typed, fields: &Fields) -> Result<Response, Refused> {
    if typed.file.len() > LONGEST_FILE {
        return Err(Refused::page(StatusCode::PAYLOAD_TOO_LARGE, "a stack file has at most 512 KiB here"));
    }
    let stack = Stack::read(&typed.name, &typed.file).map_err(|error| Refused::mistake(error.to_string()))?;
    let engine = Engine::of(house, visitor);
    let steps = Steps::plan(&engine, &stack, typed.prune).await?;
    let hosts: BTreeSet<Host> = images(&stack).filter_map(|(_, image)| Some(Reference::from_str(&image).ok()?.host)).collect();
    let (login, wrong) = match login(fields, &hosts) {
        Ok(login) => (login.map(Arc::new), None),
        Err(why) => (None, Some(why.to_owned())),
    };
    let decided = timeout(PATIENCE, all_decided(&engine, &stack, login.as_ref())).await.map_err(|_| {
        let why = "not every image was decided in time, so nothing is made: a registry answers slowly. Try again";
        Refused::page(StatusCode::GATEWAY_TIMEOUT, why)
    })??;
    let deploys = fields.text("do") == "deploy";
    let stopped = wrong.is_some() || decided.iter().any(|(_, decided)| decided.is_refused());
    if deploys && !stopped {
        return made(house, visitor, typed, steps, login).await;
    }
    let page = Page::of(house, visitor, Section::Deploy, format!("Deploy the stack {}?", stack.name)).await;
    let (registry, registry_user) = (fields.text("registry").to_owned(), fields.text("registry-user").to_owned());
    let status = match (&wrong, deploys) {
        (Some(_), _) => StatusCode::BAD_REQUEST,
        (None, true) => StatusCode::FORBIDDEN,
        (None, false) => StatusCode::OK,
    };
    let (typed, stack, steps) = (typed, &stack, &steps);
    Ok(render(status, &PreviewPage { page, typed, stack, steps, decided, hosts, registry, registry_user, wrong }))
}

/// What each image meets; one that several services have is decided once.
async fn all_decided<'s>(
    engine: &Engine<'_>,
    stack: &'s Stack,
    login: Option<&Arc<RegistryLogin>>,
) -> Result<Vec<(&'s str, Decided)>, Refused> {
    let (mut known, mut all) = (BTreeMap::<String, Decided>::new(), Vec::new());
    for (service, image) in images(stack) {
        let decided = match known.get(&image) {
            Some(decided) => decided.clone(),
            None => engine.decide(&image, login).await?,
        };
        known.insert(image, decided.clone());
        all.push((service, decided));
    }
    Ok(all)
}

/// Each image, with the service it is of.
fn images(stack: &Stack) -> impl Iterator<Item = (&str, String)> {
    stack.services.iter().flat_map(|service| service.images().into_iter().map(|image| (service.name.as_str(), image)))
}

fn login(fields: &Fields, hosts: &BTreeSet<Host>) -> Result<Option<RegistryLogin>, &'static str> {
    let host = fields.text("registry").parse::<Host>().ok().filter(|host| hosts.contains(host));
    match host {
        Some(host) => RegistryLogin::read(fields, host).map_err(|(_, why)| why),
        None if fields.text("registry-user").is_empty() && fields.raw("registry-password").is_empty() => Ok(None),
        None => Err("Choose the registry that the password is for."),
    }
}

/// Makes the stack, to its end also for whoever closes the page meanwhile.
async fn made(
    house: &Arc<House>,
    visitor: &Arc<Visitor>,
    typed: &Typed,
    mut steps: Steps,
    login: Option<Arc<RegistryLogin>>,
) -> Result<Response, Refused> {
    let (of, by, name) = (house.clone(), visitor.clone(), typed.name.clone());
    let making = tokio::spawn(async move {
        steps.take(&Engine::of(&of, &by), login.as_deref()).await;
        let words = if steps.refused().is_none() { "is deployed." } else { "is deployed in part: deploy it again to see why." };
        of.notices.leave(by.session(), Notice::new(format!("The stack {name} {words}")).with(steps.done())).await;
        steps
    });
    let broken = "what became of this stack is not known: look at what runs of it, and deploy it again";
    let steps = making.await.map_err(|_| Refused::page(StatusCode::INTERNAL_SERVER_ERROR, broken))?;
    let Some(Said { status, message }) = steps.refused().cloned() else {
        return Ok(Redirect::to(&progress_of("stack", &typed.name)).into_response());
    };
    // This page says it, and more.
    house.notices.take(visitor.session()).await;
    if status == StatusCode::UNAUTHORIZED && steps.done().is_empty() {
        return Err(Refused::SignIn { next: None });
    }
    let page = Page::of(house, visitor, Section::Deploy, format!("The stack {} is deployed in part", typed.name)).await;
    Ok(render(status, &PartlyPage { page, typed, steps: &steps, why: message }))
}
