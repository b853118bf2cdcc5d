//! What saving would mean, before it is saved: which of what runs now would be refused.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use wharfinger_cluster::Current;
use wharfinger_policy::Signers;

use super::draft::Draft;
use crate::difference::{Difference, difference};
use crate::error::Refused;
use crate::page::{Page, Section, shown};
use crate::policy_words::sentence;
use crate::routes::House;
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "content_trust_preview.html")]
struct PreviewPage {
    page: Page,
    draft: Draft,
    now: String,
    then: String,
    turns_on: bool,
    no_registries: bool,
    removed: Vec<String>,
    difference: Difference,
}

pub(super) async fn show(house: &Arc<House>, visitor: &Visitor, current: &Current, draft: &Draft) -> Result<Response, Refused> {
    let trust = &current.configuration.trust;
    let candidate = house.console.cluster.candidate_trust(visitor.name(), draft.document(trust)).await?;
    if candidate.trust == *trust {
        return Err(Refused::mistake("There is nothing to save: the form says what is in force already."));
    }
    let difference = difference(house, visitor, &current.configuration, &candidate).await;
    let rules = draft.without_rules.iter().filter_map(|place| Some(trust.rules.get(*place)?.label(*place)));
    let exemptions = draft.without_exemptions.iter().filter_map(|place| Some(trust.exemptions.get(*place)?.label(*place)));
    let repositories = draft.without_repositories.iter().filter_map(|place| trust.allow_repos.get(*place).cloned());
    Ok(shown(&PreviewPage {
        page: Page::of(house, visitor, Section::ContentTrust, "Save this policy?").await,
        draft: draft.clone(),
        now: sentence(trust),
        then: sentence(&candidate.trust),
        turns_on: candidate.trust.require_content_trust && !trust.require_content_trust,
        no_registries: candidate.trust.require_content_trust && candidate.registries.is_empty(),
        removed: rules.chain(exemptions).chain(repositories).collect(),
        difference,
    }))
}
