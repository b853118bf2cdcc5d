//! A user: role, password, keys, memberships.

use std::sync::Arc;

use askama::Template;
use axum::response::{IntoResponse as _, Redirect, Response};
use http::StatusCode;
use wharfinger_auth::{AccountChanges, AccountRow, Accounts, Secret};
use wharfinger_identity::{Account, Role};

use super::done;
use crate::error::Refused;
use crate::notices::Notice;
use crate::page::{Page, Section, render, shown};
use crate::pages::accounts::PATH;
use crate::pages::confirm::ConfirmPage;
use crate::pages::keys::{self, KeyRow, losses_with};
use crate::posted::{Fields, Posted};
use crate::routes::House;
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "user.html")]
struct UserPage<'a> {
    page: Page,
    account: Account,
    own: bool,
    keys: Vec<KeyRow>,
    teams: Vec<(String, String)>,
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
    let account = row.account.clone();
    let status = wrong.as_ref().map_or(StatusCode::OK, |(status, _)| *status);
    let page = UserPage {
        page: Page::of(house, visitor, Section::Accounts, account.name.as_str()).await,
        own: account.id == visitor.principal.account.id,
        keys: keys::rows(&house.console.directory, visitor, account.name.as_str()).await?,
        teams: teams_of(&house.console.accounts, &account).await?,
        account,
        typed,
        wrong: wrong.map(|(_, wrong)| wrong),
    };
    Ok(render(status, &page))
}

/// The teams somebody is in, as organization and team.
pub(crate) async fn teams_of(accounts: &Accounts, account: &Account) -> Result<Vec<(String, String)>, Refused> {
    let directory = accounts.directory();
    let mut teams = Vec::new();
    for team in directory.teams_of(&account.id).await? {
        if let Some(org) = directory.account(&team.org).await? {
            teams.push((org.name.to_string(), team.name.to_string()));
        }
    }
    Ok(teams)
}

pub(super) async fn change(house: &Arc<House>, posted: &Posted, row: &AccountRow) -> Result<Response, Refused> {
    let (Posted { visitor, fields }, directory) = (posted, &house.console.directory);
    let (account, name) = (&row.account, row.account.name.as_str());
    let back = format!("{PATH}/{name}");
    let confirmed = fields.checked("confirmed");
    match fields.text("do") {
        "save" => {
            let role: Role = fields
                .text("role")
                .parse()
                .map_err(|error: wharfinger_identity::UnknownRole| Refused::mistake(error.to_string()))?;
            let active = fields.checked("active");
            if account.is_active && !active && !confirmed {
                let says = format!(
                    "{name} cannot sign in any more, what is open is closed, and their signatures stop counting until they are \
                     activated again."
                );
                let page = Page::of(house, visitor, Section::Accounts, format!("Deactivate {name}?")).await;
                let admin = if fields.checked("admin") { "yes" } else { "" };
                let sent = [("do", "save"), ("role", role.as_str()), ("admin", admin), ("full-name", fields.text("full-name"))];
                let sent = sent.into_iter().map(|(field, value)| (field, value.to_owned())).collect();
                let losses = losses_with(house, visitor, name).await;
                return Ok(shown(&ConfirmPage::new(page, says, &back, sent, format!("Deactivate {name}")).losing(losses)));
            }
            let changes = AccountChanges {
                full_name: Some(fields.text("full-name").to_owned()),
                is_admin: Some(fields.checked("admin")),
                is_active: Some(active),
                role: Some(role),
            };
            let (_, lost) = directory.update_account(&visitor.principal, name, changes).await?;
            let lost = lost.tags.unwrap_or_default();
            let notice = Notice::new(format!("{name} is saved.")).with(lost.iter().map(|tag| format!("{tag} lost a signer")));
            Ok(done(house, posted, name, notice).await)
        }
        "password" => {
            let new = Secret::new(fields.raw("password"));
            directory.change_password(&visitor.principal, name, None, &new, visitor.from).await?;
            Ok(done(house, posted, name, Notice::new(format!("{name} has a new password; their sessions have ended."))).await)
        }
        "delete" if confirmed => {
            let lost = directory.delete_account(&visitor.principal, name).await?.tags.unwrap_or_default();
            let notice = Notice::new(format!("{name} is deleted.")).with(lost.iter().map(|tag| format!("{tag} lost a signer")));
            house.notices.leave(visitor.session(), notice).await;
            Ok(Redirect::to(PATH).into_response())
        }
        "delete" => {
            let says = format!(
                "With {name} go their keys, bundles and memberships, for good: somebody who gets the name later is somebody else. To \
                 only shut them out, deactivate the account."
            );
            let page = Page::of(house, visitor, Section::Accounts, format!("Delete {name}?")).await;
            let losses = losses_with(house, visitor, name).await;
            let fields = vec![("do", "delete".to_owned())];
            Ok(shown(&ConfirmPage::new(page, says, &back, fields, format!("Delete {name}")).losing(losses)))
        }
        "retire-key" | "remove-key" => keys::change(house, posted, name, &back, Section::Accounts).await,
        _ => Err(Refused::mistake("the form does not say what to do: load the page anew")),
    }
}
