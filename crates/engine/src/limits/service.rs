//! Services.

use super::{Beyond, Rule, Rules, hold, log, mounts};
use crate::json::Json;
use Rule::{Free, NotNegative, OneOf, Within};

const TOP: Rules = &[
    (&["Name", "Labels", "Mode", "UpdateConfig", "RollbackConfig", "EndpointSpec"], Free),
    (&["Networks"], Within(networks)),
    (&["TaskTemplate"], Within(|_, task| hold(task, TASK))),
];

const TASK: Rules = &[
    // Placement is looked at apart, because one of the two roles may set it.
    (&["ForceUpdate", "Resources", "RestartPolicy", "Placement"], Free),
    (&["Runtime"], OneOf(&["container"])),
    (&["ContainerSpec"], Within(|_, container| hold(container, CONTAINER))),
    (&["Networks"], Within(networks)),
    (&["LogDriver"], Within(|key, driver| log(key, driver.get("Name"), driver.get("Options")))),
];

const CONTAINER: Rules = &[
    (
        &[
            "Image",
            "Hostname",
            "Dir",
            "User",
            "Init",
            "StopSignal",
            "TTY",
            "OpenStdin",
            "ReadOnly",
            "StopGracePeriod",
            "Isolation",
            "Labels",
            "Command",
            "Args",
            "Env",
            "Groups",
            "Hosts",
            "CapabilityDrop",
            "HealthCheck",
            "Healthcheck",
            "DNSConfig",
            "Ulimits",
            // Whose they are is looked up.
            "Secrets",
        ],
        Free,
    ),
    (&["Configs"], Within(|_, configs| configs.items().iter().try_for_each(|config| hold(config, CONFIG)))),
    (&["OomScoreAdj"], NotNegative),
    (&["Mounts"], Within(mounts::mounts)),
    (&["Privileges"], Within(|_, privileges| hold(privileges, PRIVILEGES))),
];

/// Not `Runtime`: such a config is no file but a credential specification.
const CONFIG: Rules = &[(&["ConfigID", "ConfigName", "File"], Free)];

/// Only what takes rights away.
const PRIVILEGES: Rules = &[
    (&["NoNewPrivileges"], Free),
    (&["CredentialSpec", "SELinuxContext"], Within(|_, unset| hold(unset, &[]))),
    (&["Seccomp", "AppArmor"], Within(|_, profile| hold(profile, &[(&["Mode"], OneOf(&["default"]))]))),
];

/// A service's specification. `nodes`: whoever asks may choose among the machines.
pub(crate) fn service(spec: &Json, nodes: bool) -> Result<(), Beyond> {
    hold(spec, TOP)?;
    let task = spec.get("TaskTemplate");
    if task.and_then(|task| task.get("ContainerSpec")).is_none_or(Json::is_zero) {
        // Some other kind of task.
        return Err(Beyond::Key("TaskTemplate".to_owned()));
    }
    match task.and_then(|task| task.get("Placement")) {
        Some(placement) if !nodes => placement.entries().iter().try_for_each(|(key, value)| match key.as_str() {
            "MaxReplicas" | "Platforms" => Ok(()),
            _ if value.is_zero() => Ok(()),
            _ => Err(Beyond::Placement(key.clone())),
        }),
        _ => Ok(()),
    }
}

fn networks(_: &str, networks: &Json) -> Result<(), Beyond> {
    networks.items().iter().try_for_each(|network| {
        hold(network, &[(&["Target", "Aliases"], Free)])?;
        match network.get("Target").and_then(Json::text) {
            Some("host") => Err(Beyond::Value { key: "Networks.Target".to_owned(), value: "host".to_owned() }),
            _ => Ok(()),
        }
    })
}
