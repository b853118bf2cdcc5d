//! What the engine runs, down to the images' ids and the digests it got them by.

use std::collections::HashSet;

use async_trait::async_trait;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use wharfinger_cluster::{Runner, RunnerSilent, Running};
use wharfinger_storage::workloads::WorkloadKind;

use super::{EngineDown, Upstream};
use crate::query::Query;

/// The longest list that is read: tens of thousands of tasks.
const LONGEST_LIST: usize = 64 * 1024 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedContainer {
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Container {
    name: String,
    /// The id of the image it was made from.
    image: String,
    config: ContainerConfig,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ContainerConfig {
    image: String,
}

#[derive(Deserialize)]
struct Service {
    #[serde(rename = "ID")]
    id: String,
    #[serde(rename = "Spec")]
    spec: Spec,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Spec {
    name: String,
    task_template: TaskTemplate,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TaskTemplate {
    container_spec: Option<ContainerConfig>,
}

#[derive(Deserialize)]
struct Task {
    #[serde(rename = "ServiceID", default)]
    service: String,
    #[serde(rename = "Spec")]
    spec: TaskTemplate,
    #[serde(rename = "Status")]
    status: TaskStatus,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TaskStatus {
    state: String,
    container_status: Option<ContainerStatus>,
}

#[derive(Deserialize)]
struct ContainerStatus {
    #[serde(rename = "ContainerID", default)]
    container: String,
}

#[async_trait]
impl Runner for Upstream {
    async fn running(&self) -> Result<Vec<Running>, RunnerSilent> {
        let found = async {
            let tasks = self.tasks_running().await?;
            let mut running = self.containers_running(&tasks).await?;
            running.extend(self.services_running(&tasks).await?);
            Ok(running)
        };
        found.await.map_err(|error: EngineDown| RunnerSilent(error.into()))
    }
}

impl Upstream {
    async fn tasks_running(&self) -> Result<Vec<Task>, EngineDown> {
        let mut query = Query::default();
        query.set("filters", r#"{"desired-state":["running"]}"#.to_owned());
        self.list::<Task>("tasks", &query).await
    }

    /// But for those of tasks, for which their service speaks. By what the tasks say: a label can be anybody's.
    async fn containers_running(&self, tasks: &[Task]) -> Result<Vec<Running>, EngineDown> {
        let statuses = tasks.iter().filter_map(|task| task.status.container_status.as_ref());
        let of_tasks: HashSet<&str> = statuses.map(|status| status.container.as_str()).collect();
        let mut running = Vec::new();
        for listed in self.list::<ListedContainer>("containers/json", &Query::default()).await? {
            if of_tasks.contains(listed.id.as_str()) {
                continue;
            }
            // It may have ended meanwhile.
            let Some(container) = self.container(&listed.id).await? else { continue };
            let digests = self.repo_digests(&container.image).await?.unwrap_or_default();
            running.push(Running {
                kind: WorkloadKind::Container,
                id: listed.id,
                name: container.name.trim_start_matches('/').to_owned(),
                image: container.config.image,
                image_id: Some(container.image),
                digests,
            });
        }
        Ok(running)
    }

    async fn services_running(&self, tasks: &[Task]) -> Result<Vec<Running>, EngineDown> {
        let services = self.list::<Service>("services", &Query::default()).await?;
        let mut running = Vec::new();
        for Service { id, spec } in services {
            let Some(container) = spec.task_template.container_spec else { continue };
            let image_id = self.image_of_tasks(&id, &container.image, tasks).await?;
            let digests = match &image_id {
                Some(image) => self.repo_digests(image).await?.unwrap_or_default(),
                None => Vec::new(),
            };
            let (kind, name) = (WorkloadKind::Service, spec.name);
            running.push(Running { kind, id, name, image: container.image, image_id, digests });
        }
        Ok(running)
    }

    /// The one image that the service's tasks run, as far as this engine can see: those of other nodes it cannot. None when there
    /// are several, as after the tag moved.
    async fn image_of_tasks(&self, service: &str, image: &str, tasks: &[Task]) -> Result<Option<String>, EngineDown> {
        let now = |task: &&Task| {
            let same = task.spec.container_spec.as_ref().is_some_and(|container| container.image == image);
            task.service == service && same && task.status.state == "running"
        };
        let mut found = None;
        for task in tasks.iter().filter(now) {
            let Some(status) = task.status.container_status.as_ref().filter(|status| !status.container.is_empty()) else {
                continue;
            };
            let Some(container) = self.container(&status.container).await? else { continue };
            if found.as_ref().is_some_and(|found| *found != container.image) {
                return Ok(None);
            }
            found = Some(container.image);
        }
        Ok(found)
    }

    async fn container(&self, id: &str) -> Result<Option<Container>, EngineDown> {
        let described = self.describe(&["containers".to_owned(), id.to_owned(), "json".to_owned()]).await?;
        described.map(|bytes| serde_json::from_slice(&bytes).map_err(|_| EngineDown::Unreadable)).transpose()
    }

    /// A list; empty where the engine has none, as of services outside a swarm.
    async fn list<T: DeserializeOwned>(&self, path: &str, query: &Query) -> Result<Vec<T>, EngineDown> {
        let segments: Vec<String> = path.split('/').map(ToOwned::to_owned).collect();
        let Some(bytes) = self.read(&segments, query, LONGEST_LIST).await? else { return Ok(Vec::new()) };
        serde_json::from_slice(&bytes).map_err(|_| EngineDown::Unreadable)
    }
}
