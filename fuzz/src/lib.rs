//! Every parser of untrusted bytes, as a function of bytes: none may panic, and what each promises of what it took is
//! asserted.
//!
//! `cargo xtask test` replays the corpus and changes it a little (`tests/corpus.rs`); `cargo xtask fuzz` looks for new ways
//! through the parsers, guided by what is covered. Whatever makes one stumble goes into its corpus with the fix.

mod change;
mod targets;

pub use change::Changes;
pub use targets::TARGETS;

use std::path::PathBuf;

/// One parser, or a few that read the same kind of input.
pub struct Target {
    /// The folder of its corpus.
    pub name: &'static str,
    pub run: fn(&[u8]),
}

impl Target {
    /// Where its corpus is.
    pub fn corpus(&self) -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus").join(self.name)
    }
}
