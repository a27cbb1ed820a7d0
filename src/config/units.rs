//! Units: durations such as `750ms` or `1h30m`, sizes such as `1MiB`.

use std::time::Duration;

/// Reads a duration: whole numbers, each with `ms`, `s`, `m`, `h` or `d`, from large to small; `0` needs no unit.
#[must_use]
pub fn duration(text: &str) -> Option<Duration> {
    const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
    let mut rest = text.trim();
    let mut total: u64 = 0;
    let mut last = u64::MAX;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = rest.split_at(digits);
        let letters = after.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, after) = after.split_at(letters);
        let (_, millis) = UNITS.iter().find(|(name, _)| *name == unit)?;
        if *millis >= last {
            return None;
        }
        last = *millis;
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(*millis)?)?;
        rest = after;
    }
    (last < u64::MAX).then(|| Duration::from_millis(total))
}

/// Writes a duration as [`duration`] reads it.
#[must_use]
pub fn show(duration: Duration) -> String {
    let millis = duration.as_millis();
    let (number, unit) = match millis {
        0 => (0, "s"),
        n if n % 86_400_000 == 0 => (n / 86_400_000, "d"),
        n if n % 3_600_000 == 0 => (n / 3_600_000, "h"),
        n if n % 60_000 == 0 => (n / 60_000, "m"),
        n if n % 1_000 == 0 => (n / 1_000, "s"),
        n => (n, "ms"),
    };
    format!("{number}{unit}")
}

/// Reads a size in bytes: a whole number with `B`, `KiB`, `MiB`, `kB` or `MB`.
#[must_use]
pub fn size(text: &str) -> Option<usize> {
    const UNITS: [(&str, usize); 5] = [("KiB", 1 << 10), ("MiB", 1 << 20), ("kB", 1_000), ("MB", 1_000_000), ("B", 1)];
    let text = text.trim();
    let (name, bytes) = UNITS.iter().find(|(name, _)| text.ends_with(name))?;
    text.strip_suffix(name)?.trim_end().parse::<usize>().ok()?.checked_mul(*bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units_from_large_to_small() {
        for (text, millis) in
            [("750ms", 750), ("2s", 2_000), ("10m", 600_000), ("1h30m", 5_400_000), ("24h", 86_400_000)]
        {
            assert_eq!(duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "10", "m", "10 m", "30m1h", "1m1m", "-1s", "1.5s", "1y", "99999999999999999999s", "10M"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn durations_show_as_they_are_read() {
        for text in ["750ms", "2s", "10m", "24h", "1500ms"] {
            assert_eq!(duration(&show(duration(text).unwrap())), duration(text));
        }
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(
            (size("1MiB"), size("64 KiB"), size("5B"), size("5"), size("x")),
            (Some(1 << 20), Some(1 << 16), Some(5), None, None)
        );
    }
}
