//! `/manage/profile`: client bundles, keys and password of whoever is signed in.

use std::sync::Arc;

use askama::Template;
use axum::extract::{FromRequest as _, Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::{StatusCode, header};
use wharfinger_auth::{AccountChanges, NewKey, Secret};
use wharfinger_identity::Account;

use crate::error::Refused;
use crate::notices::Notice;
use crate::page::{Page, Section, render, shown};
use crate::pages::account::teams_of;
use crate::pages::keys::{self, KeyRow};
use crate::posted::{Fields, Posted};
use crate::routes::House;
use crate::visitor::Visitor;

pub(crate) const PATH: &str = "/manage/profile";

#[derive(Template)]
#[template(path = "profile.html")]
struct ProfilePage<'a> {
    page: Page,
    account: Account,
    keys: Vec<KeyRow>,
    teams: Vec<(String, String)>,
    /// What somebody who is no administrator signs to prove that a key is theirs.
    nonce: String,
    typed: &'a Fields,
    wrong: Option<String>,
}

impl<'a> ProfilePage<'a> {
    async fn new(house: &Arc<House>, visitor: &Visitor, typed: &'a Fields, wrong: Option<String>) -> Result<Self, Refused> {
        let account = visitor.principal.account.clone();
        Ok(Self {
            page: Page::of(house, visitor, Section::Profile, "My profile").await,
            keys: keys::rows(house, visitor, account.name.as_str()).await?,
            teams: teams_of(house, &account).await?,
            nonce: house.console.directory.nonce(&visitor.principal, account.name.as_str()).await?.nonce,
            account,
            typed,
            wrong,
        })
    }
}

pub(crate) async fn show(State(house): State<Arc<House>>, visitor: Visitor) -> Result<Response, Refused> {
    Ok(shown(&ProfilePage::new(&house, &visitor, &Fields::default(), None).await?))
}

pub(crate) async fn change(State(house): State<Arc<House>>, request: Request) -> Result<Response, Refused> {
    let posted = Posted::from_request(request, &house).await?;
    match act(&house, &posted).await {
        Ok(response) => Ok(response),
        Err(refused) => {
            let (status, wrong) = told(refused)?;
            Ok(render(status, &ProfilePage::new(&house, &posted.visitor, &posted.fields, Some(wrong)).await?))
        }
    }
}

/// Here a 403 is about what was sent, too: which keys one may register oneself.
fn told(refused: Refused) -> Result<(StatusCode, String), Refused> {
    match refused {
        Refused::Page { status: StatusCode::FORBIDDEN, message, retry_after: None } => Ok((StatusCode::FORBIDDEN, message)),
        other => other.in_form(),
    }
}

async fn act(house: &Arc<House>, posted: &Posted) -> Result<Response, Refused> {
    let (Posted { visitor, fields }, directory) = (posted, &house.console.directory);
    let (principal, name) = (&visitor.principal, visitor.name());
    let notice = match fields.text("do") {
        "bundle" => return bundle(house, posted).await,
        "save" => {
            let changes = AccountChanges { full_name: Some(fields.text("full-name").to_owned()), ..AccountChanges::default() };
            directory.update_account(principal, name, changes).await?;
            Notice::new("Your name is saved.")
        }
        "password" => {
            let (old, new) = (Secret::new(fields.raw("old-password")), Secret::new(fields.raw("password")));
            directory.change_password(principal, name, Some(&old), &new, visitor.from).await?;
            Notice::new("Your password is changed; your other sessions have ended.")
        }
        "add-key" => {
            let written = |field| Some(fields.text(field).to_owned()).filter(|text| !text.is_empty());
            let signature = written("signature");
            let new = NewKey {
                public_key: fields.text("public-key").to_owned(),
                label: fields.text("label").to_owned(),
                nonce: written("nonce").filter(|_| signature.is_some()),
                signature,
            };
            directory.add_key(principal, name, new).await?;
            Notice::new("The key is registered: what it signs counts as yours from now on.")
        }
        "retire-key" | "remove-key" => return keys::change(house, posted, name, PATH, Section::Profile).await,
        _ => return Err(Refused::mistake("the form does not say what to do: load the page anew")),
    };
    house.notices.leave(visitor.session(), notice).await;
    Ok(Redirect::to(PATH).into_response())
}

/// A new bundle, as a file.
async fn bundle(house: &House, Posted { visitor, fields }: &Posted) -> Result<Response, Refused> {
    let bundle = house.console.bundles.make(&visitor.principal, fields.text("label")).await?;
    let headers = [
        (header::CONTENT_TYPE, "application/zip".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", bundle.file_name)),
    ];
    Ok((headers, bundle.zip).into_response())
}
