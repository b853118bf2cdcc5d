//! What the two consoles have in common: who comes in by which cookie, and where they start.

use std::sync::Arc;

use wharfinger_auth::Accounts;

use crate::notices::Notices;
use crate::page::{Entry, Section};

/// Which console it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Site {
    Cluster,
    Registry,
}

impl Site {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Registry => "registry",
        }
    }

    /// The page everything starts from.
    pub(crate) fn home(self) -> &'static str {
        match self {
            Self::Cluster => "/manage/",
            Self::Registry => "/repositories",
        }
    }

    /// What that page is called.
    pub(crate) fn first_page(self) -> &'static str {
        match self {
            Self::Cluster => "overview",
            Self::Registry => "repositories",
        }
    }

    /// Whether a path, without anything that could lead out of it, is one of its pages.
    pub(crate) fn has(self, path: &str) -> bool {
        let rest = path.strip_prefix(self.home());
        rest.is_some_and(|rest| rest.is_empty() || self.home().ends_with('/') || rest.starts_with('/'))
    }

    /// Cookies do not tell ports apart, and in one process both consoles have the same accounts: each has a cookie of its own.
    fn cookie_suffix(self) -> &'static str {
        match self {
            Self::Cluster => "",
            Self::Registry => "-registry",
        }
    }
}

/// The pages of one console, as those that both have see them.
pub(crate) trait Entrance: Send + Sync + 'static {
    const SITE: Site;

    fn accounts(&self) -> &Arc<Accounts>;

    fn notices(&self) -> &Notices;

    /// The public `host[:port]`.
    fn host(&self) -> &str;

    fn cookie_name(&self) -> Option<String> {
        self.accounts().cookie_name().map(|name| format!("{name}{}", Self::SITE.cookie_suffix()))
    }
}

/// The registry's navigation; the cluster's is longer and stands in `page.rs`.
pub(crate) const OF_REGISTRY: [Entry; 1] =
    [Entry { words: "Repositories", path: "/repositories", section: Section::Repositories }];
