//! Calls that name no image and are read in full all the same, because they say whose something is or what it reaches. As
//! with images, what is forwarded is what was read.

use axum::body::Body;

use crate::{
    call::Document as Kind,
    image::ImageCallRefused,
    json::{Json, read},
    query::Query,
    schema::{CONTAINER_UPDATE, EXEC_CREATE, NETWORK_CONNECT, NETWORK_CREATE, NETWORK_DISCONNECT, SECRET, Shape, VOLUME_CREATE},
};

/// A call as it was read.
pub(crate) struct Document {
    pub(crate) query: Query,
    /// `None`: it has no body, and none is sent.
    pub(crate) body: Option<Json>,
}

impl Document {
    pub(crate) fn parse(kind: Kind, query: Option<&str>, body: &[u8]) -> Result<Self, ImageCallRefused> {
        let (known, lists): (&[&str], &[&str]) = match kind {
            Kind::ContainerStart => (&["detachKeys", "checkpoint", "checkpoint-dir"], &[]),
            Kind::ContainerRename => (&["name"], &[]),
            Kind::SecretUpdate | Kind::ConfigUpdate => (&["version"], &[]),
            Kind::Commit => (&["container", "repo", "tag", "comment", "author", "pause"], &["changes"]),
            _ => (&[], &[]),
        };
        let query = Query::parse(query, known, lists)?;
        let shape: &Shape = match kind {
            // Since 1.24 what is sent to start a container with is refused by the engine.
            Kind::ContainerStart | Kind::ContainerRename => return Ok(Self { query, body: None }),
            Kind::Commit if body.is_empty() => return Ok(Self { query, body: None }),
            Kind::Commit => &crate::schema::CONTAINER_CREATE,
            Kind::VolumeCreate => &VOLUME_CREATE,
            Kind::NetworkCreate => &NETWORK_CREATE,
            Kind::NetworkConnect => &NETWORK_CONNECT,
            Kind::NetworkDisconnect => &NETWORK_DISCONNECT,
            Kind::SecretCreate | Kind::SecretUpdate | Kind::ConfigCreate | Kind::ConfigUpdate => &SECRET,
            Kind::ContainerUpdate => &CONTAINER_UPDATE,
            Kind::ExecCreate => &EXEC_CREATE,
        };
        // `docker volume create` of old sends no body for a volume without a name.
        let body = if body.is_empty() { Json::Object(Vec::new()) } else { read(body)? };
        shape.check(&body)?;
        // To the engine that is the empty object, to which an owner can be written.
        let body = if body.is_null() && kind != Kind::Commit { Json::Object(Vec::new()) } else { body };
        Ok(Self { query, body: Some(body) })
    }

    /// What it is as a request: query and body.
    pub(crate) fn written(self) -> (String, Option<Body>) {
        (self.query.encoded(), self.body.map(|body| Body::from(body.to_string())))
    }
}
