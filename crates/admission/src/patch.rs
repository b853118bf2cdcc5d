//! RFC 6902, as far as it is needed: other text in the place of a text.

use serde::Serialize;

/// `{"op":"replace","path":…,"value":…}`.
#[derive(Serialize, Clone, PartialEq, Eq, Debug)]
pub(crate) struct Patch {
    op: &'static str,
    /// A JSON pointer (RFC 6901).
    path: String,
    value: String,
}

impl Patch {
    pub(crate) fn replace(path: String, value: String) -> Self {
        Self { op: "replace", path, value }
    }
}
