//! The engine's door: *which call of the Docker Engine API is this, may they make it, and which images does it name?*
//!
//! In comes any request to a cluster's origin that is not the cluster's own API. It becomes a [`call::Call`] (by one table),
//! then somebody's granted call (`auth`), then, if it names images, a call whose images are decided (`gate`) and pinned.
//! Out goes the engine's answer. What carries no image streams through untouched, hijacked connections included.
//!
//! What somebody makes carries their account's id as a label (`owner`). Who reaches only their own (`auth` says who) is shown
//! what is theirs, and asks for no more than the `limits` allow.
//!
//! This room never decides who may do what or which image may run, never forwards a call that its table does not know,
//! and never forwards the bytes of a call that names images: it forwards what it read.

pub mod call;

mod cleared;
mod document;
mod door;
mod error;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod headers;
mod image;
mod json;
mod limits;
mod owner;
mod query;
mod references;
mod registry_auth;
mod schema;
mod upstream;

pub use door::{Authenticate, Engine, routes};
pub use upstream::{EngineAddress, EngineAddressError, EngineDown, EngineTls, Upstream};
