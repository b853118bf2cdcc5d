//! What a request names besides its images: containers, networks, volumes, secrets, configs.
//!
//! Each function goes through all of them and tells `visit` the kind and the name; what `visit` answers takes the name's place.
//! Volumes have no other name, and the networks of a container are told apart by the name they were given: those stay.

use crate::{
    call::Kind,
    json::Json,
    limits::{bound_volume, is_predefined},
};

/// Answers what is to stand in the place of a name.
pub(crate) type Visit<'a> = &'a mut dyn FnMut(Kind, &str) -> Option<String>;

/// The body of `POST /containers/create`.
pub(crate) fn container(body: &mut Json, visit: Visit<'_>) {
    if let Some(host) = body.get_mut("HostConfig") {
        containers(host.get_mut("VolumesFrom"), visit, |_| None);
        links(host.get_mut("Links"), visit);
        for bind in host.get("Binds").map(Json::items).unwrap_or_default() {
            if let Some(volume) = bind.text().and_then(bound_volume) {
                visit(Kind::Volume, volume);
            }
        }
        mounts(host.get("Mounts"), visit);
        if let Some(mode) = host.get("NetworkMode").and_then(Json::text).filter(|mode| !is_predefined(mode)) {
            visit(Kind::Network, mode);
        }
    }
    let endpoints = body.get_mut("NetworkingConfig").and_then(|networking| networking.get_mut("EndpointsConfig"));
    if let Some(Json::Object(endpoints)) = endpoints {
        for (name, endpoint_of) in endpoints {
            if !is_predefined(name) {
                visit(Kind::Network, name);
            }
            endpoint(endpoint_of, visit);
        }
    }
}

/// How a container stands in a network.
pub(crate) fn endpoint(endpoint: &mut Json, visit: Visit<'_>) {
    if let Some(id) = endpoint.get("NetworkID").and_then(Json::text).filter(|id| !id.is_empty()) {
        visit(Kind::Network, id);
    }
    links(endpoint.get_mut("Links"), visit);
}

/// A service's specification.
pub(crate) fn service(spec: &mut Json, visit: Visit<'_>) {
    networks(spec.get_mut("Networks"), visit);
    let Some(task) = spec.get_mut("TaskTemplate") else { return };
    networks(task.get_mut("Networks"), visit);
    let Some(container) = task.get_mut("ContainerSpec") else { return };
    mounts(container.get("Mounts"), visit);
    for (key, id, kind) in [("Secrets", "SecretID", Kind::Secret), ("Configs", "ConfigID", Kind::Config)] {
        for reference in container.get_mut(key).map(Json::items_mut).unwrap_or_default() {
            // Without an id it is none; as an empty name it is nobody's.
            let name = reference.get(id).and_then(Json::text).unwrap_or_default().to_owned();
            if let Some(id_of) = visit(kind, &name) {
                reference.set(id, Json::Text(id_of));
            }
        }
    }
}

/// The container that a network is connected to.
pub(crate) fn connected(body: &mut Json, visit: Visit<'_>) {
    let name = body.get("Container").and_then(Json::text).unwrap_or_default().to_owned();
    if let Some(id) = visit(Kind::Container, &name) {
        body.set("Container", Json::Text(id));
    }
    if let Some(endpoint_of) = body.get_mut("EndpointConfig") {
        endpoint(endpoint_of, visit);
    }
}

/// `name` or `name:alias`; without an alias the name is the alias.
fn links(list: Option<&mut Json>, visit: Visit<'_>) {
    containers(list, visit, |name| Some(name.to_owned()));
}

/// `name` or `name:more`; `default` is what stands behind a name alone.
fn containers(list: Option<&mut Json>, visit: Visit<'_>, default: fn(&str) -> Option<String>) {
    for item in list.map(Json::items_mut).unwrap_or_default() {
        let text = item.text().unwrap_or_default().to_owned();
        let (name, more) = match text.split_once(':') {
            Some((name, more)) => (name, Some(more.to_owned())),
            None => (text.as_str(), default(&text)),
        };
        if let Some(id) = visit(Kind::Container, name) {
            *item = Json::Text(more.map_or_else(|| id.clone(), |more| format!("{id}:{more}")));
        }
    }
}

fn mounts(mounts: Option<&Json>, visit: Visit<'_>) {
    for mount in mounts.map(Json::items).unwrap_or_default() {
        let text = |key| mount.get(key).and_then(Json::text).unwrap_or_default();
        if text("Type") == "volume" && !text("Source").is_empty() {
            visit(Kind::Volume, text("Source"));
        }
    }
}

fn networks(list: Option<&mut Json>, visit: Visit<'_>) {
    for network in list.map(Json::items_mut).unwrap_or_default() {
        let name = network.get("Target").and_then(Json::text).unwrap_or_default().to_owned();
        if let Some(id) = visit(Kind::Network, &name) {
            network.set("Target", Json::Text(id));
        }
    }
}
