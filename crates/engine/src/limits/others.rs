//! Networks, volumes, secrets and commands in containers.

use super::{Beyond, Rule, Rules, hold};
use crate::json::Json;
use Rule::{Free, OneOf, Within};

const VOLUME: Rules = &[(&["Name", "Labels"], Free), (&["Driver"], OneOf(&["local"]))];

const NETWORK: Rules = &[
    (&["Name", "CheckDuplicate", "EnableIPv4", "EnableIPv6", "Internal", "Attachable", "Labels"], Free),
    // The others reach the machine's own networks.
    (&["Driver"], OneOf(&["bridge", "overlay"])),
    (&["Scope"], OneOf(&["local", "swarm"])),
    (&["Options"], Within(|_, options| hold(options, NETWORK_OPTIONS))),
    (&["ConfigFrom"], Within(|_, from| hold(from, &[]))),
    (&["IPAM"], Within(|_, ipam| hold(ipam, IPAM))),
];

const NETWORK_OPTIONS: Rules = &[(
    &[
        "encrypted",
        "com.docker.network.driver.mtu",
        "com.docker.network.bridge.enable_icc",
        "com.docker.network.bridge.enable_ip_masquerade",
    ],
    Free,
)];

/// A subnet of one's own choice takes the machine's way to that subnet away.
const IPAM: Rules = &[
    (&["Driver"], OneOf(&["default"])),
    (&["Config"], Within(|_, pools| pools.items().iter().try_for_each(|pool| hold(pool, &[])))),
];

const SECRET: Rules = &[(&["Name", "Data", "Labels", "Templating"], Free), (&["Driver"], Within(|_, driver| hold(driver, &[])))];

const EXEC: Rules = &[(
    &[
        "User",
        "Tty",
        "AttachStdin",
        "AttachStdout",
        "AttachStderr",
        "Detach",
        "DetachKeys",
        "detachKeys",
        "Env",
        "WorkingDir",
        "Cmd",
        "Container",
        "ConsoleSize",
    ],
    Free,
)];

const ENDPOINT: Rules = &[(
    &[
        "NetworkID",
        "EndpointID",
        "Gateway",
        "IPAddress",
        "IPPrefixLen",
        "IPv6Gateway",
        "GlobalIPv6Address",
        "GlobalIPv6PrefixLen",
        "MacAddress",
        "GwPriority",
        "Links",
        "Aliases",
        "DNSNames",
        "IPAMConfig",
    ],
    Free,
)];

pub(crate) fn volume(body: &Json) -> Result<(), Beyond> {
    hold(body, VOLUME)
}

pub(crate) fn network(body: &Json) -> Result<(), Beyond> {
    hold(body, NETWORK)
}

/// Secrets and configs.
pub(crate) fn secret(body: &Json) -> Result<(), Beyond> {
    hold(body, SECRET)
}

pub(crate) fn exec(body: &Json) -> Result<(), Beyond> {
    hold(body, EXEC)
}

/// A command that was made to run in a container, maybe by somebody with more rights.
pub(crate) fn exec_as_it_is(process: &Json) -> Result<(), Beyond> {
    match process.get("privileged") {
        Some(Json::Bool(false)) | None => Ok(()),
        Some(_) => Err(Beyond::Made(Box::new(Beyond::Key("Privileged".to_owned())))),
    }
}

pub(crate) fn endpoint(endpoint: &Json) -> Result<(), Beyond> {
    hold(endpoint, ENDPOINT)
}
