//! `/api/v0`: repositories, their tags and who may use them, as DTR's API had them.

mod body;
mod caller;
mod error;
pub(crate) mod repositories;
pub(crate) mod tags;
pub(crate) mod team_access;
