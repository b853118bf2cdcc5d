//! Whose signatures stand on this repository's tags, right now?
//!
//! A registration and a GUN come in; a verified [`Collection`] goes out, or the reason why there is none. Each call reads the timestamp
//! anew; everything else is content-addressed and kept. Roots, versions and statements are remembered across restarts.
//!
//! Never here: what the signatures are worth (that is `policy`), or a credential on its way to another place than the registered host, its
//! registered Notary server and its registered token service.

mod challenge;
mod credentials;
mod error;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod learned;
mod place;
mod reading;
mod resolver;
mod server;
mod signed_by;

pub use credentials::{Credentials, Secret};
pub use error::TrustError;
pub use place::{NotaryServer, NotaryUrl, PlaceError, TokenRealm};
pub use resolver::{Clock, Registration, Resolver, TrustedRoot};
pub use wharfinger_tuf::{Collection, CountedKey, Gun, Pins, RoleName, TargetFile};
