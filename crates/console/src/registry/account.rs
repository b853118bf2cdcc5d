//! `/manage/profile` of the registry: the same as a cluster's where the registry keeps its own accounts; else who one is here, and
//! where that is changed.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use wharfinger_identity::Account;

use super::{People, Registry};
use crate::error::Refused;
use crate::page::{Page, Section, shown};
use crate::pages::account::teams_of;
use crate::pages::profile;
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "registry/account.html")]
struct AccountPage {
    page: Page,
    account: Account,
    teams: Vec<(String, String)>,
    /// The cluster that keeps the account.
    cluster: String,
}

pub(crate) async fn show(State(registry): State<Arc<Registry>>, visitor: Visitor) -> Result<Response, Refused> {
    let cluster = match &registry.console.people {
        People::Here(_) => return profile::show(State(registry), visitor).await,
        People::AtCluster(cluster) => cluster.clone(),
    };
    let account = visitor.principal.account.clone();
    let page = Page::of(&registry, &visitor, Section::Profile, "My account").await;
    Ok(shown(&AccountPage { page, teams: teams_of(&registry.console.accounts, &account).await?, account, cluster }))
}
