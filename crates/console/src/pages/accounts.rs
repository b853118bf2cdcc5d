//! `/manage/accounts`: users and organizations; for administrators all of them, with the forms that make new ones.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use wharfinger_auth::{AccountRow, NewAccount, Secret};
use wharfinger_identity::Role;
use wharfinger_storage::accounts::{AccountFilter, Page as Rows};

use crate::error::Refused;
use crate::notices::Notice;
use crate::page::{Page, Section, render, shown};
use crate::posted::{Fields, Posted, PostedByAdmin};
use crate::routes::House;
use crate::visitor::Visitor;

pub(crate) const PATH: &str = "/manage/accounts";
/// Users of one page.
const MANY: u32 = 200;

#[derive(Template)]
#[template(path = "accounts.html")]
struct AccountsPage {
    page: Page,
    users: Vec<AccountRow>,
    /// Where the next page of users begins.
    next: Option<String>,
    organizations: Vec<AccountRow>,
    typed: Fields,
    wrong: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct From {
    #[serde(default)]
    start: String,
}

pub(crate) async fn show(
    State(house): State<Arc<House>>,
    visitor: Visitor,
    Query(from): Query<From>,
) -> Result<Response, Refused> {
    Ok(shown(&AccountsPage::new(&house, &visitor, from.start, Fields::default(), None).await?))
}

pub(crate) async fn create(
    State(house): State<Arc<House>>,
    PostedByAdmin(Posted { visitor, fields }): PostedByAdmin,
) -> Result<Response, Refused> {
    let organization = fields.text("kind") == "organization";
    let made = match new_account(&fields, organization) {
        Ok(new) => house.console.directory.create_account(&visitor.principal, new).await.map_err(Refused::from),
        Err(refused) => Err(refused),
    };
    match made {
        Ok(row) => {
            let name = row.account.name;
            let next = if organization { "Now add its members and teams." } else { "Now give them their password." };
            house.notices.leave(visitor.session(), Notice::new(format!("{name} is made. {next}"))).await;
            Ok(Redirect::to(&format!("{PATH}/{name}")).into_response())
        }
        Err(refused) => {
            let (status, wrong) = refused.in_form()?;
            Ok(render(status, &AccountsPage::new(&house, &visitor, String::new(), fields, Some(wrong)).await?))
        }
    }
}

fn new_account(fields: &Fields, organization: bool) -> Result<NewAccount, Refused> {
    let (name, full_name) = (fields.text("name").to_owned(), fields.text("full-name").to_owned());
    if organization {
        return Ok(NewAccount { name, full_name, is_org: true, ..NewAccount::default() });
    }
    let role = match fields.text("role") {
        "" => None,
        text => Some(text.parse::<Role>().map_err(|error| Refused::mistake(error.to_string()))?),
    };
    let password = Some(Secret::new(fields.raw("password")));
    Ok(NewAccount { name, full_name, password, role, is_admin: fields.checked("admin"), ..NewAccount::default() })
}

impl AccountsPage {
    async fn new(
        house: &Arc<House>,
        visitor: &Visitor,
        start: String,
        typed: Fields,
        wrong: Option<String>,
    ) -> Result<Self, Refused> {
        let (directory, principal) = (&house.console.directory, &visitor.principal);
        let users = directory.accounts(principal, AccountFilter::Users, &Rows { start, limit: MANY }).await?;
        let organizations = directory.accounts(principal, AccountFilter::Orgs, &Rows::everything()).await?;
        Ok(Self {
            page: Page::of(house, visitor, Section::Accounts, "Users and teams").await,
            users: users.rows,
            next: users.next,
            organizations: organizations.rows,
            typed,
            wrong,
        })
    }
}
