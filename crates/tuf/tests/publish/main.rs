//! What may be published: every rule with an upload that breaks it and one that does not.

#[path = "../forge/mod.rs"]
mod forge;

mod made;
mod root;
mod server;
mod snapshot;
mod targets;
