//! Whose signatures stand on this repository's tags, right now?
//!
//! A registration and a GUN come in; a verified [`Collection`] goes out, or the reason why there is none. What a registry's changefeed
//! says is current comes from the mirror, without asking; else the timestamp is read anew, and only what changed with it. Roots,
//! versions and statements are remembered across restarts.
//!
//! Never here: what the signatures are worth (that is `policy`), or a credential on its way to another place than the registered host, its
//! registered Notary server and its registered token service.

mod challenge;
mod confirm;
mod credentials;
mod error;
mod feed;
mod follow;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod learned;
mod line;
mod mirror;
mod moment;
mod place;
mod reading;
mod remembered;
mod resolver;
mod server;
mod signed_by;
mod stale;

pub use credentials::{Credentials, Secret};
pub use error::TrustError;
pub use follow::{LineStatus, Reader, Registered};
pub use place::{NotaryServer, NotaryUrl, PlaceError, TokenRealm};
pub use resolver::{Clock, Registration, Resolver, TrustedRoot};
pub use stale::Stale;
pub use wharfinger_tuf::{Collection, CountedKey, Gun, Pins, RoleName, TargetFile};
