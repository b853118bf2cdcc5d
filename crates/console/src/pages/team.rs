//! `/manage/accounts/{org}/teams/{team}`.

use std::sync::Arc;

use askama::Template;
use axum::extract::{FromRequest as _, Path, Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::StatusCode;
use wharfinger_auth::{MemberRow, TeamChanges, TeamRow};
use wharfinger_storage::accounts::Page as Rows;

use crate::error::Refused;
use crate::notices::Notice;
use crate::page::{Page, Section, render, shown};
use crate::pages::accounts::PATH;
use crate::pages::confirm::ConfirmPage;
use crate::pages::keys::losses_with;
use crate::posted::{Fields, Posted};
use crate::routes::House;
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "team.html")]
struct TeamPage<'a> {
    page: Page,
    organization: &'a str,
    row: TeamRow,
    members: Vec<MemberRow>,
    /// Whether the signing policy asks for a signature of this team.
    required: bool,
    administers: bool,
    typed: &'a Fields,
    wrong: Option<String>,
}

pub(crate) async fn show(
    State(house): State<Arc<House>>,
    visitor: Visitor,
    Path((org, team)): Path<(String, String)>,
) -> Result<Response, Refused> {
    page(&house, &visitor, &org, &team, &Fields::default(), None).await
}

async fn page(
    house: &Arc<House>,
    visitor: &Visitor,
    org: &str,
    team: &str,
    typed: &Fields,
    wrong: Option<(StatusCode, String)>,
) -> Result<Response, Refused> {
    let (directory, principal) = (&house.console.directory, &visitor.principal);
    let row = directory.team_of(principal, org, team).await?;
    let organization = directory.account(principal, org).await?.account.name;
    let own = directory.member(principal, org, principal.account.id.as_str()).await.is_ok_and(|member| member.is_admin);
    let trust = house.console.cluster.current().await?.configuration.trust;
    let required = trust.named_teams().any(|named| named.id == row.team.id);
    let status = wrong.as_ref().map_or(StatusCode::OK, |(status, _)| *status);
    let page = TeamPage {
        page: Page::of(house, visitor, Section::Accounts, format!("{organization}/{}", row.team.name)).await,
        organization: organization.as_str(),
        members: directory.team_members(principal, org, team, &Rows::everything()).await?.rows,
        row,
        required,
        administers: visitor.is_admin() || own,
        typed,
        wrong: wrong.map(|(_, wrong)| wrong),
    };
    Ok(render(status, &page))
}

pub(crate) async fn change(
    State(house): State<Arc<House>>,
    Path((org, team)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Refused> {
    let posted = Posted::from_request(request, &house).await?;
    match act(&house, &posted, &org, &team).await {
        Ok(response) => Ok(response),
        Err(refused) => {
            let wrong = refused.in_form()?;
            page(&house, &posted.visitor, &org, &team, &posted.fields, Some(wrong)).await
        }
    }
}

async fn act(house: &Arc<House>, Posted { visitor, fields }: &Posted, org: &str, team: &str) -> Result<Response, Refused> {
    let (directory, principal) = (&house.console.directory, &visitor.principal);
    let row = directory.team_of(principal, org, team).await?;
    let org = directory.account(principal, org).await?.account.name;
    let (org, name) = (org.as_str(), row.team.name.as_str());
    let back = format!("{PATH}/{org}/teams/{name}");
    let (user, confirmed) = (fields.text("user"), fields.checked("confirmed"));
    let (notice, next) = match fields.text("do") {
        "save" => {
            let changes = TeamChanges { description: Some(fields.text("description").to_owned()), ..TeamChanges::default() };
            directory.update_team(principal, org, name, changes).await?;
            (format!("{org}/{name} is saved."), back)
        }
        "put-member" => {
            directory.put_team_member(principal, org, name, user).await?;
            (format!("{user} is a member of {org}/{name}."), back)
        }
        "remove-member" if confirmed => {
            directory.remove_team_member(principal, org, name, user).await?;
            (format!("{user} is not a member of {org}/{name} any more."), back)
        }
        "remove-member" => {
            let says =
                format!("Where the policy asks for a member of {org}/{name}, the signatures of {user} do not count any more.");
            let page = Page::of(house, visitor, Section::Accounts, format!("Remove {user} from {org}/{name}?")).await;
            let sent = vec![("do", "remove-member".to_owned()), ("user", user.to_owned())];
            let losses = losses_with(house, visitor, user).await;
            return Ok(shown(&ConfirmPage::new(page, says, &back, sent, format!("Remove {user}")).losing(losses)));
        }
        "delete" if confirmed => {
            directory.delete_team(principal, org, name).await?;
            (format!("The team {org}/{name} is deleted."), format!("{PATH}/{org}"))
        }
        "delete" => {
            let says = format!(
                "Its members stay in {org}. A team that the signing policy names is not deleted: take it out of the policy first, so \
                 that nothing becomes weaker by the way."
            );
            let page = Page::of(house, visitor, Section::Accounts, format!("Delete the team {org}/{name}?")).await;
            let sent = vec![("do", "delete".to_owned())];
            return Ok(shown(&ConfirmPage::new(page, says, &back, sent, format!("Delete {org}/{name}"))));
        }
        _ => return Err(Refused::mistake("the form does not say what to do: load the page anew")),
    };
    house.notices.leave(visitor.session(), Notice::new(notice)).await;
    Ok(Redirect::to(&next).into_response())
}
