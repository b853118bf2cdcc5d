//! `/manage/`: how things stand.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use wharfinger_gate::Explanation;
use wharfinger_storage::audit::Search;
use wharfinger_trust::LineStatus;

use crate::error::Refused;
use crate::page::{Page, Section, shown};
use crate::policy_words::sentence;
use crate::routes::House;
use crate::running::{Decided, Named, Seen, decided};
use crate::visitor::Visitor;
use crate::words::moment;

/// The page does not wait longer for verdicts: what was not decided by then is said to be open.
const PATIENCE: Duration = Duration::from_secs(2);
const RECENT: usize = 8;
/// One `docker run` is refused twice: when it makes a container, and when it pulls. It stands there once.
const READ: u32 = 24;
/// Of what would be refused. The page of workloads shows more.
const MOST_REFUSED: usize = 50;

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage {
    page: Page,
    enforced: bool,
    policy: String,
    /// For administrators.
    running: Option<Running>,
    denials: Vec<Denied>,
    registries: Vec<RegistryRow>,
}

/// What runs, by what a deployment of it would meet now.
struct Running {
    total: usize,
    allowed: usize,
    audited: usize,
    undecided: usize,
    /// The first of what would be refused.
    refused: Vec<RefusedRow>,
    all_refused: usize,
    /// Why that is not all.
    unseen: Vec<String>,
}

struct RefusedRow {
    named: Named,
    code: &'static str,
}

struct Denied {
    at: String,
    actor: String,
    image: String,
    code: String,
}

pub(crate) struct RegistryRow {
    pub(crate) host: String,
    pub(crate) good: bool,
    pub(crate) state: String,
}

pub(crate) async fn show(State(house): State<Arc<House>>, visitor: Visitor) -> Result<Response, Refused> {
    let console = &house.console;
    let configuration = console.cluster.current().await?.configuration;
    let admin = visitor.is_admin();
    let actor = (!admin).then(|| visitor.name().to_owned());
    let search = Search { actor, action: Some("deploy".to_owned()), outcome: Some("deny".to_owned()), ..Search::default() };
    let denials = console.audit.search(&search, None, READ).await?.into_iter().map(|recorded| {
        let detail: serde_json::Value = serde_json::from_str(&recorded.act.detail).unwrap_or_default();
        let code = detail.get("code").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
        Denied { at: moment(recorded.act.at), actor: recorded.act.actor, image: recorded.act.object, code }
    });
    let mut denials: Vec<Denied> = denials.collect();
    denials.dedup_by(|one, other| {
        (&one.at, &one.actor, &one.image, &one.code) == (&other.at, &other.actor, &other.image, &other.code)
    });
    denials.truncate(RECENT);
    let (mut running, mut registries) = (None, Vec::new());
    if admin {
        running = Some(what_runs(&house, &visitor).await);
        let lines = console.resolver.lines();
        let row = |registration: &wharfinger_policy::Registration| {
            let line = lines.iter().find(|line| line.registry.as_str() == registration.host_address);
            registry_row(&registration.host_address, line)
        };
        registries = configuration.registries.iter().map(row).collect();
    }
    let page = Page::of(&house, &visitor, Section::Overview, "Overview").await;
    let enforced = configuration.trust.require_content_trust;
    Ok(shown(&OverviewPage { page, enforced, policy: sentence(&configuration.trust), running, denials, registries }))
}

/// How a registry is heard.
pub(crate) fn registry_row(host: &str, line: Option<&LineStatus>) -> RegistryRow {
    let heard = |seconds: u64| if seconds < 3 { "just now".to_owned() } else { format!("{seconds} s ago") };
    let (good, state) = match line.map(|line| (line.followed, line.unheard)) {
        Some((true, Some(unheard))) if unheard.as_secs() < 10 => (true, format!("Followed, heard {}", heard(unheard.as_secs()))),
        Some((true, Some(unheard))) => (false, format!("Silent for {} s", unheard.as_secs())),
        Some((false, Some(unheard))) if unheard.as_secs() < 60 => {
            (true, format!("Asked for each decision, heard {}", heard(unheard.as_secs())))
        }
        _ => (false, "Not heard of: each decision asks it".to_owned()),
    };
    RegistryRow { host: host.to_owned(), good, state }
}

async fn what_runs(house: &House, visitor: &Visitor) -> Running {
    let Seen { all, unseen } = decided(house, visitor, PATIENCE).await;
    let (total, mut allowed, mut audited, mut undecided, mut refused) = (all.len(), 0, 0, 0, Vec::new());
    for Decided { running, explanation } in all {
        match explanation {
            None => undecided += 1,
            Some(Explanation { verdict: "allow", .. }) => allowed += 1,
            Some(Explanation { verdict: "audit", .. }) => audited += 1,
            Some(Explanation { code, .. }) => refused.push(RefusedRow { named: Named::of(&running), code }),
        }
    }
    let all_refused = refused.len();
    refused.truncate(MOST_REFUSED);
    Running { total, allowed, audited, undecided, refused, all_refused, unseen }
}
