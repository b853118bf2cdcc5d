//! What the containers of a service are started with.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::at::{At, Keys};
use crate::deploy::time;
use crate::error::{StackError, shown};
use crate::words::split_words;

/// Reads everything of a service that says how its containers are started, its image and mounts left out.
pub(crate) fn container(keys: &mut Keys<'_>) -> Result<Map<String, Value>, StackError> {
    let mut container = Map::new();
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            container.insert(key.to_owned(), value);
        }
    };
    put("Command", keys.read("entrypoint", words)?);
    put("Args", keys.read("command", words)?);
    for (key, ours) in [
        ("hostname", "Hostname"),
        ("working_dir", "Dir"),
        ("user", "User"),
        ("stop_signal", "StopSignal"),
        ("isolation", "Isolation"),
    ] {
        put(ours, keys.read(key, At::text)?.filter(|text| !text.is_empty()).map(Value::from));
    }
    for (key, ours) in [("tty", "TTY"), ("stdin_open", "OpenStdin"), ("read_only", "ReadOnly")] {
        put(ours, keys.read(key, At::flag)?.filter(|flag| *flag).map(Value::from));
    }
    put("Init", keys.read("init", At::flag)?.map(Value::from));
    put("OomScoreAdj", keys.read("oom_score_adj", At::integer)?.map(Value::from));
    put("StopGracePeriod", keys.read("stop_grace_period", time)?.map(Value::from));
    put("Env", keys.read("environment", environment)?);
    put("Hosts", keys.read("extra_hosts", hosts)?);
    put("DNSConfig", dns(keys)?);
    put("Healthcheck", keys.read("healthcheck", healthcheck)?);
    put("Sysctls", keys.read("sysctls", At::labels)?.map(|sysctls| json!(sysctls)));
    put("Ulimits", keys.read("ulimits", ulimits)?);
    let (add, drop) = (keys.read("cap_add", At::texts)?, keys.read("cap_drop", At::texts)?);
    let (add, drop) = capabilities(&add.unwrap_or_default(), &drop.unwrap_or_default());
    put("CapabilityAdd", Some(add).filter(|add| !add.is_empty()).map(Value::from));
    put("CapabilityDrop", Some(drop).filter(|drop| !drop.is_empty()).map(Value::from));
    Ok(container)
}

/// A list of words, or a line that is taken apart.
fn words(at: &At<'_>) -> Result<Value, StackError> {
    let words = match at.value {
        Value::String(_) => {
            split_words(&at.text()?).ok_or_else(|| at.wrong("a quote is not closed, or nothing follows a backslash"))?
        }
        _ => at.texts()?,
    };
    Ok(words.into())
}

fn environment(at: &At<'_>) -> Result<Value, StackError> {
    let mut variables = Vec::new();
    for (name, value) in at.pairs()? {
        let Some(value) = value else {
            let why = format!(
                "`{}` would take its value from an environment, and there is none here: write it as {}=value",
                shown(&name),
                shown(&name)
            );
            return Err(at.wrong(why));
        };
        variables.push(format!("{name}={value}"));
    }
    variables.sort();
    Ok(variables.into())
}

/// `name:address` becomes `address name`.
fn hosts(at: &At<'_>) -> Result<Value, StackError> {
    let bare = |address: &str| address.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(address).to_owned();
    let mut hosts = Vec::new();
    if at.value.is_array() {
        for item in at.items()? {
            let text = item.text()?;
            let pair = text.split_once('=').or_else(|| text.split_once(':'));
            let (name, address) = pair.ok_or_else(|| item.wrong("write it as name:address"))?;
            hosts.push(format!("{} {name}", bare(address)));
        }
    } else {
        for (name, value) in at.entries()? {
            hosts.push(format!("{} {name}", bare(&value.text()?)));
        }
    }
    Ok(hosts.into())
}

fn dns(keys: &mut Keys<'_>) -> Result<Option<Value>, StackError> {
    let servers = keys.read("dns", At::text_or_texts)?.unwrap_or_default();
    let search = keys.read("dns_search", At::text_or_texts)?.unwrap_or_default();
    let mut dns = Map::new();
    for (key, texts) in [("Nameservers", servers), ("Search", search)] {
        if !texts.is_empty() {
            dns.insert(key.to_owned(), texts.into());
        }
    }
    Ok(Some(dns).filter(|dns| !dns.is_empty()).map(Value::from))
}

fn healthcheck(at: &At<'_>) -> Result<Value, StackError> {
    let (mut keys, mut check) = (at.keys()?, Map::new());
    let test = keys.read("test", |test| match test.value {
        Value::String(_) => Ok(vec!["CMD-SHELL".to_owned(), test.text()?]),
        _ => test.texts(),
    })?;
    let disabled = keys.read("disable", At::flag)? == Some(true);
    for (key, ours) in
        [("interval", "Interval"), ("timeout", "Timeout"), ("start_period", "StartPeriod"), ("start_interval", "StartInterval")]
    {
        if let Some(time) = keys.read(key, time)? {
            check.insert(ours.to_owned(), time.into());
        }
    }
    if let Some(retries) = keys.read("retries", At::number)? {
        check.insert("Retries".to_owned(), retries.into());
    }
    keys.end()?;
    match (disabled, test) {
        (true, Some(test)) if !test.is_empty() => Err(at.wrong("`test` and `disable: true` say different things")),
        (true, _) => Ok(json!({ "Test": ["NONE"] })),
        (false, test) => {
            if let Some(test) = test {
                check.insert("Test".to_owned(), test.into());
            }
            Ok(check.into())
        }
    }
}

fn ulimits(at: &At<'_>) -> Result<Value, StackError> {
    let mut ulimits = Vec::new();
    for (name, value) in at.entries()? {
        let (soft, hard) = match value.value {
            Value::Object(_) => {
                let mut keys = value.keys()?;
                let mut part =
                    |key: &'static str| keys.read(key, At::integer)?.ok_or_else(|| value.wrong(format!("`{key}` is missing")));
                let both = (part("soft")?, part("hard")?);
                keys.end()?;
                both
            }
            _ => (value.integer()?, value.integer()?),
        };
        ulimits.push(json!({ "Name": name, "Soft": soft, "Hard": hard }));
    }
    Ok(ulimits.into())
}

/// Written in one way, without doubles; what is added is not dropped.
fn capabilities(add: &[String], drop: &[String]) -> (Vec<String>, Vec<String>) {
    let known = |names: &[String]| {
        let names: BTreeSet<String> = names.iter().map(|name| capability(name)).collect();
        if names.contains("ALL") { BTreeSet::from(["ALL".to_owned()]) } else { names }
    };
    let (add, drop) = (known(add), known(drop));
    let dropped = drop.difference(&add).cloned().collect();
    (add.into_iter().collect(), dropped)
}

fn capability(name: &str) -> String {
    let name = name.trim().to_ascii_uppercase();
    if name == "ALL" || name.starts_with("CAP_") { name } else { format!("CAP_{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_written_in_one_way() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            capabilities(&names(&["net_admin", "CAP_CHOWN", "chown"]), &names(&["NET_ADMIN", "kill"])),
            (names(&["CAP_CHOWN", "CAP_NET_ADMIN"]), names(&["CAP_KILL"]))
        );
        assert_eq!(capabilities(&names(&["all", "kill"]), &names(&["ALL"])), (names(&["ALL"]), vec![]));
    }
}
