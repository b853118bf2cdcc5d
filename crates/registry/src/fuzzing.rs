//! Doors for whoever throws bytes at this room's readers. Only with the feature `fuzzing`, which the product is built without.

use crate::distribution::{manifest, path, range};

/// A manifest as it is pushed: the digests it refers to.
pub fn manifest(content_type: Option<&str>, bytes: &[u8]) -> Option<usize> {
    let read = manifest::parse(content_type, bytes).ok()?;
    Some(read.blobs.len() + read.manifests.len())
}

/// A path below `/v2`.
pub fn path(text: &str) {
    let _ = format!("{:?}", path::parse(text));
}

/// `Range` of a reader: the part of `size` bytes that would be sent.
pub fn range(header: &str, size: u64) {
    if let range::Wanted::Part(part) = range::wanted(Some(header), size) {
        assert!(!part.is_empty() && *part.end() < size, "{header:?} of {size} bytes: {part:?}");
    }
}

/// `Content-Range` of an uploader.
pub fn content_range(header: &str) {
    assert!(range::content(header).is_none_or(|range| !range.is_empty()), "{header:?}");
}
