//! Containers: what is asked at their creation, and what is there.

use super::{Beyond, Rule, Rules, hold, log, mounts};
use crate::json::Json;
use Rule::{Empty, Free, NotNegative, OneOf, Unset, Within};

/// The keys of the request itself. Engines before 25.0 read `Runtime` there, too.
const TOP: Rules = &[
    (
        &[
            "Image",
            "Hostname",
            "Domainname",
            "User",
            "AttachStdin",
            "AttachStdout",
            "AttachStderr",
            "Tty",
            "OpenStdin",
            "StdinOnce",
            "ArgsEscaped",
            "WorkingDir",
            "NetworkDisabled",
            "MacAddress",
            "StopSignal",
            "StopTimeout",
            "Env",
            "OnBuild",
            "Shell",
            "Cmd",
            "Entrypoint",
            "ExposedPorts",
            "Volumes",
            "Labels",
            "Healthcheck",
        ],
        Free,
    ),
    (&["HostConfig"], Within(|_, host| hold(host, HOST))),
    (&["NetworkingConfig"], Within(networking)),
];

const HOST: Rules = &[
    (
        &[
            "ContainerIDFile",
            "AutoRemove",
            "PublishAllPorts",
            "PortBindings",
            "ReadonlyRootfs",
            "ShmSize",
            "Isolation",
            "Init",
            "ConsoleSize",
            "CapDrop",
            "Dns",
            "DnsOptions",
            "DnsSearch",
            "ExtraHosts",
            "GroupAdd",
            "Tmpfs",
            "RestartPolicy",
            "Ulimits",
            // Whose they are is looked up.
            "Links",
            "VolumesFrom",
            // Resources: they only take from what the engine has.
            "CpuShares",
            "Memory",
            "NanoCpus",
            "NanoCPUs",
            "BlkioWeight",
            "CpuPeriod",
            "CpuQuota",
            "CpusetCpus",
            "CpusetMems",
            "DiskQuota",
            "KernelMemory",
            "KernelMemoryTCP",
            "MemoryReservation",
            "MemorySwap",
            "MemorySwappiness",
            "PidsLimit",
            "CpuCount",
            "CpuPercent",
            "IOMaximumIOps",
            "IOMaximumBandwidth",
        ],
        Free,
    ),
    (&["NetworkMode"], Within(network_mode)),
    (&["IpcMode"], OneOf(&["none", "private", "shareable"])),
    (&["CgroupnsMode"], OneOf(&["private"])),
    (&["VolumeDriver"], OneOf(&["local"])),
    (&["OomScoreAdj"], NotNegative),
    (&["SecurityOpt"], Within(hardening)),
    (&["MaskedPaths", "ReadonlyPaths"], Unset),
    (&["LogConfig"], Within(|key, set| log(key, set.get("Type"), set.get("Config")))),
    (&["Binds"], Within(mounts::binds)),
    (&["Mounts"], Within(mounts::mounts)),
    // All else is refused: Privileged, PidMode, UTSMode, UsernsMode, Devices, CapAdd, Runtime, CgroupParent, Sysctls, …
];

/// What stands here in a description was put there by the engine, or is looked at by [`as_it_is`] in another way.
const FILLED_IN: [&str; 9] =
    ["Runtime", "MaskedPaths", "ReadonlyPaths", "CgroupnsMode", "LogConfig", "Binds", "Mounts", "StorageOpt", "VolumesFrom"];

/// The body of `POST /containers/create`.
pub(crate) fn container(body: &Json) -> Result<(), Beyond> {
    hold(body, TOP)
}

/// The body of `POST /containers/{id}/update`, which is part of a host configuration.
pub(crate) fn resources(body: &Json) -> Result<(), Beyond> {
    hold(body, HOST)
}

/// A container that exists. Somebody in the same team may have more rights, and made it with more than restricted control may
/// have: working in it would be a way to them. Answers the volumes it has, for a look at those.
pub(crate) fn as_it_is(description: &Json) -> Result<Vec<String>, Beyond> {
    let made = |beyond: Beyond| Beyond::Made(Box::new(beyond));
    // Without a host configuration nothing can be said of it.
    let host = description.get("HostConfig").filter(|host| !host.is_zero());
    let host = host.ok_or_else(|| made(Beyond::Key("HostConfig".to_owned())))?;
    for (key, value) in host.entries() {
        let known = HOST.iter().find(|(keys, _)| keys.contains(&key.as_str())).map_or(&Empty, |(_, rule)| rule);
        if !FILLED_IN.contains(&key.as_str()) {
            known.check(key, value).map_err(made)?;
        }
    }
    for key in ["MaskedPaths", "ReadonlyPaths"] {
        if host.get(key).is_some_and(|paths| matches!(paths, Json::List(paths) if paths.is_empty())) {
            return Err(made(Beyond::Key(key.to_owned())));
        }
    }
    mounts::as_they_are(description.get("Mounts")).map_err(made)
}

fn network_mode(key: &str, mode: &Json) -> Result<(), Beyond> {
    match mode {
        Json::Null => Ok(()),
        Json::Text(mode) if mode != "host" && !mode.starts_with("container:") => Ok(()),
        _ => Err(Beyond::value(key, mode)),
    }
}

/// Only what takes rights away.
fn hardening(key: &str, options: &Json) -> Result<(), Beyond> {
    const TAKE_AWAY: [&str; 3] = ["no-new-privileges", "no-new-privileges:true", "no-new-privileges=true"];
    let other = options.items().iter().find(|option| option.text().is_none_or(|text| !TAKE_AWAY.contains(&text)));
    other.map_or(Ok(()), |option| Err(Beyond::value(key, option)))
}

fn networking(_: &str, networking: &Json) -> Result<(), Beyond> {
    let endpoints = networking.get("EndpointsConfig").map(Json::entries).unwrap_or_default();
    endpoints.iter().try_for_each(|(name, endpoint)| {
        network_mode("NetworkingConfig.EndpointsConfig", &Json::Text(name.clone()))?;
        super::endpoint(endpoint)
    })
}

/// The networks that an engine has by itself, but for the machine's own. Containers without a network of their own stand there.
pub(crate) fn is_predefined(network: &str) -> bool {
    matches!(network, "" | "default" | "bridge" | "none")
}
