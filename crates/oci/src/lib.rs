//! What is this image called, and which bytes does it name?
//!
//! References and digests come in as text from people and clients; typed values go out. Nothing here
//! does I/O, and nothing here guesses: text that does not parse is refused.

mod digest;
mod reference;

pub use digest::{Digest, DigestError, Hasher};
pub use reference::{Host, HostError, Reference, ReferenceError, Repository, Tag, split_host};
