//! The door for accounts, logins, bundles and tokens, knocked at as scripts and stock clients do.

mod door;
mod house;
mod token;
