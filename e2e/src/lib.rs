//! Does it work for a person with the stock tools?
//!
//! The harness behind the end-to-end tests and `cargo xtask demo`: it starts a real Docker Engine, the real
//! `wharfinger` binary, and people ([`Person`]) with a home folder, a trust store and the stock `docker`, `notary`
//! and `curl` commands. Nothing here links the product: what is checked is what a stranger's client sees.
//!
//! It never stands in for a part of the story: there is no mock engine and no canned metadata.

#![allow(clippy::return_self_not_must_use, reason = "an assertion that returns its subject is called for its panic")]

mod api;
mod cache;
mod cast;
mod engine;
mod guarded;
mod hook;
mod image;
mod kubernetes;
mod manifests;
mod netns;
mod person;
mod run;
mod scene;
mod service;
mod signals;
pub mod story;
mod wharfinger;

pub use api::{Answer, Api};
pub use cache::{AXE_VERSION, axe_script};
pub use cast::Cast;
pub use engine::{Engine, EngineOptions};
pub use guarded::{Guarded, NAMESPACE, REFUSED};
pub use hook::Hook;
pub use image::import_busybox;
pub use kubernetes::{KUBERNETES_VERSION, Kubernetes, KubernetesOptions, kubernetes_programs};
pub use manifests::{KINDS, Kind};
pub use netns::Netns;
pub use person::{DockerCli, Person};
pub use run::{Ran, run, run_within, until};
pub use scene::{PASSWORD, Scene, bundle, claim_port, free_port, require_engine, shared_engine};
pub use service::Service;
pub use signals::{asked_to_stop, stop_on_signals};
pub use wharfinger::{Serve, Wharfinger, binary};
