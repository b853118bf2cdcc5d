//! Doors for whoever throws bytes at this room's readers: what was understood, in plain texts. Only with the feature
//! `fuzzing`, which the product is built without.

use std::str::FromStr as _;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{HeaderMap, HeaderValue};
use http_body_util::BodyExt as _;

use crate::{
    call::{ApiVersion, Document as Kind, Kind as Thing, Path},
    document::Document,
    image::{ContainerCreate, Decided, Distribution, ImageCallRefused, Pinned, Pull, Service},
    limits, owner, references,
    registry_auth::{RegistryAuth, X_REGISTRY_AUTH},
};

/// A call that names images, as it would be forwarded while every image may run.
#[derive(Debug)]
pub struct Forwarded {
    /// The images that a decision is asked for.
    pub images: Vec<String>,
    pub segments: Vec<String>,
    pub query: String,
    pub body: Bytes,
}

/// `POST /containers/create`.
pub fn container_create(query: Option<&str>, body: &[u8]) -> Option<Forwarded> {
    let read = || ContainerCreate::parse(query, body).ok();
    let images = read()?.images();
    nothing_undecided(&images, &read()?.pin(&Decided::Enforced(Vec::new())));
    forwarded(images, read()?.pin(&Decided::Unenforced).ok()?)
}

/// `POST /services/create`.
pub fn service_create(query: Option<&str>, body: &[u8]) -> Option<Forwarded> {
    let read = || Service::create(query, body).ok();
    let images = read()?.images();
    nothing_undecided(&images, &read()?.pin(&Decided::Enforced(Vec::new())));
    forwarded(images, read()?.pin(&Decided::Unenforced).ok()?)
}

/// Every call that is read in full though it names no image: what is forwarded of a body, for each that takes it.
pub fn documents(body: &[u8]) -> Vec<(Kind, String)> {
    let read = |kind| Some((kind, Document::parse(kind, None, body).ok()?.body?.to_string()));
    Kind::ALL.into_iter().filter_map(read).collect()
}

/// The owner that stands in what is forwarded of a `POST /containers/create` by `caller`, if it may be theirs; and whether
/// restricted control may ask for it. Nothing here may panic.
pub fn owner(body: &[u8], caller: &str) -> Option<(Option<String>, bool)> {
    let mut create = ContainerCreate::parse(None, body).ok()?;
    create.owned_by(caller).ok()?;
    let within = limits::container(create.body()).is_ok();
    references::container(create.body_mut(), &mut |_, name| Some(name.to_owned()));
    Some((owner::of(Thing::Container, create.body()).map(ToOwned::to_owned), within))
}

/// The query of `POST /services/{id}/update`.
pub fn service_update(query: Option<&str>, body: &[u8]) -> Option<Forwarded> {
    let read = || Service::update(query, "s", body).ok();
    forwarded(read()?.images(), read()?.pin(&Decided::Unenforced).ok()?)
}

/// `POST /images/create`.
pub fn pull(query: Option<&str>) -> Option<Forwarded> {
    let pull = Pull::parse(query).ok()?;
    let images = pull.images();
    let (pinned, _) = pull.pin(&Decided::Unenforced, axum::body::Body::empty()).ok()?;
    forwarded(images, pinned)
}

/// `GET /distribution/{name}/json`.
pub fn distribution(query: Option<&str>, name: &str) -> Option<Forwarded> {
    let call = Distribution::parse(query, name).ok()?;
    let images = call.images();
    forwarded(images, call.pin(&Decided::Unenforced).ok()?)
}

/// The path of any call: the version it names, its segments, and the path as it is forwarded.
pub fn path(path: &str) -> Option<(Option<String>, Vec<String>, String)> {
    let path = Path::parse(path).ok()?;
    let encoded = path.encoded(ApiVersion::NEWEST);
    Some((path.version.map(|version| version.to_string()), path.segments, encoded))
}

pub fn api_version(text: &str) {
    let _ = ApiVersion::from_str(text);
}

/// What `X-Registry-Auth` holds: for whom, and how many credentials.
pub fn registry_auth(header: &[u8]) -> usize {
    let mut headers = HeaderMap::new();
    let Ok(value) = HeaderValue::from_bytes(header) else { return 0 };
    headers.insert(X_REGISTRY_AUTH, value);
    let auth = RegistryAuth::read(&headers);
    "dtr.test".parse().map_or(0, |host| auth.for_host(&host).len())
}

fn nothing_undecided(images: &[String], pinned: &Result<Pinned, ImageCallRefused>) {
    assert!(images.is_empty() || pinned.is_err(), "{images:?} are forwarded, and nobody decided on them");
}

fn forwarded(images: Vec<String>, pinned: Pinned) -> Option<Forwarded> {
    // Bodies that are made here are there at once.
    let body = pinned.body.collect().now_or_never()?.ok()?.to_bytes();
    Some(Forwarded { images, segments: pinned.segments, query: pinned.query, body })
}
