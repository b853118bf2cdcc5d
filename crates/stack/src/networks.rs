//! Networks: what the stack makes of its own, and what has to be there already.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::at::At;
use crate::error::{StackError, shown};
use crate::mounts::external;

/// The one that a service is in when it names none.
pub(crate) const DEFAULT: &str = "default";

/// What a service is attached to may have no other names there.
const NOT_MADE_BY_PEOPLE: [&str; 5] = ["bridge", "host", "none", "default", "nat"];

/// A network that the stack makes when it is not there.
#[derive(Clone, PartialEq, Debug)]
pub struct Network {
    /// As the engine knows it, such as `shop_default`.
    pub name: String,
    /// The body of `POST /networks/create`.
    pub body: Value,
}

/// A network as the file describes it.
pub(crate) struct Described {
    name: String,
    external: bool,
    body: Map<String, Value>,
}

/// The `networks` of the file, by the names it has for them.
pub(crate) fn described(section: Option<At<'_>>, stack: &str) -> Result<BTreeMap<String, Described>, StackError> {
    let entries = section.map(|section| section.entries()).transpose()?.unwrap_or_default();
    let mut networks = BTreeMap::new();
    for (key, at) in entries {
        networks.insert(key.to_owned(), one(key, &at, stack)?);
    }
    networks.entry(DEFAULT.to_owned()).or_insert_with(|| Described::own(format!("{stack}_{DEFAULT}"), &BTreeMap::new(), stack));
    Ok(networks)
}

fn one(key: &str, at: &At<'_>, stack: &str) -> Result<Described, StackError> {
    let own = format!("{stack}_{key}");
    if at.value.is_null() {
        return Ok(Described::own(own, &BTreeMap::new(), stack));
    }
    let mut keys = at.keys()?.without_extensions();
    let (is_external, name) = external(&mut keys, key)?;
    if is_external {
        let known = keys.finish(|_| ": an external network is there already, and nothing else is said of it");
        known?;
        return Ok(Described { name: name.unwrap_or_else(|| key.to_owned()), external: true, body: Map::new() });
    }
    let labels = keys.read("labels", At::labels)?.unwrap_or_default();
    let mut network = Described::own(name.unwrap_or(own), &labels, stack);
    if let Some(driver) = keys.read("driver", At::text)?.filter(|driver| !driver.is_empty()) {
        network.body.insert("Driver".to_owned(), driver.into());
    }
    if let Some(options) = keys.read("driver_opts", At::labels)? {
        network.body.insert("Options".to_owned(), json!(options));
    }
    for (key, ours) in [("internal", "Internal"), ("attachable", "Attachable")] {
        if keys.read(key, At::flag)? == Some(true) {
            network.body.insert(ours.to_owned(), true.into());
        }
    }
    if let Some(ipam) = keys.read("ipam", ipam)? {
        network.body.insert("IPAM".to_owned(), ipam);
    }
    keys.end()?;
    Ok(network)
}

fn ipam(at: &At<'_>) -> Result<Value, StackError> {
    let (mut keys, mut ipam) = (at.keys()?, Map::new());
    if let Some(driver) = keys.read("driver", At::text)? {
        ipam.insert("Driver".to_owned(), driver.into());
    }
    if let Some(pools) = keys.take("config") {
        let pool = |pool: &At<'_>| {
            let mut keys = pool.keys()?;
            let subnet = keys.read("subnet", At::text)?.ok_or_else(|| pool.wrong("`subnet` is missing"))?;
            keys.finish(|_| ": of an address pool a stack file says its `subnet`")?;
            Ok(json!({ "Subnet": subnet }))
        };
        let pools: Result<Vec<Value>, StackError> = pools.items()?.iter().map(pool).collect();
        ipam.insert("Config".to_owned(), pools?.into());
    }
    keys.end()?;
    Ok(ipam.into())
}

impl Described {
    fn own(name: String, labels: &BTreeMap<String, String>, stack: &str) -> Self {
        let mut body = Map::new();
        body.insert("Name".to_owned(), name.clone().into());
        body.insert("Driver".to_owned(), "overlay".into());
        body.insert("CheckDuplicate".to_owned(), true.into());
        body.insert("Labels".to_owned(), crate::stack::labelled(labels, stack));
        Self { name, external: false, body }
    }
}

/// Of the networks that services are in: those to be made, and the names of those that have to be there.
pub(crate) fn needed(described: &BTreeMap<String, Described>, used: &BTreeSet<String>) -> (Vec<Network>, Vec<String>) {
    let (mut made, mut there) = (Vec::new(), Vec::new());
    for network in used.iter().filter_map(|key| described.get(key)) {
        match network.external {
            // These are on every machine.
            true if NOT_MADE_BY_PEOPLE.contains(&network.name.as_str()) => {}
            true => there.push(network.name.clone()),
            false => made.push(Network { name: network.name.clone(), body: network.body.clone().into() }),
        }
    }
    (made, there)
}

/// The networks of a service as its tasks have them; notes in `used` which of the file they are.
pub(crate) fn attached(
    at: Option<&At<'_>>,
    service: &str,
    described: &BTreeMap<String, Described>,
    used: &mut BTreeSet<String>,
) -> Result<Vec<Value>, StackError> {
    let mut wanted: Vec<(String, Option<At<'_>>, Option<At<'_>>)> = Vec::new();
    match at {
        Some(at) if at.value.is_array() => {
            for item in at.items()? {
                wanted.push((item.text()?, None, Some(item)));
            }
        }
        Some(at) => wanted.extend(at.entries()?.into_iter().map(|(key, at)| (key.to_owned(), Some(at.clone()), Some(at)))),
        None => {}
    }
    if wanted.is_empty() {
        wanted.push((DEFAULT.to_owned(), None, None));
    }
    let mut attached = BTreeMap::new();
    for (key, more, place) in wanted {
        let network = described.get(&key).ok_or_else(|| {
            let why = format!("the network `{}` is not under `networks` of the file", shown(&key));
            place.as_ref().map_or_else(|| StackError::wrong(service, why.clone()), |place| place.wrong(why.clone()))
        })?;
        let mut attachment = Map::new();
        attachment.insert("Target".to_owned(), network.name.clone().into());
        let mut aliases = Vec::new();
        if let Some(more) = more.filter(|more| !more.value.is_null()) {
            let mut keys = more.keys()?;
            aliases = keys.read("aliases", At::texts)?.unwrap_or_default();
            if let Some(options) = keys.read("driver_opts", At::labels)? {
                attachment.insert("DriverOpts".to_owned(), json!(options));
            }
            for key in ["ipv4_address", "ipv6_address"] {
                if let Some(address) = keys.take(key) {
                    return Err(
                        address.not_here("tasks of a swarm get their addresses as they come; reach a service by its name")
                    );
                }
            }
            keys.end()?;
        }
        if !NOT_MADE_BY_PEOPLE.contains(&network.name.as_str()) {
            aliases.push(service.to_owned());
        }
        if !aliases.is_empty() {
            attachment.insert("Aliases".to_owned(), aliases.into());
        }
        if attached.insert(network.name.clone(), Value::Object(attachment)).is_some() {
            let why = format!("the network `{}` stands twice", shown(&key));
            return Err(place.map_or_else(|| StackError::wrong(service, why.clone()), |place| place.wrong(why.clone())));
        }
        used.insert(key);
    }
    Ok(attached.into_values().collect())
}
