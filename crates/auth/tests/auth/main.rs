//! Who is calling, and may they? Asked of a whole room: `SQLite` on a temporary folder, a clock that tests move.

mod bundles;
mod certificates;
mod debug;
mod directory;
mod forged;
mod house;
mod keys;
mod logins;
mod recognised;
mod registry;
mod token_service;
mod who_may;
