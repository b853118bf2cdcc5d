//! Deploying a stack: everything is looked up first, then made one after the other, in the order of the stock client.

use std::collections::BTreeMap;

use http::StatusCode;
use serde_json::{Value, json};
use wharfinger_stack::{Kind, NAMESPACE, Network, Service, Stack};

use crate::engine::registry_login::RegistryLogin;
use crate::engine::{Call, Engine, Said, encoded, text};

/// What is to be done, before anything of it is.
pub(crate) struct Steps {
    all: Vec<Step>,
}

pub(crate) struct Step {
    pub(crate) does: Does,
    /// None: it was not tried.
    pub(crate) outcome: Option<Result<Vec<String>, Said>>,
}

pub(crate) enum Does {
    /// A service that the file does not name any more goes, before another one takes its ports.
    Remove {
        name: String,
        id: String,
    },
    MakeNetwork(Network),
    Create {
        name: String,
        body: Value,
    },
    Update {
        name: String,
        body: Value,
        now: Value,
    },
}

impl Does {
    /// In words, as a headline.
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Remove { name, .. } => format!("Remove the service {name}"),
            Self::MakeNetwork(network) => format!("Make the network {}", network.name),
            Self::Create { name, .. } => format!("Make the service {name}"),
            Self::Update { name, .. } => format!("Update the service {name}"),
        }
    }

    fn done(&self) -> String {
        match self {
            Self::Remove { name, .. } => format!("removed: service {name}"),
            Self::MakeNetwork(network) => format!("made: network {}", network.name),
            Self::Create { name, .. } => format!("made: service {name}"),
            Self::Update { name, .. } => format!("updated: service {name}"),
        }
    }
}

impl Steps {
    /// What the stack needs, beside what is there. Whatever has to be there and is not stops here, before anything is made.
    pub(crate) async fn plan(engine: &Engine<'_>, stack: &Stack, prune: bool) -> Result<Self, Said> {
        let of_stack = json!({ "label": [format!("{NAMESPACE}={}", stack.name)] });
        let services = engine.list(Call::get("/services").filtered(&of_stack)).await?;
        let networks = engine.list(Call::get("/networks").filtered(&of_stack)).await?;
        for name in &stack.external_networks {
            external_network(engine, name).await?;
        }
        let ids = ids(engine, stack).await?;
        let now: BTreeMap<&str, &Value> = services.iter().map(|service| (text(service, "/Spec/Name"), service)).collect();
        let mut all = Vec::new();
        if prune {
            let goes = now.iter().filter(|(name, _)| !stack.services.iter().any(|service| service.name == **name));
            all.extend(
                goes.map(|(name, service)| Does::Remove { name: (*name).to_owned(), id: text(service, "/ID").to_owned() }),
            );
        }
        let missing = stack.networks.iter().filter(|network| !networks.iter().any(|there| text(there, "/Name") == network.name));
        all.extend(missing.cloned().map(Does::MakeNetwork));
        for service in &stack.services {
            let body = body(service, &ids)?;
            let name = service.name.clone();
            all.push(match now.get(name.as_str()) {
                Some(now) => Does::Update { name, body, now: (*now).clone() },
                None => Does::Create { name, body },
            });
        }
        Ok(Self { all: all.into_iter().map(|does| Step { does, outcome: None }).collect() })
    }

    pub(crate) fn all(&self) -> &[Step] {
        &self.all
    }

    /// One after the other, until one is refused.
    pub(crate) async fn take(&mut self, engine: &Engine<'_>, login: Option<&RegistryLogin>) {
        for step in &mut self.all {
            let outcome = take(engine, &step.does, login).await;
            let goes_on = outcome.is_ok();
            step.outcome = Some(outcome);
            if !goes_on {
                break;
            }
        }
    }

    /// What was done, with what was said of it.
    pub(crate) fn done(&self) -> Vec<String> {
        let done = self.all.iter().filter_map(|step| Some((&step.does, step.outcome.as_ref()?.as_ref().ok()?)));
        done.flat_map(|(does, said)| std::iter::once(does.done()).chain(said.iter().cloned())).collect()
    }

    /// Why it did not come to its end.
    pub(crate) fn refused(&self) -> Option<&Said> {
        self.all.iter().find_map(|step| step.outcome.as_ref()?.as_ref().err())
    }
}

async fn take(engine: &Engine<'_>, does: &Does, login: Option<&RegistryLogin>) -> Result<Vec<String>, Said> {
    match does {
        Does::Remove { id, .. } => engine.ask(Call::delete(format!("/services/{}", encoded(id)))).await.map(|_| Vec::new()),
        Does::MakeNetwork(network) => {
            let answer = engine.ask(Call::post("/networks/create", network.body.clone())).await?;
            let warning = text(&answer, "/Warning");
            Ok(Some(warning).filter(|warning| !warning.is_empty()).map(str::to_owned).into_iter().collect())
        }
        Does::Create { body, .. } => engine.create_service(body.clone(), login).await,
        Does::Update { body, now, .. } => engine.update_service(now, body.clone(), login).await,
    }
}

async fn external_network(engine: &Engine<'_>, name: &str) -> Result<(), Said> {
    let wrong = |why: String| Said { status: StatusCode::BAD_REQUEST, message: why };
    match engine.ask(Call::get(format!("/networks/{}", encoded(name)))).await {
        Ok(network) if text(&network, "/Scope") == "swarm" => Ok(()),
        Ok(_) => {
            let why =
                "is a network of one machine alone: make one for the whole swarm with `docker network create --driver overlay`";
            Err(wrong(format!("the external network `{name}` {why}")))
        }
        Err(said) if said.status == StatusCode::NOT_FOUND => {
            Err(wrong(format!("{}. Make it first: docker network create --driver overlay {name}", said.message)))
        }
        Err(said) => Err(said),
    }
}

/// The ids of the secrets and configs that the services need, as far as they are there.
async fn ids(engine: &Engine<'_>, stack: &Stack) -> Result<BTreeMap<(Kind, String), String>, Said> {
    let mut ids = BTreeMap::new();
    for (kind, path) in [(Kind::Secret, "/secrets"), (Kind::Config, "/configs")] {
        let needs = stack.services.iter().flat_map(Service::needs).filter(|(needed, _)| *needed == kind);
        let names: Vec<String> = needs.map(|(_, name)| name).collect();
        if names.is_empty() {
            continue;
        }
        for there in engine.list(Call::get(path).filtered(&json!({ "name": names }))).await? {
            ids.insert((kind, text(&there, "/Spec/Name").to_owned()), text(&there, "/ID").to_owned());
        }
    }
    Ok(ids)
}

fn body(service: &Service, ids: &BTreeMap<(Kind, String), String>) -> Result<Value, Said> {
    let body = service.body(|kind, name| ids.get(&(kind, name.to_owned())).cloned());
    body.map_err(|missing| Said { status: StatusCode::BAD_REQUEST, message: format!("{}: {missing}", service.name) })
}
