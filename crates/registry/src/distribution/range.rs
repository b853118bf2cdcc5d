//! Ranges: those a reader asks for (RFC 9110 § 14) and those an uploader says (OCI distribution-spec § chunked uploads).

use std::ops::RangeInclusive;

/// What of a blob was asked for.
#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Wanted {
    Whole,
    Part(RangeInclusive<u64>),
    Outside,
}

/// Reads a `Range` header for content of `size` bytes. What is no single byte range is as if it were not there (§ 14.2).
pub(crate) fn wanted(header: Option<&str>, size: u64) -> Wanted {
    let Some(spec) = header.and_then(|header| header.trim().strip_prefix("bytes=")) else { return Wanted::Whole };
    let Some((first, last)) = spec.trim().split_once('-') else { return Wanted::Whole };
    match (number(first), number(last)) {
        (Some(first), Some(last)) if first > last => Wanted::Whole,
        (Some(first), last) if last.is_some() || spec.ends_with('-') => {
            if first >= size {
                return Wanted::Outside;
            }
            Wanted::Part(first..=last.unwrap_or(u64::MAX).min(size - 1))
        }
        (None, Some(length)) if first.is_empty() => {
            if length == 0 || size == 0 {
                return Wanted::Outside;
            }
            Wanted::Part(size.saturating_sub(length)..=size - 1)
        }
        _ => Wanted::Whole,
    }
}

/// Reads an uploader's `Content-Range: <first>-<last>`; Go clients may write `bytes <first>-<last>/<size>`.
pub(crate) fn content(header: &str) -> Option<RangeInclusive<u64>> {
    let header = header.trim();
    let header = header.strip_prefix("bytes").map_or(header, |rest| rest.trim_start_matches([' ', '=']));
    let (first, last) = header.split('/').next()?.split_once('-')?;
    let range = number(first)?..=number(last)?;
    (!range.is_empty()).then_some(range)
}

/// Digits only: `+1` is no number here.
fn number(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_a_part_outside_or_as_if_not_there() {
        use Wanted::{Outside, Part, Whole};
        for (header, wants) in [
            ("bytes=0-0", Part(0..=0)),
            ("bytes=2-5", Part(2..=5)),
            ("bytes=2-", Part(2..=9)),
            ("bytes=2-99", Part(2..=9)),
            ("bytes=-3", Part(7..=9)),
            ("bytes=-30", Part(0..=9)),
            ("bytes=10-", Outside),
            ("bytes=10-12", Outside),
            ("bytes=-0", Outside),
            ("bytes=5-2", Whole),
            ("bytes=1-2,4-5", Whole),
            ("bytes=-", Whole),
            ("bytes=a-b", Whole),
            ("bytes=1-b", Whole),
            ("bytes=+1-2", Whole),
            ("pages=1-2", Whole),
            ("bytes=18446744073709551616-", Whole),
        ] {
            assert_eq!(wanted(Some(header), 10), wants, "{header}");
        }
        assert_eq!(wanted(None, 10), Whole);
        assert_eq!(wanted(Some("bytes=0-"), 0), Outside);
        assert_eq!(wanted(Some("bytes=-1"), 0), Outside);
    }

    #[test]
    fn an_uploaders_range_is_two_numbers_in_order() {
        assert_eq!(content("0-4"), Some(0..=4));
        assert_eq!(content("bytes 5-9/10"), Some(5..=9));
        for bad in ["", "4", "5-4", "-4", "a-b", "0-", "0--1"] {
            assert_eq!(content(bad), None, "{bad}");
        }
    }
}
