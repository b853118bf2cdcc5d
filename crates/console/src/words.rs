//! How values are written for people.

use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use time::macros::format_description;
use wharfinger_keys::Certificate;

/// `2026-11-26 00:52 UTC`.
pub(crate) fn moment(at: OffsetDateTime) -> String {
    let words = at.to_offset(time::UtcOffset::UTC).format(format_description!("[year]-[month]-[day] [hour]:[minute] UTC"));
    words.unwrap_or_default()
}

/// SHA-256 over a certificate, as browsers and `openssl x509 -fingerprint -sha256` write it.
pub(crate) fn fingerprint(certificate: &Certificate) -> String {
    let pairs: Vec<String> = Sha256::digest(certificate.der()).iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}

/// `1 team`, `2 teams`.
pub(crate) fn count(number: usize, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

/// The first letters of a digest or key id: enough to tell it from others on one page.
pub(crate) fn short(id: &str) -> String {
    let bare = id.strip_prefix("sha256:").unwrap_or(id);
    bare.chars().take(12).collect()
}

/// `512 B`, `1.2 kB`, `34 MB`: as `docker images` counts.
pub(crate) fn bytes(number: u64) -> String {
    let (mut whole, mut tenths, mut units) = (number, 0, ["kB", "MB", "GB", "TB", "PB", "EB"].into_iter());
    let mut unit = "B";
    while whole >= 1000 {
        let Some(next) = units.next() else { break };
        (unit, tenths, whole) = (next, whole % 1000 / 100, whole / 1000);
    }
    if unit == "B" || whole >= 10 { format!("{whole} {unit}") } else { format!("{whole}.{tenths} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_told_in_utc() {
        assert_eq!(moment(time::macros::datetime!(2026-11-26 01:52 +1)), "2026-11-26 00:52 UTC");
        assert_eq!((count(1, "team", "teams"), count(0, "team", "teams")), ("1 team".to_owned(), "0 teams".to_owned()));
        assert_eq!([0, 999, 1234, 34_999_999].map(bytes), ["0 B", "999 B", "1.2 kB", "34 MB"].map(str::to_owned));
        assert_eq!(bytes(u64::MAX), "18 EB");
        assert_eq!(short("sha256:0123456789abcdef"), "0123456789ab");
    }
}
