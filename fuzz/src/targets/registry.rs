//! What is sent to a registry and its Notary server.

use wharfinger_notary::fuzzing as notary;
use wharfinger_registry::fuzzing as registry;

/// The first line is the head of something (a media type), the rest its body.
fn head(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    Some((std::str::from_utf8(bytes.get(..end)?).ok()?, bytes.get(end + 1..)?))
}

pub fn request(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    registry::path(text);
    registry::content_range(text);
    for size in [0, 1, 1000, u64::MAX] {
        registry::range(text, size);
    }
}

pub fn manifest(bytes: &[u8]) {
    let Some((media_type, body)) = head(bytes) else { return };
    let declared = registry::manifest(Some(media_type), body);
    if declared.is_some()
        && let Some(undeclared) = registry::manifest(None, body)
    {
        assert_eq!(declared, Some(undeclared), "the header changes what a manifest refers to");
    }
}

/// As a cluster reads it.
pub fn changefeed(bytes: &[u8]) {
    wharfinger_trust::fuzzing::changefeed(bytes);
}

pub fn notary_request(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    notary::path(text);
    notary::feed(text);
}

pub fn notary_upload(bytes: &[u8]) {
    if let Some((content_type, body)) = head(bytes) {
        notary::upload(content_type, body);
    }
}
