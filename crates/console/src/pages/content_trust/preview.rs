//! What saving would mean, before it is saved: which of what runs now would be refused.

use std::sync::Arc;

use askama::Template;
use axum::response::Response;
use time::OffsetDateTime;
use wharfinger_cluster::Current;
use wharfinger_policy::{RuleDocument, Signers};

use super::draft::Draft;
use crate::difference::{Difference, difference};
use crate::error::Refused;
use crate::page::{Page, Section, shown};
use crate::policy_words::{self, sentence};
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
    changes: Vec<Change>,
    difference: Difference,
}

/// One rule, exemption or exempt repository that is there on one side only.
struct Change {
    what: &'static str,
    says: String,
}

pub(super) async fn show(house: &Arc<House>, visitor: &Visitor, current: &Current, draft: &Draft) -> Result<Response, Refused> {
    let trust = &current.configuration.trust;
    let candidate = house.console.cluster.candidate_trust(visitor.name(), draft.document(trust)).await?;
    if candidate.trust == *trust {
        return Err(Refused::mistake("There is nothing to save: the form says what is in force already."));
    }
    let difference = difference(house, visitor, &current.configuration, &candidate).await;
    Ok(shown(&PreviewPage {
        page: Page::of(house, visitor, Section::ContentTrust, "Save this policy?").await,
        draft: draft.clone(),
        now: sentence(trust),
        then: sentence(&candidate.trust),
        turns_on: candidate.trust.require_content_trust && !trust.require_content_trust,
        no_registries: candidate.trust.require_content_trust && candidate.registries.is_empty(),
        changes: changes(&Draft::of(current), draft),
        difference,
    }))
}

/// What of the lists is new, what is gone, and whether the rules change places.
fn changes(now: &Draft, then: &Draft) -> Vec<Change> {
    let at = OffsetDateTime::now_utc();
    let repository = |name: &String| format!("Images of {name} need no signature, without an end.");
    let mut changes = Vec::new();
    for (what, (these, those)) in [("New", (then, now)), ("Removed", (now, then))] {
        let rules = these.rules.iter().filter(|rule| !those.rules.contains(rule)).map(policy_words::rule);
        let exemptions = these.exemptions.iter().filter(|exemption| !those.exemptions.contains(exemption));
        let exemptions = exemptions.map(|exemption| policy_words::exemption(exemption, at));
        let repositories = these.repositories.iter().filter(|name| !those.repositories.contains(name)).map(repository);
        changes.extend(rules.chain(exemptions).chain(repositories).map(|says| Change { what, says }));
    }
    let kept_rules = |one: &Draft, other: &Draft| -> Vec<RuleDocument> {
        one.rules.iter().filter(|rule| other.rules.contains(rule)).cloned().collect()
    };
    if kept_rules(now, then) != kept_rules(then, now) {
        let says = then.rules.iter().enumerate().map(|(place, rule)| rule.label(place)).collect::<Vec<_>>().join(", then ");
        changes.push(Change { what: "Order of rules", says });
    }
    changes
}
