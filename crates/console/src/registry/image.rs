//! What a stored manifest says of itself. It was checked when it was pushed; what cannot be read here is left out, not guessed.

use futures_util::TryStreamExt as _;
use serde_json::Value;
use wharfinger_oci::Digest;
use wharfinger_storage::blobs::Blobs;
use wharfinger_storage::repositories::ManifestRecord;

use crate::error::Refused;
use crate::words::{bytes, count};

/// Image configurations are small; a larger one is not looked into.
const CONFIG_LIMIT: u64 = 1024 * 1024;
/// More layers or children than any image has; the page says that there are more.
const MOST: usize = 200;

/// A blob or manifest that a manifest names.
pub(crate) struct Part {
    pub(crate) digest: String,
    pub(crate) media_type: String,
    pub(crate) size: u64,
    /// `linux/arm64/v8`, for the children of an index.
    pub(crate) platform: Option<String>,
}

/// A manifest, read.
#[derive(Default)]
pub(crate) struct Image {
    pub(crate) media_type: String,
    pub(crate) config: Option<Part>,
    pub(crate) layers: Vec<Part>,
    pub(crate) children: Vec<Part>,
    /// How many layers and children are not listed.
    pub(crate) left_out: usize,
    /// Config and layers together, of an image.
    pub(crate) size: Option<u64>,
}

impl Image {
    pub(crate) fn of(record: &ManifestRecord) -> Self {
        let manifest: Value = serde_json::from_slice(&record.content).unwrap_or_default();
        let all = |key: &str| -> Vec<Part> { manifest[key].as_array().into_iter().flatten().filter_map(part).collect() };
        let (config, mut layers, mut children) = (part(&manifest["config"]), all("layers"), all("manifests"));
        let size = config.as_ref().map(|config| layers.iter().fold(config.size, |sum, layer| sum.saturating_add(layer.size)));
        let left_out = layers.len().saturating_sub(MOST) + children.len().saturating_sub(MOST);
        layers.truncate(MOST);
        children.truncate(MOST);
        Self { media_type: record.media_type.clone(), config, layers, children, left_out, size }
    }

    /// An index has no size of its own.
    pub(crate) fn size_words(&self) -> String {
        self.size.map_or_else(|| count(self.children.len(), "image", "images"), bytes)
    }

    /// Of an index, those of its children.
    pub(crate) fn platforms(&self) -> Vec<String> {
        let known = self.children.iter().filter_map(|child| child.platform.clone());
        known.filter(|platform| !platform.starts_with("unknown")).collect()
    }
}

impl Part {
    pub(crate) fn size_words(&self) -> String {
        bytes(self.size)
    }
}

fn part(value: &Value) -> Option<Part> {
    Some(Part {
        digest: value["digest"].as_str()?.to_owned(),
        media_type: value["mediaType"].as_str().unwrap_or_default().to_owned(),
        size: value["size"].as_u64().unwrap_or_default(),
        platform: platform(&value["platform"]),
    })
}

fn platform(value: &Value) -> Option<String> {
    let (os, architecture) = (value["os"].as_str()?, value["architecture"].as_str()?);
    let variant = value["variant"].as_str().map(|variant| format!("/{variant}")).unwrap_or_default();
    Some(format!("{os}/{architecture}{variant}"))
}

/// What an image's configuration says of how it runs.
#[derive(Default)]
pub(crate) struct Config {
    pub(crate) platform: Option<String>,
    /// A name and its value, in the order people ask for them.
    pub(crate) facts: Vec<(&'static str, String)>,
    pub(crate) labels: Vec<(String, String)>,
}

impl Config {
    /// What cannot be read says nothing.
    pub(crate) async fn read(blobs: &dyn Blobs, image: &Image) -> Result<Self, Refused> {
        let Some(digest) = image.config.as_ref().and_then(|config| config.digest.parse::<Digest>().ok()) else {
            return Ok(Self::default());
        };
        let Some(opened) = blobs.open(&digest, None).await? else { return Ok(Self::default()) };
        if opened.size > CONFIG_LIMIT {
            return Ok(Self::default());
        }
        let bytes: Result<Vec<u8>, _> = opened.content.map_ok(|bytes| bytes.to_vec()).try_concat().await;
        Ok(bytes
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .map(|config: Value| Self::of(&config))
            .unwrap_or_default())
    }

    fn of(value: &Value) -> Self {
        let runs = &value["config"];
        let words = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Array(all) => Some(all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")),
            Value::Object(all) => Some(all.keys().map(String::as_str).collect::<Vec<_>>().join(" ")),
            _ => None,
        };
        let named = [
            ("Created", &value["created"]),
            ("Author", &value["author"]),
            ("Entrypoint", &runs["Entrypoint"]),
            ("Command", &runs["Cmd"]),
            ("User", &runs["User"]),
            ("Working directory", &runs["WorkingDir"]),
            ("Ports", &runs["ExposedPorts"]),
            ("Volumes", &runs["Volumes"]),
        ];
        let facts = named.into_iter().filter_map(|(name, value)| Some((name, words(value).filter(|text| !text.is_empty())?)));
        let labels = runs["Labels"].as_object().into_iter().flatten();
        Self {
            platform: platform(value),
            facts: facts.collect(),
            labels: labels.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect(),
        }
    }
}
