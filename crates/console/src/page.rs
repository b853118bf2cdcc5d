//! What every page has around it, and how one is sent.

use std::sync::Arc;

use askama::Template;
use axum::response::{Html, IntoResponse as _, Response};
use http::StatusCode;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use wharfinger_auth::Need;

use crate::entrance::{Entrance, OF_REGISTRY, Site};
use crate::notices::Notice;
use crate::visitor::{Guest, Visitor};

/// The place of a page in the navigation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Section {
    /// In none: signing in, errors.
    Nowhere,
    Overview,
    Workloads,
    Deploy,
    Why,
    Accounts,
    Profile,
    ContentTrust,
    TrustedRegistry,
    Configuration,
    Audit,
    Repositories,
}

/// Who is signed in, as pages show them.
pub(crate) struct Who {
    pub(crate) name: String,
    pub(crate) is_admin: bool,
    /// Whether they may make services.
    pub(crate) may_deploy: bool,
    /// Whether they may ask why an image may or may not run.
    pub(crate) may_ask: bool,
    /// What stands in each form as `token`.
    pub(crate) token: String,
}

/// Everything around a page's content.
pub(crate) struct Page {
    pub(crate) title: String,
    pub(crate) section: Section,
    pub(crate) site: Site,
    pub(crate) who: Option<Who>,
    /// Where somebody who has not signed in may do so; `None` where that makes no sense.
    pub(crate) sign_in: Option<String>,
    pub(crate) notice: Option<Notice>,
    /// The public host of the cluster or registry.
    pub(crate) host: String,
}

/// One entry of the navigation.
pub(crate) struct Entry {
    pub(crate) words: &'static str,
    pub(crate) path: &'static str,
    pub(crate) section: Section,
}

/// Each for whoever may see the page.
const FIRST: [Entry; 6] = [
    Entry { words: "Overview", path: "/manage/", section: Section::Overview },
    Entry { words: "Workloads", path: "/manage/workloads", section: Section::Workloads },
    Entry { words: "Deploy", path: "/manage/deploy", section: Section::Deploy },
    Entry { words: "Why?", path: "/manage/why", section: Section::Why },
    Entry { words: "Users and teams", path: "/manage/accounts", section: Section::Accounts },
    Entry { words: "My profile", path: "/manage/profile", section: Section::Profile },
];

const FOR_ADMINS: [Entry; 4] = [
    Entry { words: "Docker Content Trust", path: "/manage/settings/contenttrust", section: Section::ContentTrust },
    Entry { words: "Docker Trusted Registry", path: "/manage/settings/dtr", section: Section::TrustedRegistry },
    Entry { words: "Configuration", path: "/manage/settings/configuration", section: Section::Configuration },
    Entry { words: "Audit log", path: "/manage/audit", section: Section::Audit },
];

impl Page {
    /// A page for somebody, with what waits to be said to them.
    pub(crate) async fn of<E: Entrance>(house: &Arc<E>, visitor: &Visitor, section: Section, title: impl Into<String>) -> Self {
        let who = Who {
            name: visitor.name().to_owned(),
            is_admin: visitor.is_admin(),
            may_deploy: visitor.must(Need::Work).is_ok(),
            may_ask: visitor.must(Need::Operate).is_ok(),
            token: visitor.token.text(),
        };
        Self {
            title: title.into(),
            section,
            site: E::SITE,
            who: Some(who),
            sign_in: None,
            notice: house.notices().take(visitor.session()).await,
            host: house.host().to_owned(),
        }
    }

    /// A page for whoever comes.
    pub(crate) async fn open<E: Entrance>(house: &Arc<E>, guest: &Guest, section: Section, title: impl Into<String>) -> Self {
        if let Some(visitor) = &guest.visitor {
            return Self::of(house, visitor, section, title).await;
        }
        let next = guest.at.as_deref().unwrap_or_default();
        let sign_in = Some(format!("/manage/login?next={}", utf8_percent_encode(next, NON_ALPHANUMERIC)));
        Self { section, site: E::SITE, sign_in, host: house.host().to_owned(), ..Self::bare(title) }
    }

    /// A page for nobody in particular.
    pub(crate) fn bare(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            section: Section::Nowhere,
            site: Site::Cluster,
            who: None,
            sign_in: None,
            notice: None,
            host: String::new(),
        }
    }

    pub(crate) fn token(&self) -> &str {
        self.who.as_ref().map_or("", |who| &who.token)
    }

    pub(crate) fn is_admin(&self) -> bool {
        self.who.as_ref().is_some_and(|who| who.is_admin)
    }

    pub(crate) fn may_deploy(&self) -> bool {
        self.who.as_ref().is_some_and(|who| who.may_deploy)
    }

    pub(crate) fn may_ask(&self) -> bool {
        self.who.as_ref().is_some_and(|who| who.may_ask)
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &'static Entry> {
        let (may_ask, is_admin, signed_in) = (self.may_ask(), self.is_admin(), self.who.is_some());
        let may_deploy = self.may_deploy();
        let entries: &[Entry] = match self.site {
            Site::Cluster => &FIRST,
            Site::Registry => &OF_REGISTRY,
        };
        entries.iter().filter(move |entry| match entry.section {
            Section::Why => may_ask,
            Section::Workloads => is_admin,
            Section::Deploy => may_deploy,
            Section::Profile => signed_in,
            _ => true,
        })
    }

    pub(crate) fn admin_entries(&self) -> &'static [Entry] {
        if self.is_admin() && self.site == Site::Cluster { &FOR_ADMINS } else { &[] }
    }
}

/// What is wrong, and what to do.
#[derive(Template)]
#[template(path = "wrong.html")]
pub(crate) struct WrongPage {
    pub(crate) page: Page,
    pub(crate) message: String,
}

pub(crate) fn render(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            (StatusCode::INTERNAL_SERVER_ERROR, "the page could not be made; the server's log says why").into_response()
        }
    }
}

/// A page that was asked for.
pub(crate) fn shown(page: &impl Template) -> Response {
    render(StatusCode::OK, page)
}
