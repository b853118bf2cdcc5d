//! `GET /v2/_catalog`: the repositories the caller may read.

use axum::response::Response;
use wharfinger_auth::{AccessError, Action, TokenFault};
use wharfinger_identity::Account;

use super::call::Call;
use super::error::Refusal;
use super::tags::{Page, paged};
use crate::registry::Registry;

/// How many repositories are looked at at once.
const STRIDE: u32 = 500;

/// Whose eyes the list is for.
enum Reader {
    /// May see everything.
    Whole,
    Of(Option<Account>),
}

pub(crate) async fn list(call: Call<'_>) -> Result<Response, Refusal> {
    let access = &call.registry.access;
    let reader = match access.catalog(call.bearer()).await {
        Ok(_) => Reader::Whole,
        // A good token, of somebody who may not see everything: then what that account may read now.
        Err(AccessError::Challenge(challenge)) if challenge.fault == TokenFault::Insufficient => {
            Reader::Of(access.anyone(call.bearer()).await?)
        }
        Err(error) => return Err(error.into()),
    };
    let page: Page = call.query()?;
    let size = page.size()?;
    let wanted = size.map_or(usize::MAX, |size| size as usize + 1);
    let names = readable(call.registry, &reader, page.last(), wanted).await?;
    Ok(paged("/v2/_catalog", "repositories", None, names, size))
}

async fn readable(registry: &Registry, reader: &Reader, after: Option<&str>, wanted: usize) -> Result<Vec<String>, Refusal> {
    let mut names = Vec::new();
    let mut after = after.map(str::to_owned);
    loop {
        let records = registry.repositories.list(None, after.as_deref(), STRIDE).await?;
        let Some(last) = records.last() else { return Ok(names) };
        after = Some(last.name.to_string());
        for record in records {
            let may = match reader {
                Reader::Whole => true,
                Reader::Of(account) => registry.access.permits(account.as_ref(), &record.name, Action::Pull).await?,
            };
            if may {
                names.push(record.name.to_string());
            }
            if names.len() >= wanted {
                return Ok(names);
            }
        }
    }
}
