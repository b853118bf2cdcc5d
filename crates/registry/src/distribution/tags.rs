//! `GET …/tags/list` (distribution-spec § listing tags).

use axum::body::Body;
use axum::http::{StatusCode, header};
use axum::response::Response;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::json;
use wharfinger_auth::Action;
use wharfinger_oci::Repository;

use super::call::{Call, respond};
use super::error::Refusal;

/// No page is longer.
const LONGEST: u32 = 10_000;

/// Where a listing goes on, and how far.
#[derive(Deserialize)]
pub(crate) struct Page {
    n: Option<String>,
    last: Option<String>,
}

impl Page {
    /// How many entries are asked for; `None`: all of them.
    pub(crate) fn size(&self) -> Result<Option<u32>, Refusal> {
        let Some(n) = &self.n else { return Ok(None) };
        if n.is_empty() || !n.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Refusal::PageInvalid);
        }
        Ok(Some(n.parse().unwrap_or(u32::MAX).min(LONGEST)))
    }

    pub(crate) fn last(&self) -> Option<&str> {
        self.last.as_deref()
    }
}

pub(crate) async fn list(call: Call<'_>, name: Repository) -> Result<Response, Refusal> {
    call.authorize_existing(&name, Action::Pull).await?;
    let page: Page = call.query()?;
    let size = page.size()?;
    // One more than asked for tells whether there is a next page.
    let limit = size.map_or(u32::MAX, |size| size + 1);
    let tags = call.registry.content.tags(&name, page.last(), limit).await?;
    let tags: Vec<String> = tags.into_iter().map(|tag| tag.name.to_string()).collect();
    Ok(paged(&format!("/v2/{name}/tags/list"), "tags", Some(&name), tags, size))
}

/// A page of a listing, with a `Link` to the next one when `entries` holds more than the page.
pub(crate) fn paged(path: &str, key: &str, name: Option<&Repository>, mut entries: Vec<String>, size: Option<u32>) -> Response {
    let size = size.map(|size| size as usize).filter(|size| entries.len() > *size);
    let mut link = None;
    if let Some(size) = size {
        entries.truncate(size);
        link = entries.last().map(|last| {
            let last = utf8_percent_encode(last, NON_ALPHANUMERIC);
            format!("<{path}?last={last}&n={size}>; rel=\"next\"")
        });
    }
    let body = match name {
        Some(name) => json!({ "name": name.as_str(), key: entries }),
        None => json!({ key: entries }),
    };
    let body = Body::from(body.to_string());
    let kind = (header::CONTENT_TYPE, "application/json".to_owned());
    match link {
        Some(link) => respond(StatusCode::OK, [kind, (header::LINK, link)], body),
        None => respond(StatusCode::OK, [kind], body),
    }
}
