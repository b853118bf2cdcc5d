//! The door from outside: a router on a temporary database and folder, people with rights, requests as clients send them.

mod api;
mod audited;
mod blobs;
mod listings;
mod manifests;
mod stage;
mod teams;
mod uploads;
mod way_in;
