//! One file a page: extract, call one function, render.

pub(crate) mod account;
pub(crate) mod accounts;
pub(crate) mod audit;
pub(crate) mod configuration;
pub(crate) mod confirm;
pub(crate) mod content_trust;
pub(crate) mod deploy;
pub(crate) mod keys;
pub(crate) mod login;
pub(crate) mod overview;
pub(crate) mod profile;
pub(crate) mod team;
pub(crate) mod trusted_registry;
pub(crate) mod why;
pub(crate) mod workloads;
