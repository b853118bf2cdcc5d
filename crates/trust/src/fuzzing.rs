//! Doors for whoever throws bytes at this room's readers. Only with the feature `fuzzing`, which the product is built without.

use reqwest::header::{HeaderMap, HeaderValue, WWW_AUTHENTICATE};

use crate::challenge::Challenge;

/// A registry's `WWW-Authenticate`.
pub fn challenge(header: &[u8]) {
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_bytes(header) {
        headers.insert(WWW_AUTHENTICATE, value);
    }
    let _ = Challenge::read(&headers);
}

/// A registry's changefeed.
pub fn changefeed(bytes: &[u8]) {
    let _ = crate::feed::read(bytes);
}

/// What registrations name.
pub fn places(text: &str) {
    let _ = text.parse::<crate::NotaryUrl>();
    let _ = text.parse::<crate::TokenRealm>();
}
