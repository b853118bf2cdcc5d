//! `/repositories`: those the visitor may read, and among them those whose name holds what was typed.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::Registry;
use super::looked_at::path_of;
use crate::error::Refused;
use crate::page::{Page, Section, shown};
use crate::visitor::Guest;
use crate::words::{count, moment};

/// Repositories of one page.
const MANY: u32 = 50;

#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    find: String,
    /// The name after which the page begins.
    #[serde(default)]
    after: String,
}

struct Row {
    name: String,
    /// `None`: it is in nobody's namespace and has no page.
    path: Option<String>,
    visibility: &'static str,
    description: String,
    updated: String,
}

#[derive(Template)]
#[template(path = "registry/list.html")]
struct ListPage {
    page: Page,
    find: String,
    first: bool,
    /// How many these are, in words.
    many: String,
    rows: Vec<Row>,
    next: Option<String>,
}

pub(crate) async fn show(
    State(registry): State<Arc<Registry>>,
    Query(asked): Query<Asked>,
    guest: Guest,
) -> Result<Response, Refused> {
    let find = asked.find.trim().to_lowercase();
    let after = Some(asked.after.as_str()).filter(|after| !after.is_empty());
    let (found, next) = registry.console.access.search(guest.account(), &find, after, MANY).await?;
    let row = |record: wharfinger_storage::repositories::RepositoryRecord| Row {
        path: path_of(&record.name),
        name: record.name.to_string(),
        visibility: record.visibility.as_str(),
        description: record.short_description,
        updated: moment(record.updated_at),
    };
    Ok(shown(&ListPage {
        page: Page::open(&registry, &guest, Section::Repositories, "Repositories").await,
        find,
        first: after.is_none(),
        many: format!(
            "{}{}",
            count(found.len(), "repository", "repositories"),
            if next.is_some() { " on this page" } else { "" }
        ),
        rows: found.into_iter().map(row).collect(),
        next,
    }))
}
