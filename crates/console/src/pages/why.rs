//! `/manage/why?image=…&namespace=…`: may it run, and why (not)?

use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use serde::Deserialize;
use wharfinger_auth::Need;
use wharfinger_gate::{Explanation, Workload};
use wharfinger_policy::Signers;

use crate::chain::Chain;
use crate::difference::question;
use crate::error::Refused;
use crate::page::{Page, Section, shown};
use crate::routes::House;
use crate::visitor::Visitor;

#[derive(Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    image: String,
    #[serde(default)]
    namespace: String,
}

#[derive(Template)]
#[template(path = "why.html")]
struct WhyPage {
    page: Page,
    image: String,
    namespace: String,
    answer: Option<Answer>,
}

struct Answer {
    explanation: Explanation,
    chain: Chain,
    /// What to do, and the end of it that is typed as it stands there.
    remedy: String,
    command: Option<String>,
}

pub(crate) async fn show(
    State(house): State<Arc<House>>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> Result<Response, Refused> {
    visitor.must(Need::Operate)?;
    let (image, namespace) = (asked.image.trim().to_owned(), asked.namespace.trim().to_owned());
    let mut answer = None;
    if !image.is_empty() {
        let within = Some(namespace.clone()).filter(|namespace| !namespace.is_empty());
        let workload = Workload { namespace: within, ..question(&visitor, &image) };
        let explanation = house.console.gate.explain(&workload, &image).await;
        let signers: Signers = house.console.cluster.current().await?.configuration.trust.signers;
        let chain = Chain::of(&explanation, signers);
        let (remedy, command) = command(&explanation.remedy);
        answer = Some(Answer { explanation, chain, remedy, command });
    }
    let page = Page::of(&house, &visitor, Section::Why, "Why?").await;
    Ok(shown(&WhyPage { page, image, namespace, answer }))
}

/// Many remedies end with what is to be typed.
fn command(remedy: &str) -> (String, Option<String>) {
    match remedy.rfind("docker trust sign ").and_then(|at| remedy.split_at_checked(at)) {
        Some((says, command)) => (says.trim_end().to_owned(), Some(command.to_owned())),
        None => (remedy.to_owned(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_of_a_remedy_is_what_stands_at_its_end() {
        let remedy = "a member of acme/qa signs it: docker trust sign dtr.test/acme/app:1";
        let typed = Some("docker trust sign dtr.test/acme/app:1".to_owned());
        assert_eq!(command(remedy), ("a member of acme/qa signs it:".to_owned(), typed));
        assert_eq!(command("try again"), ("try again".to_owned(), None));
    }
}
