//! The registry's console: who sees what, what is said of signatures, and who may let others in.

mod access;
mod account;
mod collection;
mod history;
mod holding;
mod looking;
mod shelf;
mod signed;
