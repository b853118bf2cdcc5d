//! *Admin Settings › Docker Content Trust*: who has to have signed what may run.
//!
//! What is being changed stands in the form itself until it is confirmed, with the revision it was begun from: nothing is kept
//! here between two clicks, and of two administrators the slower one is told.

mod draft;
mod exemption_form;
mod open;
mod preview;
mod rule_form;
mod wrong;

use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::StatusCode;
use serde::Deserialize;
use time::OffsetDateTime;
use wharfinger_auth::{DirectoryError, Principal};
use wharfinger_cluster::{ClusterError, Current};
use wharfinger_policy::{RepositoryPattern, Signers};
use wharfinger_storage::accounts::{AccountFilter, Page as Rows};

use self::draft::Draft;
use self::open::Open;
use crate::error::Refused;
use crate::notices::Notice;
use crate::page::{Page, Section, render, shown};
use crate::policy_words;
use crate::posted::{Fields, Posted, PostedByAdmin};
use crate::routes::House;
use crate::visitor::{Admin, Visitor};

pub(crate) const PATH: &str = "/manage/settings/contenttrust";
/// Organizations in a list to choose from: a longer one would be most of the page.
const MOST_LISTED: u32 = 100;

/// A rule, an exemption or an exempt repository of the draft.
struct Row {
    /// What people call it.
    name: String,
    /// What it says, as a sentence.
    says: String,
    is_open: bool,
}

#[derive(Template)]
#[template(path = "content_trust.html")]
struct ContentTrustPage {
    page: Page,
    draft: Draft,
    open: Open,
    /// Whether what the form says differs from what is in force.
    changed: bool,
    wrong: Option<String>,
    /// Those to choose from, or the first of more than anybody wants to choose from: then a name is typed.
    organizations: Vec<String>,
    many_organizations: bool,
    /// The one whose teams are offered.
    organization: String,
    teams: Vec<String>,
    rules: Vec<Row>,
    exemptions: Vec<Row>,
    /// As it was typed, where it cannot be added.
    repository: String,
    wrong_repository: Option<String>,
}

/// The `<option>`s of an organization's teams.
#[derive(Template)]
#[template(path = "team_options.html")]
struct TeamOptions {
    organization: String,
    teams: Vec<String>,
}

#[derive(Deserialize)]
pub(crate) struct OfOrganization {
    organization: String,
}

pub(crate) async fn show(State(house): State<Arc<House>>, Admin(visitor): Admin) -> Result<Response, Refused> {
    let current = house.console.cluster.current().await?;
    let page = page(&house, &visitor, &current, Draft::of(&current), Open::default()).await?;
    Ok(shown(&page))
}

/// What the module asks for when an organization was chosen.
pub(crate) async fn teams(
    State(house): State<Arc<House>>,
    Admin(visitor): Admin,
    Query(OfOrganization { organization }): Query<OfOrganization>,
) -> Result<Response, Refused> {
    let teams = teams_of(&house, &visitor.principal, &organization).await?;
    Ok(shown(&TeamOptions { organization, teams }))
}

pub(crate) async fn change(
    State(house): State<Arc<House>>,
    PostedByAdmin(Posted { visitor, fields }): PostedByAdmin,
) -> Result<Response, Refused> {
    let current = house.console.cluster.current().await?;
    let mut draft = Draft::read(&fields, &current)?;
    if draft.revision != current.revision {
        return again(&house, &visitor, &current, (Draft::of(&current), Open::default()), ClusterError::Changed.into()).await;
    }
    let mut open = Open::read(&fields);
    let button = fields.text("do");
    match button {
        "add-team" => return add_team(&house, &visitor, &current, (draft, open), &fields).await,
        "add-repository" => return exempt(&house, &visitor, &current, (draft, open), fields.text("repository-name")).await,
        "confirm" => return save(&house, &visitor, &current, draft).await,
        "show" => {}
        "close-rule" | "close-exemption" => open.press(button, &draft),
        _ => {
            // Nothing that was typed is lost by another button.
            match open.settle(&house, &visitor, &current, &mut draft).await {
                Ok(true) => {}
                Ok(false) => {
                    let page = page(&house, &visitor, &current, draft, open).await?;
                    return Ok(render(StatusCode::BAD_REQUEST, &page));
                }
                Err(refused) => return again(&house, &visitor, &current, (draft, open), refused).await,
            }
            if button == "save" {
                return match preview::show(&house, &visitor, &current, &draft).await {
                    Ok(response) => Ok(response),
                    Err(refused) => again(&house, &visitor, &current, (draft, open), refused).await,
                };
            }
            draft.press(button);
            open.press(button, &draft);
        }
    }
    let page = page(&house, &visitor, &current, draft, open).await?;
    let page = page.offering(&house, &visitor, fields.text("organization")).await?;
    Ok(shown(&page))
}

async fn save(house: &Arc<House>, visitor: &Visitor, current: &Current, draft: Draft) -> Result<Response, Refused> {
    let document = draft.document(&current.configuration.trust);
    let change = match house.console.cluster.replace_trust(visitor.name(), document, Some(draft.revision)).await {
        Ok(change) => change,
        Err(error) => {
            let current = house.console.cluster.current().await?;
            let draft = if matches!(error, ClusterError::Changed) { Draft::of(&current) } else { draft };
            return again(house, visitor, &current, (draft, Open::default()), error.into()).await;
        }
    };
    let notice = Notice::new("The policy is saved and in force for what is deployed from now on.").with(change.notes);
    house.notices.leave(visitor.session(), notice).await;
    Ok(Redirect::to(PATH).into_response())
}

async fn add_team(
    house: &Arc<House>,
    visitor: &Visitor,
    current: &Current,
    (mut draft, open): (Draft, Open),
    fields: &Fields,
) -> Result<Response, Refused> {
    let (organization, team) = (fields.text("organization"), fields.text("team-name"));
    let mut wrong = None;
    let known = teams_of(house, &visitor.principal, organization).await.map(|teams| teams.iter().any(|known| known == team));
    match known {
        _ if organization.is_empty() => wrong = Some("Choose the organization first, then the team."),
        Ok(true) if !draft.add(&format!("{organization}/{team}")) => wrong = Some("This team is in the list already."),
        Ok(_) => {}
        Err(refused) => return again(house, visitor, current, (draft, open), refused).await,
    }
    let status = if wrong.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let page = page(house, visitor, current, draft, open).await?.offering(house, visitor, organization).await?;
    Ok(render(status, &ContentTrustPage { wrong: wrong.map(str::to_owned), ..page }))
}

/// A repository for which nobody has to sign, without an end.
async fn exempt(
    house: &Arc<House>,
    visitor: &Visitor,
    current: &Current,
    (mut draft, open): (Draft, Open),
    repository: &str,
) -> Result<Response, Refused> {
    let wrong = match repository.parse::<RepositoryPattern>() {
        Err(error) => Some(error.to_string()),
        Ok(pattern) if !draft.exempt(&pattern.to_string()) => Some("This repository is in the list already.".to_owned()),
        Ok(_) => None,
    };
    let page = page(house, visitor, current, draft, open).await?;
    if wrong.is_none() {
        return Ok(shown(&page));
    }
    let page = ContentTrustPage { repository: repository.to_owned(), wrong_repository: wrong, ..page };
    Ok(render(StatusCode::BAD_REQUEST, &page))
}

/// The page once more, with what is wrong above it.
async fn again(
    house: &Arc<House>,
    visitor: &Visitor,
    current: &Current,
    (draft, open): (Draft, Open),
    refused: Refused,
) -> Result<Response, Refused> {
    let (status, wrong) = refused.in_form()?;
    let page = page(house, visitor, current, draft, open).await?;
    Ok(render(status, &ContentTrustPage { wrong: Some(wrong), ..page }))
}

async fn teams_of(house: &House, principal: &Principal, organization: &str) -> Result<Vec<String>, Refused> {
    if organization.is_empty() {
        return Ok(Vec::new());
    }
    let listed = house.console.directory.teams(principal, organization, &Rows::everything()).await?;
    Ok(listed.rows.into_iter().map(|row| row.team.name.to_string()).collect())
}

async fn is_organization(house: &House, visitor: &Visitor, name: &str) -> Result<bool, Refused> {
    match house.console.directory.account(&visitor.principal, name).await {
        Ok(row) => Ok(row.account.is_org),
        Err(DirectoryError::NoSuch { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

async fn page(
    house: &Arc<House>,
    visitor: &Visitor,
    current: &Current,
    draft: Draft,
    open: Open,
) -> Result<ContentTrustPage, Refused> {
    let few = Rows { start: String::new(), limit: MOST_LISTED };
    let listed = house.console.directory.accounts(&visitor.principal, AccountFilter::Orgs, &few).await?;
    let (now, written_rule) = (OffsetDateTime::now_utc(), open.rule.as_ref().and_then(|form| form.place));
    let written_exemption = open.exemption.as_ref().and_then(|form| form.place);
    let rules = draft.rules.iter().enumerate().map(|(place, rule)| Row {
        name: rule.label(place),
        says: policy_words::rule(rule),
        is_open: written_rule == Some(place),
    });
    let exemptions = draft.exemptions.iter().enumerate().map(|(place, exemption)| Row {
        name: exemption.label(place),
        says: policy_words::exemption(exemption, now),
        is_open: written_exemption == Some(place),
    });
    Ok(ContentTrustPage {
        page: Page::of(house, visitor, Section::ContentTrust, "Docker Content Trust").await,
        changed: draft != Draft::of(current),
        wrong: None,
        many_organizations: listed.next.is_some(),
        organizations: listed.rows.into_iter().map(|row| row.account.name.to_string()).collect(),
        organization: String::new(),
        teams: Vec::new(),
        rules: rules.collect(),
        exemptions: exemptions.collect(),
        repository: String::new(),
        wrong_repository: None,
        draft,
        open,
    })
}

impl ContentTrustPage {
    /// With the teams of that organization to choose from, if there is one.
    async fn offering(self, house: &Arc<House>, visitor: &Visitor, organization: &str) -> Result<Self, Refused> {
        let listed = self.organizations.iter().any(|known| known == organization);
        let known = listed || (self.many_organizations && is_organization(house, visitor, organization).await?);
        let organization = if known { organization.to_owned() } else { String::new() };
        let teams = teams_of(house, &visitor.principal, &organization).await?;
        Ok(Self { organization, teams, ..self })
    }
}
