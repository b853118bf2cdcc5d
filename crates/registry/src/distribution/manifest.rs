//! What a manifest is, and what it refers to. Pure: bytes and their media type come in, references go out.
//!
//! One text must not be two things to two readers (CVE-2021-41190), and Go, which the engine is written in, reads keys without
//! regard to case and takes the last of several: keys that only look like ours, or stand twice, are refused.

mod strict;

use serde_json::{Map, Value};
use wharfinger_oci::Digest;

/// Larger manifests are refused (distribution-spec: at least 4 MiB should be accepted).
pub(crate) const LIMIT: usize = 4 * 1024 * 1024;

const DOCKER_IMAGE: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const OCI_IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Layers that are fetched from elsewhere and need not be here.
const FOREIGN: [&str; 2] = ["application/vnd.docker.image.rootfs.foreign.", "application/vnd.oci.image.layer.nondistributable."];

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum ManifestError {
    #[error("the manifest is not JSON that every reader reads alike: {0}")]
    Json(String),
    #[error("schema 1 manifests are not taken; push with a Docker of this decade")]
    Schema1,
    #[error("`schemaVersion` has to be 2")]
    SchemaVersion,
    #[error("manifests of type `{0}` are not taken")]
    Type(String),
    #[error("the manifest says it is `{body}`, the request says `{header}`")]
    TypeMismatch { body: String, header: String },
    #[error("the manifest is ambiguous: it has `{0}`, which does not belong to its type")]
    Ambiguous(&'static str),
    #[error("`{0}` is missing or malformed")]
    Field(&'static str),
    #[error("the manifest names no media type, and neither does the request")]
    Untyped,
}

/// A manifest as read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    pub(crate) media_type: String,
    pub(crate) config: Option<Descriptor>,
    /// Blobs that have to be here: config and layers, without foreign ones.
    pub(crate) blobs: Vec<Digest>,
    /// Children of an index.
    pub(crate) manifests: Vec<Digest>,
    pub(crate) subject: Option<Digest>,
    /// What kind of artifact it is: `artifactType`, else the config's media type (image-spec § artifacts).
    pub(crate) artifact_type: Option<String>,
    pub(crate) annotations: Map<String, Value>,
    /// Config and layers together, as their descriptors say.
    pub(crate) size: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Descriptor {
    pub(crate) media_type: String,
    pub(crate) digest: Digest,
    pub(crate) size: u64,
}

/// Reads a manifest. `content_type` is the request's, if it has one.
pub(crate) fn parse(content_type: Option<&str>, bytes: &[u8]) -> Result<Manifest, ManifestError> {
    let object = strict::object(bytes).map_err(ManifestError::Json)?;
    match object.get("schemaVersion").and_then(Value::as_u64) {
        Some(2) => {}
        Some(1) => return Err(ManifestError::Schema1),
        _ => return Err(ManifestError::SchemaVersion),
    }
    let media_type = media_type(content_type, &object)?;
    let is_image = matches!(media_type.as_str(), DOCKER_IMAGE | OCI_IMAGE);
    let others: &[&'static str] = if is_image { &["manifests"] } else { &["config", "layers"] };
    for key in others.iter().chain(&["fsLayers", "history", "signatures"]) {
        if object.contains_key(*key) {
            return Err(ManifestError::Ambiguous(key));
        }
    }
    let mut manifest = if is_image { image(&object)? } else { index(&object)? };
    manifest.media_type = media_type;
    manifest.subject = match object.get("subject") {
        Some(subject) => Some(descriptor(subject).ok_or(ManifestError::Field("subject"))?.digest),
        None => None,
    };
    manifest.artifact_type = match object.get("artifactType") {
        Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
        Some(_) => return Err(ManifestError::Field("artifactType")),
        None => manifest.config.as_ref().map(|config| config.media_type.clone()),
    };
    manifest.annotations = match object.get("annotations") {
        Some(Value::Object(annotations)) if annotations.values().all(Value::is_string) => annotations.clone(),
        Some(Value::Null) | None => Map::new(),
        Some(_) => return Err(ManifestError::Field("annotations")),
    };
    Ok(manifest)
}

fn media_type(content_type: Option<&str>, object: &Map<String, Value>) -> Result<String, ManifestError> {
    let header =
        content_type.map(|header| header.split(';').next().unwrap_or_default().trim()).filter(|header| !header.is_empty());
    let body = match object.get("mediaType") {
        Some(Value::String(body)) => Some(body.as_str()),
        Some(_) => return Err(ManifestError::Field("mediaType")),
        None => None,
    };
    let named = match (header, body) {
        (Some(header), Some(body)) if header != body => {
            return Err(ManifestError::TypeMismatch { body: body.to_owned(), header: header.chars().take(200).collect() });
        }
        // Only OCI's types may leave `mediaType` out.
        (Some(DOCKER_IMAGE | DOCKER_LIST), None) => return Err(ManifestError::Field("mediaType")),
        (_, Some(named)) | (Some(named), None) => named,
        (None, None) => return Err(ManifestError::Untyped),
    };
    match named {
        DOCKER_IMAGE | DOCKER_LIST | OCI_IMAGE | OCI_INDEX => Ok(named.to_owned()),
        other if other.starts_with("application/vnd.docker.distribution.manifest.v1+") => Err(ManifestError::Schema1),
        other => Err(ManifestError::Type(other.chars().take(200).collect())),
    }
}

fn image(object: &Map<String, Value>) -> Result<Manifest, ManifestError> {
    let config = object.get("config").and_then(descriptor).ok_or(ManifestError::Field("config"))?;
    let layers = descriptors(object, "layers")?;
    let here = layers.iter().filter(|layer| !FOREIGN.iter().any(|foreign| layer.media_type.starts_with(foreign)));
    let blobs = std::iter::once(&config).chain(here).map(|descriptor| descriptor.digest.clone()).collect();
    let size = std::iter::once(&config).chain(&layers).fold(0_u64, |sum, descriptor| sum.saturating_add(descriptor.size));
    Ok(Manifest { config: Some(config), blobs, size, ..Manifest::empty() })
}

fn index(object: &Map<String, Value>) -> Result<Manifest, ManifestError> {
    let manifests = descriptors(object, "manifests")?.into_iter().map(|child| child.digest).collect();
    Ok(Manifest { manifests, ..Manifest::empty() })
}

impl Manifest {
    fn empty() -> Self {
        Self {
            media_type: String::new(),
            config: None,
            blobs: Vec::new(),
            manifests: Vec::new(),
            subject: None,
            artifact_type: None,
            annotations: Map::new(),
            size: 0,
        }
    }
}

fn descriptors(object: &Map<String, Value>, key: &'static str) -> Result<Vec<Descriptor>, ManifestError> {
    let list = object.get(key).and_then(Value::as_array).ok_or(ManifestError::Field(key))?;
    list.iter().map(|item| descriptor(item).ok_or(ManifestError::Field(key))).collect()
}

fn descriptor(value: &Value) -> Option<Descriptor> {
    Some(Descriptor {
        media_type: value.get("mediaType")?.as_str()?.to_owned(),
        digest: value.get("digest")?.as_str()?.parse().ok()?,
        size: value.get("size")?.as_u64()?,
    })
}

#[cfg(test)]
mod tests;
