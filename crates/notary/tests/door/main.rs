//! The Notary door over a database of its own: by hand-made requests, and by Debian's stock `notary`.

#[path = "../../../tuf/tests/forge/mod.rs"]
mod forge;

mod access;
mod cli;
mod client;
mod delete;
mod feed;
mod keys;
mod publish;
mod read;
mod renew;
mod stage;
