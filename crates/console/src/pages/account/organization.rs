//! An organization: members and teams.

use std::sync::Arc;

use askama::Template;
use axum::response::{IntoResponse as _, Redirect, Response};
use http::StatusCode;
use wharfinger_auth::{AccountChanges, AccountRow, MemberChange, MemberRow, NewTeam, TeamRow};
use wharfinger_identity::Account;
use wharfinger_storage::accounts::Page as Rows;

use super::done;
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
#[template(path = "organization.html")]
struct OrganizationPage<'a> {
    page: Page,
    account: Account,
    members: Vec<MemberRow>,
    teams: Vec<TeamRow>,
    /// Whether this visitor may change it.
    administers: bool,
    typed: &'a Fields,
    wrong: Option<String>,
}

pub(super) async fn show(
    house: &Arc<House>,
    visitor: &Visitor,
    row: &AccountRow,
    typed: &Fields,
    wrong: Option<(StatusCode, String)>,
) -> Result<Response, Refused> {
    let (directory, principal, name) = (&house.console.directory, &visitor.principal, row.account.name.as_str());
    let members = directory.members(principal, name, &Rows::everything()).await?.rows;
    let own = members.iter().any(|member| member.is_admin && member.member.account.id == principal.account.id);
    let status = wrong.as_ref().map_or(StatusCode::OK, |(status, _)| *status);
    let page = OrganizationPage {
        page: Page::of(house, visitor, Section::Accounts, name).await,
        account: row.account.clone(),
        members,
        teams: directory.teams(principal, name, &Rows::everything()).await?.rows,
        administers: visitor.is_admin() || own,
        typed,
        wrong: wrong.map(|(_, wrong)| wrong),
    };
    Ok(render(status, &page))
}

pub(super) async fn change(house: &Arc<House>, posted: &Posted, row: &AccountRow) -> Result<Response, Refused> {
    let (Posted { visitor, fields }, directory) = (posted, &house.console.directory);
    let (principal, name) = (&visitor.principal, row.account.name.as_str());
    let back = format!("{PATH}/{name}");
    let (user, confirmed) = (fields.text("user"), fields.checked("confirmed"));
    let notice = match fields.text("do") {
        "save" => {
            let changes = AccountChanges { full_name: Some(fields.text("full-name").to_owned()), ..AccountChanges::default() };
            directory.update_account(principal, name, changes).await?;
            Notice::new(format!("{name} is saved."))
        }
        "put-member" => {
            let change = MemberChange { is_admin: Some(fields.checked("admin")) };
            directory.put_member(principal, name, user, change).await?;
            Notice::new(format!("{user} is a member of {name}."))
        }
        "remove-member" if confirmed => {
            directory.remove_member(principal, name, user).await?;
            Notice::new(format!("{user} is not a member of {name} and its teams any more."))
        }
        "remove-member" => {
            directory.member(principal, name, user).await?;
            let says = format!(
                "{user} leaves {name} and every team of it. Where the policy asks for a member of such a team, their signatures do \
                 not count any more."
            );
            let page = Page::of(house, visitor, Section::Accounts, format!("Remove {user} from {name}?")).await;
            let sent = vec![("do", "remove-member".to_owned()), ("user", user.to_owned())];
            let losses = losses_with(house, visitor, user).await;
            return Ok(shown(&ConfirmPage::new(page, says, &back, sent, format!("Remove {user}")).losing(losses)));
        }
        "create-team" => {
            let new = NewTeam { name: fields.text("team").to_owned(), description: fields.text("description").to_owned() };
            let made = directory.create_team(principal, name, new).await?.team.name;
            house
                .notices
                .leave(visitor.session(), Notice::new(format!("The team {name}/{made} is made. Now add its members.")))
                .await;
            return Ok(Redirect::to(&format!("{back}/teams/{made}")).into_response());
        }
        "delete" if confirmed => {
            directory.delete_account(principal, name).await?;
            house.notices.leave(visitor.session(), Notice::new(format!("{name} is deleted."))).await;
            return Ok(Redirect::to(PATH).into_response());
        }
        "delete" => {
            visitor.must(wharfinger_auth::Need::Admin)?;
            let says = format!("With {name} go its teams and memberships. Its members' accounts and its repositories stay.");
            let page = Page::of(house, visitor, Section::Accounts, format!("Delete {name}?")).await;
            let sent = vec![("do", "delete".to_owned())];
            return Ok(shown(&ConfirmPage::new(page, says, &back, sent, format!("Delete {name}"))));
        }
        _ => return Err(Refused::mistake("the form does not say what to do: load the page anew")),
    };
    Ok(done(house, posted, name, notice).await)
}
