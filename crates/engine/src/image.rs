//! The calls that name images: each is read in full, says which images it names, and is written anew with what was
//! decided in their place.
//!
//! Only this room makes a [`Pinned`], and each way to make one takes what was [`Decided`].

mod container;
mod decided;
mod distribution;
mod pull;
mod service;

use axum::body::Body;
use http::HeaderValue;
use thiserror::Error;

use crate::{json::JsonRefused, query::QueryRefused, schema::ShapeRefused};

pub(crate) use container::ContainerCreate;
pub(crate) use decided::{Asked, Decided, Decision, asked};
pub(crate) use distribution::Distribution;
pub(crate) use pull::{Pull, TagAfterwards};
pub(crate) use service::{Service, ServiceNow};

/// A call whose images are all decided, as it goes to the engine.
pub(crate) struct Pinned {
    /// The path without the version, and the query.
    pub(crate) segments: Vec<String>,
    pub(crate) query: String,
    pub(crate) content_type: Option<HeaderValue>,
    pub(crate) body: Body,
}

/// Why a call that names images cannot be read.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum ImageCallRefused {
    #[error(transparent)]
    Query(#[from] QueryRefused),
    #[error(transparent)]
    Json(#[from] JsonRefused),
    #[error(transparent)]
    Shape(#[from] ShapeRefused),
    #[error("the request names no image")]
    NoImage,
    #[error("the request names both an image to pull (fromImage) and a source to import (fromSrc): send one of them")]
    TwoSources,
    #[error("the tag stands both in fromImage and in tag: send it once")]
    TwoTags,
    #[error("pulling all tags of {0} is refused while only signed images run here: pull one tag, as in docker pull {0}:TAG")]
    AllTags(String),
    #[error(
        "services of kind `{0}` are refused while only signed images run here: they carry no signature. Install the plugin on the engine itself"
    )]
    Runtime(String),
    #[error(
        "the previous version of this service runs {0}, which is not the digest that is signed now: update the service with --image instead"
    )]
    Rollback(String),
    #[error(
        "if this update failed, the service would return to {0}, which is not the digest that is signed now: add \
         --update-failure-action pause"
    )]
    Return(String),
    #[error(
        "No such image: {0} from its registry. It is exempt from the policy, and runs only as its registry has it: pull it first"
    )]
    NotFromItsRegistry(String),
    #[error("no decision was made on {0}")]
    Undecided(String),
}

/// What is sent as a body of our own.
fn json(text: String) -> (Option<HeaderValue>, Body) {
    (Some(HeaderValue::from_static("application/json")), Body::from(text))
}

#[cfg(test)]
mod tests;
