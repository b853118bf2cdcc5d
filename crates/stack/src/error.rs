//! Every way a stack file is refused: where, why, and what to write instead.

use thiserror::Error;

/// Longest piece of a file that an error repeats.
const QUOTED: usize = 80;

#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum StackError {
    #[error(
        "`{0}` cannot be the name of a stack: letters, digits, `-`, `_` and `.`, the first one a letter or digit, at most 63 of them"
    )]
    Name(String),
    #[error("line {line} cannot be read as YAML: {why}")]
    Unreadable { line: u64, why: String },
    #[error("{place}: `{key}` is not a key that a stack file has there{hint}")]
    Unknown { place: String, key: String, hint: &'static str },
    /// A stack file may say so, but not here or not in a swarm.
    #[error("{place} cannot be used here: {instead}")]
    NotHere { place: String, instead: &'static str },
    #[error("{place}: {why}")]
    Wrong { place: String, why: String },
    #[error(
        "{place}: `{variable}` would take its value from an environment, and there is none here: write the value itself, or `$$` for \
         a dollar sign"
    )]
    Variable { place: String, variable: String },
}

impl StackError {
    pub(crate) fn wrong(place: &str, why: impl Into<String>) -> Self {
        Self::Wrong { place: shown(place), why: why.into() }
    }

    pub(crate) fn not_here(place: &str, instead: &'static str) -> Self {
        Self::NotHere { place: shown(place), instead }
    }
}

/// As much of a text as belongs into a sentence, on one line.
pub(crate) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(QUOTED).map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    if text.chars().nth(QUOTED).is_some() {
        shown.push('…');
    }
    shown
}
