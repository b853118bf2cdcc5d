//! Is this trust data genuine, and what does it say?
//!
//! Files of Notary v1 (a dialect of TUF) come in as received bytes; verified roles, and collections of them, go out. The server that
//! accepts metadata, the gate that relies on it and the client that writes it use the same canonical JSON, the same parser and the same
//! function that counts signatures.
//!
//! Never here: I/O, a clock (`now` is an argument), or a re-serialisation of something received: hashes and signatures are checked over
//! the bytes as they came.

pub mod canonical;
mod collection;
mod gun;
pub mod history;
mod key;
mod metadata;
pub mod publish;
mod role;
mod root_certificates;
mod signed;
mod threshold;
mod walk;

pub use collection::{Collection, CountedKey, Skip, Skipped, Verified, Versions};
pub use gun::{Gun, GunError};
pub use key::{KeyKind, TufKey};
pub use metadata::{
    Delegation, Delegations, Hashes, Meta, Metadata, RoleKeys, Root, Snapshot, TargetFile, Targets, Timestamp, format_time,
    parse_time,
};
pub use role::{RoleName, RoleNameError};
pub use root_certificates::{RootCertificateError, leaf_keys};
pub use signed::{MakeError, ParseError, Signature, Signed};
pub use threshold::{SignatureError, ValidKeys, verify_signatures};
pub use walk::{By, File, Known, Limits, Pins, Walk, WalkError, Want};
