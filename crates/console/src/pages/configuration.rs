//! *Admin Settings › Configuration*: the whole configuration as a file, read, compared and replaced.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use http::{StatusCode, header};
use wharfinger_cluster::ClusterError;

use crate::difference::{Difference, difference};
use crate::error::Refused;
use crate::line_diff::{Line, diff};
use crate::notices::Notice;
use crate::page::{Page, Section, render, shown};
use crate::posted::{Posted, PostedByAdmin};
use crate::routes::House;
use crate::visitor::{Admin, Visitor};

pub(crate) const PATH: &str = "/manage/settings/configuration";

#[derive(Template)]
#[template(path = "configuration.html")]
struct ConfigurationPage {
    page: Page,
    revision: i64,
    text: String,
    wrong: Option<String>,
}

#[derive(Template)]
#[template(path = "configuration_preview.html")]
struct PreviewPage<'a> {
    page: Page,
    revision: i64,
    text: &'a str,
    lines: Vec<Line<'a>>,
    without_effect: Vec<String>,
    difference: Difference,
}

pub(crate) async fn show(State(house): State<Arc<House>>, Admin(visitor): Admin) -> Result<Response, Refused> {
    // The remedy for a damaged one is here, too.
    let (revision, text, wrong) = match house.console.cluster.current().await {
        Ok(current) => (current.revision, current.configuration.write(), None),
        Err(error @ ClusterError::Damaged) => (-1, String::new(), Some(error.to_string())),
        Err(error) => return Err(error.into()),
    };
    let page = Page::of(&house, &visitor, Section::Configuration, "Configuration").await;
    Ok(shown(&ConfigurationPage { page, revision, text, wrong }))
}

pub(crate) async fn download(State(house): State<Arc<House>>, Admin(_): Admin) -> Result<Response, Refused> {
    let current = house.console.cluster.current().await?;
    let headers = [
        (header::CONTENT_TYPE, "application/toml; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"ucp-config.toml\""),
    ];
    Ok((headers, current.configuration.write()).into_response())
}

pub(crate) async fn change(
    State(house): State<Arc<House>>,
    PostedByAdmin(Posted { visitor, fields }): PostedByAdmin,
) -> Result<Response, Refused> {
    let text = fields.raw("text");
    let revision: i64 =
        fields.text("revision").parse().map_err(|_| Refused::mistake("the form is incomplete: load the page anew"))?;
    let done = match fields.text("do") {
        "confirm" => replace(&house, &visitor, text, revision).await,
        "edit" => Ok(edited(&house, &visitor, revision, text, None).await),
        _ => preview(&house, &visitor, text, revision).await,
    };
    match done {
        Ok(response) => Ok(response),
        Err(refused) => {
            let wrong = refused.in_form()?;
            Ok(edited(&house, &visitor, revision, text, Some(wrong)).await)
        }
    }
}

/// The page with a text as somebody edited it.
async fn edited(
    house: &Arc<House>,
    visitor: &Visitor,
    revision: i64,
    text: &str,
    wrong: Option<(StatusCode, String)>,
) -> Response {
    let page = Page::of(house, visitor, Section::Configuration, "Configuration").await;
    let status = wrong.as_ref().map_or(StatusCode::OK, |(status, _)| *status);
    let wrong = wrong.map(|(_, wrong)| wrong);
    render(status, &ConfigurationPage { page, revision, text: text.to_owned(), wrong })
}

async fn preview(house: &Arc<House>, visitor: &Visitor, text: &str, revision: i64) -> Result<Response, Refused> {
    let cluster = &house.console.cluster;
    let candidate = cluster.candidate(visitor.name(), text).await?;
    let now = match cluster.current().await {
        Ok(current) if current.revision != revision => return Err(ClusterError::Changed.into()),
        Ok(current) => current.configuration,
        Err(ClusterError::Damaged) => wharfinger_policy::Configuration::default(),
        Err(error) => return Err(error.into()),
    };
    let (before, after) = (now.write(), candidate.write());
    let difference = difference(house, visitor, &now, &candidate).await;
    let page = Page::of(house, visitor, Section::Configuration, "Replace the configuration?").await;
    let (lines, without_effect) = (diff(&before, &after), candidate.without_effect());
    Ok(shown(&PreviewPage { page, revision, text, lines, without_effect, difference }))
}

async fn replace(house: &House, visitor: &Visitor, text: &str, revision: i64) -> Result<Response, Refused> {
    // A damaged one has no revision that anybody could have read.
    let expected = (revision >= 0).then_some(revision);
    let change = house.console.cluster.replace_file(visitor.name(), text, expected).await?;
    let kept = change.without_effect.iter().map(|section| format!("kept without effect here: {section}"));
    let notice = Notice::new("The configuration is replaced and in force.").with(change.notes.iter().cloned().chain(kept));
    house.notices.leave(visitor.session(), notice).await;
    Ok(Redirect::to(PATH).into_response())
}
