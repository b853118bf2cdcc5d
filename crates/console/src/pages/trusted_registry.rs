//! *Admin Settings › Docker Trusted Registry*: whose images this cluster looks at, and under which CA.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::StatusCode;
use serde::Deserialize;
use wharfinger_cluster::{NewRegistration, fetch_ca, probe, probe_trust};
use wharfinger_keys::Certificate;
use wharfinger_oci::Host;
use wharfinger_policy::{Configuration, Registration};

use crate::difference::{Difference, difference};
use crate::error::Refused;
use crate::notices::Notice;
use crate::page::{Page, Section, render, shown};
use crate::pages::overview::{RegistryRow, registry_row};
use crate::posted::{Posted, PostedByAdmin};
use crate::routes::House;
use crate::visitor::{Admin, Visitor};
use crate::words::{fingerprint, moment};

pub(crate) const PATH: &str = "/manage/settings/dtr";

/// A certificate of a CA bundle, to be compared.
struct Shown {
    name: String,
    sha256: String,
    until: String,
}

struct Row {
    state: RegistryRow,
    certificates: Vec<Shown>,
}

#[derive(Template)]
#[template(path = "trusted_registry.html")]
struct RegistriesPage {
    page: Page,
    rows: Vec<Row>,
    host: String,
    ca: String,
    /// Of a CA that was just fetched, or is to be tested.
    certificates: Vec<Shown>,
    fetched: bool,
    wrong: Option<String>,
}

#[derive(Template)]
#[template(path = "trusted_registry_check.html")]
struct CheckPage {
    page: Page,
    host: Host,
    ca: String,
    certificates: Vec<Shown>,
    connection: Result<(), String>,
    trust: Result<(), String>,
}

#[derive(Template)]
#[template(path = "trusted_registry_remove.html")]
struct RemovePage {
    page: Page,
    host: String,
    difference: Difference,
}

#[derive(Deserialize)]
pub(crate) struct Which {
    #[serde(default)]
    host: String,
}

pub(crate) async fn show(State(house): State<Arc<House>>, Admin(visitor): Admin) -> Result<Response, Refused> {
    Ok(shown(&RegistriesPage::new(&house, &visitor, "", "").await?))
}

pub(crate) async fn change(
    State(house): State<Arc<House>>,
    PostedByAdmin(Posted { visitor, fields }): PostedByAdmin,
) -> Result<Response, Refused> {
    let (written, ca) = (fields.text("host"), fields.text("ca"));
    let mut page = RegistriesPage::new(&house, &visitor, written, ca).await?;
    let wrong = match host(&house, written).await {
        Err(refused) => refused,
        Ok(host) => match fields.text("do") {
            "fetch" => match fetch_ca(&host).await {
                Ok(pem) => {
                    (page.certificates, page.ca, page.fetched) = (certificates(&pem), pem, true);
                    return Ok(shown(&page));
                }
                Err(cause) => Refused::mistake(format!("The CA of {host} could not be fetched: {cause}")),
            },
            "add" => match house.console.cluster.register(visitor.name(), registration(&host, ca)?).await {
                Ok(change) => {
                    let notice = Notice::new(format!("{host} is a trusted registry of this cluster now.")).with(change.notes);
                    house.notices.leave(visitor.session(), notice).await;
                    return Ok(Redirect::to(PATH).into_response());
                }
                Err(error) => error.into(),
            },
            _ if !ca.is_empty() && Certificate::all_from_pem(ca).is_err() => Refused::mistake(
                "The CA is not PEM of certificates: paste everything from -----BEGIN CERTIFICATE----- on, or fetch it.",
            ),
            _ => return check(&house, &visitor, host, ca).await,
        },
    };
    let (status, wrong) = wrong.in_form()?;
    page.wrong = Some(wrong);
    Ok(render(status, &page))
}

/// Connection and trust data tested as a decision would use them, before anything is saved.
async fn check(house: &Arc<House>, visitor: &Visitor, host: Host, ca: &str) -> Result<Response, Refused> {
    let connection = probe(&host, ca).await;
    let trust = match &connection {
        Ok(()) => probe_trust(&host, ca).await,
        Err(_) => Err("not tested, because the connection failed".to_owned()),
    };
    let status = if connection.is_ok() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let page = Page::of(house, visitor, Section::TrustedRegistry, format!("Trust {host}?")).await;
    Ok(render(status, &CheckPage { page, host, ca: ca.to_owned(), certificates: certificates(ca), connection, trust }))
}

pub(crate) async fn ask_to_remove(
    State(house): State<Arc<House>>,
    Admin(visitor): Admin,
    Query(which): Query<Which>,
) -> Result<Response, Refused> {
    let now = house.console.cluster.current().await?.configuration;
    let others = now.registries.iter().filter(|known| known.host_address != which.host).cloned().collect();
    let then = Configuration { registries: others, ..now.clone() };
    if then.registries.len() == now.registries.len() {
        return Err(Refused::page(StatusCode::NOT_FOUND, "this registry is not registered (any more)"));
    }
    let difference = difference(&house, &visitor, &now, &then).await;
    let title = format!("Remove {}?", which.host);
    let page = Page::of(&house, &visitor, Section::TrustedRegistry, title).await;
    Ok(shown(&RemovePage { page, host: which.host, difference }))
}

pub(crate) async fn remove(
    State(house): State<Arc<House>>,
    PostedByAdmin(Posted { visitor, fields }): PostedByAdmin,
) -> Result<Response, Refused> {
    let host = fields.text("host");
    let change = house.console.cluster.deregister(visitor.name(), host).await?;
    let notice = Notice::new(format!("{host} is not a trusted registry of this cluster any more.")).with(change.notes);
    house.notices.leave(visitor.session(), notice).await;
    Ok(Redirect::to(PATH).into_response())
}

/// A host that is not registered yet: adding one anew would drop what else stands in its registration, such as pinned roots.
async fn host(house: &House, written: &str) -> Result<Host, Refused> {
    if written.is_empty() {
        return Err(Refused::mistake("Write the registry's host, such as dtr.example.com or dtr.example.com:5443."));
    }
    let host: Host = written.parse().map_err(wharfinger_cluster::ClusterError::from)?;
    if house.console.cluster.current().await?.configuration.registration(&host).is_some() {
        let why = format!("{host} is registered already. To give it another CA, change its ca_bundle in the configuration.");
        return Err(Refused::page(StatusCode::CONFLICT, why));
    }
    Ok(host)
}

fn registration(host: &Host, ca: &str) -> Result<NewRegistration, Refused> {
    let body = serde_json::json!({ "hostAddress": host.as_str(), "caBundle": ca });
    serde_json::from_value(body).map_err(|error| Refused::mistake(error.to_string()))
}

fn certificates(pem: &str) -> Vec<Shown> {
    let all = Certificate::all_from_pem(pem).unwrap_or_default();
    let shown = |certificate: &Certificate| Shown {
        name: certificate.common_name().to_owned(),
        sha256: fingerprint(certificate),
        until: moment(certificate.not_after()),
    };
    all.iter().map(shown).collect()
}

impl RegistriesPage {
    async fn new(house: &Arc<House>, visitor: &Visitor, host: &str, ca: &str) -> Result<Self, Refused> {
        let lines = house.console.resolver.lines();
        let row = |registration: &Registration| {
            let line = lines.iter().find(|line| line.registry.as_str() == registration.host_address);
            let state = registry_row(&registration.host_address, line);
            Row { state, certificates: certificates(&registration.ca_bundle) }
        };
        let rows = house.console.cluster.registrations().await?.iter().map(row).collect();
        Ok(Self {
            page: Page::of(house, visitor, Section::TrustedRegistry, "Docker Trusted Registry").await,
            rows,
            host: host.to_owned(),
            ca: ca.to_owned(),
            certificates: Vec::new(),
            fetched: false,
            wrong: None,
        })
    }
}
