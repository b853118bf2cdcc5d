//! Whatever can be mounted: volumes of one's own, memory, images; never a path of the machine.

use super::{Beyond, Rule, Rules, hold};
use crate::json::Json;
use Rule::{Free, OneOf, Within};

const VOLUME: Rules = &[
    (&["Type", "Source", "Target", "ReadOnly", "Consistency"], Free),
    (&["VolumeOptions"], Within(|_, options| hold(options, VOLUME_OPTIONS))),
];

/// The options of the local driver can mount any path or device of the machine.
const VOLUME_OPTIONS: Rules = &[
    (&["NoCopy", "Subpath", "Labels"], Free),
    (&["DriverConfig"], Within(|_, driver| hold(driver, &[(&["Name"], OneOf(&["local"]))]))),
];

const MEMORY: Rules = &[(&["Type", "Target", "ReadOnly", "Consistency", "TmpfsOptions"], Free)];

/// Which image, the gate decides.
const IMAGE: Rules = &[(&["Type", "Source", "Target", "ReadOnly", "Consistency", "ImageOptions"], Free)];

pub(super) fn mounts(key: &str, mounts: &Json) -> Result<(), Beyond> {
    mounts.items().iter().try_for_each(|mount| {
        let source = || mount.get("Source").and_then(Json::text).unwrap_or_default();
        match mount.get("Type").and_then(Json::text).unwrap_or_default() {
            "volume" if source().is_empty() || is_volume(source()) => hold(mount, VOLUME),
            "tmpfs" => hold(mount, MEMORY),
            "image" => hold(mount, IMAGE),
            "bind" | "npipe" | "volume" => Err(Beyond::HostPath(source().chars().take(200).collect())),
            kind => Err(Beyond::Value { key: format!("{key}.Type"), value: kind.chars().take(40).collect() }),
        }
    })
}

/// `volume:/path[:options]` or `/path`, which is a volume without a name.
pub(super) fn binds(_: &str, binds: &Json) -> Result<(), Beyond> {
    binds.items().iter().try_for_each(|bind| {
        let text = bind.text().unwrap_or_default();
        match bound_volume(text) {
            Some(_) => Ok(()),
            None if text.starts_with('/') && !text.contains(':') => Ok(()),
            None => Err(Beyond::HostPath(text.split(':').next().unwrap_or_default().chars().take(200).collect())),
        }
    })
}

/// The volume that a bind names, if it names one.
pub(crate) fn bound_volume(bind: &str) -> Option<&str> {
    bind.split_once(':').map(|(source, _)| source).filter(|source| is_volume(source))
}

/// The names the engine's local driver takes: nothing that could be a path, not even a drive's.
fn is_volume(name: &str) -> bool {
    name.len() > 1
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '-'))
}

/// What is mounted in a container that exists; answers its volumes.
pub(super) fn as_they_are(mounts: Option<&Json>) -> Result<Vec<String>, Beyond> {
    let mounts = mounts.map(Json::items).unwrap_or_default();
    let volumes = mounts.iter().map(|mount| {
        let text = |key| mount.get(key).and_then(Json::text).unwrap_or_default();
        match text("Type") {
            "volume" => Ok(Some(text("Name").to_owned())),
            "tmpfs" | "image" => Ok(None),
            _ => Err(Beyond::HostPath(text("Source").chars().take(200).collect())),
        }
    });
    volumes.filter_map(Result::transpose).collect()
}

/// A volume that exists: it lies where the engine keeps volumes, and nowhere else.
pub(crate) fn volume_as_it_is(description: &Json) -> Result<(), Beyond> {
    let made = |beyond: Beyond| Beyond::Made(Box::new(beyond));
    // A volume without a driver is none that anything is known of.
    match description.get("Driver").and_then(Json::text) {
        Some("local") => {}
        driver => return Err(made(Beyond::Value { key: "Driver".to_owned(), value: driver.unwrap_or_default().to_owned() })),
    }
    match description.get("Options") {
        Some(options) if !options.is_zero() => Err(made(Beyond::Key("Options".to_owned()))),
        _ => Ok(()),
    }
}
