//! The table: every page, and every form that changes something. Signing in and out is in `frame`.

use std::sync::Arc;

use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use wharfinger_auth::{Accounts, Bundles, Directory};

use crate::console::Console;
use crate::entrance::{Entrance, Site};
use crate::error::Refused;
use crate::frame::{framed, nowhere};
use crate::live::Watchers;
use crate::notices::Notices;
use crate::pages::{
    account, accounts, audit, configuration, content_trust, deploy, overview, profile, team, trusted_registry, why, workloads,
};

/// What the handlers call.
pub(crate) struct House {
    pub(crate) console: Console,
    pub(crate) notices: Notices,
    pub(crate) watchers: Watchers,
}

impl Entrance for House {
    const SITE: Site = Site::Cluster;

    fn accounts(&self) -> &Arc<Accounts> {
        &self.console.accounts
    }

    fn directory(&self) -> Result<&Arc<Directory>, Refused> {
        Ok(&self.console.directory)
    }

    fn bundles(&self) -> Option<&Bundles> {
        Some(&self.console.bundles)
    }

    fn notices(&self) -> &Notices {
        &self.notices
    }

    fn host(&self) -> &str {
        &self.console.host
    }
}

/// The console under `/manage/`; `/` leads there.
pub fn console_routes(console: Console) -> Router {
    let pages = Router::new()
        .route("/manage", get(async || Redirect::to("/manage/")))
        .route("/manage/", get(overview::show))
        .route(content_trust::PATH, get(content_trust::show).post(content_trust::change))
        .route("/manage/settings/contenttrust/teams", get(content_trust::teams))
        .route(trusted_registry::PATH, get(trusted_registry::show).post(trusted_registry::change))
        .route("/manage/settings/dtr/remove", get(trusted_registry::ask_to_remove).post(trusted_registry::remove))
        .route(accounts::PATH, get(accounts::show).post(accounts::create))
        .route("/manage/accounts/{account}", get(account::show).post(account::change))
        .route("/manage/accounts/{account}/teams/{team}", get(team::show).post(team::change))
        .route(profile::PATH, get(profile::show::<House>).post(profile::change::<House>))
        .route("/manage/workloads", get(workloads::show))
        .route(deploy::PATH, get(deploy::service::show).post(deploy::service::create))
        .route(deploy::STACK, get(deploy::stack::show).post(deploy::stack::change))
        .route(deploy::PROGRESS, get(deploy::progress::show))
        .route("/manage/deploy/events", get(deploy::progress::events))
        .route("/manage/why", get(why::show))
        .route(audit::PATH, get(audit::show))
        .route(audit::EXPORT_PATH, get(audit::export))
        .route(configuration::PATH, get(configuration::show).post(configuration::change))
        .route("/manage/settings/configuration/file", get(configuration::download))
        .route("/manage/{*rest}", get(nowhere));
    framed(pages, House { console, notices: Notices::new(), watchers: Watchers::default() })
}
