//! Doors for whoever throws bytes at this room's readers. Only with the feature `fuzzing`, which the product is built without.

use http::{HeaderMap, HeaderValue, header};

/// `Authorization`.
pub fn authorization(value: &[u8]) {
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_bytes(value) {
        headers.insert(header::AUTHORIZATION, value);
    }
    let _ = crate::caller::credentials(&headers);
}
