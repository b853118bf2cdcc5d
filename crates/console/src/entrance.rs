//! What the two consoles have in common: who comes in by which cookie, and where they start.

use std::sync::Arc;

use wharfinger_auth::{Accounts, Bundles, Directory};

use crate::error::Refused;
use crate::notices::Notices;
use crate::page::{Entry, Section};
use crate::pages::profile::PATH as PROFILE;

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
        path == PROFILE || rest.is_some_and(|rest| rest.is_empty() || self.home().ends_with('/') || rest.starts_with('/'))
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

    /// Through which people change their own account. `Err`: it is kept elsewhere, and the sentence says where.
    fn directory(&self) -> Result<&Arc<Directory>, Refused>;

    /// Who makes client bundles, where there is a cluster that they lead to.
    fn bundles(&self) -> Option<&Bundles>;

    fn notices(&self) -> &Notices;

    /// The public `host[:port]`.
    fn host(&self) -> &str;

    fn cookie_name(&self) -> Option<String> {
        self.accounts().cookie_name().map(|name| format!("{name}{}", Self::SITE.cookie_suffix()))
    }
}

/// The registry's navigation; the cluster's is longer and stands in `page.rs`.
pub(crate) const OF_REGISTRY: [Entry; 2] = [
    Entry { words: "Repositories", path: "/repositories", section: Section::Repositories },
    Entry { words: "My account", path: PROFILE, section: Section::Profile },
];
