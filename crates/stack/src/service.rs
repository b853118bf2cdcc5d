//! One service of the file, as the body of `POST /services/create` or `…/update`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::at::{At, Keys};
use crate::container::container;
use crate::deploy::{Deploy, old_restart};
use crate::error::StackError;
use crate::files::{self, Kind, Missing};
use crate::mounts::{Volume, mounts};
use crate::networks::{Described, attached};
use crate::ports::ports;
use crate::stack::labelled;

/// What the stock client passes over, saying so.
const PASSED_OVER: [(&str, &str); 18] = [
    ("build", "nothing is built here: the image has to be in a registry"),
    ("cgroup_parent", "a swarm does not know it"),
    ("cgroupns_mode", "a swarm does not know it"),
    ("container_name", "a swarm names the containers of a service itself"),
    ("depends_on", "a swarm starts all services at once, and again until they run"),
    ("devices", "a swarm does not know it"),
    ("domainname", "a swarm does not know it"),
    ("expose", "services of one network reach each other on every port"),
    ("external_links", "services of one network reach each other by name"),
    ("ipc", "a swarm does not know it"),
    ("links", "services of one network reach each other by name"),
    ("mac_address", "a swarm does not know it"),
    ("network_mode", "name networks under `networks`"),
    ("pid", "a swarm does not know it"),
    ("privileged", "a swarm runs nothing privileged"),
    ("security_opt", "a swarm does not know it: the containers run with the engine's defaults"),
    ("shm_size", "a swarm does not know it"),
    ("userns_mode", "a swarm does not know it"),
];

/// What cannot be done here, and what to write instead.
const REFUSED: [(&str, &str); 11] = [
    ("cpu_quota", "set limits under `deploy.resources`"),
    ("cpu_shares", "set limits under `deploy.resources`"),
    ("cpuset", "set limits under `deploy.resources`"),
    ("credential_spec", "deploy it with `docker stack deploy`"),
    ("env_file", "files of your machine cannot be read here: write the variables under `environment`"),
    ("extends", "write the service in full"),
    ("mem_limit", "set limits under `deploy.resources`"),
    ("memswap_limit", "set limits under `deploy.resources`"),
    ("tmpfs", "a swarm passes over it: mount memory under `volumes`, with `type: tmpfs`"),
    ("volume_driver", "say the driver of a volume under `volumes` of the file"),
    ("volumes_from", "name the volumes that several services share under `volumes` of the file"),
];

/// A service of a stack.
#[derive(Clone, PartialEq, Debug)]
pub struct Service {
    /// As the engine knows it, such as `shop_web`.
    pub name: String,
    /// As the file names it.
    pub image: String,
    body: Value,
}

/// What the file says beside its services.
pub(crate) struct Around<'stack> {
    pub(crate) stack: &'stack str,
    pub(crate) networks: BTreeMap<String, Described>,
    pub(crate) volumes: BTreeMap<String, Volume>,
    pub(crate) secrets: BTreeMap<String, String>,
    pub(crate) configs: BTreeMap<String, String>,
}

impl Service {
    /// Notes the networks it is in, and what of it is passed over.
    pub(crate) fn read(
        key: &str,
        at: &At<'_>,
        around: &Around<'_>,
        used: &mut BTreeSet<String>,
        warnings: &mut Vec<String>,
    ) -> Result<Self, StackError> {
        let mut keys = at.keys()?.without_extensions();
        if let Some((refused, instead)) = REFUSED.iter().find_map(|(key, instead)| Some((keys.take(key)?, instead))) {
            return Err(refused.not_here(instead));
        }
        for (key, why) in PASSED_OVER {
            if let Some(passed_over) = keys.take(key) {
                warnings.push(format!("{} has no effect: {why}", passed_over.place));
            }
        }
        let image = keys.read("image", At::text)?.filter(|image| !image.is_empty());
        let image = image.ok_or_else(|| at.wrong("`image` is missing: a service of a stack runs an image from a registry"))?;
        let deploy = Deploy::read(keys.take("deploy"))?;
        let restart = keys.read("restart", old_restart)?.flatten();
        let networks = attached(keys.take("networks").as_ref(), key, &around.networks, used)?;
        let ports = keys.read("ports", ports)?;
        let log = keys.read("logging", logging)?;
        let container = self::whole_container(&mut keys, &image, around)?;
        keys.finish(|_| ". Is it spelled right, and indented as far as it should be?")?;

        let name = format!("{}_{key}", around.stack);
        let mut labels = labelled(&deploy.labels, around.stack);
        labels[crate::IMAGE] = image.clone().into();
        let mut task = json!({
            "ContainerSpec": container,
            "Resources": deploy.resources,
            "Placement": deploy.placement,
            "Networks": networks,
        });
        let mut endpoint = Map::new();
        let mut body = json!({ "Name": name, "Labels": labels, "Mode": deploy.mode });
        if let Some(log) = log {
            task["LogDriver"] = log;
        }
        if let Some(policy) = deploy.restart.or(restart) {
            task["RestartPolicy"] = policy;
        }
        if let Some(mode) = deploy.endpoint_mode {
            endpoint.insert("Mode".to_owned(), mode.into());
        }
        if let Some(ports) = ports.filter(|ports| !ports.is_empty()) {
            endpoint.insert("Ports".to_owned(), ports.into());
        }
        for (key, value) in [("UpdateConfig", deploy.update), ("RollbackConfig", deploy.rollback)] {
            if let Some(value) = value {
                body[key] = value;
            }
        }
        body["TaskTemplate"] = task;
        body["EndpointSpec"] = endpoint.into();
        Ok(Self { name, image, body })
    }

    /// Every image it would run or mount, as the file names them.
    pub fn images(&self) -> Vec<String> {
        let mounts = self.body["TaskTemplate"]["ContainerSpec"]["Mounts"].as_array().into_iter().flatten();
        let mounted = mounts.filter(|mount| mount["Type"] == "image").filter_map(|mount| mount["Source"].as_str());
        std::iter::once(self.image.as_str()).chain(mounted).map(str::to_owned).collect()
    }

    /// The secrets and configs it needs, by the names the engine has for them.
    pub fn needs(&self) -> Vec<(Kind, String)> {
        let of = |kind: Kind, key: &str| {
            let list = self.body["TaskTemplate"]["ContainerSpec"][key].as_array();
            list.into_iter()
                .flatten()
                .map(move |reference| (kind, files::name_of(reference, kind).to_owned()))
                .collect::<Vec<_>>()
        };
        let mut needs = of(Kind::Secret, "Secrets");
        needs.extend(of(Kind::Config, "Configs"));
        needs
    }

    /// The body of the call, with the ids of what it needs.
    pub fn body(&self, id: impl Fn(Kind, &str) -> Option<String>) -> Result<Value, Missing> {
        let mut body = self.body.clone();
        for (kind, key) in [(Kind::Secret, "Secrets"), (Kind::Config, "Configs")] {
            let references = body["TaskTemplate"]["ContainerSpec"].get_mut(key).and_then(Value::as_array_mut);
            for reference in references.into_iter().flatten() {
                files::identify(reference, kind, |name| id(kind, name))?;
            }
        }
        Ok(body)
    }
}

fn whole_container(keys: &mut Keys<'_>, image: &str, around: &Around<'_>) -> Result<Value, StackError> {
    let mut container = container(keys)?;
    container.insert("Image".to_owned(), image.into());
    container.insert("Privileges".to_owned(), json!({}));
    let labels = keys.read("labels", At::labels)?.unwrap_or_default();
    container.insert("Labels".to_owned(), labelled(&labels, around.stack));
    if let Some(list) = keys.take("volumes") {
        container.insert("Mounts".to_owned(), mounts(&list, &around.volumes, around.stack)?.into());
    }
    for (key, ours, kind, known) in
        [("secrets", "Secrets", Kind::Secret, &around.secrets), ("configs", "Configs", Kind::Config, &around.configs)]
    {
        if let Some(list) = keys.take(key) {
            container.insert(ours.to_owned(), files::references(&list, kind, known)?.into());
        }
    }
    Ok(container.into())
}

fn logging(at: &At<'_>) -> Result<Value, StackError> {
    let (mut keys, mut log) = (at.keys()?, Map::new());
    if let Some(driver) = keys.read("driver", At::text)? {
        log.insert("Name".to_owned(), driver.into());
    }
    if let Some(options) = keys.read("options", At::labels)? {
        log.insert("Options".to_owned(), json!(options));
    }
    keys.end()?;
    Ok(log.into())
}
