//! Accounts, logging in, bundles, tokens and the CA over HTTP, and what administrators configure.
//!
//! Requests of people, scripts and the console come in; each handler extracts, calls one function of a middle room, and renders.
//! Nothing is decided here: who somebody is and what they may change is said by `auth`.

mod ca;
mod caller;
mod cluster;
mod error;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod http;
mod routes;
mod token;
mod wire;

pub use ca::ca_routes;
pub use caller::Caller;
pub use cluster::{ClusterApi, cluster_routes};
pub use error::{ApiError, json_body};
pub use routes::{AccountsApi, account_routes};
pub use token::token_routes;
