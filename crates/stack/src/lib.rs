//! A stack file: *what does it ask an engine for?*
//!
//! In comes the text of a Compose file (version 3, as `docker stack deploy` knows it) and the name of the stack; out go the bodies of
//! the Engine API that the stock client would send, in its order. Nothing is dropped unsaid: a key that is not known is an error that
//! names it, and so is one that would need a file, a folder or an environment of whoever wrote it, for there are none here; what the
//! stock client takes and passes over is a warning.
//!
//! This room never sends anything, never asks whether an image may run, and knows no engine.

mod amounts;
mod at;
mod container;
mod deploy;
mod error;
mod files;
mod mounts;
mod networks;
mod ports;
mod service;
mod stack;
mod words;

pub use error::StackError;
pub use files::{Kind, Missing};
pub use mounts::parse_mount;
pub use networks::Network;
pub use ports::parse_port;
pub use service::Service;
pub use stack::Stack;
pub use words::split_words;

/// On everything of a stack: its name.
pub const NAMESPACE: &str = "com.docker.stack.namespace";

/// On a service: its image as the file names it.
pub const IMAGE: &str = "com.docker.stack.image";
