//! What becomes of services: their tasks, as the engine tells of them now.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Call, Engine, Said, text};
use crate::words::{count, short};

/// Tasks that are shown of everything that is looked at.
const MOST_TASKS: usize = 100;

/// What is looked at.
#[derive(Clone, Debug)]
pub(crate) enum Looked {
    /// All services that the visitor may see.
    Everything,
    Service(String),
    Stack(String),
}

/// How far everything is.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Progress {
    pub(crate) services: Vec<Service>,
    pub(crate) tasks: Vec<Task>,
    /// Tasks that are not shown.
    pub(crate) more: usize,
}

#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Service {
    pub(crate) name: String,
    pub(crate) image: String,
    pub(crate) running: u64,
    /// How many should run; none where the engine has not said yet.
    pub(crate) wanted: Option<u64>,
    /// What the engine says of a change that goes on or did not work.
    pub(crate) update: String,
    settled: bool,
    /// Runs to an end, and not for ever.
    is_job: bool,
}

#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Task {
    pub(crate) name: String,
    pub(crate) node: String,
    pub(crate) desired: String,
    pub(crate) state: String,
    /// `good`, `bad` or nothing.
    pub(crate) class: &'static str,
    pub(crate) since: String,
    pub(crate) error: String,
    wanted: bool,
}

impl Progress {
    /// Whether everything runs as it should, so that there is nothing to wait for.
    pub(crate) fn is_settled(&self) -> bool {
        self.services.iter().all(|service| service.settled)
    }

    /// In one sentence.
    pub(crate) fn words(&self) -> String {
        let (all, settled) = (self.services.len(), self.services.iter().filter(|service| service.settled).count());
        if all == settled {
            return match (all, self.services.iter().all(|service| service.is_job)) {
                (0, _) => "There is no service.".to_owned(),
                (_, true) => "It has run to its end.".to_owned(),
                (1, false) => "It runs.".to_owned(),
                (_, false) => format!("All {} run.", count(all, "service", "services")),
            };
        }
        let failing = self.tasks.iter().filter(|task| task.class == "bad").count();
        let failing = if failing == 0 { String::new() } else { format!(", {}", count(failing, "task failed", "tasks failed")) };
        let running: u64 = self.services.iter().map(|service| service.running).sum();
        let wanted: u64 = self.services.iter().filter_map(|service| service.wanted).sum();
        format!("{running} of {} running{failing}.", count(usize::try_from(wanted).unwrap_or(usize::MAX), "task", "tasks"))
    }
}

impl Service {
    /// Whether as many run as should.
    pub(crate) fn is_settled(&self) -> bool {
        self.settled
    }
}

impl Engine<'_> {
    /// `None`: there is no such thing, or it is not theirs.
    pub(crate) async fn progress(&self, looked: &Looked) -> Result<Option<Progress>, Said> {
        let filters = match looked {
            Looked::Everything => json!({}),
            Looked::Service(name) => json!({ "name": [name] }),
            Looked::Stack(name) => json!({ "label": [format!("{}={name}", wharfinger_stack::NAMESPACE)] }),
        };
        let mut services = self.list(Call::get("/services").filtered(&filters)).await?;
        if let Looked::Service(name) = looked {
            // The engine's filter takes the beginning of a name, too.
            services.retain(|service| text(service, "/Spec/Name") == name);
        }
        if services.is_empty() {
            let everything = matches!(looked, Looked::Everything);
            return Ok(everything.then(|| Progress { services: Vec::new(), tasks: Vec::new(), more: 0 }));
        }
        services.sort_by(|one, other| text(one, "/Spec/Name").cmp(text(other, "/Spec/Name")));
        let ids: Vec<&str> = services.iter().map(|service| text(service, "/ID")).collect();
        let tasks = match looked {
            Looked::Everything => self.list(Call::get("/tasks")).await?,
            _ => self.list(Call::get("/tasks").filtered(&json!({ "service": ids }))).await?,
        };
        // Who reaches only their own is not told what the machines are called.
        let nodes = self.list(Call::get("/nodes")).await?;
        let nodes: BTreeMap<&str, &str> =
            nodes.iter().map(|node| (text(node, "/ID"), text(node, "/Description/Hostname"))).collect();
        let names: BTreeMap<&str, &str> =
            services.iter().map(|service| (text(service, "/ID"), text(service, "/Spec/Name"))).collect();
        let mut shown: Vec<Task> = tasks.iter().map(|task| self::task(task, &names, &nodes)).collect();
        let of = |service: &Value| self::service(service, &tasks);
        let services = services.iter().map(of).collect();
        // What should run comes first, then what went wrong, the newest before the others.
        shown.sort_by(|one, other| (other.wanted, &other.since).cmp(&(one.wanted, &one.since)));
        let more = shown.len().saturating_sub(MOST_TASKS);
        shown.truncate(MOST_TASKS);
        Ok(Some(Progress { services, tasks: shown, more }))
    }
}

fn service(service: &Value, tasks: &[Value]) -> Service {
    let id = text(service, "/ID");
    let of_it = || tasks.iter().filter(|task| text(task, "/ServiceID") == id);
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let in_state = |state: &str| number(of_it().filter(|task| text(task, "/Status/State") == state && is_wanted(task)).count());
    let mode = &service["Spec"]["Mode"];
    let count = |pointer: &str| mode.pointer(pointer).and_then(Value::as_u64);
    let everywhere = || Some(number(of_it().filter(|task| is_wanted(task)).count())).filter(|count| *count > 0);
    let done = number(of_it().filter(|task| text(task, "/Status/State") == "complete").count());
    let (running, wanted) = if mode["Replicated"].is_object() {
        (in_state("running"), Some(count("/Replicated/Replicas").unwrap_or(1)))
    } else if mode["ReplicatedJob"].is_object() {
        (done, count("/ReplicatedJob/TotalCompletions"))
    } else if mode["GlobalJob"].is_object() {
        (done, everywhere())
    } else {
        (in_state("running"), everywhere())
    };
    let state = text(service, "/UpdateStatus/State");
    let goes_on = matches!(state, "updating" | "paused" | "rollback_started" | "rollback_paused");
    let update =
        if goes_on { format!("{}: {}", state.replace('_', " "), text(service, "/UpdateStatus/Message")) } else { String::new() };
    Service {
        name: text(service, "/Spec/Name").to_owned(),
        image: text(service, "/Spec/TaskTemplate/ContainerSpec/Image").to_owned(),
        running,
        wanted,
        update,
        is_job: mode["ReplicatedJob"].is_object() || mode["GlobalJob"].is_object(),
        settled: !goes_on && wanted.is_some_and(|wanted| running >= wanted),
    }
}

/// Whether the swarm wants it to run, and it is not yet at its end.
fn is_wanted(task: &Value) -> bool {
    matches!(text(task, "/DesiredState"), "running" | "ready" | "complete")
}

fn task(task: &Value, names: &BTreeMap<&str, &str>, nodes: &BTreeMap<&str, &str>) -> Task {
    let (state, node) = (text(task, "/Status/State"), text(task, "/NodeID"));
    let service = names.get(text(task, "/ServiceID")).copied().unwrap_or_default();
    let host = nodes.get(node).copied().filter(|host| !host.is_empty());
    let place = match task["Slot"].as_u64() {
        Some(slot) => slot.to_string(),
        None => host.map_or_else(|| short(node), str::to_owned),
    };
    Task {
        name: format!("{service}.{place}"),
        node: host.map_or_else(|| short(node), str::to_owned),
        desired: text(task, "/DesiredState").to_owned(),
        state: state.to_owned(),
        class: match state {
            "running" | "complete" => "good",
            "failed" | "rejected" | "orphaned" => "bad",
            _ => "",
        },
        // `2026-11-26T03:20:06.123456789Z`, of which the seconds are enough.
        since: text(task, "/Status/Timestamp").get(..19).unwrap_or_default().replace('T', " "),
        error: text(task, "/Status/Err").to_owned(),
        wanted: is_wanted(task),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replicated(replicas: u64, update: &str) -> Value {
        json!({
            "ID": "s", "Spec": { "Name": "web", "Mode": { "Replicated": { "Replicas": replicas } } },
            "UpdateStatus": { "State": update, "Message": "one by one" },
        })
    }

    fn task_in(state: &str, desired: &str) -> Value {
        json!({ "ServiceID": "s", "Slot": 1, "NodeID": "0123456789abcdef", "DesiredState": desired, "Status": { "State": state, "Err": "" } })
    }

    #[test]
    fn a_service_is_settled_when_as_many_run_as_should() {
        let running = || task_in("running", "running");
        for (replicas, tasks, settled) in [
            (2, vec![running(), running()], true),
            (2, vec![running()], false),
            (2, vec![running(), task_in("running", "shutdown")], false),
            (1, vec![task_in("preparing", "running")], false),
            (0, vec![], true),
        ] {
            assert_eq!(service(&replicated(replicas, "completed"), &tasks).settled, settled, "{replicas} {tasks:?}");
        }
        let changing = service(&replicated(1, "updating"), &[running()]);
        assert_eq!((changing.settled, changing.update.as_str()), (false, "updating: one by one"));
    }

    #[test]
    fn a_global_service_is_not_settled_before_the_swarm_has_said_where_it_runs() {
        let global = json!({ "ID": "s", "Spec": { "Name": "web", "Mode": { "Global": {} } } });
        assert!(!service(&global, &[]).settled);
        assert!(service(&global, &[task_in("running", "running")]).settled);
        let job = json!({ "ID": "s", "Spec": { "Name": "web", "Mode": { "ReplicatedJob": { "TotalCompletions": 1 } } } });
        assert!(!service(&job, &[task_in("running", "complete")]).settled);
        let ended = service(&job, &[task_in("complete", "complete")]);
        assert!(ended.settled);
        assert_eq!(Progress { services: vec![ended], tasks: Vec::new(), more: 0 }.words(), "It has run to its end.");
    }
}
