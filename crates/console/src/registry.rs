//! The registry's console: its repositories, what is in them, who signed it, and who may read and write.
//!
//! Who may see a page is asked of the room that the registry's API asks; trust data is read as the Notary server stored it, with the
//! signatures counted here. What is kept in memory is named by hashes: it is right or not found.

mod access;
mod account;
mod drawing;
mod history;
mod image;
mod list;
mod looked_at;
mod making;
mod repository;
mod settings;
mod tag;
mod trust;
mod trust_data;

use std::sync::Arc;

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use wharfinger_auth::{Accounts, Bundles, Clock, Directory, RegistryAccess, RepositoryTrust};
use wharfinger_storage::blobs::Blobs;
use wharfinger_storage::collections::Collections;
use wharfinger_storage::repositories::Content;

use crate::entrance::{Entrance, Site};
use crate::error::Refused;
use crate::frame::{framed, nowhere};
use crate::notices::{Notice, Notices};
use crate::pages::profile;
use crate::visitor::Guest;

pub(crate) const PATH: &str = "/repositories";

/// Where the accounts that sign in here are kept.
#[derive(Clone)]
pub enum People {
    /// In this registry, which stands alone.
    Here(Arc<Directory>),
    /// In the cluster of this public host: they are changed there, under its policy.
    AtCluster(String),
}

/// What the pages of one registry stand on.
#[derive(Clone)]
pub struct RegistryConsole {
    pub accounts: Arc<Accounts>,
    pub people: People,
    pub access: Arc<RegistryAccess>,
    pub content: Arc<dyn Content>,
    pub blobs: Arc<dyn Blobs>,
    /// The trust data, as the Notary server keeps it.
    pub collections: Arc<dyn Collections>,
    /// What of a repository is signed, and the end of it.
    pub trust: Arc<dyn RepositoryTrust>,
    pub clock: Clock,
    /// The registry's public `host[:port]`: images and trust data are named by it.
    pub host: String,
}

/// What the handlers call.
pub(crate) struct Registry {
    pub(crate) console: RegistryConsole,
    pub(crate) notices: Notices,
    pub(crate) memory: history::Memory,
    pub(crate) counted: trust_data::Counted,
}

impl Registry {
    /// Leaves somebody a word for the next page.
    pub(crate) async fn leave(&self, guest: &Guest, notice: String) {
        if let Some(visitor) = &guest.visitor {
            self.notices.leave(visitor.session(), Notice::new(notice)).await;
        }
    }
}

impl Entrance for Registry {
    const SITE: Site = Site::Registry;

    fn accounts(&self) -> &Arc<Accounts> {
        &self.console.accounts
    }

    fn directory(&self) -> Result<&Arc<Directory>, Refused> {
        match &self.console.people {
            People::Here(directory) => Ok(directory),
            People::AtCluster(host) => Err(Refused::forbidden(format!(
                "the accounts of this registry are kept by its cluster: change yours at https://{host}/manage/profile"
            ))),
        }
    }

    fn bundles(&self) -> Option<&Bundles> {
        None
    }

    fn notices(&self) -> &Notices {
        &self.notices
    }

    fn host(&self) -> &str {
        &self.console.host
    }
}

/// The console under `/repositories`; `/` leads there. Signing in is where the cluster has it.
pub fn registry_console_routes(console: RegistryConsole) -> Router {
    let repository = format!("{PATH}/{{namespace}}/{{name}}");
    let pages = Router::new()
        .route(PATH, get(list::show))
        .route(&format!("{PATH}/"), get(async || Redirect::to(PATH)))
        .route(profile::PATH, get(account::show).post(profile::change::<Registry>))
        .route(&format!("{PATH}/new"), get(making::show).post(making::make))
        .route(&repository, get(repository::show))
        .route(&format!("{repository}/tags"), get(repository::show))
        .route(&format!("{repository}/tags/{{tag}}"), get(tag::show).post(tag::delete))
        .route(&format!("{repository}/trust"), get(trust::show))
        .route(&format!("{repository}/settings"), get(settings::show).post(settings::change))
        .route(&format!("{repository}/access"), get(access::show).post(access::change))
        .route(&format!("{PATH}/{{namespace}}"), get(nowhere))
        .route(&format!("{repository}/{{*rest}}"), get(nowhere));
    framed(
        pages,
        Registry { console, notices: Notices::new(), memory: history::Memory::new(), counted: trust_data::Counted::new() },
    )
}
