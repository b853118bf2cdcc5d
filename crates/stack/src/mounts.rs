//! What is mounted: volumes, paths of the machine, memory, images.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::at::{At, Keys};
use crate::error::{StackError, shown};

const PROPAGATIONS: [&str; 6] = ["private", "rprivate", "shared", "rshared", "slave", "rslave"];

/// `data:/var/lib/data`, `/srv/files:/files:ro`, `/cache`: one mount as the engine's API has it, a named volume by just that name.
///
/// # Errors
/// What is wrong with it, in words that stand well after a name of the place.
pub fn parse_mount(text: &str) -> Result<Value, String> {
    let parts: Vec<&str> = text.split(':').collect();
    if parts.iter().any(|part| part.is_empty()) {
        return Err("between two colons something is missing: `volume:/path`, `/path/of/the/machine:/path` or `/path`".to_owned());
    }
    let (source, target, options) = match parts.as_slice() {
        [target] => (None, *target, ""),
        [source, target] => (Some(*source), *target, ""),
        [source, target, options] => (Some(*source), *target, *options),
        _ => return Err("there are too many colons: `source:target:options`".to_owned()),
    };
    if !target.starts_with('/') {
        return Err(format!("`{}` is no path in the container: it begins with a /", shown(target)));
    }
    let kind = match source {
        Some(source) if source.starts_with('/') => "bind",
        Some(source) if source.starts_with(['.', '~', '\\']) => {
            return Err(format!(
                "`{}` begins in a folder of yours, which is not known here: write the whole path",
                shown(source)
            ));
        }
        _ => "volume",
    };
    let mut mount = json!({ "Type": kind, "Target": target });
    if let Some(source) = source {
        mount["Source"] = source.into();
    }
    for option in options.split(',').filter(|option| !option.is_empty()) {
        match option {
            "ro" => mount["ReadOnly"] = true.into(),
            "rw" => {
                mount.as_object_mut().and_then(|mount| mount.remove("ReadOnly"));
            }
            "nocopy" if kind == "volume" => mount["VolumeOptions"] = json!({ "NoCopy": true }),
            propagation if kind == "bind" && PROPAGATIONS.contains(&propagation) => {
                mount["BindOptions"] = json!({ "Propagation": propagation });
            }
            other => {
                return Err(format!("`{}` is not an option of such a mount: ro, rw, nocopy, or how binds spread", shown(other)));
            }
        }
    }
    Ok(mount)
}

/// A volume of the file.
pub(crate) struct Volume {
    name: String,
    external: bool,
    labels: BTreeMap<String, String>,
    driver: Option<String>,
    driver_opts: Option<BTreeMap<String, String>>,
}

/// The `volumes` of the file, by the names it has for them.
pub(crate) fn volumes(section: Option<At<'_>>, stack: &str) -> Result<BTreeMap<String, Volume>, StackError> {
    let entries = section.map(|section| section.entries()).transpose()?.unwrap_or_default();
    let mut volumes = BTreeMap::new();
    for (key, at) in entries {
        volumes.insert(key.to_owned(), volume(key, &at, stack)?);
    }
    Ok(volumes)
}

fn volume(key: &str, at: &At<'_>, stack: &str) -> Result<Volume, StackError> {
    let own = format!("{stack}_{key}");
    if at.value.is_null() {
        return Ok(Volume { name: own, external: false, labels: BTreeMap::new(), driver: None, driver_opts: None });
    }
    let mut keys = at.keys()?;
    if let Some(cluster) = keys.take("x-cluster-spec") {
        return Err(cluster.not_here("make the cluster volume with `docker volume create` and name it as `external: true`"));
    }
    let mut keys = keys.without_extensions();
    let (external, name) = external(&mut keys, key)?;
    let labels = keys.read("labels", At::labels)?;
    let driver = keys.read("driver", At::text)?;
    let driver_opts = keys.read("driver_opts", At::labels)?;
    keys.end()?;
    if external && (labels.is_some() || driver.is_some() || driver_opts.is_some()) {
        return Err(at.wrong("an external volume is there already: labels, driver and driver_opts are not its"));
    }
    let name = name.unwrap_or(own);
    Ok(Volume { name, external, labels: labels.unwrap_or_default(), driver, driver_opts })
}

/// Whether something is there already, and the name it has there, if the file says one.
pub(crate) fn external(keys: &mut Keys<'_>, key: &str) -> Result<(bool, Option<String>), StackError> {
    let name = keys.read("name", At::text)?.filter(|name| !name.is_empty());
    let Some(external) = keys.take("external") else { return Ok((false, name)) };
    match external.value {
        Value::Object(_) => {
            let mut inner = external.keys()?;
            let old = inner.read("name", At::text)?;
            inner.end()?;
            if old.is_some() && name.is_some() {
                return Err(external.wrong("its name stands twice: keep the `name` beside `external: true`"));
            }
            Ok((true, Some(old.or(name).unwrap_or_else(|| key.to_owned()))))
        }
        _ if external.flag()? => Ok((true, Some(name.unwrap_or_else(|| key.to_owned())))),
        _ => Ok((false, name)),
    }
}

/// The `volumes` of a service.
pub(crate) fn mounts(list: &At<'_>, volumes: &BTreeMap<String, Volume>, stack: &str) -> Result<Vec<Value>, StackError> {
    let one = |item: &At<'_>| {
        let mut mount = match item.value {
            Value::Object(_) => long(item)?,
            _ => parse_mount(&item.text()?).map_err(|why| item.wrong(why))?,
        };
        let source = mount.get("Source").and_then(Value::as_str).map(str::to_owned);
        if let (Some("volume"), Some(source)) = (mount.get("Type").and_then(Value::as_str), source) {
            let known = volumes.get(&source);
            let volume =
                known.ok_or_else(|| item.wrong(format!("the volume `{}` is not under `volumes` of the file", shown(&source))))?;
            volume.name_in(&mut mount, stack);
        }
        Ok(mount)
    };
    list.items()?.iter().map(one).collect()
}

impl Volume {
    fn name_in(&self, mount: &mut Value, stack: &str) {
        mount["Source"] = self.name.clone().into();
        let mut options = mount.get("VolumeOptions").and_then(Value::as_object).cloned().unwrap_or_default();
        if !self.external {
            options.insert("Labels".to_owned(), crate::stack::labelled(&self.labels, stack));
            if self.driver.is_some() || self.driver_opts.is_some() {
                let mut driver = Map::new();
                if let Some(name) = &self.driver {
                    driver.insert("Name".to_owned(), name.clone().into());
                }
                if let Some(opts) = &self.driver_opts {
                    driver.insert("Options".to_owned(), json!(opts));
                }
                options.insert("DriverConfig".to_owned(), driver.into());
            }
        }
        mount["VolumeOptions"] = options.into();
    }
}

fn long(item: &At<'_>) -> Result<Value, StackError> {
    let mut keys = item.keys()?;
    let kind = keys.read("type", At::text)?.ok_or_else(|| item.wrong("`type` is missing: volume, bind, tmpfs or image"))?;
    if !matches!(kind.as_str(), "volume" | "bind" | "tmpfs" | "image") {
        return Err(item.wrong(format!("`{}` cannot be mounted here: volume, bind, tmpfs or image", shown(&kind))));
    }
    let target = keys.read("target", At::text)?.ok_or_else(|| item.wrong("`target`, the path in the container, is missing"))?;
    let mut mount = json!({ "Type": kind, "Target": target });
    let source = keys.read("source", At::text)?.filter(|source| !source.is_empty());
    match (kind.as_str(), &source) {
        ("bind" | "image", None) => return Err(item.wrong("`source` is missing")),
        ("tmpfs", Some(_)) => return Err(item.wrong("memory has no `source`")),
        ("bind", Some(path)) if !path.starts_with('/') => {
            return Err(item.wrong("its `source` begins in a folder of yours, which is not known here: write the whole path"));
        }
        _ => {}
    }
    if let Some(source) = source {
        mount["Source"] = source.into();
    }
    if keys.read("read_only", At::flag)? == Some(true) {
        mount["ReadOnly"] = true.into();
    }
    if let Some(consistency) = keys.read("consistency", At::text)? {
        mount["Consistency"] = consistency.into();
    }
    let options = |keys: &mut Keys<'_>, of: &str, known: &[(&str, &str)]| -> Result<Option<Value>, StackError> {
        let Some(at) = keys.take(of) else { return Ok(None) };
        if of != kind {
            return Err(at.wrong(format!("such options are not for a mount of type {kind}")));
        }
        let (mut inner, mut options) = (at.keys()?, Map::new());
        for (key, ours) in known {
            if let Some(value) = inner.take(key) {
                let value: Value = match *key {
                    "nocopy" => value.flag()?.into(),
                    "size" => value.number()?.into(),
                    _ => value.text()?.into(),
                };
                options.insert((*ours).to_owned(), value);
            }
        }
        inner.end()?;
        Ok(Some(options.into()))
    };
    for (of, ours, known) in [
        ("bind", "BindOptions", &[("propagation", "Propagation")][..]),
        ("volume", "VolumeOptions", &[("nocopy", "NoCopy"), ("subpath", "Subpath")]),
        ("tmpfs", "TmpfsOptions", &[("size", "SizeBytes")]),
        ("image", "ImageOptions", &[("subpath", "Subpath")]),
    ] {
        if let Some(value) = options(&mut keys, of, known)? {
            mount[ours] = value;
        }
    }
    keys.end()?;
    Ok(mount)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_is_a_volume_a_path_or_nameless() {
        assert_eq!(parse_mount("data:/var/data").unwrap(), json!({"Type": "volume", "Source": "data", "Target": "/var/data"}));
        let bind = json!({"Type": "bind", "Source": "/srv", "Target": "/srv", "ReadOnly": true, "BindOptions": {"Propagation": "rslave"}});
        assert_eq!(parse_mount("/srv:/srv:ro,rslave").unwrap(), bind);
        assert_eq!(parse_mount("/cache").unwrap(), json!({"Type": "volume", "Target": "/cache"}));
        let nocopy = json!({"Type": "volume", "Source": "a", "Target": "/a", "VolumeOptions": {"NoCopy": true}});
        assert_eq!(parse_mount("a:/a:rw,nocopy").unwrap(), nocopy);
    }

    #[test]
    fn what_is_no_mount_is_refused_with_what_one_is() {
        for (text, why) in [
            ("", "something is missing"),
            ("a::b", "something is missing"),
            ("data:var", "is no path in the container"),
            ("./here:/there", "a folder of yours"),
            ("~/here:/there", "a folder of yours"),
            ("a:/b:fast", "is not an option"),
            ("a:/b:shared", "is not an option"),
            ("a:/b:ro:rw", "too many colons"),
        ] {
            let refused = parse_mount(text).expect_err(text);
            assert!(refused.contains(why), "{text}: {refused}");
        }
    }
}
