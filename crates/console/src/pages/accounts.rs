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
use crate::words::count;

pub(crate) const PATH: &str = "/manage/accounts";
/// Users, and organizations, of one page.
const MANY: u32 = 50;

#[derive(Template)]
#[template(path = "accounts.html")]
struct AccountsPage {
    page: Page,
    /// What is looked for in names; empty: nothing in particular.
    find: String,
    users: Vec<AccountRow>,
    /// Where the next page of users begins.
    next: Option<String>,
    organizations: Vec<AccountRow>,
    /// Where the next page of organizations begins.
    next_organizations: Option<String>,
    typed: Fields,
    wrong: Option<String>,
}

#[derive(Deserialize, Default)]
pub(crate) struct Asked {
    #[serde(default)]
    start: String,
    /// Where the organizations begin.
    #[serde(default)]
    organizations: String,
    #[serde(default)]
    find: String,
}

pub(crate) async fn show(
    State(house): State<Arc<House>>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<Response, Refused> {
    Ok(shown(&AccountsPage::new(&house, &visitor, asked, Fields::default(), None).await?))
}

pub(crate) async fn create(
    State(house): State<Arc<House>>,
    PostedByAdmin(Posted { visitor, fields }): PostedByAdmin,
) -> Result<Response, Refused> {
    let organization = fields.text("do") == "organization";
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
            Ok(render(status, &AccountsPage::new(&house, &visitor, Asked::default(), fields, Some(wrong)).await?))
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
    /// How many there are, in words.
    fn many(&self) -> String {
        let users = count(self.users.len(), "user", "users");
        let more = if self.next.is_some() || self.next_organizations.is_some() { " on this page" } else { "" };
        format!("{}, {users}{more}", count(self.organizations.len(), "organization", "organizations"))
    }

    async fn new(
        house: &Arc<House>,
        visitor: &Visitor,
        Asked { start, organizations, find }: Asked,
        typed: Fields,
        wrong: Option<String>,
    ) -> Result<Self, Refused> {
        let (directory, principal) = (&house.console.directory, &visitor.principal);
        let (find, page) = (find.trim().to_owned(), |start| Rows { start, limit: MANY });
        let users = directory.find_accounts(principal, AccountFilter::Users, &find, &page(start)).await?;
        let organizations = directory.find_accounts(principal, AccountFilter::Orgs, &find, &page(organizations)).await?;
        Ok(Self {
            page: Page::of(house, visitor, Section::Accounts, "Users and teams").await,
            find,
            users: users.rows,
            next: users.next,
            organizations: organizations.rows,
            next_organizations: organizations.next,
            typed,
            wrong,
        })
    }
}
