//! `POST /containers/create`.

use super::{Decided, ImageCallRefused, Pinned, json};
use crate::{
    json::{Json, read},
    owner::{self, Forged},
    query::Query,
    schema::{CONTAINER_CREATE, ShapeRefused},
};

pub(crate) struct ContainerCreate {
    query: Query,
    body: Json,
}

impl ContainerCreate {
    pub(crate) fn parse(query: Option<&str>, body: &[u8]) -> Result<Self, ImageCallRefused> {
        let query = Query::parse(query, &["name", "platform"], &[])?;
        let body = read(body)?;
        CONTAINER_CREATE.check(&body)?;
        // Where there is no host configuration, engines before 25.0 take this for a part of it.
        let host = body.get("HostConfig").is_some_and(|host| !host.is_null());
        if !host && body.get("Runtime").and_then(Json::text).is_some_and(|runtime| !runtime.is_empty()) {
            return Err(ShapeRefused::Misplaced("Runtime").into());
        }
        Ok(Self { query, body })
    }

    /// Writes whose the container will be. A volume that comes into being with it gets no owner from the request.
    pub(crate) fn owned_by(&mut self, owner: &str) -> Result<(), Forged> {
        let mounts = self.body.get("HostConfig").and_then(|host| host.get("Mounts"));
        unforged_volumes(mounts)?;
        owner::write(&mut self.body, Some(owner))
    }

    /// What the container is to be called; empty if the engine is to choose.
    pub(crate) fn name(&self) -> &str {
        self.query.get("name").unwrap_or_default()
    }

    pub(crate) fn body(&self) -> &Json {
        &self.body
    }

    pub(crate) fn body_mut(&mut self) -> &mut Json {
        &mut self.body
    }

    /// Every image the call names.
    pub(crate) fn images(&mut self) -> Vec<String> {
        self.places().into_iter().map(|place| place.clone()).filter(|image| !image.is_empty()).collect()
    }

    pub(crate) fn pin(mut self, decided: &Decided) -> Result<Pinned, ImageCallRefused> {
        if matches!(decided, Decided::Enforced(_)) && self.body.get("Image").and_then(Json::text).is_none_or(str::is_empty) {
            return Err(ImageCallRefused::NoImage);
        }
        for place in self.places().into_iter().filter(|place| !place.is_empty()) {
            *place = decided.write(place)?;
        }
        let (content_type, body) = json(self.body.to_string());
        let segments = vec!["containers".to_owned(), "create".to_owned()];
        Ok(Pinned { segments, query: self.query.encoded(), content_type, body })
    }

    fn places(&mut self) -> Vec<&mut String> {
        let Json::Object(entries) = &mut self.body else { return Vec::new() };
        let mut places = Vec::new();
        for (key, value) in entries {
            match (key.as_str(), value) {
                ("Image", Json::Text(image)) => places.push(image),
                ("HostConfig", host) => places.extend(host.get_mut("Mounts").map(mounted).unwrap_or_default()),
                _ => {}
            }
        }
        places
    }
}

pub(super) fn unforged_volumes(mounts: Option<&Json>) -> Result<(), Forged> {
    let mounts = mounts.map(Json::items).unwrap_or_default();
    mounts.iter().filter_map(|mount| mount.get("VolumeOptions")).try_for_each(|options| owner::unforged(options, None))
}

/// The images that are mounted as volumes.
pub(super) fn mounted(mounts: &mut Json) -> Vec<&mut String> {
    let Json::List(mounts) = mounts else { return Vec::new() };
    let images = mounts.iter_mut().filter(|mount| mount.get("Type").and_then(Json::text) == Some("image"));
    let sources = images.filter_map(|mount| match mount.get_mut("Source") {
        Some(Json::Text(source)) => Some(source),
        _ => None,
    });
    sources.collect()
}
