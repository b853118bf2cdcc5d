//! Accounts, logging in, bundles, tokens and the CA over HTTP, and what administrators configure.
//!
//! Requests of people, scripts and the console come in; each handler extracts, calls one function of a middle room, and renders.
//! Nothing is decided here.
