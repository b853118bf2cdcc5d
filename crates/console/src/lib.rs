//! The console: what people look at and click instead of calling the API.
//!
//! Browsers come in; each handler takes who is looking and what they sent, calls one function of a middle room (the same that the
//! API calls), and renders a page. Nothing is decided here. Every page works without JavaScript; the one module that is served
//! with them only saves clicks. What changes something is a form of ours: sent from our own origin, with the token of the session
//! it was made for.

mod assets;
mod chain;
mod console;
mod difference;
mod engine;
mod entrance;
mod error;
mod form_token;
mod frame;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod line_diff;
mod live;
mod notices;
mod page;
mod pages;
mod policy_words;
mod posted;
mod registry;
mod routes;
mod running;
mod visitor;
mod words;

pub use console::Console;
pub use engine::EngineDoor;
pub use registry::{People, RegistryConsole, registry_console_routes};
pub use routes::console_routes;
