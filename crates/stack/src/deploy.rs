//! `deploy` of a service: how many, where, with what, and how it is changed.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::amounts::{bytes, nano_cpus, nanoseconds};
use crate::at::At;
use crate::error::{StackError, shown};

/// What `deploy` says, in the parts that a service's specification has it in.
pub(crate) struct Deploy {
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) mode: Value,
    pub(crate) endpoint_mode: Option<String>,
    pub(crate) update: Option<Value>,
    pub(crate) rollback: Option<Value>,
    pub(crate) resources: Value,
    pub(crate) restart: Option<Value>,
    pub(crate) placement: Value,
}

impl Deploy {
    pub(crate) fn read(at: Option<At<'_>>) -> Result<Self, StackError> {
        let nothing = Value::Object(Map::new());
        let at = at.unwrap_or_else(|| At::new(&nothing, ""));
        let mut keys = at.keys()?;
        let mode = keys.read("mode", At::text)?;
        let replicas = keys.take("replicas");
        let deploy = Deploy {
            labels: keys.read("labels", At::labels)?.unwrap_or_default(),
            mode: self::mode(&at, mode.as_deref(), replicas.as_ref())?,
            endpoint_mode: keys.read("endpoint_mode", endpoint_mode)?,
            update: keys.read("update_config", update)?,
            rollback: keys.read("rollback_config", update)?,
            resources: keys.read("resources", resources)?.unwrap_or_else(|| json!({})),
            restart: keys.read("restart_policy", restart)?,
            placement: keys.read("placement", placement)?.unwrap_or_else(|| json!({})),
        };
        keys.end()?;
        Ok(deploy)
    }
}

fn mode(at: &At<'_>, mode: Option<&str>, replicas: Option<&At<'_>>) -> Result<Value, StackError> {
    let count = replicas.map(At::number).transpose()?;
    let of = |key: &str| {
        let mut replicated = Map::new();
        if let Some(count) = count {
            replicated.insert(key.to_owned(), count.into());
        }
        replicated
    };
    match mode.unwrap_or("replicated") {
        "replicated" | "" => Ok(json!({ "Replicated": of("Replicas") })),
        "replicated-job" => {
            let mut job = of("MaxConcurrent");
            job.append(&mut of("TotalCompletions"));
            Ok(json!({ "ReplicatedJob": job }))
        }
        "global" | "global-job" if count.is_some() => {
            Err(at.wrong("a global service runs once on every machine: `replicas` is not for it"))
        }
        "global" => Ok(json!({ "Global": {} })),
        "global-job" => Ok(json!({ "GlobalJob": {} })),
        other => {
            let why = format!("`{}` is not a mode: replicated, global, replicated-job or global-job", shown(other));
            Err(at.wrong(why))
        }
    }
}

fn endpoint_mode(at: &At<'_>) -> Result<String, StackError> {
    let mode = at.text()?.to_ascii_lowercase();
    if matches!(mode.as_str(), "vip" | "dnsrr") { Ok(mode) } else { Err(at.wrong("vip or dnsrr")) }
}

/// A time, in nanoseconds.
pub(crate) fn time(at: &At<'_>) -> Result<i64, StackError> {
    let text = at.text()?;
    nanoseconds(&text).ok_or_else(|| at.wrong(format!("`{}` is not a time: write 10s, 1m30s or 500ms", shown(&text))))
}

fn update(at: &At<'_>) -> Result<Value, StackError> {
    let mut keys = at.keys()?;
    let mut update = json!({ "Parallelism": keys.read("parallelism", At::number)?.unwrap_or(1) });
    for (key, ours) in [("delay", "Delay"), ("monitor", "Monitor")] {
        if let Some(time) = keys.read(key, time)? {
            update[ours] = time.into();
        }
    }
    for (key, ours, known) in [
        ("failure_action", "FailureAction", &["pause", "continue", "rollback"][..]),
        ("order", "Order", &["start-first", "stop-first"]),
    ] {
        if let Some(word) = keys.take(key) {
            let text = word.text()?;
            if !known.contains(&text.as_str()) {
                return Err(word.wrong(format!("one of {}", known.join(", "))));
            }
            update[ours] = text.into();
        }
    }
    let ratio = keys.read("max_failure_ratio", At::fraction)?;
    update["MaxFailureRatio"] = ratio.unwrap_or_default().into();
    keys.end()?;
    Ok(update)
}

fn resources(at: &At<'_>) -> Result<Value, StackError> {
    let (mut keys, mut resources) = (at.keys()?, Map::new());
    for (key, ours) in [("limits", "Limits"), ("reservations", "Reservations")] {
        let Some(part) = keys.take(key) else { continue };
        let (mut keys, mut amounts) = (part.keys()?, Map::new());
        if let Some(cpus) = keys.take("cpus") {
            let text = cpus.text_or_number()?;
            let nano =
                nano_cpus(&text).ok_or_else(|| cpus.wrong("a number of processors, as \"0.5\", with at most nine decimals"))?;
            amounts.insert("NanoCPUs".to_owned(), nano.into());
        }
        if let Some(memory) = keys.take("memory") {
            let size = bytes(&memory.text_or_number()?);
            amounts.insert("MemoryBytes".to_owned(), size.ok_or_else(|| memory.wrong("a size, as 64M or 1.5G"))?.into());
        }
        match keys.take(if key == "limits" { "pids" } else { "generic_resources" }) {
            Some(pids) if key == "limits" => {
                amounts.insert("Pids".to_owned(), pids.number()?.into());
            }
            Some(generic) => {
                amounts.insert("GenericResources".to_owned(), generic_resources(&generic)?.into());
            }
            None => {}
        }
        keys.end()?;
        resources.insert(ours.to_owned(), amounts.into());
    }
    keys.end()?;
    Ok(resources.into())
}

fn generic_resources(list: &At<'_>) -> Result<Vec<Value>, StackError> {
    let one = |item: &At<'_>| {
        let mut keys = item.keys()?;
        let discrete = keys.take("discrete_resource_spec");
        let discrete = discrete.ok_or_else(|| item.wrong("`discrete_resource_spec` is missing"))?;
        keys.end()?;
        let mut keys = discrete.keys()?;
        let kind = keys.read("kind", At::text)?.ok_or_else(|| discrete.wrong("`kind` is missing"))?;
        let value = keys.read("value", At::integer)?.ok_or_else(|| discrete.wrong("`value` is missing"))?;
        keys.end()?;
        Ok(json!({ "DiscreteResourceSpec": { "Kind": kind, "Value": value } }))
    };
    list.items()?.iter().map(one).collect()
}

fn restart(at: &At<'_>) -> Result<Value, StackError> {
    let (mut keys, mut policy) = (at.keys()?, Map::new());
    if let Some(condition) = keys.take("condition") {
        let text = condition.text()?;
        if !matches!(text.as_str(), "none" | "on-failure" | "any") {
            return Err(condition.wrong("none, on-failure or any"));
        }
        policy.insert("Condition".to_owned(), text.into());
    }
    for (key, ours) in [("delay", "Delay"), ("window", "Window")] {
        if let Some(time) = keys.read(key, time)? {
            policy.insert(ours.to_owned(), time.into());
        }
    }
    if let Some(attempts) = keys.read("max_attempts", At::number)? {
        policy.insert("MaxAttempts".to_owned(), attempts.into());
    }
    keys.end()?;
    Ok(policy.into())
}

/// The `restart` of a service, from before there was `deploy.restart_policy`.
pub(crate) fn old_restart(at: &At<'_>) -> Result<Option<Value>, StackError> {
    let text = at.text()?;
    let (name, count) = text.split_once(':').map_or((text.as_str(), None), |(name, count)| (name, Some(count)));
    let unknown = || {
        at.wrong(format!("`{}` is not a restart policy: no, always, unless-stopped, on-failure or on-failure:5", shown(&text)))
    };
    let attempts = count.map(|count| count.parse::<u64>().map_err(|_| unknown())).transpose()?;
    let condition = match (name, attempts) {
        ("no" | "", None) => return Ok(None),
        ("always" | "unless-stopped", None) => "any",
        ("on-failure", _) => "on-failure",
        _ => return Err(unknown()),
    };
    let mut policy = json!({ "Condition": condition });
    if let Some(attempts) = attempts.filter(|attempts| *attempts > 0) {
        policy["MaxAttempts"] = attempts.into();
    }
    Ok(Some(policy))
}

fn placement(at: &At<'_>) -> Result<Value, StackError> {
    let (mut keys, mut placement) = (at.keys()?, Map::new());
    if let Some(constraints) = keys.read("constraints", At::texts)?.filter(|constraints| !constraints.is_empty()) {
        placement.insert("Constraints".to_owned(), constraints.into());
    }
    if let Some(list) = keys.take("preferences") {
        let one = |item: &At<'_>| {
            let mut keys = item.keys()?;
            let spread = keys.read("spread", At::text)?.ok_or_else(|| item.wrong("`spread` is missing"))?;
            keys.end()?;
            Ok(json!({ "Spread": { "SpreadDescriptor": spread } }))
        };
        let preferences: Result<Vec<Value>, StackError> = list.items()?.iter().map(one).collect();
        placement.insert("Preferences".to_owned(), preferences?.into());
    }
    if let Some(most) = keys.read("max_replicas_per_node", At::number)? {
        placement.insert("MaxReplicas".to_owned(), most.into());
    }
    keys.end()?;
    Ok(placement.into())
}
