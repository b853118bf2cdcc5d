//! Doors for whoever throws bytes at this room's readers. Only with the feature `fuzzing`, which the product is built without.

use std::sync::LazyLock;

use wharfinger_keys::PrivateKey;

use crate::{Clock, Tokens, scope};

const SERVICE: &str = "dtr.test";

static TOKENS: LazyLock<Tokens> =
    LazyLock::new(|| Tokens::new(&PrivateKey::generate_p256(), SERVICE, Clock::system()).expect("a fresh key can be used"));

/// A bearer token of nobody's: no bytes make one.
pub fn token(text: &str) {
    assert!(TOKENS.verify(text).is_err(), "a token nobody issued is taken: {text}");
}

/// The scopes of a token request, and the repositories they mean.
pub fn scopes(text: &str) -> usize {
    let asked = scope::parse_all(&[text.to_owned()]);
    asked.iter().filter(|access| scope::repository(&access.name, SERVICE).is_some()).count()
}
