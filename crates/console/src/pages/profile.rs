//! `/manage/profile`: name, keys and password of whoever is signed in, of a cluster and of a registry that keeps its own accounts;
//! and client bundles where there is a cluster that they lead to.

use std::sync::Arc;

use askama::Template;
use axum::extract::{FromRequest as _, Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::{StatusCode, header};
use wharfinger_auth::{AccountChanges, Bundles, NewKey, Secret};
use wharfinger_identity::Account;

use crate::entrance::{Entrance, Site};
use crate::error::Refused;
use crate::notices::Notice;
use crate::page::{Page, Section, render, shown};
use crate::pages::account::teams_of;
use crate::pages::keys::{self, KeyRow};
use crate::posted::{Fields, Posted};
use crate::visitor::Visitor;

pub(crate) const PATH: &str = "/manage/profile";

#[derive(Template)]
#[template(path = "profile.html")]
struct ProfilePage<'a> {
    page: Page,
    account: Account,
    keys: Vec<KeyRow>,
    teams: Vec<(String, String)>,
    /// Whether this is a cluster's, with its bundles, roles and pages of teams.
    of_cluster: bool,
    /// What somebody who is no administrator signs to prove that a key is theirs.
    nonce: String,
    typed: &'a Fields,
    wrong: Option<String>,
}

impl<'a> ProfilePage<'a> {
    async fn new<E: Entrance>(
        house: &Arc<E>,
        visitor: &Visitor,
        typed: &'a Fields,
        wrong: Option<String>,
    ) -> Result<Self, Refused> {
        let (account, directory) = (visitor.principal.account.clone(), house.directory()?);
        let title = if E::SITE == Site::Cluster { "My profile" } else { "My account" };
        Ok(Self {
            page: Page::of(house, visitor, Section::Profile, title).await,
            keys: keys::rows(directory, visitor, account.name.as_str()).await?,
            teams: teams_of(house.accounts(), &account).await?,
            of_cluster: E::SITE == Site::Cluster,
            nonce: directory.nonce(&visitor.principal, account.name.as_str()).await?.nonce,
            account,
            typed,
            wrong,
        })
    }
}

pub(crate) async fn show<E: Entrance>(State(house): State<Arc<E>>, visitor: Visitor) -> Result<Response, Refused> {
    Ok(shown(&ProfilePage::new(&house, &visitor, &Fields::default(), None).await?))
}

pub(crate) async fn change<E: Entrance>(State(house): State<Arc<E>>, request: Request) -> Result<Response, Refused> {
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

async fn act<E: Entrance>(house: &Arc<E>, posted: &Posted) -> Result<Response, Refused> {
    let (Posted { visitor, fields }, directory) = (posted, house.directory()?);
    let (principal, name) = (&visitor.principal, visitor.name());
    let notice = match fields.text("do") {
        "bundle" => match house.bundles() {
            Some(bundles) => return bundle(bundles, posted).await,
            None => return Err(Refused::mistake("client bundles lead to a cluster: make one there")),
        },
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
    house.notices().leave(visitor.session(), notice).await;
    Ok(Redirect::to(PATH).into_response())
}

/// A new bundle, as a file.
async fn bundle(bundles: &Bundles, Posted { visitor, fields }: &Posted) -> Result<Response, Refused> {
    let bundle = bundles.make(&visitor.principal, fields.text("label")).await?;
    let headers = [
        (header::CONTENT_TYPE, "application/zip".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", bundle.file_name)),
    ];
    Ok((headers, bundle.zip).into_response())
}
