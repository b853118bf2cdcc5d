//! *Admin Settings › Docker Content Trust*: who has to have signed what may run.
//!
//! What is being changed stands in the form itself until it is confirmed, with the revision it was begun from: nothing is kept
//! here between two clicks, and of two administrators the slower one is told.

mod draft;
mod preview;

use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::StatusCode;
use serde::Deserialize;
use wharfinger_auth::Principal;
use wharfinger_cluster::{ClusterError, Current};
use wharfinger_policy::Signers;
use wharfinger_storage::accounts::{AccountFilter, Page as Rows};

use self::draft::Draft;
use crate::error::Refused;
use crate::notices::Notice;
use crate::page::{Page, Section, render, shown};
use crate::policy_words::requirement;
use crate::posted::{Fields, Posted, PostedByAdmin};
use crate::routes::House;
use crate::visitor::{Admin, Visitor};
use crate::words::moment;

pub(crate) const PATH: &str = "/manage/settings/contenttrust";

/// A rule, an exemption or an exempt repository of the policy.
struct Row {
    /// What the remove button says to the server.
    index: usize,
    name: String,
    says: String,
}

#[derive(Template)]
#[template(path = "content_trust.html")]
struct ContentTrustPage {
    page: Page,
    draft: Draft,
    /// Whether what the form says differs from what is in force.
    changed: bool,
    wrong: Option<String>,
    organizations: Vec<String>,
    /// The one whose teams are offered.
    organization: String,
    teams: Vec<String>,
    rules: Vec<Row>,
    exemptions: Vec<Row>,
    repositories: Vec<Row>,
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
    let page = page(&house, &visitor, &current, Draft::of(&current), "", None).await?;
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
    let mut draft = Draft::read(&fields)?;
    if draft.revision != current.revision {
        return again(&house, &visitor, &current, Draft::of(&current), ClusterError::Changed.into()).await;
    }
    match fields.text("do") {
        "add-team" => return add_team(&house, &visitor, &current, draft, &fields).await,
        "save" => {
            return match preview::show(&house, &visitor, &current, &draft).await {
                Ok(response) => Ok(response),
                Err(refused) => again(&house, &visitor, &current, draft, refused).await,
            };
        }
        "confirm" => {
            let document = draft.document(&current.configuration.trust);
            let replaced = house.console.cluster.replace_trust(visitor.name(), document, Some(draft.revision)).await;
            let change = match replaced {
                Ok(change) => change,
                Err(error) => {
                    let current = house.console.cluster.current().await?;
                    let draft = if matches!(error, ClusterError::Changed) { Draft::of(&current) } else { draft };
                    return again(&house, &visitor, &current, draft, error.into()).await;
                }
            };
            let notice = Notice::new("The policy is saved and in force for what is deployed from now on.").with(change.notes);
            house.notices.leave(visitor.session(), notice).await;
            return Ok(Redirect::to(PATH).into_response());
        }
        other => draft.remove(other),
    }
    Ok(shown(&page(&house, &visitor, &current, draft, fields.text("organization"), None).await?))
}

async fn add_team(
    house: &Arc<House>,
    visitor: &Visitor,
    current: &Current,
    mut draft: Draft,
    fields: &Fields,
) -> Result<Response, Refused> {
    let (organization, team) = (fields.text("organization"), fields.text("team-name"));
    let mut wrong = None;
    let known = teams_of(house, &visitor.principal, organization).await.map(|teams| teams.iter().any(|known| known == team));
    match known {
        _ if organization.is_empty() => wrong = Some("Choose the organization first, then the team."),
        Ok(true) if !draft.add(&format!("{organization}/{team}")) => wrong = Some("This team is in the list already."),
        Ok(_) => {}
        Err(refused) => return again(house, visitor, current, draft, refused).await,
    }
    let status = if wrong.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let page = page(house, visitor, current, draft, organization, wrong.map(str::to_owned)).await?;
    Ok(render(status, &page))
}

/// The page once more, with what is wrong above it.
async fn again(
    house: &Arc<House>,
    visitor: &Visitor,
    current: &Current,
    draft: Draft,
    refused: Refused,
) -> Result<Response, Refused> {
    let (status, wrong) = refused.in_form()?;
    Ok(render(status, &page(house, visitor, current, draft, "", Some(wrong)).await?))
}

async fn teams_of(house: &House, principal: &Principal, organization: &str) -> Result<Vec<String>, Refused> {
    if organization.is_empty() {
        return Ok(Vec::new());
    }
    let listed = house.console.directory.teams(principal, organization, &Rows::everything()).await?;
    Ok(listed.rows.into_iter().map(|row| row.team.name.to_string()).collect())
}

async fn page(
    house: &Arc<House>,
    visitor: &Visitor,
    current: &Current,
    draft: Draft,
    organization: &str,
    wrong: Option<String>,
) -> Result<ContentTrustPage, Refused> {
    let trust = &current.configuration.trust;
    let listed = house.console.directory.accounts(&visitor.principal, AccountFilter::Orgs, &Rows::everything()).await?;
    let organizations: Vec<String> = listed.rows.into_iter().map(|row| row.account.name.to_string()).collect();
    let organization = organizations.iter().find(|known| *known == organization).cloned().unwrap_or_default();
    let teams = teams_of(house, &visitor.principal, &organization).await?;
    let rules = trust.rules.iter().enumerate().filter(|(index, _)| !draft.without_rules.contains(index));
    let rules = rules.map(|(index, rule)| Row { index, name: rule.label(index), says: requirement(rule) }).collect();
    let exemptions = trust.exemptions.iter().enumerate().filter(|(index, _)| !draft.without_exemptions.contains(index));
    let exemptions = exemptions.map(|(index, exemption)| {
        let (by, and) = (&exemption.requested_by.name, &exemption.approved_by.name);
        let says = format!("{} (asked for by {by}, approved by {and}, until {})", exemption.reason, moment(exemption.expires));
        Row { index, name: exemption.label(index), says }
    });
    let repositories = trust.allow_repos.iter().enumerate().filter(|(index, _)| !draft.without_repositories.contains(index));
    let repositories = repositories.map(|(index, name)| Row { index, name: name.clone(), says: String::new() }).collect();
    let exemptions = exemptions.collect();
    Ok(ContentTrustPage {
        page: Page::of(house, visitor, Section::ContentTrust, "Docker Content Trust").await,
        changed: draft != Draft::of(current),
        draft,
        wrong,
        organizations,
        organization,
        teams,
        rules,
        exemptions,
        repositories,
    })
}
