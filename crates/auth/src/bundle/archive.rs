//! Zip files as `unzip` and the docker CLI like them: regular files with modes; the private key readable by its owner only.

use std::io::{Cursor, Write as _};

use time::OffsetDateTime;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::BundleError;

pub(super) struct Entry<'content> {
    name: &'static str,
    mode: u32,
    content: &'content [u8],
}

impl<'content> Entry<'content> {
    pub(super) fn readable(name: &'static str, content: &'content str) -> Self {
        Self { name, mode: 0o644, content: content.as_bytes() }
    }

    /// The docker CLI refuses a key that others can read.
    pub(super) fn private(name: &'static str, content: &'content str) -> Self {
        Self { name, mode: 0o600, content: content.as_bytes() }
    }

    /// A zip within: it holds the private key too.
    pub(super) fn archive(name: &'static str, content: &'content [u8]) -> Self {
        Self { name, mode: 0o600, content }
    }
}

pub(super) fn archive(entries: &[Entry<'_>], now: OffsetDateTime) -> Result<Vec<u8>, BundleError> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| BundleError::Zip(error);
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for entry in entries {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .unix_permissions(entry.mode)
            .last_modified_time(dos_time(now));
        writer.start_file(entry.name, options).map_err(|error| failed(error.into()))?;
        writer.write_all(entry.content).map_err(|error| failed(error.into()))?;
    }
    writer.finish().map(Cursor::into_inner).map_err(|error| failed(error.into()))
}

/// The zip format knows dates from 1980 to 2107.
fn dos_time(now: OffsetDateTime) -> DateTime {
    let year = u16::try_from(now.year()).unwrap_or_default();
    DateTime::from_date_and_time(year, now.month().into(), now.day(), now.hour(), now.minute(), now.second()).unwrap_or_default()
}
