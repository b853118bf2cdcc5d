//! Times, sizes and shares of processors, as stack files write them.

/// `1h30m`, `1.5s`, `300ms`: in nanoseconds, as the engine counts.
pub(crate) fn nanoseconds(text: &str) -> Option<i64> {
    if text == "0" {
        return Some(0);
    }
    let mut rest = text;
    let mut sum: i64 = 0;
    while !rest.is_empty() {
        let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
        let (number, after) = rest.split_at(end);
        let unit_end = after.find(|letter: char| letter.is_ascii_digit() || letter == '.').unwrap_or(after.len());
        let (unit, next) = after.split_at(unit_end);
        let nanoseconds = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            _ => return None,
        };
        sum = sum.checked_add(times(number, nanoseconds)?)?;
        rest = next;
    }
    (!text.is_empty()).then_some(sum)
}

/// `512`, `64k`, `1.5gb`, `2GiB`: in bytes, each unit 1024 of the one before.
pub(crate) fn bytes(text: &str) -> Option<i64> {
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = unit.trim_start_matches(' ').to_ascii_lowercase();
    let factor = match unit.as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        "t" | "tb" | "tib" => 1 << 40,
        "p" | "pb" | "pib" => 1 << 50,
        _ => return None,
    };
    times(number, factor)
}

/// `0.5`: in billionths of a processor.
pub(crate) fn nano_cpus(text: &str) -> Option<i64> {
    let exact = text.split_once('.').is_none_or(|(_, decimals)| decimals.trim_end_matches('0').len() <= 9);
    exact.then(|| times(text, 1_000_000_000)).flatten()
}

/// A decimal number times a whole one, rounded down, exactly.
fn times(number: &str, factor: i64) -> Option<i64> {
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && decimals.is_empty()) || !digits(whole) || !digits(decimals) {
        return None;
    }
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    // Beyond these nothing is left of any factor.
    let decimals = decimals.get(..decimals.len().min(18))?;
    let mut part: i128 = 0;
    if !decimals.is_empty() {
        let scale = 10_i128.checked_pow(u32::try_from(decimals.len()).ok()?)?;
        part = decimals.parse::<i128>().ok()? * i128::from(factor) / scale;
    }
    whole.checked_mul(factor)?.checked_add(i64::try_from(part).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_go_reads_them() {
        for (text, meant) in [
            ("0", Some(0)),
            ("1m30s", Some(90_000_000_000)),
            ("1.5s", Some(1_500_000_000)),
            ("300ms", Some(300_000_000)),
            ("2h", Some(7_200_000_000_000)),
            ("", None),
            ("10", None),
            ("s", None),
            ("1.2.3s", None),
            ("9999999999h", None),
            ("-1s", None),
        ] {
            assert_eq!(nanoseconds(text), meant, "{text}");
        }
    }

    #[test]
    fn sizes_and_shares_of_processors_are_read_exactly() {
        for (text, meant) in [
            ("512", Some(512)),
            ("64k", Some(65_536)),
            ("50M", Some(50 << 20)),
            ("1.5gb", Some(3 << 29)),
            ("2GiB", Some(2 << 30)),
            ("m", None),
            ("1x", None),
            ("9999999p", None),
        ] {
            assert_eq!(bytes(text), meant, "{text}");
        }
        for (text, meant) in [("0.5", Some(500_000_000)), ("2", Some(2_000_000_000)), ("0.0000000001", None), ("half", None)] {
            assert_eq!(nano_cpus(text), meant, "{text}");
        }
    }
}
