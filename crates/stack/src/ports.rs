//! Published ports.

use serde_json::{Map, Value, json};

use crate::at::At;
use crate::error::{StackError, shown};

/// Most ports of one range.
const MOST: u16 = 1000;

/// `8080:80/tcp`, `80`, `9000-9001:80-81/udp`: as the engine's API has them.
///
/// # Errors
/// What is wrong with it, in words that stand well after a name of the place.
pub fn parse_port(text: &str) -> Result<Vec<Value>, String> {
    let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let protocol = protocol.to_ascii_lowercase();
    if !matches!(protocol.as_str(), "tcp" | "udp" | "sctp") {
        return Err(format!("`{}` is not a protocol: tcp, udp or sctp", shown(&protocol)));
    }
    let (published, target) = match ports.rsplit_once(':') {
        None => (None, ports),
        Some((published, _)) if published.contains(':') || published.contains('.') => {
            let why = "a service listens on all addresses of every machine: leave the address out, or use `mode: host` behind a firewall";
            return Err(why.to_owned());
        }
        Some((published, target)) => (Some(published), target),
    };
    let target = range(target)?;
    let count = target.1 - target.0;
    let first = match published.filter(|published| !published.is_empty()) {
        None => None,
        Some(published) => {
            let (first, last) = range(published)?;
            if last - first != count {
                return Err("the published range and the one in the container have different lengths".to_owned());
            }
            Some(first)
        }
    };
    let port = |step: u16| {
        let mut port = json!({ "Protocol": protocol, "TargetPort": target.0 + step, "PublishMode": "ingress" });
        if let Some(first) = first {
            port["PublishedPort"] = (first + step).into();
        }
        port
    };
    Ok((0..=count).map(port).collect())
}

/// First and last.
fn range(text: &str) -> Result<(u16, u16), String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let port = |text: &str| {
        let number = text.parse::<u16>().ok().filter(|port| *port > 0 && text.bytes().all(|byte| byte.is_ascii_digit()));
        number.ok_or_else(|| format!("`{}` is not a port: a number from 1 to 65535", shown(text)))
    };
    let (first, last) = (port(first)?, port(last)?);
    match last.checked_sub(first) {
        None => Err("a range begins with the smaller port".to_owned()),
        Some(more) if more >= MOST => Err(format!("a range has at most {MOST} ports")),
        Some(_) => Ok((first, last)),
    }
}

/// The `ports` of a service.
pub(crate) fn ports(list: &At<'_>) -> Result<Vec<Value>, StackError> {
    let mut ports = Vec::new();
    for item in list.items()? {
        match item.value {
            Value::Object(_) => ports.push(long(&item)?),
            _ => {
                let text = item.text_or_number()?;
                ports.extend(parse_port(&text).map_err(|why| item.wrong(why))?);
            }
        }
    }
    let order = |port: &Value, key: &str| port.get(key).and_then(Value::as_u64).unwrap_or_default();
    ports.sort_by_key(|port| (order(port, "PublishedPort"), order(port, "TargetPort")));
    Ok(ports)
}

fn long(item: &At<'_>) -> Result<Value, StackError> {
    let mut keys = item.keys()?;
    let mut port = Map::new();
    for (key, ours) in [("target", "TargetPort"), ("published", "PublishedPort")] {
        if let Some(number) = keys.take(key) {
            let value = u16::try_from(number.number()?).map_err(|_| number.wrong("a port is a number up to 65535"))?;
            port.insert(ours.to_owned(), value.into());
        }
    }
    if !port.contains_key("TargetPort") {
        return Err(item.wrong("`target`, the port in the container, is missing"));
    }
    for (key, ours, known) in
        [("protocol", "Protocol", &["tcp", "udp", "sctp"][..]), ("mode", "PublishMode", &["ingress", "host"])]
    {
        if let Some(word) = keys.take(key) {
            let text = word.text()?;
            if !known.contains(&text.as_str()) {
                return Err(word.wrong(format!("one of {}", known.join(", "))));
            }
            port.insert(ours.to_owned(), text.into());
        }
    }
    keys.end()?;
    Ok(Value::Object(port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_published_as_the_stock_client_means_it() {
        let tcp = |target: u16, published: u16| json!({"Protocol": "tcp", "TargetPort": target, "PublishMode": "ingress", "PublishedPort": published});
        assert_eq!(parse_port("8080:80").unwrap(), [tcp(80, 8080)]);
        assert_eq!(parse_port("9000-9001:80-81/tcp").unwrap(), [tcp(80, 9000), tcp(81, 9001)]);
        let any = json!({"Protocol": "udp", "TargetPort": 53, "PublishMode": "ingress"});
        for text in ["53/UDP", ":53/udp"] {
            assert_eq!(parse_port(text).unwrap(), std::slice::from_ref(&any));
        }
    }

    #[test]
    fn what_is_no_port_is_refused_with_what_one_is() {
        for (text, why) in [
            ("", "is not a port"),
            ("web", "is not a port"),
            ("0:80", "is not a port"),
            ("70000", "is not a port"),
            ("+80", "is not a port"),
            ("80:", "is not a port"),
            ("80/icmp", "is not a protocol"),
            ("127.0.0.1:80:80", "listens on all addresses"),
            ("[::1]:80:80", "listens on all addresses"),
            ("81-80", "begins with the smaller"),
            ("1-2:80", "different lengths"),
            ("1-65535", "at most 1000"),
        ] {
            let refused = parse_port(text).expect_err(text);
            assert!(refused.contains(why), "{text}: {refused}");
        }
    }
}
