//! The engine's door from outside: TLS, a client certificate, and what stands behind the door.

mod fake_engine;
mod gated;
mod owners;
mod refused;
mod roles;
mod roles_beyond;
mod services;
mod stage;
mod stock_clients;
mod streams;
