//! The console's door, knocked at as browsers do and as nobody should.

mod browser;
mod configuration;
mod deploy;
mod engine;
mod folk;
mod house;
mod kubernetes;
mod looking;
mod people;
mod registry;
mod rules;
mod settings;
mod sign_in;
