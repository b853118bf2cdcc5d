//! What every page has around it, and how one is sent.

use std::sync::Arc;

use askama::Template;
use axum::response::{Html, IntoResponse as _, Response};
use http::StatusCode;
use wharfinger_auth::Need;

use crate::notices::Notice;
use crate::routes::House;
use crate::visitor::Visitor;

/// The place of a page in the navigation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Section {
    /// In none: signing in, errors.
    Nowhere,
    Overview,
    Workloads,
    Why,
    Accounts,
    Profile,
    ContentTrust,
    TrustedRegistry,
    Configuration,
    Audit,
}

/// Who is signed in, as pages show them.
pub(crate) struct Who {
    pub(crate) name: String,
    pub(crate) is_admin: bool,
    /// Whether they may ask why an image may or may not run.
    pub(crate) may_ask: bool,
    /// What stands in each form as `token`.
    pub(crate) token: String,
}

/// Everything around a page's content.
pub(crate) struct Page {
    pub(crate) title: String,
    pub(crate) section: Section,
    pub(crate) who: Option<Who>,
    pub(crate) notice: Option<Notice>,
    /// The cluster's public host.
    pub(crate) host: String,
}

/// One entry of the navigation.
pub(crate) struct Entry {
    pub(crate) words: &'static str,
    pub(crate) path: &'static str,
    pub(crate) section: Section,
}

/// Each for whoever may see the page.
const FIRST: [Entry; 5] = [
    Entry { words: "Overview", path: "/manage/", section: Section::Overview },
    Entry { words: "Workloads", path: "/manage/workloads", section: Section::Workloads },
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
    pub(crate) async fn of(house: &Arc<House>, visitor: &Visitor, section: Section, title: impl Into<String>) -> Self {
        let who = Who {
            name: visitor.name().to_owned(),
            is_admin: visitor.is_admin(),
            may_ask: visitor.must(Need::Operate).is_ok(),
            token: visitor.token.text(),
        };
        Self {
            title: title.into(),
            section,
            who: Some(who),
            notice: house.notices.take(visitor.session()).await,
            host: house.console.host.clone(),
        }
    }

    /// A page for nobody in particular.
    pub(crate) fn bare(title: impl Into<String>) -> Self {
        Self { title: title.into(), section: Section::Nowhere, who: None, notice: None, host: String::new() }
    }

    pub(crate) fn token(&self) -> &str {
        self.who.as_ref().map_or("", |who| &who.token)
    }

    pub(crate) fn is_admin(&self) -> bool {
        self.who.as_ref().is_some_and(|who| who.is_admin)
    }

    pub(crate) fn may_ask(&self) -> bool {
        self.who.as_ref().is_some_and(|who| who.may_ask)
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &'static Entry> {
        let (may_ask, is_admin) = (self.may_ask(), self.is_admin());
        FIRST.iter().filter(move |entry| match entry.section {
            Section::Why => may_ask,
            Section::Workloads => is_admin,
            _ => true,
        })
    }

    pub(crate) fn admin_entries(&self) -> &'static [Entry] {
        if self.is_admin() { &FOR_ADMINS } else { &[] }
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
