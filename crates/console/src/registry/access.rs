//! `/repositories/{namespace}/{name}/access`: who may read, write and administer it; changed by those who administer it.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use http::StatusCode;
use wharfinger_auth::NamedTeam;
use wharfinger_oci::Repository;
use wharfinger_storage::repositories::{AccessLevel, RepositoryChange, Scope, Visibility};

use super::Registry;
use super::looked_at::LookedAt;
use crate::error::Refused;
use crate::page::{Page, Section, render, shown};
use crate::pages::confirm::ConfirmPage;
use crate::posted::Fields;
use crate::visitor::Guest;

#[derive(Template)]
#[template(path = "registry/access.html")]
struct AccessPage<'a> {
    page: Page,
    repository: &'a LookedAt,
    /// Whose namespace it is, as it was when the repository was made.
    owner: Option<String>,
    /// Those with access to it alone, and what they may.
    teams: Vec<(String, &'static str)>,
    /// Those with access to the whole namespace.
    everywhere: Vec<(String, &'static str)>,
    /// As a form sends them, and what they let do.
    levels: [(&'static str, &'static str); 3],
    typed: &'a Fields,
    wrong: Option<String>,
}

/// What a level lets a team do.
fn may(level: AccessLevel) -> &'static str {
    match level {
        AccessLevel::ReadOnly => "read",
        AccessLevel::ReadWrite => "read and write",
        AccessLevel::Admin => "read, write and administer",
    }
}

fn said(teams: Vec<(NamedTeam, AccessLevel)>) -> Vec<(String, &'static str)> {
    teams.into_iter().map(|(team, level)| (team.name, may(level))).collect()
}

pub(crate) async fn show(
    State(registry): State<Arc<Registry>>,
    Path((namespace, name)): Path<(String, String)>,
    guest: Guest,
) -> Result<Response, Refused> {
    let repository = LookedAt::administered(&registry, &guest, (&namespace, &name)).await?;
    page(&registry, &guest, &repository, &Fields::default(), None).await
}

async fn page(
    registry: &Arc<Registry>,
    guest: &Guest,
    repository: &LookedAt,
    typed: &Fields,
    wrong: Option<(StatusCode, String)>,
) -> Result<Response, Refused> {
    let (name, console) = (&repository.record.name, &registry.console);
    let owner = match &repository.record.owner {
        Some(owner) => console.accounts.find(owner).await?.map(|owner| owner.name.to_string()),
        None => None,
    };
    let everywhere = match name.namespace().parse() {
        Ok(namespace) => console.access.granted_teams(&Scope::Namespace(namespace)).await?,
        Err(_) => Vec::new(),
    };
    let status = wrong.as_ref().map_or(StatusCode::OK, |(status, _)| *status);
    let page = AccessPage {
        page: Page::open(registry, guest, Section::Repositories, format!("Who may use {name}")).await,
        repository,
        owner,
        teams: said(console.access.granted_teams(&Scope::Repository(name.clone())).await?),
        everywhere: said(everywhere),
        levels: AccessLevel::ALL.map(|level| (level.as_str(), may(level))),
        typed,
        wrong: wrong.map(|(_, wrong)| wrong),
    };
    Ok(render(status, &page))
}

pub(crate) async fn change(
    State(registry): State<Arc<Registry>>,
    Path((namespace, name)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Refused> {
    let (guest, fields, repository) = LookedAt::posted(&registry, (&namespace, &name), request).await?;
    match act(&registry, &guest, &fields, &repository).await {
        Ok(response) => Ok(response),
        Err(refused) => page(&registry, &guest, &repository, &fields, Some(refused.in_form()?)).await,
    }
}

async fn act(registry: &Arc<Registry>, guest: &Guest, fields: &Fields, repository: &LookedAt) -> Result<Response, Refused> {
    let (access, actor, name) = (&registry.console.access, guest.account(), &repository.record.name);
    let (here, confirmed) = (format!("{}/access", repository.path), fields.checked("confirmed"));
    let scope = Scope::Repository(name.clone());
    let ask = async |title: String, says: String, sent: Vec<(&'static str, String)>, button: String| {
        let page = Page::open(registry, guest, Section::Repositories, title).await;
        Ok(shown(&ConfirmPage::new(page, says, &here, sent, button)))
    };
    let notice = match fields.text("do") {
        "visibility" => {
            let text = fields.text("visibility");
            let visibility = Visibility::parse(text).ok_or_else(|| Refused::mistake("Choose public or private."))?;
            if !confirmed {
                let says = match visibility {
                    Visibility::Public => "Anybody who reaches this registry may then pull it, without signing in.",
                    Visibility::Private => {
                        "Only its owner and the teams that have access may then pull it. Clusters that pull without \
                                            credentials cannot any more."
                    }
                };
                let sent = vec![("do", "visibility".to_owned()), ("visibility", text.to_owned())];
                return ask(format!("Make {name} {text}?"), says.to_owned(), sent, format!("Make it {text}")).await;
            }
            let change = RepositoryChange { visibility: Some(visibility), ..RepositoryChange::default() };
            let now = registry.console.clock.now();
            access.change(actor, &repository.record, &change, now).await?.ok_or_else(|| gone(name))?;
            format!("{name} is {text}.")
        }
        "grant" => {
            let level =
                AccessLevel::parse(fields.text("level")).ok_or_else(|| Refused::mistake("Choose what the team may do."))?;
            let team = team(registry, name, fields.text("team")).await?;
            if level == AccessLevel::Admin && !confirmed {
                let says = format!("Its members may then delete what is in {name}, and decide who else may use it.");
                let sent = vec![("do", "grant".to_owned()), ("team", team.name.clone()), ("level", level.as_str().to_owned())];
                return ask(format!("Let {} administer {name}?", team.name), says, sent, format!("Let {} administer", team.name))
                    .await;
            }
            if !access.grant(actor, &scope, &team, level).await? {
                return Err(gone(name));
            }
            format!("Members of {} may {} {name}.", team.name, may(level))
        }
        "revoke" => {
            let team = team(registry, name, fields.text("team")).await?;
            if !confirmed {
                let says =
                    "Its members keep what they have by other teams, by the namespace, or because the repository is public.";
                let sent = vec![("do", "revoke".to_owned()), ("team", team.name.clone())];
                let title = format!("Take access to {name} from {}?", team.name);
                return ask(title, says.to_owned(), sent, format!("Take access from {}", team.name)).await;
            }
            if !access.revoke(actor, &scope, &team).await? {
                return Err(Refused::mistake(format!("{} had no access to this repository alone.", team.name)));
            }
            format!("{} has no access by itself any more.", team.name)
        }
        _ => return Err(Refused::mistake("the form does not say what to do: load the page anew")),
    };
    registry.leave(guest, notice).await;
    Ok(Redirect::to(&here).into_response())
}

async fn team(registry: &Registry, name: &Repository, text: &str) -> Result<NamedTeam, Refused> {
    let found = registry.console.access.team_named(name.namespace(), text).await?;
    found.ok_or_else(|| Refused::mistake(format!("There is no team `{text}`: write it as organization/team.")))
}

fn gone(name: &Repository) -> Refused {
    Refused::page(StatusCode::NOT_FOUND, format!("{name} is not there any more"))
}
