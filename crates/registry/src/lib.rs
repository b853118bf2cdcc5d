//! May these bytes come in or go out under this name, and what is there?
//!
//! The registry's door: `/v2/` (OCI distribution 1.1, as the Docker clients use it), `/api/v0/` (repositories, tags, team access,
//! as DTR had them), `/_ping` and `/ca`. In come requests of clients; out go content-addressed bytes and OCI or DTR errors.
//! Every digest that is pushed is checked before anything refers to it; manifests are kept as received.
//!
//! It never decides who may do what (that is `auth`, asked anew for each request), never reads trust data (`_trust` paths are
//! handed to the notary's door as they came), and never makes a link from a `Host` header.

mod api;
mod distribution;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod registry;
mod routes;
mod sweep;

pub use registry::{Registry, TrustDoor};
pub use routes::routes;
