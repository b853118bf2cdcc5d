//! *Deploy*: a service by a form, a stack by its file, and what becomes of them. What is deployed goes through the engine's own door.

mod form;
pub(crate) mod progress;
pub(crate) mod service;
pub(crate) mod stack;
mod steps;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

pub(crate) const PATH: &str = "/manage/deploy";
pub(crate) const STACK: &str = "/manage/deploy/stack";
pub(crate) const PROGRESS: &str = "/manage/deploy/progress";

/// Where what becomes of a service or stack is shown.
fn progress_of(what: &str, name: &str) -> String {
    format!("{PROGRESS}?{what}={}", utf8_percent_encode(name, NON_ALPHANUMERIC))
}
